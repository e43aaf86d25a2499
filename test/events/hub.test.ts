import assert from 'node:assert/strict';
import { CameraEmailError } from '../../src/core/errors.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { Secret } from '../../src/core/secret.ts';
import { createEventHub, type EventHub } from '../../src/events/hub.ts';
import type { LinkState } from '../../src/events/reconnect.ts';
import type { EventSource, RawEvent } from '../../src/events/source.ts';
import { Waiting } from '../waiting.ts';
import { VirtualClock } from './virtual-clock.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const HEARTBEAT = 10 * SECOND;

type Power = 'on' | 'off' | 'unplugged';

/** A device on a virtual clock: it can be switched off, lose its network without a word, and refuse the login. */
class Device {
  power: Power = 'on';
  refuses: CameraEmailError | undefined;
  /** Connections tried and, of those, logins that the device saw. */
  attempts = 0;
  logins = 0;
  open = 0;
  heartbeats = true;
  readonly #queues = new Set<Queue>();

  constructor(readonly clock: VirtualClock) {}

  readonly source: EventSource = (signal) => this.#connect(signal);

  async *#connect(signal: AbortSignal): AsyncGenerator<RawEvent, void, undefined> {
    this.attempts += 1;
    if (this.power === 'unplugged') await this.clock.sleep(8 * SECOND, signal);
    if (this.power !== 'on') throw new CameraEmailError('unreachable', 'nobody there');
    this.logins += 1;
    if (this.refuses !== undefined) throw this.refuses;
    const queue = new Queue(signal);
    this.#queues.add(queue);
    this.open += 1;
    try {
      yield { kind: 'open', silenceMs: MINUTE };
      void this.#beat(queue, signal);
      for (;;) yield await queue.next();
    } finally {
      this.#queues.delete(queue);
      this.open -= 1;
    }
  }

  async #beat(queue: Queue, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#queues.has(queue)) {
      if (this.heartbeats && this.power === 'on') queue.push({ kind: 'heartbeat', at: this.clock.now() });
      await this.clock.sleep(HEARTBEAT, signal).catch(() => undefined);
    }
  }

  motion(channel = 1): void {
    if (this.power !== 'on') return;
    for (const queue of this.#queues) {
      queue.push({ kind: 'event', type: 'motion', state: 'active', channel, vendorType: 'VMD', at: this.clock.now() });
    }
  }

  /** Old connections do not survive it, and the other side is not told when `silently`. */
  async restart(ms: number, silently: boolean): Promise<void> {
    this.power = silently ? 'unplugged' : 'off';
    for (const queue of this.#queues) {
      if (!silently) queue.fail(new CameraEmailError('connection-lost', 'reset'));
      this.#queues.delete(queue);
    }
    await this.clock.pass(ms);
    this.power = 'on';
  }
}

class Queue {
  readonly #items: RawEvent[] = [];
  #error: Error | undefined;
  readonly #waiting = new Waiting();

  constructor(signal: AbortSignal) {
    signal.addEventListener('abort', () => this.fail(signal.reason), { once: true });
  }

  push(item: RawEvent): void {
    this.#items.push(item);
    this.#waiting.wake();
  }

  fail(error: Error): void {
    this.#error = error;
    this.#waiting.wake();
  }

  next(): Promise<RawEvent> {
    return this.#waiting.until(() => {
      const item = this.#items.shift();
      if (item === undefined && this.#error !== undefined) throw this.#error;
      return item;
    });
  }
}

describe('event hub', () => {
  let clock: VirtualClock;
  let hub: EventHub;
  let device: Device;
  let events: string[];
  let links: LinkState[];
  const login = { username: 'admin', password: new Secret('camera-secret') };

  beforeEach(() => {
    clock = new VirtualClock();
    hub = createEventHub({ clock, random: () => 0.5 });
    device = new Device(clock);
    events = [];
    links = [];
  });

  const listen = (to = device, into = events, clearAfterMs = 30 * SECOND) =>
    hub.listen({ key: 'camera', host: '192.0.2.7', login }, to.source, {
      clearAfterMs,
      onEvent: ({ event }) => into.push(`${event.type} ${event.state}`),
      onPicture: () => undefined,
      onLink: (link) => links.push(link),
    });

  it('one stream, however many listen, each with its own end of events', async () => {
    const short: string[] = [];
    const stops = [listen(), listen(device, short, 5 * SECOND), listen()];
    await clock.pass(SECOND);
    assert.equal(device.attempts, 1);
    device.motion();
    await clock.pass(6 * SECOND);
    assert.deepEqual(
      [short, events],
      [
        ['motion started', 'motion ended'],
        ['motion started', 'motion started'],
      ],
    );
    for (const stop of stops) await stop();
    assert.equal(device.open, 0);
  });

  it('who comes later is told the state of the connection', async () => {
    const first = listen();
    await clock.pass(SECOND);
    const second = listen();
    assert.deepEqual(
      links.map(({ connected }) => connected),
      [true, true],
    );
    await Promise.all([first(), second()]);
  });

  it('after the last one has left nothing waits and nothing is open', async () => {
    const stop = listen();
    await clock.pass(SECOND);
    device.motion();
    await clock.pass(SECOND);
    await stop();
    await stop();
    await clock.pass(0);
    assert.deepEqual([device.open, clock.sleeping], [0, 0]);
    const again = listen();
    await clock.pass(SECOND);
    assert.equal(device.open, 1);
    await again();
  });

  it('leaves a source behind that does not listen to its signal', async () => {
    const stop = hub.listen(
      { key: 'deaf', host: '192.0.2.8', login },
      async function* () {
        await new Promise(() => undefined);
        yield { kind: 'heartbeat' };
      },
      { clearAfterMs: 1000, onEvent: () => undefined, onPicture: () => undefined, onLink: () => undefined },
    );
    await clock.pass(SECOND);
    const stopped = stop();
    await clock.pass(LIMITS.device.logoutMs);
    await stopped;
  });

  it('a camera that is off at the start is told once, and found when it comes', async () => {
    device.power = 'off';
    const stop = listen();
    await clock.pass(HOUR);
    assert.deepEqual(
      links.map(({ connected, error }) => [connected, error?.code]),
      [[false, 'unreachable']],
    );
    assert.equal(links[0]?.retryInMs, 2500);
    assert.ok(device.attempts <= 80, `${device.attempts} attempts in an hour`);
    device.power = 'on';
    await clock.pass(MINUTE);
    assert.equal(links.at(-1)?.connected, true);
    await stop();
  });

  it('a refused login is tried once and never again, until somebody listens anew', async () => {
    device.refuses = new CameraEmailError('unauthorized', 'refused');
    const stop = listen();
    await clock.pass(24 * HOUR);
    assert.equal(device.logins, 1);
    assert.deepEqual(
      links.map(({ error, retryInMs }) => [error?.code, retryInMs]),
      [['unauthorized', undefined]],
    );
    await stop();
    device.refuses = undefined;
    const again = listen();
    await clock.pass(SECOND);
    assert.equal(device.open, 1);
    await again();
  });

  it('a locked account is left alone until the time it named', async () => {
    device.refuses = new CameraEmailError('locked-out', 'locked', { retryAt: clock.now() + 30 * MINUTE });
    const stop = listen();
    await clock.pass(29 * MINUTE);
    assert.equal(device.logins, 1);
    device.refuses = undefined;
    await clock.pass(2 * MINUTE);
    assert.equal(device.open, 1);
    await stop();
  });

  it('a device that accepts and hangs up is asked less and less', async () => {
    let logins = 0;
    const stop = hub.listen(
      { key: 'rude', host: '192.0.2.9', login },
      async function* () {
        logins += 1;
        yield { kind: 'open' };
      },
      { clearAfterMs: 1000, onEvent: () => undefined, onPicture: () => undefined, onLink: (link) => links.push(link) },
    );
    await clock.pass(HOUR);
    assert.ok(logins < 80, `${logins} logins in an hour`);
    await stop();
  });

  it('a silent stream is given up when heartbeats stop, and kept when the device answers and never had any', async () => {
    const stop = listen();
    await clock.pass(15 * SECOND);
    device.heartbeats = false;
    await clock.pass(75 * SECOND);
    assert.deepEqual(
      links.map(({ connected, error }) => [connected, error?.code]),
      [
        [true, undefined],
        [false, 'timeout'],
        [true, undefined],
      ],
    );
    await stop();
    let asked = 0;
    const quiet = hub.listen(
      { key: 'quiet', host: '192.0.2.9', login },
      async function* (signal) {
        const probe = async () => {
          asked += 1;
        };
        yield { kind: 'open', silenceMs: MINUTE, probe };
        await clock.sleep(24 * HOUR, signal);
      },
      { clearAfterMs: 1000, onEvent: () => undefined, onPicture: () => undefined, onLink: (link) => links.push(link) },
    );
    links = [];
    await clock.pass(10 * MINUTE + SECOND);
    assert.deepEqual([links.length, asked], [1, 10]);
    await quiet();
  });

  it('a week of restarts, lost networks and midnight reboots: no event after a reconnection is lost, no login storm', async () => {
    const stop = listen();
    await clock.pass(SECOND);
    let seed = 7;
    const random = () => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return seed / 2 ** 31;
    };
    let expected = 0;
    let outages = 0;
    for (let hour = 0; hour < 7 * 24; hour += 1) {
      if (hour % 24 === 0 || random() < 0.2) {
        outages += 1;
        await device.restart(Math.round((0.5 + random() * 10) * MINUTE), random() < 0.5);
        // A minute at most to notice the silence, and one until the next attempt.
        await clock.pass(2 * MINUTE + 10 * SECOND);
        assert.equal(device.open, 1, `back in hour ${hour}`);
      }
      for (let turn = 0; turn < 4; turn += 1) {
        device.motion();
        expected += 1;
        await clock.pass(Math.round((1 + random() * 10) * MINUTE));
      }
    }
    const count = (what: string) => events.filter((event) => event === what).length;
    assert.equal(count('motion started'), expected);
    assert.equal(count('motion ended'), expected);
    assert.equal(links.filter(({ connected }) => !connected).length, outages, 'each loss is told once');
    assert.equal(links.filter(({ connected }) => connected).length, outages + 1, 'and each return');
    assert.ok(device.logins <= 2 * outages + 1, `${device.logins} logins for ${outages} outages`);
    await stop();
    await clock.pass(0);
    assert.deepEqual([device.open, clock.sleeping], [0, 0]);
  });
});
