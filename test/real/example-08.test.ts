import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NodeRedHost, startNodeRed } from '../../src/sandbox/node-red-host.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { example, press, root } from './example.ts';
import { Listener, Mosquitto } from './mosquitto.ts';

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
