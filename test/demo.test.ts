import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HikvisionSimulator } from '../src/cameras/hikvision/simulator.ts';
import { sendCameraMail } from '../src/sandbox/camera-smtp.ts';
import { demoFlows } from '../src/sandbox/demo-flows.ts';
import { type SimulatedNetwork, startSimulatedNetwork } from '../src/sandbox/discovery/simulated-network.ts';
import { freePort } from '../src/sandbox/free-port.ts';
import { type NodeRedHost, startNodeRed } from '../src/sandbox/node-red-host.ts';
import { type Sandbox, startSandbox } from '../src/sandbox/sandbox.ts';
import { until } from './waiting.ts';

const root = join(__dirname, '..');
const OLD = { username: 'Old camera', password: 'Old-Camera-1' };

describe('the demo, in a real Node-RED', () => {
  const directory = mkdtempSync(join(tmpdir(), 'camera-email-demo-'));
  let sandbox: Sandbox;
  let network: SimulatedNetwork;
  let nodeRed: NodeRedHost;
  let mailPort: number;
  before(async function () {
    this.timeout(60_000);
    sandbox = await startSandbox([{ name: 'Front door', vendor: 'hikvision', variant: 'camera' }]);
    network = await startSimulatedNetwork(sandbox.cameras);
    const ca = join(directory, 'ca.pem');
    writeFileSync(ca, sandbox.mail.ca);
    const { flows, credentials } = demoFlows(join(root, 'examples'), sandbox, ca);
    const mailIn = flows.find(({ type }) => type === 'camera-mail-in');
    assert.ok(mailIn !== undefined);
    mailPort = await freePort();
    mailIn.port = mailPort;
    credentials[mailIn.id] = { users: JSON.stringify({ [OLD.username]: OLD.password }) };
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

  it('sets up a list of cameras and writes the report, as a page and as a table (example 02)', async function () {
    this.timeout(60_000);
    await click('02inj00000000001', 'counts: { planned: 1 }');
    await click('02inj00000000002', 'counts: { applied: 1 }');
    const report = (kind: string) => {
      const file = join(directory, 'user', `camera-report.${kind}`);
      return existsSync(file) ? readFileSync(file, 'utf8') : '';
    };
    await until(() => /^Front door,127\.0\.0\.1,Hikvision,[^\n]*,applied,/m.test(report('csv')));
    await until(() => report('html').includes('</html>') && report('html').includes('<b>1</b> applied'));
    await click('02inj00000000003', 'counts: { verified: 1 }');
    const rotated = await click('02inj00000000004', 'counts: { applied: 1 }');
    assert.match(rotated, /You may revoke the old one/);
    assert.ok(![report('csv'), report('html')].some((text) => text.includes(sandbox.login.password)));
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

  it('takes the mail of an old camera, tells that somebody is there, and sends it on to the mailbox', async () => {
    const from = nodeRed.output().length;
    const sent = await sendCameraMail({
      host: '127.0.0.1',
      port: mailPort,
      security: 'none',
      authentication: OLD,
      heloName: 'ipc',
      from: 'cam@example.com',
      to: ['somebody@example.com'],
      message: 'Subject: Human detected\r\n\r\nHuman detected\r\n',
      timeoutMs: 10_000,
    });
    assert.equal(sent.ok, true, sent.reply);
    const { email } = sandbox.account;
    const arrived = await sandbox.mail.mailbox(email).waitForMail(({ subject }) => subject === 'Human detected', 10_000);
    assert.deepEqual(arrived.envelope.to, [email]);
    // "Every mail" and "Somebody".
    await nodeRed.printed((output) => output.slice(from).split("type: 'person'").length === 3, 10_000);
    assert.match(nodeRed.output().slice(from), /name: 'Old camera'/);
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
    for (const secret of [sandbox.account.appPassword, sandbox.login.password, OLD.password]) assert.ok(!nodeRed.output().includes(secret));
  });
});
