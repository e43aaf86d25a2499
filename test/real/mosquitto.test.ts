import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HikvisionSimulator } from '../../src/cameras/hikvision/simulator.ts';
import { type NodeRedHost, startNodeRed } from '../../src/sandbox/node-red-host.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { readDiscovery } from '../homeassistant/discovery-schema.ts';
import { CA, type FlowNode } from '../nodes/flow.ts';
import { Listener, Mosquitto } from './mosquitto.ts';

type Credentials = Record<string, Record<string, string>>;

const root = join(__dirname, '../..');

/** An example as it is shipped, with the address of the broker, the account and the cameras filled in, as its user would. */
function example(
  file: string,
  sandbox: Sandbox,
  broker: Mosquitto,
  names: readonly string[],
): { flows: FlowNode[]; credentials: Credentials } {
  const flows = JSON.parse(readFileSync(join(root, 'examples', file), 'utf8')) as FlowNode[];
  const credentials: Credentials = { ca: { cadata: sandbox.mail.ca } };
  const cameras: FlowNode[] = [];
  for (const node of flows) {
    if (node.type === 'mqtt-broker') Object.assign(node, { broker: '127.0.0.1', port: String(broker.port) });
    if (node.type === 'gmail-account') {
      const { mail, account } = sandbox;
      const servers = { host: 'localhost', port: mail.ports.smtps, imapHost: 'localhost', imapPort: mail.ports.imaps };
      Object.assign(node, { email: account.email, service: 'custom', security: 'tls', imapSecurity: 'tls', tls: 'ca', ...servers });
      credentials[node.id] = { appPassword: account.appPassword };
    }
    if (node.type !== 'camera-device') continue;
    // The first camera is the example's own; a site has more of them.
    for (const [index, name] of names.entries()) {
      const camera = sandbox.cameras.find((one) => one.name === name);
      assert.ok(camera !== undefined, name);
      const id = index === 0 ? node.id : `${node.id}-${index}`;
      cameras.push({ ...node, id, name, host: '127.0.0.1', port: camera.port, protocol: camera.protocol });
      credentials[id] = { ...sandbox.login };
    }
  }
  const others = flows.filter(({ type }) => type !== 'camera-device');
  return {
    flows: [CA, ...cameras, ...others],
    credentials,
  };
}

/** Presses the button of an inject node, with other values than its own if need be. */
async function press({ url }: NodeRedHost, id: string, values?: Record<string, unknown>): Promise<void> {
  const props = Object.entries(values ?? {}).map(([p, v]) => ({ p, v: JSON.stringify(v), vt: 'json' }));
  const body = values === undefined ? {} : { __user_inject_props__: props };
  const response = await fetch(`${url}/inject/${id}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 200, `inject ${id}`);
}

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

describe('example 07 with a real broker', function () {
  this.timeout(120_000);
  const userDir = mkdtempSync(join(tmpdir(), 'camera-email-07-'));
  const told: string[] = [];
  let tell: () => void = () => undefined;
  const channel = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      response.end('ok');
      told.push(text);
      tell();
    });
  });
  let sandbox: Sandbox;
  let broker: Mosquitto;
  let home: Listener;
  let nodeRed: NodeRedHost;

  before(async () => {
    sandbox = await startSandbox([{ name: 'Front door', vendor: 'hikvision', variant: 'camera' }]);
    broker = await Mosquitto.start();
    home = await Listener.on(broker);
    await once(channel.listen(0, '127.0.0.1'), 'listening');
    const { flows, credentials } = example('07 - Nightly proof.json', sandbox, broker, ['Front door']);
    const [notify] = (flows.find(({ type }) => type === 'tab')?.env ?? []) as { name: string; value: string }[];
    assert.equal(notify?.name, 'NOTIFY_URL');
    if (notify !== undefined) notify.value = `http://127.0.0.1:${(channel.address() as AddressInfo).port}/alarm`;
    const set = { z: '07set0000000tab1', x: 1, y: 1 };
    const night = flows.map((node) => (node.type === 'test-email' ? { ...node, timeout: 5 } : node));
    // The example is for a camera that has been set up.
    const setup = [
      { ...set, id: 'set-up', type: 'inject', props: [{ p: 'action', v: 'apply', vt: 'str' }], wires: [['configure']] },
      {
        ...set,
        id: 'configure',
        type: 'configure-camera-email',
        account: '07acc00000000001',
        cameras: ['07cam00000000001'],
        wires: [['07hom00000000001'], []],
      },
    ];
    nodeRed = await startNodeRed({ userDir, flows: [...night, ...setup], credentials, packageDir: root });
  });

  after(async () => {
    await nodeRed?.stop();
    await home?.close();
    await broker?.close();
    await sandbox?.close();
    channel.close();
    rmSync(userDir, { recursive: true, force: true });
  });

  const problem = (value: string) =>
    home.until(
      () =>
        home
          .last(/\/problem$/)
          .values()
          .next()
          .value?.toString() === value,
    );
  const reason = () =>
    JSON.parse(
      String(
        home
          .last(/\/problem\/attributes$/)
          .values()
          .next().value,
      ),
    );
  const next = async (count: number) => {
    while (told.length < count) {
      await new Promise<void>((resolve) => {
        tell = resolve;
      });
    }
    return told[count - 1] ?? '';
  };
  const night = async () => {
    home.messages.splice(0);
    await press(nodeRed, '07inj00000000001');
  };

  it('a mail that arrives is proof, and nobody is told', async () => {
    await press(nodeRed, 'set-up');
    await problem('OFF');
    await night();
    const proven = await home.until(
      () =>
        home
          .last(/\/last_mail$/)
          .values()
          .next().value,
    );
    assert.ok(Date.parse(proven.toString()) > 0);
    await problem('OFF');
    assert.deepEqual(told, []);
  });

  for (const [where, code] of [
    ['lost', 'not-arrived'],
    ['spam', 'in-spam'],
  ] as const) {
    it(`a mail that is ${where} is a problem in Home Assistant, and is told by the other channel`, async () => {
      const before = told.length;
      const stop = sandbox.mail.script({ stage: 'delivered', action: { deliver: where } });
      await night();
      await problem('ON');
      assert.match(await next(before + 1), /^Front door: \S.*\.$/);
      assert.equal((await home.until(() => home.last(/attributes$/).size > 0 && reason())).code, code);
      assert.deepEqual([...home.last(/\/last_mail$/)], []);
      stop();
    });
  }

  it('a camera that cannot even be asked is a problem too', async () => {
    const before = told.length;
    const camera = sandbox.cameras[0];
    assert.ok(camera !== undefined);
    camera.device.server.intercept = (_request, response) => {
      response.writeHead(503).end();
      return true;
    };
    await night();
    await problem('ON');
    assert.match(await next(before + 1), /^Front door: \S.*\.$/);
  });

  it('each failure was told once', () => assert.equal(told.length, 3));
});

describe('example 08 with a real broker and two Node-REDs', function () {
  this.timeout(180_000);
  const directory = mkdtempSync(join(tmpdir(), 'camera-email-08-'));
  const sites: Record<string, string[]> = { 'site-1': ['Front door', 'Yard'], 'site-2': ['Gate', 'Hall'] };
  const hosts: NodeRedHost[] = [];
  let sandbox: Sandbox;
  let broker: Mosquitto;
  let office: Listener;

  /** The first site's Node-RED is the head office too. */
  const start = async (site: string) => {
    const { flows, credentials } = example('08 - Many sites over MQTT.json', sandbox, broker, sites[site] ?? []);
    const tab = flows.find(({ label }) => label === 'Site');
    const [name] = (tab?.env ?? []) as { name: string; value: string }[];
    assert.equal(name?.name, 'SITE');
    if (name !== undefined) name.value = site;
    const elsewhere = flows.find(({ label }) => label === 'Head office')?.id;
    const own =
      site === 'site-1' ? flows : flows.filter(({ id, z, clientid }) => ![id, z].includes(elsewhere) && clientid !== 'camera-email-office');
    const from = broker.output.length;
    const host = await startNodeRed({ userDir: join(directory, site), flows: own, credentials, packageDir: root });
    // The editor answers before the broker has granted the subscription, and keeps no job for a site it does not know.
    await broker.subscribed(`camera-email/jobs/${site}`, from);
    hosts.push(host);
    return host;
  };
  const writes = (name: string) => sandbox.cameras.find((camera) => camera.name === name)?.device.server.writes() ?? [];
  const settings = (name: string) => writes(name).filter(({ path, method }) => method === 'PUT' && path.includes('/mailing'));
  const results = () =>
    office.messages.filter(({ topic }) => topic.startsWith('camera-email/results/')).map(({ payload }) => JSON.parse(payload.toString()));
  const finished = () =>
    [...office.last(/^camera-email\/overview\//).values()]
      .map((payload) => JSON.parse(payload.toString()))
      .filter(({ missing }) => missing.length === 0);

  before(async () => {
    sandbox = await startSandbox(
      Object.values(sites)
        .flat()
        .map((name) => ({ name, vendor: 'hikvision', variant: 'camera' })),
    );
    broker = await Mosquitto.start();
    office = await Listener.on(broker);
  });

  after(async () => {
    await Promise.all(hosts.map((host) => host.stop()));
    await office?.close();
    await broker?.close();
    await sandbox?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('a site that is off, and a broker that restarts in the middle: every camera is set up once, and every result comes in', async () => {
    const first = await start('site-1');
    const second = await start('site-2');
    // Both have been there once, so the broker keeps their jobs. Now the second one goes home for the night.
    await second.stop();

    // The broker dies while the first site is at work: its results have to wait.
    const working = new Promise<void>((resolve) => {
      for (const { device } of sandbox.cameras) {
        device.server.intercept = () => {
          resolve();
          return false;
        };
      }
    });
    await press(first, '08inj00000000001', { payload: { action: 'apply', sites } });
    await working;
    await broker.stop();
    await broker.start();
    const ofFirst = await office.until(() => finished().find(({ site }) => site === 'site-1'));
    assert.deepEqual(ofFirst.counts, { applied: 2 });
    assert.deepEqual(finished().length, 1);

    await start('site-2');
    const ofSecond = await office.until(() => finished().find(({ site }) => site === 'site-2'));
    assert.deepEqual(ofSecond.counts, { applied: 2 });
    for (const name of Object.values(sites).flat())
      assert.equal(settings(name).length, 1, `${name} was written ${settings(name).length} times`);
  });

  it('a job that comes twice is done once and reported again', async () => {
    const before = results().length;
    const job = office.messages.filter(({ topic }) => topic === 'camera-email/jobs/site-1').at(-1);
    assert.ok(job !== undefined);
    await office.publish(job.topic, job.payload);
    await office.until(() => results().length >= before + 2);
    for (const name of sites['site-1'] ?? []) assert.equal(settings(name).length, 1);
  });

  it('no secret travels', () => {
    const all = office.messages.map(({ payload }) => payload.toString()).join('\n');
    for (const secret of [sandbox.account.appPassword, sandbox.login.password, sandbox.account.email]) assert.ok(!all.includes(secret));
  });
});
