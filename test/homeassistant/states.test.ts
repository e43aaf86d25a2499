import assert from 'node:assert/strict';
import { LIMITS } from '../../src/core/limits.ts';
import { EVENT_TYPES } from '../../src/events/vocabulary.ts';
import { observationsOf } from '../../src/homeassistant/observations.ts';
import { Entities, type Observed } from '../../src/homeassistant/states.ts';
import { answered, camera, event, House, id, jpeg, origin, take, topics } from './house.ts';

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
