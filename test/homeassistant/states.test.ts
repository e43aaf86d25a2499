import assert from 'node:assert/strict';
import fc from 'fast-check';
import { LIMITS } from '../../src/core/limits.ts';
import { EVENT_TYPES } from '../../src/events/vocabulary.ts';
import type { KnownCamera } from '../../src/homeassistant/devices.ts';
import { observationsOf } from '../../src/homeassistant/observations.ts';
import { Entities, type Observed } from '../../src/homeassistant/states.ts';
import { RecordedBroker } from './broker.ts';

const topics = { prefix: 'homeassistant', base: 'camera_email' };
const origin = { name: 'node-red-contrib-camera-email', sw: '1.0.0', url: 'https://flows.nodered.org/node/node-red-contrib-camera-email' };
const now = Date.parse('2026-05-04T03:02:01Z');
const front: KnownCamera = {
  nodeId: 'cam0',
  name: 'Front door',
  channel: 1,
  url: 'https://192.0.2.7/',
  brand: 'Hikvision',
  model: 'DS-2CD2042WD-I',
  firmware: 'V5.5.0',
  serial: 'DS-2CD2042WD-I20160101',
};
const id = front.serial;
const camera = { id: 'cam0', name: 'Front door', host: '192.0.2.7', vendor: 'hikvision' };
const answered = { name: 'Front door', host: '192.0.2.7', vendor: 'hikvision', model: 'DS-2CD2042WD-I', firmware: 'V5.6.0', serial: id };
const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 0, 0xff, 0xd9]);

const event = (type: string, state: string, more: object = {}) => ({
  topic: `Front door/${type}`,
  payload: { type, state, channel: 1, at: '2026-05-04T03:02:00Z', camera, vendorType: 'VMD', ...more },
});

class House {
  readonly broker = new RecordedBroker();

  constructor(public entities = new Entities(topics, origin)) {}

  take(message: object, known: KnownCamera | null = front): Observed[] {
    const observations = observationsOf(message as Record<string, unknown>);
    assert.ok(observations !== undefined, 'not understood');
    return observations.map((observation) => {
      const observed = this.entities.observe(observation, known ?? undefined, now);
      this.broker.publish(observed.publications);
      return observed;
    });
  }

  start(): this {
    this.broker.publish([this.entities.online(), ...this.entities.announce()]);
    return this;
  }
}

describe('Home Assistant: entities', () => {
  it('the first event of a camera brings its device, with model, firmware, serial number and web page', () => {
    const { broker } = take(event('motion', 'started'));
    const { topic, device, components } = broker.device();
    assert.equal(topic, `homeassistant/device/camera_email_${id}/config`);
    assert.deepEqual(device, {
      identifiers: [`camera_email_${id}`],
      name: 'Front door',
      manufacturer: 'Hikvision',
      model: 'DS-2CD2042WD-I',
      sw_version: 'V5.5.0',
      serial_number: id,
      configuration_url: 'https://192.0.2.7/',
    });
    assert.deepEqual([...components.keys()].sort(), ['alerts', 'event', 'last_mail', 'motion', 'problem', 'test', 'verify']);
    assert.equal(broker.state('motion'), 'ON');
  });

  it('sensors come as they are seen, and only then discovery is published again', () => {
    const house = take(event('motion', 'started'));
    const configs = (all: Observed[]) =>
      all.flatMap(({ publications }) => publications).filter(({ topic }) => topic.endsWith('/config')).length;
    assert.equal(configs(house.take(event('motion', 'ended'))), 0);
    assert.equal(house.broker.state('motion'), 'OFF');
    assert.equal(configs(house.take(event('person', 'started'))), 1);
    assert.equal(house.broker.state('person'), 'ON');
    assert.equal(configs(house.take(event('person', 'ended'))), 0);
  });

  for (const type of EVENT_TYPES) {
    it(`${type} is a valid sensor, and an event that is announced`, () => {
      const { broker } = take(event(type, 'started', { target: 'person', region: '1', rule: 'Rule 1' }));
      assert.equal(broker.device().components.get(type)?.platform, 'binary_sensor');
      const announced = broker.device().components.get('event')?.event_types;
      assert.ok(Array.isArray(announced) && announced.includes(type));
      assert.deepEqual(broker.events[0], {
        topic: `camera_email/${id}/event`,
        payload: {
          event_type: type,
          camera: 'Front door',
          channel: 1,
          at: '2026-05-04T03:02:00Z',
          target: 'person',
          region: '1',
          rule: 'Rule 1',
          vendor_type: 'VMD',
        },
      });
    });
  }

  it('the end of an event is a state, not another event', () => {
    const house = take(event('motion', 'started'));
    house.take(event('motion', 'ended'));
    assert.equal(house.broker.events.length, 1);
  });

  it('an event without an end turns its sensor off after a while', () => {
    const house = new House().start();
    const [observed] = house.take(event('doorbell', 'pulse'));
    assert.deepEqual(observed?.pulse, { id, feature: 'doorbell', ms: LIMITS.homeAssistant.pulseMs });
    assert.equal(house.broker.state('doorbell'), 'ON');
    house.broker.publish(house.entities.endPulse(id ?? '', 'doorbell'));
    assert.equal(house.broker.state('doorbell'), 'OFF');
  });

  it('the end of a pulse does not end an event that goes on', () => {
    const house = take(event('motion', 'started'));
    const [observed] = house.take(event('motion', 'pulse'));
    assert.equal(observed?.pulse, undefined);
    const other = take(event('person', 'pulse'));
    other.take(event('person', 'started'));
    assert.deepEqual(other.entities.endPulse(id ?? '', 'person'), []);
  });

  it('channels of a recorder have sensors and pictures of their own', () => {
    const { broker } = take({ ...event('motion', 'started', { channel: 3 }), attachments: [{ content: jpeg, contentType: 'image/jpeg' }] });
    const names = [...broker.device().components.values()].map(({ name }) => name);
    assert.ok(names.includes('Motion 3') && names.includes('Last picture 3'));
    assert.equal(broker.state('motion_ch3'), 'ON');
    assert.deepEqual(broker.retained.get(`camera_email/${id}/snapshot_ch3`), jpeg);
  });

  it('the largest recorder still fits: 64 channels, bounded discovery', () => {
    const house = new House().start();
    let full = 0;
    for (let channel = 1; channel <= 64; channel += 1) {
      for (const type of ['motion', 'line-crossing', 'video-loss']) {
        full += house.take(event(type, 'started', { channel })).filter((observed) => observed.full).length;
      }
    }
    assert.equal(house.broker.device().components.size, LIMITS.homeAssistant.sensors);
    assert.ok(full > 0);
    assert.equal(house.broker.events.length, 64 * 3);
  });

  it('whatever a camera says, no payload is large: words are cut, and names too', () => {
    const long = 'Größe "\\ '.repeat(10_000);
    const told = { code: long, message: long, advice: long, deviceSays: long };
    const ref = { ...answered, name: long, model: long, firmware: long };
    const house = new House().start();
    const all = [
      ...house.take({ payload: { via: 'camera', camera: ref, ok: false, verdict: 'failed', error: told } }, null),
      ...house.take(event('motion', 'started', { camera: ref, vendorType: long, rule: long, region: long, at: long }), null),
      ...house.take({ topic: long, payload: { via: 'server', ok: false, verdict: 'failed', error: told } }, null),
      ...house.take({ payload: { camera: ref, outcome: 'drifted', changes: Array(1_000).fill({ field: long, from: 1, to: 2 }) } }, null),
    ].flatMap(({ publications }) => publications);
    const limits = { config: 8_192, attributes: 4_096, event: 2_048 };
    for (const { topic, payload } of all) {
      const most = limits[(topic.split('/').at(-1) ?? '') as keyof typeof limits] ?? 255;
      assert.ok(Buffer.byteLength(payload) <= most, `${topic}: ${Buffer.byteLength(payload)} bytes`);
    }
  });

  it('a picture is retained as it is, and one that no broker takes is left out', () => {
    const house = take({ payload: jpeg, topic: 'Front door', contentType: 'image/jpeg' });
    assert.equal(house.broker.device().components.get('snapshot')?.content_type, 'image/jpeg');
    assert.deepEqual(house.broker.retained.get(`camera_email/${id}/snapshot`), jpeg);
    const large = Buffer.concat([jpeg, Buffer.alloc(LIMITS.homeAssistant.imageBytes)]);
    const [observed] = house.take({ payload: large, camera: 'Front door' });
    assert.equal(observed?.tooLarge, large.length);
    assert.deepEqual(house.broker.retained.get(`camera_email/${id}/snapshot`), jpeg);
  });

  it('while a camera is away its sensors are unavailable, and what tells of its mail is not', () => {
    const house = take(event('motion', 'started'));
    const gone = { connected: false, camera, since: '2026-05-04T03:02:00Z', reason: 'timeout' };
    house.take({ payload: gone });
    assert.equal(house.broker.state('motion'), 'unavailable');
    assert.equal(house.broker.state('connection'), 'OFF');
    house.take({ payload: { ...gone, connected: true } });
    assert.equal(house.broker.state('connection'), 'ON');
    assert.equal(house.broker.state('motion'), 'OFF', 'nobody was told of the end');
  });

  it('while Node-RED is away everything is unavailable', () => {
    const { broker } = take(event('motion', 'started'));
    broker.retained.set('camera_email/status', 'offline');
    for (const component of ['motion', 'problem', 'last_mail', 'alerts']) assert.equal(broker.state(component), 'unavailable');
  });

  it('a mail that was found proves that mail works', () => {
    const { broker } = take({ payload: { via: 'camera', camera: answered, ok: true, verdict: 'arrived', stages: [] } });
    assert.equal(broker.state('last_mail'), '2026-05-04T03:02:01.000Z');
    assert.equal(broker.state('problem'), 'OFF');
    assert.equal(broker.device().components.get('last_mail')?.device_class, 'timestamp');
    assert.equal(broker.device().device.sw_version, 'V5.6.0', 'the younger firmware');
  });

  it('a failed test is a problem with its reason and advice; an inconclusive one is neither', () => {
    const error = { code: 'bad-app-password', message: 'Gmail refused.', advice: 'Make a new one.', retryable: false, deviceSays: '535' };
    const house = take({ payload: { via: 'camera', camera: answered, ok: false, verdict: 'failed', stages: [], error } });
    const reason = () =>
      JSON.parse(house.broker.text(String(house.broker.device().components.get('problem')?.json_attributes_topic)) ?? '');
    assert.equal(house.broker.state('problem'), 'ON');
    assert.deepEqual(reason(), {
      code: 'bad-app-password',
      message: 'Gmail refused.',
      advice: 'Make a new one.',
      device_says: '535',
      since: '2026-05-04T03:02:01.000Z',
    });
    house.take({ payload: { via: 'camera', camera: answered, ok: false, verdict: 'inconclusive', stages: [] } });
    assert.equal(house.broker.state('problem'), 'ON');
    house.take({ payload: { via: 'camera', camera: answered, ok: true, verdict: 'accepted', stages: [] } });
    assert.equal(house.broker.state('problem'), 'OFF');
    assert.deepEqual(reason(), {});
    assert.equal(house.broker.state('last_mail'), undefined, 'accepted is not proven');
  });

  it('drift is a problem, and setting up again ends it', () => {
    const result = (outcome: string, more: object = {}) => ({
      payload: { camera: answered, action: 'apply', outcome, changes: [], warnings: [], ms: 1, ...more },
    });
    const house = take(result('drifted', { changes: [{ field: 'enabled', from: false, to: true }] }));
    assert.equal(house.broker.state('problem'), 'ON');
    assert.equal(house.broker.state('alerts'), 'OFF');
    house.take(result('applied'));
    assert.equal(house.broker.state('problem'), 'OFF');
    assert.equal(house.broker.state('alerts'), 'ON');
    house.take(result('rolled-back', { error: { code: 'not-arrived', message: 'Not found.' } }));
    assert.equal(house.broker.state('problem'), 'ON');
  });

  it('a lost test mail stays a problem when the settings are right, until a mail arrives or the camera is set up anew', () => {
    const result = (outcome: string) => ({ payload: { camera: answered, action: 'apply', outcome, changes: [], warnings: [], ms: 1 } });
    const test = (ok: boolean) => ({
      payload: {
        via: 'camera',
        camera: answered,
        ok,
        verdict: ok ? 'arrived' : 'accepted',
        error: ok ? undefined : { code: 'not-arrived' },
      },
    });
    const house = take(test(false));
    for (const outcome of ['verified', 'unchanged', 'skipped']) house.take(result(outcome));
    assert.equal(house.broker.state('problem'), 'ON');
    const later = new House(new Entities(topics, origin, JSON.parse(JSON.stringify(house.entities.stored())))).start();
    later.take(result('verified'));
    assert.equal(later.broker.state('problem'), 'ON', 'also after a restart');
    later.take(result('applied'));
    assert.equal(later.broker.state('problem'), 'OFF');
    house.take(test(true));
    assert.equal(house.broker.state('problem'), 'OFF');
    house.take(result('failed'));
    house.take(result('verified'));
    assert.equal(house.broker.state('problem'), 'OFF', 'what a look has found another look ends');
  });

  it('a mail in the spam folder is a problem, and no proof', () => {
    const { broker } = take({ payload: { via: 'camera', camera: answered, ok: false, verdict: 'arrived', error: { code: 'in-spam' } } });
    assert.equal(broker.state('problem'), 'ON');
    assert.equal(broker.state('last_mail'), undefined);
  });

  it('the switch follows what was written, not what was wished', () => {
    const result = (outcome: string, enabled: boolean) => ({
      enabled,
      payload: { camera: answered, action: 'apply', outcome, changes: [], warnings: [], ms: 1 },
    });
    const house = take(result('applied', false));
    assert.equal(house.broker.state('alerts'), 'OFF');
    house.take(result('failed', true));
    assert.equal(house.broker.state('alerts'), 'OFF');
    house.take(result('unchanged', true));
    assert.equal(house.broker.state('alerts'), 'ON');
  });

  it('a summary is as good as its results', () => {
    const results = [{ via: 'camera', camera: answered, ok: true, verdict: 'arrived', stages: [] }];
    assert.equal(take({ payload: { total: 1, counts: { arrived: 1 }, results, ms: 1 } }).broker.state('problem'), 'OFF');
  });

  it('an account has its own device, with the queue and what is left of the day', () => {
    const house = new House().start();
    house.take({ topic: 'My Gmail', payload: { via: 'server', ok: true, verdict: 'arrived', stages: [] } }, null);
    house.take({ payload: 'text', email: { account: 'My Gmail', queue: { waiting: 3, sentToday: 20, dailyLimit: 500 } } }, null);
    assert.equal(house.broker.device().device.name, 'My Gmail');
    assert.equal(house.broker.state('problem'), 'OFF');
    assert.equal(house.broker.state('queue'), '3');
    assert.equal(house.broker.state('budget'), '480');
  });

  it('an event that went through gmail-app-smtp is not seen twice', () => {
    assert.deepEqual(observationsOf({ ...event('motion', 'started'), email: { messageId: '<1@test>' } }), []);
  });

  it('a mail that came through camera-mail-in is an event, and proof', () => {
    const { broker } = take({ ...event('motion', 'pulse'), mail: { from: 'a@b', subject: 'Alarm' } });
    assert.equal(broker.state('motion'), 'ON');
    assert.equal(broker.state('last_mail'), '2026-05-04T03:02:01.000Z');
  });

  it('what is of no node is not understood', () => {
    for (const payload of [
      'ON',
      5,
      null,
      undefined,
      {},
      [],
      { type: 'motion' },
      { camera },
      { camera, type: 'dance', state: 'started' },
      Buffer.from('GIF89a'),
    ])
      assert.equal(observationsOf({ payload, topic: 'Front door' }), undefined);
  });
});

describe('Home Assistant: the same camera, and cameras that go', () => {
  it('a camera by message has no buttons, because nothing could reach it', () => {
    const { broker } = take({ payload: { camera: answered, outcome: 'applied', changes: [], warnings: [] } }, null);
    assert.deepEqual([...broker.device().components.keys()], ['problem', 'last_mail']);
  });

  it('a new name keeps the entities', () => {
    const house = take(event('motion', 'started'));
    house.take(event('motion', 'started', { camera: { ...camera, name: 'Gate' } }), { ...front, name: 'Gate' });
    assert.equal(house.broker.device().device.name, 'Gate');
    assert.equal(house.broker.device().topic, `homeassistant/device/camera_email_${id}/config`);
  });

  it('a camera that was off at first moves to its lasting id, and leaves nothing under the first one', () => {
    const house = new House().start();
    const { serial: _serial, ...silent } = front;
    house.take(event('motion', 'started'), silent);
    assert.equal(house.broker.device().topic, 'homeassistant/device/camera_email_cam0/config');
    house.take({ payload: { camera: answered, outcome: 'unchanged', changes: [], warnings: [] } }, silent);
    assert.equal(house.broker.device().topic, `homeassistant/device/camera_email_${id}/config`);
    assert.deepEqual(
      [...house.broker.retained.keys()].filter((topic) => topic.includes('cam0')),
      [],
    );
    assert.equal(house.broker.state('motion'), 'ON');
  });

  it('two cameras that tell the same serial number do not share entities', () => {
    const house = new House().start();
    const result = (name: string) => ({ payload: { camera: { ...answered, name }, outcome: 'applied', changes: [], warnings: [] } });
    for (const name of ['Yard', 'Hall', 'Yard', 'Hall']) house.take(result(name), null);
    assert.deepEqual(
      house.broker.devices().map(({ device }) => device.name),
      ['Yard', 'Hall'],
    );
  });

  it('a camera-device that is gone leaves no ghost behind', () => {
    const house = take({ ...event('motion', 'started'), attachments: [{ content: jpeg }] });
    house.take({ payload: { connected: true, camera } });
    house.take({ payload: { camera: answered, outcome: 'applied', changes: [], warnings: [] } });
    assert.deepEqual(house.entities.keepOnly(new Set(['cam0']), new Set()).publications, []);
    house.broker.publish(house.entities.keepOnly(new Set(), new Set()).publications);
    assert.deepEqual([...house.broker.retained.keys()], ['camera_email/status']);
    assert.equal(house.entities.size, 0);
  });

  it('a removal that the broker could not hear is told again, also after a restart, and never to a camera that is back', () => {
    const house = take(event('motion', 'started'));
    house.entities.remove('Front door');
    const later = new Entities(topics, origin, JSON.parse(JSON.stringify(house.entities.stored())));
    house.broker.publish(later.announce());
    assert.deepEqual([...house.broker.retained.keys()], ['camera_email/status']);
    assert.ok(later.farewell().publications.length > 0);
    assert.deepEqual(later.farewell(), { publications: [], changed: false });

    const back = take(event('motion', 'started'));
    back.entities.remove('Front door');
    back.take(event('motion', 'started'));
    back.broker.publish(back.entities.farewell().publications);
    assert.equal(back.broker.state('motion'), 'ON');
  });

  it('after a restart everything is as it was, except what only the camera can know', () => {
    const before = take(event('motion', 'started'));
    before.take({ payload: { via: 'camera', camera: answered, ok: true, verdict: 'arrived', stages: [] } });
    const after = new House(new Entities(topics, origin, JSON.parse(JSON.stringify(before.entities.stored())))).start();
    assert.deepEqual(after.broker.device().components, before.broker.device().components);
    assert.equal(after.broker.state('last_mail'), before.broker.state('last_mail'));
    assert.equal(after.broker.state('motion'), 'OFF');
  });

  it('a damaged memory costs nothing but itself', () => {
    for (const stored of [
      'x',
      null,
      { devices: 5, gone: 'x' },
      { devices: [null, 1, { id: '../x', kind: 'camera', name: 'x' }, { id: 'ok' }], gone: [null, ['x']] },
    ]) {
      assert.deepEqual(new Entities(topics, origin, stored).announce(), []);
    }
  });

  it('birth publishes all there is to a broker that has forgotten everything', () => {
    const house = take(event('motion', 'started'));
    const before = new Map(house.broker.retained);
    house.broker.retained.clear();
    house.start();
    assert.deepEqual(new Map([...house.broker.retained].sort()), new Map([...before].sort()));
  });

  it('whatever happened, removing every camera empties the broker, and all that was published was valid', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 });
    const ref = fc.record({ id: text, name: text, host: text, serial: fc.oneof(text, fc.constant('')), model: text, vendor: text });
    const payload = fc.oneof(
      fc.record({
        type: fc.constantFrom(...EVENT_TYPES),
        state: fc.constantFrom('started', 'ended', 'pulse'),
        channel: fc.integer({ min: -1, max: 99 }),
        at: text,
        vendorType: text,
        rule: text,
        camera: ref,
      }),
      fc.record({ connected: fc.boolean(), camera: ref }),
      fc.record({
        outcome: fc.constantFrom('applied', 'failed', 'drifted', 'planned'),
        camera: ref,
        error: fc.record({ code: text, message: text }),
      }),
      fc.record({
        verdict: fc.constantFrom('arrived', 'failed', 'inconclusive'),
        ok: fc.boolean(),
        via: fc.constantFrom('camera', 'server'),
        camera: ref,
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.record({ topic: text, payload }), { maxLength: 12 }), fc.boolean(), (messages, linked) => {
        const house = new House().start();
        for (const message of messages) {
          const { id: nodeId, name } = message.payload.camera;
          house.take(message, linked ? { nodeId, name, channel: 1 } : null);
        }
        house.broker.devices();
        for (const { id: device } of house.entities.stored().devices) house.broker.publish(house.entities.remove(device).publications);
        assert.deepEqual([...house.broker.retained.keys()], ['camera_email/status']);
      }),
    );
  });
});

function take(message: object, known: KnownCamera | null = front): House {
  const house = new House().start();
  house.take(message, known);
  return house;
}
