import assert from 'node:assert/strict';
import { inventoryOf, mixedFleet, startSilentDevice } from '../../src/sandbox/mixed-fleet.ts';
import { Bench, type Handled } from './fixture.ts';

interface Result {
  camera: { name: string; vendor: string };
  outcome: string;
  test?: { verdict: string };
  error?: { code: string };
}

interface Summary {
  total: number;
  counts: Record<string, number>;
  results: Result[];
  rotation?: { done: number; pending: string[]; oldPasswordMayBeRevoked: boolean; advice: string };
}

function payloadOf({ summary }: Handled): Summary {
  assert.ok(summary !== undefined, 'no summary');
  return summary.payload as Summary;
}

describe('configure-camera-email with a fleet', () => {
  let bench: Bench;

  afterEach(() => bench.close());

  it('sets up one device of every vendor; a dead one and a wrong password do not keep the others', async function () {
    this.timeout(60_000);
    bench = await Bench.start(mixedFleet());
    await bench.load('configure-camera-email', { action: 'apply', test: 'camera', concurrency: 16 });
    const silent = await startSilentDevice();
    const cameras = inventoryOf(bench.sandbox);
    const dead = cameras.slice(0, 1).map((camera) => ({ ...camera, name: 'Out of order', port: silent.port }));
    const handled = await bench.run({ cameras: [...dead, ...cameras] }).finally(() => silent.close());
    const { each, error } = handled;
    const payload = payloadOf(handled);
    const failures = payload.results.filter(({ error }) => error !== undefined).map(({ camera, error }) => [camera.name, error?.code]);
    assert.deepEqual(failures.sort(), [
      ['Camera of onvif', 'unsupported'],
      ['Out of order', 'timeout'],
      ['Wrong password', 'unauthorized'],
    ]);
    assert.deepEqual(payload.counts, { applied: cameras.length - 2, failed: 3 });
    assert.equal(each.length, cameras.length + 1);
    assert.equal(each.at(-1)?.topic, 'Out of order', 'the others did not wait for it');
    assert.equal(error?.code, 'cameras-failed');
    assert.equal(payload.rotation, undefined);
    const wrong = bench.sandbox.cameras.find(({ name }) => name === 'Wrong password');
    assert.equal(wrong?.device.refusedLogins, 1);
  });

  it('sends a report along with the summary: every camera, no secret', async () => {
    bench = await Bench.start([
      { name: 'Front', vendor: 'hikvision', variant: 'camera' },
      { name: '=Garage', vendor: 'hikvision', variant: 'camera' },
    ]);
    await bench.load('configure-camera-email', { action: 'apply', test: 'arrival' });
    const { each, summary = {} } = await bench.run({});
    assert.ok(each.every((message) => !('report' in message)));
    const { csv, html } = summary.report as { csv: string; html: string };
    const lines = csv.split('\r\n');
    assert.equal(lines.length, 4);
    assert.ok(
      lines.some((line) => /^Front,127\.0\.0\.1,Hikvision,DS-2CD2143G2-I,/.test(line)) &&
        lines.some((line) => line.startsWith('"\'=Garage"')),
    );
    assert.ok(html.includes('<h1>Camera e-mail report</h1>') && html.includes('DS-2CD2143G2-I') && html.includes('<b>2</b> applied'));
    for (const secret of [bench.sandbox.account.appPassword, bench.sandbox.login.password]) assert.ok(!(csv + html).includes(secret));
  });

  it('says when the old app password may be revoked', async () => {
    bench = await Bench.start([
      { name: 'Front', vendor: 'hikvision', variant: 'camera' },
      { name: 'Back', vendor: 'hikvision', variant: 'camera' },
    ]);
    await bench.load('configure-camera-email', { action: 'apply', test: 'camera', canary: true });
    assert.equal(payloadOf(await bench.run({})).rotation, undefined);
    const rotated = payloadOf(await bench.run({ rotate: true }));
    assert.deepEqual(rotated.counts, { applied: 2 });
    assert.match(rotated.rotation?.advice ?? '', /You may revoke the old one/);
    assert.deepEqual({ ...rotated.rotation, advice: '' }, { done: 2, pending: [], oldPasswordMayBeRevoked: true, advice: '' });
    const front = bench.sandbox.cameras[0];
    if (front !== undefined) front.device.forgetsWrites = true;
    front?.device.driftServer('elsewhere.example');
    const stopped = payloadOf(await bench.run({ rotate: true }));
    assert.deepEqual(stopped.counts, { failed: 1, skipped: 1 });
    assert.deepEqual(stopped.rotation?.pending, ['Front', 'Back']);
    assert.match(stopped.rotation?.advice ?? '', /Do not revoke the old app password yet: 2 /);
  });

  it('shows how far it is', async () => {
    bench = await Bench.start([
      { name: 'Front', vendor: 'hikvision', variant: 'camera' },
      { name: 'Back', vendor: 'hikvision', variant: 'camera' },
    ]);
    await bench.load('configure-camera-email', { action: 'verify', concurrency: 1 });
    await bench.run({});
    const shown = bench.statuses().map((args) => (args as { text?: string }[])[0]?.text);
    assert.deepEqual(shown, ['verifying 0 of 2', 'verifying 1 of 2', 'verifying 2 of 2', '2 ok']);
  });
});
