import assert from 'node:assert/strict';
import { Cgi } from '../../../src/cameras/foscam/cgi.ts';
import { foscam } from '../../../src/cameras/foscam/driver.ts';
import { activeIn } from '../../../src/cameras/foscam/events.ts';
import type { FoscamSimulatorOptions } from '../../../src/cameras/foscam/simulator.ts';
import { alarmChanges } from '../../../src/cameras/foscam/state-polling.ts';
import { isCameraEmailError } from '../../../src/core/errors.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { VirtualClock } from '../../events/virtual-clock.ts';
import { rejects, signal } from '../fixture.ts';
import { bare, immediate, nextOf } from '../listener.ts';
import { foscamStarter, IDENTITY } from './fixture.ts';

const motion = { type: 'motion', state: 'active', channel: 1, vendorType: 'motionDetectAlarm' };
const input = { type: 'alarm-input', state: 'active', channel: 1, vendorType: 'IOAlarm', rule: '1' };

describe('foscam events', () => {
  const start = foscamStarter();

  /** The events of a camera under a clock that moves on only while something is waited for. */
  const poll = async (options: Partial<FoscamSimulatorOptions> = {}) => {
    const device = await start(options);
    const clock = new VirtualClock();
    const controller = new AbortController();
    const iterator = alarmChanges(new Cgi(device.http), controller.signal, clock);
    const next = () => nextOf(iterator, clock, LIMITS.events.foscamPollMs);
    return { ...device, clock, controller, iterator, next };
  };

  it('tells what begins and what ends', async () => {
    const { simulator, next } = await poll();
    assert.equal((await next())?.kind, 'open');
    simulator.raise('motion', 'active');
    assert.deepEqual(bare(await next()), { ...motion, endsItself: true });
    simulator.raise('alarm-input', 'pulse');
    assert.deepEqual(bare(await next()), { ...input, endsItself: true });
    assert.deepEqual(bare(await next()), { ...input, state: 'inactive' });
    simulator.raise('motion', 'inactive');
    assert.deepEqual(bare(await next()), { ...motion, state: 'inactive' });
  });

  it('marks what goes on already as initial', async () => {
    const { simulator, next } = await poll({ form: 'new' });
    simulator.raise('audio', 'active');
    await next();
    assert.deepEqual(bare(await next()), {
      type: 'audio',
      state: 'active',
      channel: 1,
      vendorType: 'soundAlarm',
      endsItself: true,
      initial: true,
    });
  });

  it('asks once every two seconds', async () => {
    const { simulator, next, clock } = await poll();
    await next();
    const before = simulator.server.requests.length;
    const since = clock.now();
    const waiting = next();
    while (clock.now() - since < 10_000) await immediate();
    simulator.raise('motion', 'active');
    await waiting;
    assert.equal(simulator.server.requests.length - before, (clock.now() - since) / 2_000);
  });

  it('keeps alarms that it does not know, and takes no other state for an alarm', () => {
    const values = new Map([
      ['sdState', '2'],
      ['temperatureAlarm', '2'],
      ['motionDetectAlarm', '1'],
      ['soundAlarm', '0'],
    ]);
    const active = activeIn(values);
    assert.deepEqual(active.map(bare), [{ type: 'other', state: 'active', channel: 1, vendorType: 'temperatureAlarm' }]);
    assert.deepEqual(active[0]?.raw?.(), Object.fromEntries(values));
  });

  it('says that every detection is switched off', async () => {
    const { simulator, camera } = await start();
    assert.deepEqual(await camera().eventWarnings?.(signal()), []);
    simulator.view.faults = { blind: true };
    assert.deepEqual(await camera().eventWarnings?.(signal()), [{ code: 'no-detection' }]);
  });

  it('passes one answer that did not come, and ends at the second', async () => {
    const { simulator, next } = await poll();
    await next();
    simulator.faults.push(-5);
    simulator.raise('motion', 'active');
    assert.deepEqual(bare(await next()), { ...motion, endsItself: true });
    simulator.faults.push(-5, -5);
    await rejects(next(), 'busy');
  });

  it('ends where the connection breaks and at garbage', async () => {
    const first = await poll();
    await first.next();
    await first.simulator.close();
    await assert.rejects(first.next(), (error) => isCameraEmailError(error, 'connection-lost', 'unreachable') || Promise.reject(error));
    const second = await poll();
    await second.next();
    second.simulator.view.faults = { garbage: true };
    await rejects(second.next(), 'unreadable');
  });

  it('says that the user has no right to see the state', async () => {
    const { next } = await poll({ visitor: true });
    await rejects(next(), 'forbidden');
  });

  it('makes one refused login of a wrong password', async () => {
    const { simulator, connect } = await start();
    const http = connect('wrong-secret');
    await rejects(alarmChanges(new Cgi(http), signal()).next(), 'unauthorized');
    await rejects(foscam.open(http, 1, IDENTITY).snapshot?.(1, signal()), 'unauthorized');
    assert.equal(simulator.refusedLogins, 1);
  });

  it('ends with its session when the password is changed', async () => {
    const { simulator, next } = await poll();
    await next();
    simulator.faults.push(-2);
    await rejects(next(), 'unauthorized');
  });

  it('leaves no timer when it is stopped', async () => {
    const { next, iterator, controller, clock } = await poll();
    await next();
    const waiting = iterator.next();
    while (clock.sleeping === 0) await immediate();
    controller.abort(new Error('stopped'));
    await assert.rejects(waiting, /stopped/);
    assert.equal(clock.sleeping, 0);
  });

  it('is what the driver gives', async () => {
    const { camera } = await start();
    for await (const item of camera().events?.(signal()) ?? []) {
      assert.deepEqual(item, { kind: 'open' });
      break;
    }
  });
});

describe('foscam snapshot', () => {
  const start = foscamStarter();

  it('takes the picture', async () => {
    const { simulator, camera } = await start();
    assert.deepEqual(await camera().snapshot?.(1, signal()), simulator.view.image);
    await rejects(camera().snapshot?.(2, signal()), 'bad-input');
  });

  for (const [picture, code] of [
    ['refused', 'rejected'],
    ['half', 'unreadable'],
  ] as const) {
    it(`takes no ${picture} one for a picture`, async () => {
      const { simulator, camera } = await start();
      simulator.view.faults = { picture };
      await rejects(camera().snapshot?.(1, signal()), code);
    });
  }
});
