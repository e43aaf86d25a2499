import assert from 'node:assert/strict';
import { activeInAiState, activeInEvents, mainsChannels } from '../../../src/cameras/reolink/events.ts';
import { JsonApi } from '../../../src/cameras/reolink/json-api.ts';
import type { ReolinkSimulatorOptions } from '../../../src/cameras/reolink/simulator.ts';
import { stateChanges } from '../../../src/cameras/reolink/state-polling.ts';
import { createCertificate } from '../../../src/core/certificate.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { VirtualClock } from '../../events/virtual-clock.ts';
import { rejects, signal } from '../fixture.ts';
import { bare, immediate, nextOf } from '../listener.ts';
import { reolinkStarter } from './fixture.ts';

const person = { type: 'person', state: 'active', channel: 1, vendorType: 'people', target: 'person' };
const motion = { type: 'motion', state: 'active', channel: 1, vendorType: 'md' };

describe('reolink events', () => {
  const start = reolinkStarter();

  /** The events of a device under a clock that moves on only while something is waited for. */
  const poll = async (options: Partial<ReolinkSimulatorOptions> = {}, channels: readonly number[] = [0]) => {
    const device = await start(options);
    const clock = new VirtualClock();
    const controller = new AbortController();
    const api = new JsonApi(device.http);
    const iterator = stateChanges(api, () => Promise.resolve(channels), controller.signal, clock);
    const next = () => nextOf(iterator, clock, LIMITS.events.reolinkPollMs);
    return {
      ...device,
      clock,
      controller,
      iterator,
      next,
      asked: () => device.simulator.commands().filter((cmd) => cmd.startsWith('Get')),
    };
  };

  it('asks for all states at once where the device can, and tells only what changes', async () => {
    const { simulator, next, asked } = await poll({ kind: 'recorder' }, [0, 1]);
    assert.deepEqual(bare(await next()), 'open');
    simulator.raise('motion', 'active', 2);
    assert.deepEqual(bare(await next()), { ...motion, channel: 2, endsItself: true });
    simulator.raise('doorbell', 'active');
    assert.deepEqual(bare(await next()), { type: 'doorbell', state: 'active', channel: 1, vendorType: 'visitor', endsItself: true });
    simulator.raise('motion', 'inactive', 2);
    assert.deepEqual(bare(await next()), { ...motion, channel: 2, state: 'inactive' });
    assert.deepEqual([...new Set(asked())], ['GetEvents']);
    assert.equal(simulator.logins, 1);
  });

  it('asks older firmware for motion and detections, and newer commands only once', async () => {
    const { simulator, next, asked } = await poll();
    await next();
    simulator.raise('person', 'active');
    assert.deepEqual(bare(await next()), { ...person, endsItself: true });
    simulator.raise('motion', 'pulse');
    assert.deepEqual(bare(await next()), { ...motion, endsItself: true });
    assert.deepEqual(bare(await next()), { ...motion, state: 'inactive' });
    assert.equal(asked().filter((cmd) => cmd === 'GetEvents').length, 1);
  });

  it('does without detections where there are none', async () => {
    const { simulator, next, asked } = await poll({ kind: 'old', tokens: false });
    await next();
    simulator.raise('motion', 'active');
    assert.deepEqual(bare(await next()), { ...motion, endsItself: true });
    assert.equal(asked().filter((cmd) => cmd === 'GetAiState').length, 1);
  });

  it('marks what goes on already as initial', async () => {
    const { simulator, next } = await poll();
    simulator.raise('vehicle', 'active');
    await next();
    assert.deepEqual(bare(await next()), {
      type: 'vehicle',
      state: 'active',
      channel: 1,
      vendorType: 'vehicle',
      target: 'vehicle',
      endsItself: true,
      initial: true,
    });
  });

  it('asks once a second', async () => {
    const { simulator, next, clock, asked } = await poll({ kind: 'recorder' });
    await next();
    const before = asked().length;
    const since = clock.now();
    const waiting = next();
    while (clock.now() - since < 5_000) await immediate();
    simulator.raise('motion', 'active');
    await waiting;
    assert.equal(asked().length - before, (clock.now() - since) / 1_000);
  });

  it('passes a channel of a recorder that has no camera', async () => {
    const { simulator, next } = await poll({ kind: 'recorder' }, [0, 5]);
    await next();
    simulator.raise('motion', 'active');
    assert.deepEqual(bare(await next()), { ...motion, endsItself: true });
  });

  it('passes one answer that did not come, and ends at the second', async () => {
    const { simulator, next } = await poll({ kind: 'recorder' });
    await next();
    simulator.view.faults = { hangUps: 1 };
    simulator.raise('motion', 'active');
    assert.deepEqual(bare(await next()), { ...motion, endsItself: true });
    simulator.view.faults = { hangUps: 2 };
    await rejects(next(), 'connection-lost');
  });

  it('ends at garbage', async () => {
    const { simulator, next } = await poll({ kind: 'recorder' });
    await next();
    simulator.view.faults = { garbage: true };
    await rejects(next(), 'unreadable');
  });

  it('logs in anew when the device forgot the session, and goes on', async () => {
    const { simulator, next } = await poll({ kind: 'recorder' });
    await next();
    simulator.tokens.clear();
    simulator.raise('motion', 'active');
    assert.deepEqual(bare(await next()), { ...motion, endsItself: true });
    assert.deepEqual([simulator.logins, simulator.tokens.size, simulator.poisoned], [2, 1, false]);
  });

  it('gives its session back and leaves no timer when it is stopped', async () => {
    const { simulator, next, controller, iterator, clock } = await poll({ kind: 'recorder' });
    await next();
    const waiting = iterator.next();
    while (clock.sleeping === 0) await immediate();
    assert.equal(simulator.tokens.size, 1);
    controller.abort(new Error('stopped'));
    await assert.rejects(waiting, /stopped/);
    assert.deepEqual([simulator.tokens.size, clock.sleeping], [0, 0]);
  });

  it('gives its session back when the listener leaves', async () => {
    const { simulator, next, iterator } = await poll({ kind: 'recorder' });
    await next();
    await iterator.return();
    assert.equal(simulator.tokens.size, 0);
  });

  it('works in short sessions', async () => {
    const { simulator, next } = await poll({
      kind: 'recorder',
      maxSessions: 0,
      certificate: createCertificate({ commonName: 'RLN8-410', subjectAltNames: ['IP:127.0.0.1'] }),
    });
    await next();
    simulator.raise('motion', 'active');
    assert.deepEqual(bare(await next()), { ...motion, endsItself: true });
    assert.equal(simulator.logins, 0);
  });

  it('never asks a camera with a battery, and says so', async () => {
    const { simulator, camera } = await start({ batteries: [0] });
    const controller = new AbortController();
    const device = camera();
    const events = device.events?.(controller.signal);
    assert.ok(events !== undefined);
    const iterator = events[Symbol.asyncIterator]();
    assert.deepEqual((await iterator.next()).value, { kind: 'open' });
    assert.equal(simulator.tokens.size, 0);
    const waiting = iterator.next();
    controller.abort(new Error('stopped'));
    await assert.rejects(waiting, /stopped/);
    assert.deepEqual(
      simulator.commands(),
      ['GetDevInfo', 'Login', 'GetAbility', 'Logout'].slice(simulator.commands().length === 3 ? 1 : 0),
    );
    assert.deepEqual(await device.eventWarnings?.(signal()), [{ code: 'battery-not-polled' }]);
  });

  it('asks only the channels of a recorder that have no battery', async () => {
    const { simulator, camera } = await start({ kind: 'recorder', batteries: [1] });
    const controller = new AbortController();
    const device = camera();
    for await (const item of device.events?.(controller.signal) ?? []) {
      assert.equal(item.kind, 'open');
      break;
    }
    const bodies = simulator.server.requests.filter(({ path }) => path.includes('cmd=GetEvents')).map(({ body }) => body);
    assert.deepEqual([...new Set(bodies)], ['[{"cmd":"GetEvents","action":0,"param":{"channel":0}}]']);
    assert.deepEqual(await device.eventWarnings?.(signal()), []);
    assert.deepEqual(await camera(2).eventWarnings?.(signal()), [{ code: 'battery-not-polled' }]);
  });

  it('makes one refused login of a wrong password', async () => {
    const { simulator, connect } = await start();
    const http = connect('wrong-secret');
    for (const _attempt of [1, 2]) {
      await rejects(stateChanges(new JsonApi(http), () => Promise.resolve([0]), signal()).next(), 'unauthorized');
    }
    assert.equal(simulator.refusedLogins, 1);
  });

  it('rejects where the firmware tells no states', async () => {
    const { next } = await poll({ states: [] });
    await rejects(next(), 'unsupported');
  });

  it('reads plain numbers, what is not supported, and names that it does not know', () => {
    assert.deepEqual(activeInAiState({ channel: 1, people: 1, vehicle: 0 }, 1).map(bare), [{ ...person, channel: 2 }]);
    const states = { people: { alarm_state: 1, support: 0 }, yowl: { alarm_state: 1, support: 1 }, face: 'odd' };
    assert.deepEqual(activeInEvents({ channel: 0, ai: states, md: null }, 0).map(bare), [
      { type: 'other', state: 'active', channel: 1, vendorType: 'yowl' },
    ]);
    assert.deepEqual(activeInEvents({ constructor: { alarm_state: 1 } }, 0).map(bare), [
      { type: 'other', state: 'active', channel: 1, vendorType: 'constructor' },
    ]);
    assert.deepEqual([mainsChannels({}), mainsChannels({ abilityChn: [{}, { battery: { ver: 1 } }, null] })], [undefined, [0, 2]]);
  });
});

describe('reolink snapshot', () => {
  const start = reolinkStarter();

  it('takes the picture of the channel, a new one each time', async () => {
    const { simulator, camera } = await start({ kind: 'recorder' });
    const device = camera();
    assert.deepEqual(await device.snapshot?.(2, signal()), simulator.view.image);
    assert.deepEqual(await device.snapshot?.(2, signal()), simulator.view.image);
    const asked = simulator.server.requests.filter(({ path }) => path.includes('cmd=Snap')).map(({ path }) => path);
    assert.ok(asked.every((path) => path.startsWith('/cgi-bin/api.cgi?cmd=Snap&channel=1&rs=')));
    assert.equal(new Set(asked).size, 2);
    assert.equal(simulator.logins, 1);
  });

  it('logs in anew when the device forgot the session', async () => {
    const { simulator, camera } = await start();
    const device = camera();
    await device.snapshot?.(1, signal());
    simulator.tokens.clear();
    assert.deepEqual(await device.snapshot?.(1, signal()), simulator.view.image);
  });

  it('opens one session for pictures and states at the same time, and gives it back', async () => {
    const { simulator, camera } = await start({ kind: 'recorder' });
    const device = camera();
    await device.snapshot?.(1, signal());
    simulator.tokens.clear();
    const controller = new AbortController();
    const events = device.events?.(controller.signal)[Symbol.asyncIterator]();
    await Promise.all([device.snapshot?.(1, signal()), events?.next(), device.snapshot?.(2, signal())]);
    assert.deepEqual([simulator.logins, simulator.tokens.size], [2, 1]);
    await events?.return?.();
    await device.close?.(signal());
    assert.deepEqual([simulator.tokens.size, simulator.poisoned], [0, false]);
  });

  for (const [picture, code] of [
    ['words', 'busy'],
    ['half', 'unreadable'],
  ] as const) {
    it(`takes no ${picture} for a picture`, async () => {
      const { simulator, camera } = await start();
      simulator.view.faults = { picture };
      await rejects(camera().snapshot?.(1, signal()), code);
    });
  }

  it('names a channel that is not there', async () => {
    const { camera } = await start();
    await rejects(camera().snapshot?.(9, signal()), 'bad-input');
  });
});
