import assert from 'node:assert/strict';
import { abortError } from '../../src/core/lane.ts';
import { pauseDeadline } from '../../src/fleet/item-deadline.ts';
import { type FleetPlan, runFleet } from '../../src/fleet/run.ts';

/** Resolves when the signal aborts, as work that obeys it does. */
const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(abortError(signal)), { once: true }));

function plan(items: string[], extra: Partial<FleetPlan<string, string>>): FleetPlan<string, string> {
  return {
    items,
    concurrency: 4,
    itemMs: 10_000,
    canary: false,
    work: async (item) => `${item} done`,
    failed: (item, { code }) => `${item} ${code}`,
    skipped: (item, cause) => `${item} skipped${cause === undefined ? '' : ` ${cause.code}`}`,
    succeeded: (result) => result.endsWith('done'),
    onResult: () => undefined,
    ...extra,
  };
}

const never = () => new AbortController().signal;

describe('runFleet', () => {
  it('never has more under way than allowed, and at least one', async () => {
    for (const [concurrency, expected] of [
      [3, 3],
      [0, 1],
      [1_000, 64],
    ] as const) {
      let now = 0;
      let most = 0;
      const items = Array.from({ length: 100 }, (_, index) => `i${index}`);
      const work = async (item: string) => {
        now += 1;
        most = Math.max(most, now);
        await new Promise((resolve) => setImmediate(resolve));
        now -= 1;
        return item;
      };
      assert.equal((await runFleet(plan(items, { concurrency, work }), never())).length, 100);
      assert.equal(most, expected);
    }
  });

  it('an item whose time is up still tells how far it came', async () => {
    const work = (_: string, signal: AbortSignal) => untilAborted(signal).catch((error) => `backed up, then ${error.code}`);
    assert.deepEqual(await runFleet(plan(['a'], { itemMs: 20, work }), never()), ['backed up, then timeout']);
  });

  it('time that an item waits for others is not its own', async () => {
    const order: string[] = [];
    const work = async (item: string, signal: AbortSignal) => {
      if (item === 'dead') return untilAborted(signal);
      const goOn = pauseDeadline(signal);
      while (!order.includes('dead timeout')) await new Promise((resolve) => setImmediate(resolve));
      goOn();
      return `${item} done`;
    };
    const onResult = (result: string) => order.push(result);
    await runFleet(plan(['dead', 'patient'], { itemMs: 30, work, onResult }), never());
    assert.deepEqual(order, ['dead timeout', 'patient done']);
  });

  it('items of one device wait for each other, and keep nobody else waiting', async () => {
    let opened: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      opened = resolve;
    });
    const started: string[] = [];
    const work = async (item: string) => {
      started.push(item);
      if (item === 'nvr 1') await gate;
      if (item === 'camera') opened();
      return `${item} done`;
    };
    const results = await runFleet(
      plan(['nvr 1', 'nvr 2', 'camera'], { concurrency: 2, work, deviceOf: (item) => item.split(' ')[0] }),
      never(),
    );
    assert.deepEqual(started, ['nvr 1', 'camera', 'nvr 2']);
    assert.equal(results.length, 3);
  });

  it('an item that lets go makes room for another, but not on its own device', async () => {
    const started: string[] = [];
    let end: () => void = () => undefined;
    const kept = new Promise<void>((resolve) => {
      end = resolve;
    });
    const work = async (item: string, _signal: AbortSignal, release: () => void) => {
      started.push(item);
      release();
      release();
      if (item === 'yard') end();
      else await kept;
      return `${item} done`;
    };
    const two = { concurrency: 2, work, deviceOf: (item: string) => item.split(' ')[0] };
    assert.equal((await runFleet(plan(['nvr 1', 'nvr 2', 'gate', 'shop', 'yard'], two), never())).length, 5);
    assert.deepEqual(started, ['nvr 1', 'gate', 'shop', 'yard', 'nvr 2']);
  });

  it('one at a time means to the very end', async () => {
    const log: string[] = [];
    const work = async (item: string, _signal: AbortSignal, release: () => void) => {
      log.push(`${item} begun`);
      release();
      await new Promise(setImmediate);
      log.push(`${item} kept`);
      return item;
    };
    await runFleet(plan(['a', 'b'], { concurrency: 1, work }), never());
    assert.deepEqual(log, ['a begun', 'a kept', 'b begun', 'b kept']);
  });

  it('a stop skips what has not begun', async () => {
    const stop = new AbortController();
    const work = async (item: string) => {
      await new Promise((resolve) => setImmediate(resolve));
      stop.abort();
      return `${item} done`;
    };
    assert.deepEqual(await runFleet(plan(['a', 'b', 'c'], { concurrency: 1, work }), stop.signal), ['a done', 'b skipped', 'c skipped']);
  });
});
