import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HikvisionSimulator } from '../src/cameras/hikvision/simulator.ts';
import { demoFlows } from '../src/sandbox/demo-flows.ts';
import { type NodeRedHost, startNodeRed } from '../src/sandbox/node-red-host.ts';
import { type Sandbox, startSandbox } from '../src/sandbox/sandbox.ts';

const root = join(__dirname, '..');

describe('the demo, in a real Node-RED', () => {
  const directory = mkdtempSync(join(tmpdir(), 'camera-email-demo-'));
  let sandbox: Sandbox;
  let nodeRed: NodeRedHost;
  before(async function () {
    this.timeout(60_000);
    sandbox = await startSandbox([{ name: 'Front door', vendor: 'hikvision', variant: 'camera' }]);
    const ca = join(directory, 'ca.pem');
    writeFileSync(ca, sandbox.mail.ca);
    const { flows, credentials } = demoFlows(join(root, 'examples'), sandbox, ca);
    const verbose = flows.map((node) => (node.type === 'debug' ? { ...node, console: true } : node));
    nodeRed = await startNodeRed({ userDir: join(directory, 'user'), flows: verbose, credentials, packageDir: root });
  });
  after(async function () {
    this.timeout(30_000);
    await nodeRed.stop();
    await sandbox.close();
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

  it('mails motion with its picture, and takes one on demand (examples 03 and 04)', async function () {
    this.timeout(60_000);
    const device = sandbox.cameras[0]?.device;
    assert.ok(device instanceof HikvisionSimulator);
    const { inbox } = sandbox.mail.mailbox(sandbox.account.email);
    const picture = device.view.image.toString('base64').slice(0, 60);
    await device.view.untilStreams(1);
    const from = nodeRed.output().length;
    device.view.alert({ type: 'linedetection', more: '<detectionPicturesNumber>1</detectionPicturesNumber>' }, device.view.image);
    await nodeRed.printed((output) => /accepted: /.test(output.slice(from)), 20_000);
    const [mail, ...others] = inbox.mails.filter(({ raw }) => raw.includes(picture));
    assert.match(mail?.subject ?? '', /Front door/);
    assert.deepEqual(others, []);
    await click('04inj00000000001', "contentType: 'image/jpeg'");
  });

  it('prints no secret', () => {
    for (const secret of [sandbox.account.appPassword, sandbox.login.password]) assert.ok(!nodeRed.output().includes(secret));
  });
});
