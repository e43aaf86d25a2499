import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { DeviceIdentity } from '../../../src/cameras/driver.ts';
import { onvif } from '../../../src/cameras/onvif/driver.ts';
import { OnvifSimulator, type OnvifSimulatorOptions } from '../../../src/cameras/onvif/simulator.ts';
import { OnvifDevice } from '../../../src/cameras/onvif-device.ts';
import { notificationFrom, readNotification } from '../../../src/cameras/onvif-topics.ts';
import { pullEvents } from '../../../src/cameras/pull-point.ts';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { stayConnected } from '../../../src/events/reconnect.ts';
import type { DeviceHttp } from '../../../src/http/types.ts';
import { XmlDocument } from '../../../src/http/xml.ts';
import type { SimulatedNotification } from '../../../src/sandbox/pull-point-service.ts';
import { failsWith, forever, type LOGIN, useBench } from '../fixture.ts';

const IDENTITY: DeviceIdentity = { vendor: 'onvif', brand: 'Example', model: 'EX', firmware: '', serial: '', kind: 'unknown' };

/** One message in the form that recorded devices send. */
function message(topic: string, data: Record<string, string>, source: Record<string, string> = {}, operation = 'Changed'): string {
  const items = (values: Record<string, string>) =>
    Object.entries(values)
      .map(([name, value]) => `<tt:SimpleItem Name="${name}" Value="${value}"/>`)
      .join('');
  return (
    `<wsnt:NotificationMessage><wsnt:Topic Dialect="x">\n  ${topic}\n</wsnt:Topic><wsnt:Message>` +
    `<tt:Message UtcTime="2026-05-18T18:21:00" PropertyOperation="${operation}"><tt:Source>${items(source)}</tt:Source>` +
    `<tt:Key/><tt:Data>${items(data)}</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>`
  );
}

const CHANNELS = new Map([
  ['VS_1', 1],
  ['VS_3', 3],
]);

function read(xml: string): Record<string, unknown> {
  const notification = notificationFrom(XmlDocument.parse(xml).root);
  assert.ok(notification);
  assert.equal(notification.at, Date.parse('2026-05-18T18:21:00Z'));
  const { raw, ...rest } = readNotification(notification, CHANNELS);
  assert.deepEqual(raw?.(), notification);
  return rest;
}

const on = { kind: 'event', state: 'active', endsItself: true };
const CASES: [string, string, Record<string, unknown>][] = [
  [
    'cell motion, with the rule and the channel',
    message('tns1:RuleEngine/CellMotionDetector/Motion', { IsMotion: 'true' }, { VideoSourceConfigurationToken: 'VS_3', Rule: 'R' }),
    { ...on, type: 'motion', vendorType: 'RuleEngine/CellMotionDetector/Motion', channel: 3, rule: 'R' },
  ],
  [
    'a token that nobody knows',
    message('tns1:VideoSource/MotionAlarm', { State: '0' }, { Source: '000' }),
    { ...on, type: 'motion', state: 'inactive', vendorType: 'VideoSource/MotionAlarm', channel: 1 },
  ],
  [
    'prefixes on every level',
    message('tns1:RuleEngine/tns1:TamperDetector/tns1:Tamper', { IsTamper: '1' }),
    { ...on, type: 'tamper', vendorType: 'RuleEngine/TamperDetector/Tamper' },
  ],
  [
    'a line, which is crossed in a moment',
    message('tns1:RuleEngine/LineDetector/Crossed', { ObjectId: '17' }),
    { kind: 'event', type: 'line-crossing', state: 'pulse', vendorType: 'RuleEngine/LineDetector/Crossed' },
  ],
  [
    'a person',
    message('tns1:RuleEngine/MyRuleDetector/PeopleDetect', { State: 'true' }),
    { ...on, type: 'person', vendorType: 'RuleEngine/MyRuleDetector/PeopleDetect' },
  ],
  [
    'a general rule that tells what it saw',
    message('tns1:RuleEngine/TPSmartEventDetector/TPSmartEvent', { IsVehicle: 'false', IsPet: 'true' }),
    { kind: 'event', type: 'animal', state: 'active', target: 'animal', vendorType: 'RuleEngine/TPSmartEventDetector/TPSmartEvent' },
  ],
  [
    'an object with its class',
    message('tns1:RuleEngine/ObjectDetection/Object', { ClassTypes: 'Human Vehicle' }),
    { kind: 'event', type: 'person', state: 'pulse', target: 'person', vendorType: 'RuleEngine/ObjectDetection/Object' },
  ],
  [
    'somebody in a field, with the class',
    message('tns1:RuleEngine/FieldDetector/ObjectsInside', { IsInside: 'true', ObjectType: 'Human' }),
    { ...on, type: 'intrusion', target: 'person', vendorType: 'RuleEngine/FieldDetector/ObjectsInside' },
  ],
  [
    'an alarm input with its number',
    message('tns1:Device/Trigger/DigitalInput', { LogicalState: 'true' }, { InputToken: '2' }),
    { ...on, type: 'alarm-input', vendorType: 'Device/Trigger/DigitalInput', rule: '2' },
  ],
  [
    'a relay, which is noise',
    message('tns1:Device/Trigger/Relay', { LogicalState: 'inactive' }, { RelayToken: '1' }),
    { ...on, type: 'other', state: 'inactive', vendorType: 'Device/Trigger/Relay', noise: true },
  ],
  [
    'a type that nobody knows',
    message('tns1:RuleEngine/tnsx:Smoke/Fire', { State: 'true' }),
    { ...on, type: 'other', vendorType: 'RuleEngine/Smoke/Fire' },
  ],
  [
    'a property that is deleted',
    message('tns1:RuleEngine/FieldDetector/ObjectsInside', { IsInside: 'true' }, {}, 'Deleted'),
    { ...on, type: 'intrusion', state: 'inactive', vendorType: 'RuleEngine/FieldDetector/ObjectsInside' },
  ],
];

/** Waits go by in no time, and are counted. */
function hastyClock(): Clock & { slept: number[]; skip(ms: number): void } {
  let ahead = 0;
  const slept: number[] = [];
  return {
    slept,
    skip(ms) {
      ahead += ms;
    },
    now: () => Date.now() + ahead,
    async sleep(ms) {
      slept.push(ms);
      ahead += ms;
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe('onvif events', () => {
  const bench = useBench();

  const start = (options: Partial<OnvifSimulatorOptions> = {}, login: Partial<typeof LOGIN> = {}) =>
    bench.start(new OnvifSimulator({ ...bench.options, ...options }), {}, login);

  const listen = (http: DeviceHttp, clock: Clock = systemClock) =>
    bench.listen((signal) => pullEvents(new OnvifDevice(http, { clock }), {}, signal));

  const operations = (device: OnvifSimulator) =>
    device.server.requests.map(({ body }) => /<s:Body><(\w+)/.exec(body)?.[1]).filter((name) => name !== undefined);

  for (const [name, xml, expected] of CASES) {
    it(`reads ${name}`, () => assert.deepEqual(read(xml), expected));
  }

  it('leaves a message without a topic out', () => {
    assert.equal(notificationFrom(XmlDocument.parse('<NotificationMessage><Topic/></NotificationMessage>').root), undefined);
  });

  it('never throws, whatever a message holds', () => {
    const items = fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('State', 'IsMotion', 'ClassTypes', 'Source')), fc.string());
    const topic = fc.oneof(fc.string(), fc.constantFrom('VideoSource/MotionAlarm', 'Device/Trigger/DigitalInput', 'Monitoring/X'));
    fc.assert(
      fc.property(topic, fc.string(), items, items, (one, operation, source, data) => {
        const { kind, vendorType } = readNotification({ topic: one, operation, source, key: {}, data }, CHANNELS);
        assert.deepEqual([kind, vendorType], ['event', one]);
      }),
    );
  });

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

  it('asks in this order, and gives the place back', async () => {
    const { device, http } = await start({ loginIn: 'nowhere' });
    const listener = listen(http);
    await device.service.events.untilPulled();
    await listener.stop();
    assert.deepEqual(operations(device), [
      'GetSystemDateAndTime',
      'GetDeviceInformation',
      'GetServices',
      'GetProfiles',
      'CreatePullPointSubscription',
      'SetSynchronizationPoint',
      'PullMessages',
      'Unsubscribe',
    ]);
    const pull = device.server.requests.find(({ body }) => body.includes('<PullMessages'));
    assert.equal(pull?.path, '/onvif/subscription?id=1');
    assert.match(pull?.body ?? '', /<Timeout>PT30S<\/Timeout><MessageLimit>100<\/MessageLimit>/);
    assert.match(pull?.body ?? '', /<a:To [^>]*>http:\/\/192\.0\.2\.99:8106\/onvif\/subscription\?id=1<\/a:To>/);
  });

  it('knows devices without GetServices', async () => {
    const { device, http } = await start({ withoutServices: true });
    listen(http);
    await device.service.events.untilPulled();
  });

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

  it('brings reference parameters back, with the prefixes that are bound elsewhere', async () => {
    const { device, http } = await start();
    device.service.events.reference = '<dom0:SubscriptionId>{id}</dom0:SubscriptionId>';
    device.service.events.address = 'http://192.0.2.99/onvif/services';
    const listener = listen(http);
    await device.service.events.untilPulled();
    device.raise('motion');
    await listener.until('event');
    await listener.stop();
    assert.equal(device.service.events.subscriptions, 0);
    const pull = device.server.requests.find(({ body }) => body.includes('<PullMessages'))?.body ?? '';
    assert.match(pull, /<dom0:SubscriptionId [^>]*xmlns:dom0="http:\/\/www\.axis\.com\/2009\/event"[^>]*IsReferenceParameter="true">1</);
    XmlDocument.parse(pull);
  });

  for (const loginIn of ['message', 'http'] as const) {
    it(`pulls again and again over one connection, with one nonce: login in ${loginIn}`, async () => {
      const { device, http } = await start({ loginIn });
      const listener = listen(http);
      for (let pulls = 1; pulls <= 4; pulls += 1) {
        await device.service.events.untilPulled();
        device.raise('motion');
        await listener.until('event', pulls);
      }
      await device.service.events.untilPulled();
      // One for requests, one for pulls.
      assert.equal(device.server.connections, 2);
      const refused = device.server.requests.filter(({ status }) => status === 401).length;
      // Once to find out how it wants the login, then one nonce for requests and one for pulls.
      assert.equal(refused, loginIn === 'http' ? 3 : 0);
    });
  }

  it('goes on with its subscription when the device closes the kept connection between two pulls', async () => {
    const { device, http } = await start();
    const { events } = device.service;
    events.faults = { impatient: true };
    const clock: Clock = { ...systemClock, sleep: async () => device.server.closeIdle() };
    const listener = listen(http, clock);
    await listener.until('heartbeat', 6);
    device.raise('motion');
    await listener.until('event');
    assert.equal(events.created, 1);
    assert.ok(device.server.connections > 3);
  });

  it('renews before the next pull could outlive the subscription', async () => {
    const clock = hastyClock();
    const { device, http } = await start({ clock });
    const { events } = device.service;
    events.faults = { renewOnly: true };
    const listener = listen(http, clock);
    for (let pulls = 1; pulls <= 9; pulls += 1) {
      await events.untilPulled();
      clock.skip(LIMITS.events.pullMs);
      device.raise('motion');
      await listener.until('event', pulls);
    }
    assert.equal(events.renewed, 2);
    assert.equal(events.created, 1);
  });

  it('goes on without Renew where pulls prolong the subscription', async () => {
    const clock = hastyClock();
    const { device, http } = await start({ clock });
    const { events } = device.service;
    events.faults = { withoutRenew: true };
    const listener = listen(http, clock);
    for (let pulls = 1; pulls <= 9; pulls += 1) {
      await events.untilPulled();
      clock.skip(LIMITS.events.pullMs - 1_000);
      device.raise('motion');
      await listener.until('event', pulls);
    }
    assert.equal(operations(device).filter((name) => name === 'Renew').length, 1);
  });

  it('names a time where durations are refused, by the device’s clock', async () => {
    const { device, http } = await start({ clockOffsetMs: 3_600_000 });
    device.service.events.faults = { absoluteOnly: true };
    listen(http);
    await device.service.events.untilPulled();
    const last = device.server.requests.map(({ body }) => /<InitialTerminationTime>([^<]*)/.exec(body)?.[1]).findLast(Boolean) ?? '';
    const ahead = Date.parse(last) - Date.now() - 3_600_000;
    assert.ok(Math.abs(ahead - LIMITS.events.subscriptionMs) < 30_000, last);
  });

  it('does not spin when the device holds no pull back, with or without times', async () => {
    for (const withoutTimes of [false, true]) {
      const clock = hastyClock();
      const { device, http } = await start({ clock });
      device.service.events.faults = { impatient: true, withoutTimes };
      const listener = listen(http, clock);
      await listener.until('heartbeat', 5);
      await listener.stop();
      assert.ok(clock.slept.length >= 4);
      assert.ok(clock.slept.every((ms) => ms === LIMITS.events.pullPauseMs));
    }
  });

  it('does not spin either when the device has something to tell all the time', async () => {
    const clock = hastyClock();
    const { device, http } = await start({ clock });
    device.service.events.faults = { impatient: true, chatter: { topic: 'tns1:VideoSource/MotionAlarm', data: { State: 'false' } } };
    const listener = listen(http, clock);
    await listener.until('event', 5);
    await listener.stop();
    assert.ok(clock.slept.length >= 4);
    assert.ok(clock.slept.every((ms) => ms === LIMITS.events.pullRestMs));
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

  it('stops at once while the device holds a pull back for ever', async () => {
    const { device, http } = await start();
    device.service.events.faults = { silent: true };
    const listener = listen(http);
    await device.service.events.untilPulled();
    assert.equal((await listener.stop())?.code, 'cancelled');
    assert.equal(device.service.events.subscriptions, 0);
  });

  it('others are not kept waiting by a pull', async () => {
    const { device, http } = await start();
    listen(http);
    await device.service.events.untilPulled();
    await onvif.open(http, 1, IDENTITY).identity(forever);
    assert.equal(device.service.events.pulled, 1);
  });

  describe('pictures', () => {
    const snapshot = (http: DeviceHttp, channel = 1) => onvif.open(http, 1, IDENTITY).snapshot?.(channel, forever) ?? assert.fail();

    it('come from the address of the channel’s first profile, on the device’s own port', async () => {
      const { device, http } = await start({ sources: ['a', 'b'] });
      assert.deepEqual(await snapshot(http, 2), device.image);
      assert.equal(device.server.requests.at(-1)?.path, '/onvif-picture?profile=main_1&quality=80');
    });

    it('are asked for in one request from the second on, until one fails', async () => {
      const { device, http } = await start();
      const camera = onvif.open(http, 1, IDENTITY);
      const uris = () => operations(device).filter((name) => name === 'GetSnapshotUri').length;
      await camera.snapshot?.(1, forever);
      const before = device.server.requests.length;
      await camera.snapshot?.(1, forever);
      assert.deepEqual([uris(), device.server.requests.length - before], [1, 1]);
      const { image } = device;
      device.image = '';
      await assert.rejects(camera.snapshot?.(1, forever) ?? assert.fail(), failsWith('unreadable'));
      device.image = image;
      assert.deepEqual(await camera.snapshot?.(1, forever), image);
      assert.equal(uris(), 2);
    });

    it('are none for a channel that the device does not have', async () => {
      const { http } = await start();
      await assert.rejects(snapshot(http, 2), failsWith('unsupported'));
    });

    it('are checked', async () => {
      const { device, http } = await start();
      const whole = Buffer.from(device.image);
      for (const image of ['<error>busy</error>', '', whole.subarray(0, 300)]) {
        device.image = image;
        await assert.rejects(snapshot(http), failsWith('unreadable'));
      }
    });

    it('that want another user cost one login, and freeze none', async () => {
      const { device, http } = await start({ otherWebUsers: true });
      for (let count = 0; count < 3; count += 1) await assert.rejects(snapshot(http), failsWith('forbidden'));
      assert.equal(device.refusedLogins, 1);
      http.assertLoginAllowed();
    });
  });
});
