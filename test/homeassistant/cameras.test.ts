import assert from 'node:assert/strict';
import fc from 'fast-check';
import { EVENT_TYPES } from '../../src/events/vocabulary.ts';
import { Entities } from '../../src/homeassistant/states.ts';
import { answered, camera, event, front, House, id, jpeg, origin, take, topics } from './house.ts';

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
