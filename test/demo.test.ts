import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { demoFlows } from '../src/sandbox/demo-flows.ts';
import { type SimulatedNetwork, startSimulatedNetwork } from '../src/sandbox/discovery/simulated-network.ts';
import { type NodeRedHost, startNodeRed } from '../src/sandbox/node-red-host.ts';
import { type Sandbox, startSandbox } from '../src/sandbox/sandbox.ts';

const root = join(__dirname, '..');

describe('the demo, in a real Node-RED', () => {
  const directory = mkdtempSync(join(tmpdir(), 'camera-email-demo-'));
  let sandbox: Sandbox;
  let network: SimulatedNetwork;
  let nodeRed: NodeRedHost;
  before(async function () {
    this.timeout(60_000);
    sandbox = await startSandbox([{ name: 'Front door', vendor: 'hikvision', variant: 'camera' }]);
    network = await startSimulatedNetwork(sandbox.cameras);
    const ca = join(directory, 'ca.pem');
    writeFileSync(ca, sandbox.mail.ca);
    const { flows, credentials } = demoFlows(join(root, 'examples'), sandbox, ca);
    const verbose = flows.map((node) => (node.type === 'debug' ? { ...node, console: true } : node));
    const settings = { cameraEmail: { discovery: network.destinations } };
    nodeRed = await startNodeRed({ userDir: join(directory, 'user'), flows: verbose, credentials, packageDir: root, settings });
  });
  after(async function () {
    this.timeout(30_000);
    await nodeRed.stop();
    await sandbox.close();
    await network.close();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Clicks an inject node of example 01 and waits for a text in what the debug nodes print from then on. */
  async function click(button: string, expected: string): Promise<string> {
    const from = nodeRed.output().length;
    const response = await fetch(`${nodeRed.url}/inject/${button}`, { method: 'POST' });
    assert.equal(response.status, 200);
    await nodeRed.printed((output) => output.slice(from).includes(expected), 20_000);
    return nodeRed.output().slice(from);
  }

  it('loads without an error', () => {
    assert.doesNotMatch(nodeRed.output(), /\[error\]/);
  });

  it('plans, applies, finds nothing to change, and proves both ways', async function () {
    this.timeout(60_000);
    await click('01inj00000000001', 'counts: { planned: 1 }');
    const applied = await click('01inj00000000002', 'counts: { applied: 1 }');
    assert.match(applied, /verdict: 'arrived'/);
    await click('01inj00000000002', 'counts: { unchanged: 1 }');
    await click('01inj00000000003', 'counts: { verified: 1 }');
    const tested = await click('01inj00000000005', "via: 'camera'");
    assert.doesNotMatch(tested, /verdict: 'failed'/);
    await click('01inj00000000004', 'counts: { restored: 1 }');
  });

  it('finds the camera in the network, and knows it', async function () {
    this.timeout(30_000);
    const response = await fetch(`${nodeRed.url}/camera-email/scan`, { method: 'POST' });
    const { cameras } = (await response.json()) as { cameras: { via: string[]; port: number; known?: { name: string } }[] };
    assert.deepEqual(
      cameras.map(({ via, port, known }) => ({ via, port, known: known?.name })),
      [{ via: ['sadp', 'onvif'], port: sandbox.cameras[0]?.port, known: 'Front door' }],
    );
  });

  it('prints no secret', () => {
    for (const secret of [sandbox.account.appPassword, sandbox.login.password]) assert.ok(!nodeRed.output().includes(secret));
  });
});
