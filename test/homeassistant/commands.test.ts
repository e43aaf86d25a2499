import assert from 'node:assert/strict';
import { commandMessage, incoming, isFromBroker } from '../../src/homeassistant/commands.ts';

const topics = { prefix: 'homeassistant', base: 'camera_email' };
const got = (topic: string, payload: unknown, retain?: boolean) => incoming(topics, { topic, payload, retain });

describe('Home Assistant: commands', () => {
  it('knows the birth of Home Assistant and of our own connection', () => {
    assert.deepEqual(got('homeassistant/status', 'online'), { kind: 'birth' });
    assert.deepEqual(got('homeassistant/status', 'offline'), { kind: 'nothing' });
    assert.deepEqual(got('camera_email/status', Buffer.from('online')), { kind: 'bridge', online: true });
    assert.deepEqual(got('camera_email/status', 'offline', true), { kind: 'bridge', online: false });
  });

  it('reads the buttons and the switch', () => {
    assert.deepEqual(got('camera_email/SN1/test/set', 'PRESS'), { kind: 'command', id: 'SN1', command: { kind: 'test' } });
    assert.deepEqual(got('camera_email/SN1/verify/set', Buffer.from('PRESS')), { kind: 'command', id: 'SN1', command: { kind: 'verify' } });
    assert.deepEqual(got('camera_email/SN1/alerts/set', 'OFF'), { kind: 'command', id: 'SN1', command: { kind: 'alerts', on: false } });
  });

  it('a retained command is not obeyed: it would be given again after every restart', () => {
    assert.deepEqual(got('camera_email/SN1/alerts/set', 'OFF', true), { kind: 'nothing' });
  });

  it('our own states, unknown commands and odd payloads are nothing', () => {
    for (const [topic, payload] of [
      ['camera_email/SN1/motion', 'ON'],
      ['camera_email/SN1/snapshot', Buffer.alloc(100)],
      ['camera_email/SN1/reboot/set', 'PRESS'],
      ['camera_email/SN1/alerts/set', 'maybe'],
      ['camera_email/SN1/alerts/set', { ON: true }],
      ['camera_email/SN1/alerts/set/more', 'ON'],
      ['camera_email/SN1/test/set', ''],
    ] as const)
      assert.deepEqual(got(topic, payload), { kind: 'nothing' }, topic);
  });

  it('tells the broker from a camera with the same name', () => {
    assert.ok(isFromBroker(topics, 'camera_email/SN1/test/set', 'PRESS'));
    // As an `mqtt in` that detects JSON gives our own event back.
    assert.ok(isFromBroker(topics, 'camera_email/SN1/event', { event_type: 'motion', camera: 'Front door', channel: 1 }));
    assert.ok(!isFromBroker(topics, 'camera_email/motion', { type: 'motion', camera: { name: 'camera_email' } }));
    assert.ok(!isFromBroker(topics, 'Front door/motion', 'ON'));
    assert.ok(!isFromBroker(topics, 'homeassistant/statusx', 'online'));
  });

  it('a command names the camera-device, because names may be empty or used twice', () => {
    const camera = { name: 'Front door', nodeId: 'abc' };
    const common = { topic: 'Front door', cameras: ['abc'] };
    assert.deepEqual(commandMessage({ kind: 'test' }, camera), {
      ...common,
      action: 'test',
      payload: { command: 'test', camera: 'Front door' },
    });
    assert.deepEqual(commandMessage({ kind: 'alerts', on: false }, camera), {
      ...common,
      action: 'apply',
      enabled: false,
      payload: { command: 'alerts', camera: 'Front door', on: false },
    });
  });
});
