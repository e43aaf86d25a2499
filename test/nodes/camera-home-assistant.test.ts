import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../nodes/camera-home-assistant/config.ts';
import type { Message } from '../../nodes/shared/node-red.ts';
import type { Publication } from '../../src/homeassistant/publications.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { RecordedBroker } from '../homeassistant/broker.ts';
import { until } from '../waiting.ts';
import { accountNodes, accountSecrets, CATCH, cameraNodes, onTab, TAB } from './flow.ts';
import { modules, runtime, startRuntime, stopRuntime } from './runtime.ts';

const NODES = modules('gmail-account', 'camera-device', 'gmail-app-smtp', 'camera-home-assistant');
const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 0, 0xff, 0xd9]);

describe('camera-home-assistant', () => {
  const userDir = mkdtempSync(join(tmpdir(), 'camera-email-ha-'));
  let sandbox: Sandbox;
  let broker: RecordedBroker;
  let commands: Message[];
  let caught: Message[];

  const flow = (cameras = true) => [
    TAB,
    ...(cameras ? cameraNodes(sandbox) : []).map((camera) => ({ ...camera, vendor: 'hikvision' })),
    onTab('ha', 'camera-home-assistant', { name: '', wires: [['mqtt'], ['commands']] }),
    onTab('mqtt', 'helper'),
    onTab('commands', 'helper'),
    ...CATCH,
  ];
  const queue = () => [
    ...accountNodes(sandbox, { name: 'My Gmail' }),
    onTab('smtp', 'gmail-app-smtp', { account: 'account', to: 'you@example.org', wires: [[]] }),
  ];

  const listen = () => {
    const on = (id: string, take: (message: Message) => void) => runtime.getNode(id).on('input', (message) => take(message));
    on('mqtt', (message) => broker.publish([message as unknown as Publication]));
    on('commands', (message) => commands.push(message));
    on('caught', (message) => caught.push(message));
  };

  const start = async () => {
    broker = new RecordedBroker();
    commands = [];
    caught = [];
    await runtime.load(NODES, flow(), { cam0: sandbox.login });
    listen();
    receive({ topic: 'homeassistant/status', payload: 'online' });
    await until(() => broker.text('camera_email/status') === 'online');
  };

  const receive = (message: Message) => runtime.getNode('ha').receive(message);
  const motion = (state: string, more: object = {}): Message => ({
    topic: 'Front/motion',
    payload: { type: 'motion', state, channel: 1, at: '2026-05-04T03:02:00Z', camera: { id: 'cam0', name: 'Front' }, vendorType: 'VMD' },
    ...more,
  });
  const config = () => [...broker.retained.keys()].find((topic) => topic.endsWith('/config'));

  before(async () => {
    sandbox = await startSandbox([{ name: 'Front', vendor: 'hikvision', variant: 'camera' }]);
    await startRuntime({ userDir });
  });
  beforeEach(start);
  afterEach(async () => {
    await runtime.unload();
    rmSync(join(userDir, 'camera-email', 'homeassistant'), { recursive: true, force: true });
  });
  after(async () => {
    await stopRuntime();
    await sandbox.close();
    rmSync(userDir, { recursive: true, force: true });
  });

  it('asks a new camera who it is, once, and announces it under its serial number', async () => {
    sandbox.cameras[0]?.device.server.requests.splice(0);
    for (const state of ['started', 'ended', 'started']) receive(motion(state));
    await until(() => broker.events.length === 2);
    const { topic, device } = broker.device();
    assert.match(topic, /^homeassistant\/device\/camera_email_DS-[\w-]+\/config$/);
    assert.equal(device.name, 'Front');
    assert.ok(device.model && device.sw_version && device.serial_number);
    assert.equal(device.configuration_url, `https://127.0.0.1:${sandbox.cameras[0]?.port}/`);
    assert.equal(broker.state('motion'), 'ON');
    const asked = sandbox.cameras[0]?.device.server.requests.filter(({ path, status }) => path.endsWith('/deviceInfo') && status === 200);
    assert.equal(asked?.length, 1);
  });

  it('a press in Home Assistant becomes a message that test-email and configure-camera-email take', async () => {
    receive(motion('started'));
    await until(() => config() !== undefined);
    const topic = (id: string) => String(broker.device().components.get(id)?.command_topic);
    receive({ topic: topic('test'), payload: 'PRESS', qos: 1, retain: false });
    receive({ topic: topic('verify'), payload: 'PRESS', qos: 1, retain: false });
    receive({ topic: topic('alerts'), payload: 'OFF', qos: 1, retain: false });
    receive({ topic: topic('alerts'), payload: 'ON', qos: 1, retain: true });
    receive({ topic: topic('alerts'), payload: 'ON', qos: 1, retain: false });
    await until(() => commands.length === 4);
    assert.deepEqual(
      commands.map(({ action, cameras, enabled, topic: name }) => ({ action, cameras, enabled, name })),
      [
        { action: 'test', cameras: ['cam0'], enabled: undefined, name: 'Front' },
        { action: 'verify', cameras: ['cam0'], enabled: undefined, name: 'Front' },
        { action: 'apply', cameras: ['cam0'], enabled: false, name: 'Front' },
        { action: 'apply', cameras: ['cam0'], enabled: true, name: 'Front' },
      ],
    );
  });

  it('when Home Assistant or the broker starts, all is published again, and our own echo is not answered', async () => {
    receive(motion('started', { attachments: [{ filename: 'a.jpg', content: jpeg, contentType: 'image/jpeg' }] }));
    await until(() => [...broker.retained.keys()].some((topic) => topic.endsWith('/snapshot')));
    const known = new Map([...broker.retained].filter(([topic]) => !topic.endsWith('/snapshot')));
    broker.retained.clear();
    receive({ topic: 'camera_email/status', payload: 'online', retain: false });
    await until(() => broker.retained.size >= known.size - 1);
    assert.equal(broker.text('camera_email/status'), undefined, 'an answer to our own echo would never end');
    receive({ topic: 'homeassistant/status', payload: 'online', retain: false });
    await until(() => broker.retained.size >= known.size);
    assert.deepEqual(new Map([...broker.retained].sort()), new Map([...known].sort()));
    receive({ topic: 'camera_email/status', payload: 'offline', retain: true });
    await until(() => broker.text('camera_email/status') === 'online');
  });

  it('a camera that is deleted in Node-RED leaves Home Assistant with the deploy', async () => {
    receive(motion('started', { attachments: [{ filename: 'a.jpg', content: jpeg, contentType: 'image/jpeg' }] }));
    await until(() => [...broker.retained.keys()].some((topic) => topic.endsWith('/snapshot')));
    // As the editor does it: nothing but the camera has changed, so this node goes on running.
    await runtime.setFlows(flow(false), 'nodes');
    await until(() => broker.retained.size === 1);
    assert.deepEqual([...broker.retained.keys()], ['camera_email/status']);
  });

  it('a camera that is renamed in Node-RED has its new name in Home Assistant with the deploy, and keeps its entities', async () => {
    receive(motion('started'));
    await until(() => config() !== undefined);
    const { topic, components } = broker.device();
    const renamed = flow().map((node) => (node.id === 'cam0' ? { ...node, name: 'Gate' } : node));
    await runtime.setFlows(renamed, 'nodes');
    await until(() => broker.device().device.name === 'Gate');
    assert.equal(broker.device().topic, topic);
    assert.deepEqual(broker.device().components, components);
    receive({ topic: String(components.get('test')?.command_topic), payload: 'PRESS', retain: false });
    await until(() => commands.length === 1);
    assert.deepEqual([commands[0]?.topic, commands[0]?.cameras], ['Gate', ['cam0']]);
  });

  it('an edited node goes on where it was: the same entities, and no sensor that stays on', async () => {
    receive({ ...motion('pulse') });
    await until(() => config() !== undefined && broker.state('motion') === 'ON');
    const { topic, components } = broker.device();
    await runtime.setFlows(
      flow().map((node) => (node.id === 'ha' ? { ...node, name: 'edited' } : node)),
      'nodes',
    );
    await until(() => broker.state('motion') === 'OFF');
    assert.deepEqual([broker.device().topic, broker.device().components], [topic, components]);
    receive({ topic: String(components.get('test')?.command_topic), payload: 'PRESS', retain: false });
    await until(() => commands.length === 1);
  });

  it('two nodes with the same topics speak of the same entities', async () => {
    await runtime.unload();
    const second = onTab('ha2', 'camera-home-assistant', { name: '', wires: [['mqtt'], ['commands']] });
    await runtime.load(NODES, [...flow(), second], { cam0: sandbox.login });
    listen();
    receive(motion('started'));
    await until(() => config() !== undefined && broker.state('motion') === 'ON');
    runtime.getNode('ha2').receive(motion('ended'));
    await until(() => broker.state('motion') === 'OFF');
    // The first one is deleted; the other one still knows all.
    const rest = [...flow().filter(({ id }) => id !== 'ha'), second];
    await runtime.setFlows(rest, 'nodes');
    runtime.getNode('ha2').receive({ payload: { remove: 'Front' } });
    await until(() => broker.retained.size === 1);
  });

  it('shows what waits in the queue of an account and what it may still send, also while nothing gets through', async () => {
    await runtime.unload();
    const stop = sandbox.mail.script({ stage: 'connect', action: { drop: true } });
    await runtime.load(NODES, [...flow(), ...queue()], { cam0: sandbox.login, ...accountSecrets(sandbox) });
    listen();
    const account = (id: string) => {
      const one = broker.devices().find(({ device }) => device.name === 'My Gmail');
      return broker.text(String(one?.components.get(id)?.state_topic));
    };
    await until(() => account('queue') === '0');
    runtime.getNode('smtp').receive({ topic: 'Motion', payload: 'at the door' });
    await until(() => account('queue') === '1' && account('budget') === '500');
    stop();
    runtime.getNode('smtp').receive({ flush: true });
    await until(() => account('queue') === '0' && account('budget') === '499');
    // An account that is deleted is no ghost.
    await runtime.setFlows(flow(), 'nodes');
    await until(() => [...broker.retained.keys()].every((topic) => topic === 'camera_email/status'));
  });

  it('msg.payload.remove takes a camera away by its name', async () => {
    receive(motion('started'));
    await until(() => config() !== undefined);
    receive({ payload: { remove: 'Front' } });
    await until(() => broker.retained.size === 1);
  });

  it('knows its cameras after a restart, and removes what is gone since', async () => {
    receive(motion('started'));
    await until(() => config() !== undefined);
    const topics = [...broker.retained.keys()];
    await runtime.unload();
    await runtime.load(NODES, flow(false), {});
    listen();
    receive({ topic: 'camera_email/status', payload: 'online' });
    broker.retained.clear();
    for (const topic of topics) broker.retained.set(topic, 'x');
    await until(() => broker.retained.size === 1);
  });

  it('keeps no secret in its memory, messages and log', async () => {
    receive(motion('started'));
    await until(() => config() !== undefined);
    receive({ payload: { camera: { name: 'Front' }, outcome: 'applied', changes: [], warnings: [] } });
    await until(() => broker.state('alerts') === 'ON');
    const folder = join(userDir, 'camera-email', 'homeassistant');
    // A write that is under way has a file of its own beside it.
    await until(() => readdirSync(folder).every((file) => file.endsWith('.json')));
    const files = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
    const all = JSON.stringify([files, [...broker.retained], broker.events, runtime.log().args]);
    assert.ok(files.length === 1 && !all.includes(sandbox.login.password));
  });

  it('a message of some other node goes to Catch with a code', async () => {
    receive({ payload: 'hello', topic: 'somewhere' });
    await until(() => caught.length === 1);
    assert.match(JSON.stringify(caught[0]?.error), /"code":"bad-input"/);
  });

  it('topics lose what MQTT does not allow in them', () => {
    const { prefix, base } = migrate({ prefix: '/homeassistant/#/', base: ' site a/+/cams ' });
    assert.deepEqual({ prefix, base }, { prefix: 'homeassistant', base: 'sitea/cams' });
    assert.deepEqual(migrate({}), { version: 1, name: '', prefix: 'homeassistant', base: 'camera_email' });
  });
});
