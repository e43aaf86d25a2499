import assert from 'node:assert/strict';
import { axis } from '../../../src/cameras/axis/driver.ts';
import { readAxis } from '../../../src/cameras/axis/events.ts';
import { isCameraEmailError } from '../../../src/core/errors.ts';
import type { DeviceHttp } from '../../../src/http/types.ts';
import { forever } from '../fixture.ts';
import { axisBench, IDENTITY } from './fixture.ts';

function read(topic: string, data: Record<string, string>, source: Record<string, string> = {}): Record<string, unknown> {
  const { raw: _raw, ...rest } = readAxis({ topic, operation: 'Changed', source, key: {}, data }, new Map());
  return rest;
}

const APPLICATIONS = 'CameraApplicationPlatform';
const CASES: [string, Record<string, string>, Record<string, string>, Record<string, unknown>][] = [
  [`${APPLICATIONS}/VMD/Camera2ProfileANY`, { active: '1' }, {}, { type: 'motion', channel: 2 }],
  [`${APPLICATIONS}/VMD/Camera1Profile1`, { active: '1' }, {}, { type: 'other', channel: 1, noise: true }],
  [`${APPLICATIONS}/ObjectAnalytics/Device1ScenarioANY`, { active: '0' }, {}, { type: 'motion', state: 'inactive', channel: 1 }],
  [
    `${APPLICATIONS}/ObjectAnalytics/Device1Scenario1`,
    { classTypes: 'human', active: '1' },
    { device: '1' },
    { type: 'person', target: 'person', channel: 1 },
  ],
  [`${APPLICATIONS}/FenceGuard/Camera1ProfileANY`, { active: '1' }, {}, { type: 'line-crossing', channel: 1 }],
  ['AudioSource/TriggerLevel', { triggered: '1' }, { channel: '1' }, { type: 'audio', channel: 1 }],
  ['Device/IO/Port', { state: '0' }, { port: '3' }, { type: 'alarm-input', state: 'inactive', rule: '3' }],
  ['Device/IO/VirtualInput', { active: '1' }, { port: '3' }, { type: 'other', noise: true }],
  ['Storage/Disruption', { disruption: '1' }, { disk_id: 'SD_DISK' }, { type: 'storage' }],
  ['VideoSource/DayNightVision', { day: '1' }, {}, { type: 'other', state: 'pulse', noise: true }],
  ['VideoSource/Tampering', { tampering: '1' }, { channel: '1' }, { type: 'tamper', state: 'pulse', channel: 1 }],
  ['RuleEngine/CellMotionDetector/Motion', { IsMotion: '1' }, {}, { type: 'motion' }],
];

describe('axis events', () => {
  const { bench, camera } = axisBench();

  const start = (password?: string) => bench.start(camera(), {}, { password });
  const listen = (http: DeviceHttp) => bench.listen((signal) => axis.open(http, 1, IDENTITY).events?.(signal));

  for (const [topic, data, source, expected] of CASES) {
    it(`reads ${topic}`, () => {
      const state = expected.state ?? 'active';
      const ends = state === 'pulse' ? {} : { endsItself: true };
      assert.deepEqual(read(topic, data, source), { kind: 'event', vendorType: topic, state, ...ends, ...expected });
    });
  }

  it('come by a pull point with the camera’s own login', async () => {
    const { device, http } = await start();
    const listener = listen(http);
    await device.view.events.untilPulled();
    device.raise('motion');
    await listener.until('event');
    await device.view.events.untilPulled();
    device.raise('motion', 'inactive');
    device.raise('storage');
    await listener.until('event', 3);
    assert.deepEqual(
      listener.events.map(({ type, state, channel }) => [type, state, channel]),
      [
        ['motion', 'active', 1],
        ['motion', 'inactive', 1],
        ['storage', 'active', undefined],
      ],
    );
    await listener.stop();
    assert.equal(device.view.events.subscriptions, 0);
    assert.equal(device.refusedLogins, 0);
    assert.deepEqual([...new Set(device.server.requests.map(({ path }) => path))], ['/vapix/services']);
  });

  it('end when the subscription is gone', async () => {
    const { device, http } = await start();
    const listener = listen(http);
    await device.view.events.untilPulled();
    device.view.events.expire();
    assert.equal((await listener.ended())?.code, 'connection-lost');
  });

  it('are said to be none of the scene while no application detects anything', async () => {
    const { device, http } = await start();
    const warnings = () => axis.open(http, 1, IDENTITY).eventWarnings?.(forever);
    assert.deepEqual(await warnings(), []);
    device.eventInstances = device.eventInstances.replace(/<tnsaxis:CameraApplicationPlatform>.*<\/tnsaxis:CameraApplicationPlatform>/, '');
    assert.deepEqual(await warnings(), [{ code: 'no-detection' }]);
  });

  it('try a wrong password once', async () => {
    const { device, http } = await start('wrong-password');
    for (let count = 0; count < 3; count += 1) assert.equal((await listen(http).ended())?.code, 'unauthorized');
    assert.equal(device.refusedLogins, 1);
  });

  it('have pictures, which are checked', async () => {
    const { device, http } = await start();
    const take = () => axis.open(http, 1, IDENTITY).snapshot?.(2, forever) ?? assert.fail();
    assert.deepEqual(await take(), device.view.image);
    assert.equal(device.server.requests.at(-1)?.path, '/axis-cgi/jpg/image.cgi?camera=2');
    for (const image of ['<html>Login</html>', '', '\u00ff\u00d8']) {
      device.view.image = image;
      await assert.rejects(take(), (error) => isCameraEmailError(error, 'unreadable'));
    }
  });
});
