import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HikvisionSimulator } from '../../src/cameras/hikvision/simulator.ts';
import { type NodeRedHost, startNodeRed } from '../../src/sandbox/node-red-host.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { readDiscovery } from '../homeassistant/discovery-schema.ts';
import type { FlowNode } from '../nodes/flow.ts';
import { example, press, root } from './example.ts';
import { Listener, Mosquitto } from './mosquitto.ts';

describe('example 06 with a real broker', function () {
  this.timeout(120_000);
  const userDir = mkdtempSync(join(tmpdir(), 'camera-email-06-'));
  let sandbox: Sandbox;
  let broker: Mosquitto;
  let home: Listener;
  let nodeRed: NodeRedHost;
  let flows: FlowNode[];

  const configs = () => [...home.last(/^homeassistant\/device\/.*\/config$/)].filter(([, payload]) => payload.length > 0);
  const announced = () => configs().map(([topic, payload]) => readDiscovery(topic, payload.toString()))[0];
  const component = async (id: string) => home.until(() => announced()?.components.get(id));
  const state = (topic: unknown, value: string) =>
    home.until(
      () =>
        home
          .last(new RegExp(`^${topic}$`))
          .get(String(topic))
          ?.toString() === value,
    );

  before(async () => {
    sandbox = await startSandbox([{ name: 'Front door', vendor: 'hikvision', variant: 'camera' }]);
    const camera = sandbox.cameras[0]?.device as HikvisionSimulator;
    camera.triggers = camera.triggers.replace(/<notificationMethod>\w+</, '<notificationMethod>center<');
    broker = await Mosquitto.start();
    home = await Listener.on(broker);
    const filled = example('06 - Home Assistant.json', sandbox, broker, ['Front door']);
    // Motion goes on until the test says otherwise, however slow the machine is.
    flows = filled.flows.map((node) => (node.type === 'camera-events' ? { ...node, clearAfter: 3600 } : node));
    nodeRed = await startNodeRed({ userDir, flows, credentials: filled.credentials, packageDir: root });
  });

  after(async () => {
    await nodeRed?.stop();
    await home?.close();
    await broker?.close();
    await sandbox?.close();
    rmSync(userDir, { recursive: true, force: true });
  });

  const device = () => sandbox.cameras[0]?.device as HikvisionSimulator;

  it('publishes valid, retained discovery and states, and events that are not retained', async () => {
    await state('camera_email/status', 'online');
    await state((await component('connection')).state_topic, 'ON');
    device().view.alert({ type: 'VMD' });
    const sensor = await component('motion');
    await state(sensor.state_topic, 'ON');
    const event = await home.until(() => home.messages.find(({ topic }) => topic.endsWith('/event')));
    assert.equal(JSON.parse(event.payload.toString()).event_type, 'motion');
    const { image_topic } = await component('snapshot');
    await home.until(
      () =>
        home
          .last(/\/snapshot$/)
          .get(String(image_topic))
          ?.readUInt16BE(0) === 0xffd8,
    );

    const late = await Listener.on(broker);
    await late.until(
      () => late.messages.some(({ topic }) => topic.endsWith('/motion')) && late.messages.some(({ topic }) => topic.endsWith('/config')),
    );
    // Our own announcements may still be on their way: what counts is what the broker had first.
    const first = new Map([...late.messages].reverse().map(({ topic, retain }) => [topic, retain]));
    assert.deepEqual(
      [...first].filter(([, retain]) => !retain),
      [],
    );
    assert.deepEqual(
      late.messages.filter(({ topic }) => topic.endsWith('/event')),
      [],
    );
    await late.close();
  });

  it('"Take a picture" brings another one', async () => {
    home.messages.splice(0);
    await press(nodeRed, '06inj00000000001');
    await home.until(() => [...home.last(/\/snapshot$/).values()].find((picture) => picture.readUInt16BE(0) === 0xffd8));
  });

  it('publishes everything again when Home Assistant has started, and when the broker has forgotten everything', async () => {
    home.messages.splice(0);
    await home.publish('homeassistant/status', 'online');
    await component('motion');
    await state((await component('motion')).state_topic, 'ON');
    for (const [topic] of [...home.last(/^(homeassistant|camera_email)\//)]) await home.publish(topic, '', { retain: true });
    await broker.stop();
    home.messages.splice(0);
    await broker.start();
    await state((await component('motion')).state_topic, 'ON');
  });

  it('"Check settings" in Home Assistant makes configure-camera-email look, and the answer is a problem in Home Assistant', async () => {
    const problem = await component('problem');
    const { command_topic } = await component('verify');
    await home.publish(String(command_topic), 'PRESS');
    await state(problem.state_topic, 'ON');
    const reason = await home.until(
      () =>
        home
          .last(/problem\/attributes$/)
          .values()
          .next().value,
    );
    assert.equal(JSON.parse(reason.toString()).code, 'drifted');
  });

  it('"Send test e-mail" comes back as the time of the proven mail, after the camera was set up', async () => {
    await press(nodeRed, '06inj00000000002', { action: 'apply' });
    await state((await component('problem')).state_topic, 'OFF');
    await state((await component('alerts')).state_topic, 'ON');
    const started = Date.now();
    await home.publish(String((await component('test')).command_topic), 'PRESS');
    const { state_topic } = await component('last_mail');
    const at = await home.until(() =>
      home
        .last(/last_mail$/)
        .get(String(state_topic))
        ?.toString(),
    );
    assert.ok(Date.parse(at) >= started);
  });

  it('the switch "E-mail alerts" turns the mails of the camera off and on again, and nothing else', async () => {
    const { state_topic, command_topic } = await component('alerts');
    const before = device().mailing;
    const triggers = device().triggers;
    for (const [order, links] of [
      ['OFF', false],
      ['ON', true],
    ] as const) {
      await home.publish(String(command_topic), order);
      await state(state_topic, order);
      assert.equal(device().triggers.includes('<notificationMethod>email<'), links, order);
    }
    assert.equal(device().mailing, before);
    assert.equal(device().triggers, triggers);
  });

  it('a camera that is deleted leaves nothing at the broker', async () => {
    const response = await fetch(`${nodeRed.url}/flows`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'Node-RED-Deployment-Type': 'full' },
      body: JSON.stringify(flows.filter(({ type }) => type !== 'camera-device')),
    });
    assert.equal(response.status, 204);
    await home.until(() => configs().length === 0);
    const topics = /^camera_email\/[^/]+\/(?!event$)(?!.*\/set$)/;
    await home.until(() => [...home.last(topics).values()].every(({ length }) => length === 0));
    const late = await Listener.on(broker);
    await late.until(() => late.messages.some(({ topic }) => topic === 'camera_email/status'));
    // A removal that is published again arrives empty and leaves nothing either.
    const left = [...late.last(/config$|^camera_email\/[^/]+\//)].filter(([, payload]) => payload.length > 0);
    assert.deepEqual(left, []);
    await late.close();
  });

  it('says offline when Node-RED is killed', async () => {
    await nodeRed.stop('SIGKILL');
    await state('camera_email/status', 'offline');
  });
});
