import assert from 'node:assert/strict';
import { onvif } from '../../../src/cameras/onvif/driver.ts';
import type { OnvifSimulator, OnvifSimulatorOptions } from '../../../src/cameras/onvif/simulator.ts';
import { OnvifDevice } from '../../../src/cameras/onvif-device.ts';
import { pullEvents } from '../../../src/cameras/pull-point.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { stayConnected } from '../../../src/events/reconnect.ts';
import type { SimulatedNotification } from '../../../src/sandbox/pull-point-service.ts';
import { forever } from '../fixture.ts';
import { hastyClock, IDENTITY, onvifBench } from './fixture.ts';

const on = { kind: 'event', state: 'active', endsItself: true };

describe('onvif events', () => {
  const { bench, start, listen } = onvifBench();

  for (const loginIn of ['message', 'http', 'both', 'nowhere'] as const) {
    it(`hears what happens: login in ${loginIn}`, async () => {
      const { device, http } = await start({ loginIn, clockOffsetMs: -7_200_000, sources: ['a', 'b'] });
      const listener = bench.listen((signal) => onvif.open(http, 1, IDENTITY).events?.(signal));
      await device.service.events.untilPulled();
      device.raise('motion', 'active', 2);
      await listener.until('event');
      await device.service.events.untilPulled();
      device.raise('motion', 'inactive', 2);
      device.raise('video-loss');
      await listener.until('event', 3);
      assert.deepEqual(
        listener.events.map(({ type, state, channel, initial }) => [type, state, channel, initial]),
        [
          ['motion', 'active', 2, undefined],
          ['motion', 'inactive', 2, undefined],
          ['video-loss', 'active', 1, undefined],
        ],
      );
      assert.equal((await listener.stop())?.code, 'cancelled');
      assert.equal(device.service.events.subscriptions, 0);
      assert.equal(device.refusedLogins, 0);
    });
  }

  it('marks the states at the subscription, and gives them no time', async () => {
    const { device, http } = await start();
    const state: SimulatedNotification = {
      topic: 'tns1:VideoSource/MotionAlarm',
      operation: 'Initialized',
      at: 1,
      data: { State: 'true' },
    };
    device.service.events.states = [{ ...state, topic: 'tns1:Monitoring/ProcessorUsage', data: { Value: '17' } }, state];
    const listener = listen(http);
    await listener.until('event');
    assert.deepEqual(listener.events, [{ ...on, type: 'motion', vendorType: 'VideoSource/MotionAlarm', initial: true }]);
  });

  it('gives the time by the device’s clock, and none by another', async () => {
    const { device, http } = await start({ clockOffsetMs: -86_400_000 });
    const listener = listen(http);
    await device.service.events.untilPulled();
    const at = Date.now() - 86_400_000 - 3_000;
    const data = { State: 'true' };
    const topic = 'tns1:VideoSource/MotionAlarm';
    device.service.events.notify({ topic, at, data }, { topic, at: at + 7_200_000, data });
    await listener.until('event', 2);
    assert.deepEqual(
      listener.events.map((event) => event.at),
      [at, undefined],
    );
    const heartbeat = listener.items.find((item) => item.kind === 'heartbeat');
    assert.ok(heartbeat?.kind === 'heartbeat' && Math.abs((heartbeat.at ?? 0) - at) < 60_000);
  });

  it('skips messages that are damaged', async () => {
    const { device, http } = await start();
    const listener = listen(http);
    await device.service.events.untilPulled();
    device.service.events.notify(
      { topic: '', xml: '<wsnt:NotificationMessage/>' },
      { topic: '', xml: '<wsnt:NotificationMessage><wsnt:Topic>  </wsnt:Topic></wsnt:NotificationMessage>' },
      { topic: 'tns1:VideoSource/SignalLoss' },
    );
    await listener.until('event');
    assert.deepEqual(
      listener.events.map(({ type }) => type),
      ['video-loss'],
    );
  });

  describe('ends with', () => {
    const run = async (fault: (device: OnvifSimulator) => void, options: Partial<OnvifSimulatorOptions> = {}) => {
      const { device, http } = await start(options);
      const listener = listen(http);
      await device.service.events.untilPulled();
      fault(device);
      return (await listener.ended())?.code;
    };

    it('connection-lost when the subscription is gone', async () => {
      assert.equal(await run((device) => device.service.events.expire()), 'connection-lost');
    });

    it('connection-lost when a pull is cut', async () => {
      const code = await run((device) => {
        device.service.events.faults = { drop: true };
        device.raise('motion');
      });
      assert.equal(code, 'connection-lost');
    });

    for (const garbage of ['', '<html>Login</html>', '{"a":1}', '<s:Envelope xmlns:s="x"><s:Body><Other/></s:Body></s:Envelope>']) {
      it(`unreadable for a pull answered with ${garbage.slice(0, 12) || 'nothing'}`, async () => {
        const code = await run((device) => {
          device.service.events.faults = { garbage };
          device.raise('motion');
        });
        assert.equal(code, 'unreadable');
      });
    }

    it('busy when all places are taken', async () => {
      const { device, http } = await start();
      device.service.events.faults = { full: true };
      assert.equal((await listen(http).ended())?.code, 'busy');
    });

    it('unauthorized for a wrong password, which is tried once', async () => {
      for (const loginIn of ['message', 'http'] as const) {
        const { device, http } = await start({ loginIn }, { password: 'wrong-password' });
        for (let count = 0; count < 3; count += 1) assert.equal((await listen(http).ended())?.code, 'unauthorized');
        assert.equal(device.refusedLogins, 1);
      }
    });
  });

  it('reads the clock again when a good login is refused', async () => {
    const { device, http } = await start();
    const listener = listen(http);
    await device.service.events.untilPulled();
    device.service.clockOffsetMs = 3_600_000;
    device.raise('motion');
    await device.service.events.untilPulled();
    device.raise('motion', 'inactive');
    await listener.until('event', 2);
    assert.equal(device.service.events.created, 1);
    http.assertLoginAllowed();
  });

  it('is connected again after restarts of the device, with one subscription at a time', async () => {
    const { device, http } = await start();
    const links: boolean[] = [];
    const heard: string[] = [];
    let wake: () => void = () => undefined;
    const controller = new AbortController();
    const connected = stayConnected(
      {
        host: http.host,
        source: (signal) => pullEvents(new OnvifDevice(http), {}, signal),
        clock: hastyClock(),
        random: () => 0,
        onItem: (item) => {
          if (item.kind !== 'event') return;
          heard.push(item.type);
          wake();
        },
        onLink: (state) => links.push(state.connected),
      },
      controller.signal,
    );
    for (let restart = 1; restart <= 3; restart += 1) {
      await device.service.events.untilPulled();
      const told = new Promise<void>((resolve) => {
        wake = resolve;
      });
      device.raise('motion');
      await told;
      await device.service.events.untilPulled();
      assert.equal(device.service.events.subscriptions, 1);
      device.service.events.expire();
    }
    await device.service.events.untilPulled();
    controller.abort();
    await connected;
    await device.service.events.untilSubscriptions(0);
    assert.deepEqual(
      [heard, links],
      [
        ['motion', 'motion', 'motion'],
        [true, false, true, false, true, false, true],
      ],
    );
    assert.equal(device.refusedLogins, 0);
  });

  it('tells when a device offers nothing but news of itself', async () => {
    const { device, http } = await start();
    const warnings = () => onvif.open(http, 1, IDENTITY).eventWarnings?.(forever);
    assert.deepEqual(await warnings(), []);
    device.service.events.topics = ['tns1:Device/Trigger/DigitalInput', 'tns1:Monitoring/ProcessorUsage', 'tns1:RecordingConfig/JobState'];
    assert.deepEqual(await warnings(), [{ code: 'no-detection' }]);
    device.service.events.topics = [];
    assert.deepEqual(await warnings(), []);
  });

  it('tries a guest’s login again half an hour later, and finds the user that was added', async () => {
    const clock = hastyClock();
    const { device, http } = await start({ clock }, { password: 'of-another-service' });
    const guest = new OnvifDevice(http, { clock, guest: true });
    const attempt = () => bench.listen((signal) => pullEvents(guest, {}, signal)).ended();
    const refusal = await attempt();
    assert.deepEqual([refusal?.code, refusal?.params.field], ['forbidden', 'onvif']);
    clock.skip(LIMITS.device.lockMs - 60_000);
    await attempt();
    assert.equal(device.refusedLogins, 1);
    clock.skip(61_000);
    await attempt();
    assert.equal(device.refusedLogins, 2);
  });

  it('tries a guest’s login once, and leaves it usable elsewhere', async () => {
    const { device, http } = await start({}, { password: 'of-another-service' });
    for (let count = 0; count < 3; count += 1) {
      const listener = bench.listen((signal) => pullEvents(OnvifDevice.guest(http), {}, signal));
      assert.equal((await listener.ended())?.code, 'forbidden');
    }
    assert.equal(device.refusedLogins, 1);
    http.assertLoginAllowed();
  });
});
