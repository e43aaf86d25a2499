import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CameraMailInNode } from '../../nodes/camera-mail-in/camera-mail-in.ts';
import { parseUsers, usersVerdict, validators } from '../../nodes/camera-mail-in/config.ts';
import type { Message } from '../../nodes/shared/node-red.ts';
import { cameraMessage, sendCameraMail } from '../../src/sandbox/camera-smtp.ts';
import { freePort } from '../../src/sandbox/free-port.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { isOpen } from '../ports.ts';
import { until } from '../waiting.ts';
import { accountNodes, accountSecrets, mailInNode, onTab, TAB } from './flow.ts';
import { logged, modules, runtime, startRuntime, stopRuntime } from './runtime.ts';

interface Attached {
  filename: string;
  content: Buffer;
  contentType: string;
}

const MODULES = modules('gmail-account', 'camera-device', 'camera-mail-in');
const JPEG = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(5_000, 7), Buffer.from([0xff, 0xd9])]);

describe('camera-mail-in', () => {
  let sandbox: Sandbox;
  let userDir: string;
  let port: number;
  let messages: Message[];
  const statuses: string[] = [];

  before(async () => {
    sandbox = await startSandbox([]);
    userDir = mkdtempSync(join(tmpdir(), 'camera-email-mail-in-'));
    await startRuntime({ userDir });
  });
  afterEach(() => runtime.unload());
  after(async () => {
    await stopRuntime();
    await sandbox.close();
    rmSync(userDir, { recursive: true, force: true });
  });

  async function load(properties: object, users = '{"Front door":"Door-Pass-1"}'): Promise<void> {
    port = await freePort();
    messages = [];
    statuses.length = 0;
    const flow = [
      ...accountNodes(sandbox),
      { id: 'cam', type: 'camera-device', name: 'Front door', vendor: 'hikvision', host: '192.0.2.7' },
      TAB,
      mailInNode('n1', port, { cameras: ['cam'], ...properties, wires: [['out']] }),
      onTab('out', 'helper'),
    ];
    await runtime.load(MODULES, flow, { ...accountSecrets(sandbox), cam: { username: 'admin', password: 'x-12345' }, n1: { users } });
    const node = runtime.getNode('n1');
    const status = node.status.bind(node);
    node.status = (given) => {
      statuses.push(`${given.fill} ${given.text}`);
      status(given);
    };
    runtime.getNode('out').on('input', (message) => messages.push(message));
  }

  function mailFrom(password = 'Door-Pass-1', authentication = true) {
    return sendCameraMail({
      host: '127.0.0.1',
      port,
      security: 'starttls',
      ...(authentication ? { authentication: { username: 'Front door', password } } : {}),
      heloName: 'ipc',
      from: 'cam@example.com',
      to: ['whoever@example.com'],
      message: cameraMessage({
        brand: 'HIKMailer',
        from: 'cam@example.com',
        fromName: 'Cam',
        to: ['whoever@example.com'],
        subject: 'Front door: Intrusion Detection',
        body: 'EVENT TYPE: Intrusion Detection\r\nEVENT TIME: 2026-05-22,14:52:18\r\nCHANNEL NUMBER: 1\r\n',
        jpeg: JPEG,
      }),
      timeoutMs: 10_000,
    });
  }

  it("a camera's mail becomes an event, and arrives in the inbox of relayTo and nowhere else", async () => {
    await load({ account: 'account', relayTo: sandbox.account.email });
    await until(() => isOpen(port));
    assert.deepEqual((await mailFrom()).ok, true);
    await until(() => messages.length === 1);
    const { topic, payload, mail, attachments } = messages[0] as Message & { mail: object; attachments: Attached[] };
    const { at, ...event } = payload as Record<string, unknown>;
    assert.equal(topic, 'Front door/intrusion');
    assert.ok(!Number.isNaN(Date.parse(String(at))));
    assert.deepEqual(event, {
      type: 'intrusion',
      state: 'pulse',
      channel: 1,
      vendorType: 'Intrusion Detection',
      camera: { id: 'cam', name: 'Front door', host: '192.0.2.7', vendor: 'hikvision' },
    });
    assert.deepEqual(Object.keys(mail), ['from', 'to', 'subject', 'text', 'date', 'remoteAddress']);
    const [picture] = attachments;
    assert.equal(picture?.filename, 'snapshot.jpg');
    assert.ok(picture?.content.equals(JPEG));
    const arrived = await sandbox.mail.mailbox(sandbox.account.email).waitForMail((one) => one.subject.includes('Intrusion'), 10_000);
    assert.deepEqual(arrived.envelope.to, [sandbox.account.email]);
    assert.deepEqual(sandbox.mail.outside, []);
    assert.match(statuses.at(-1) ?? '', /^green .*: 1$/);
    await until(() => readdirSync(join(userDir, 'camera-email', 'incoming', 'n1')).length === 0);
  });

  it('refuses who does not log in, and says who tried a wrong login without the password', async () => {
    await load({});
    await until(() => isOpen(port));
    assert.match((await mailFrom('', false)).reply, /^530/);
    assert.match((await mailFrom('wrong-Password-77')).reply, /^535/);
    assert.equal(messages.length, 0);
    assert.ok(logged().includes('tried a wrong login') && !logged().includes('wrong-Password-77'));
  });

  it('says what a camera has to be set to', async () => {
    await load({ host: '0.0.0.0' });
    await until(() => isOpen(port));
    const { password, ...rest } = await runtime.getNode<CameraMailInNode>('n1').listener({ name: 'front DOOR', host: '127.0.0.1' });
    assert.deepEqual(rest, { host: '127.0.0.1', port, securities: ['starttls', 'none'], authentication: true, username: 'Front door' });
    assert.equal(password.reveal(), 'Door-Pass-1');
  });

  for (const [name, properties, users, text] of [
    ['a network that is none', { auth: 'network', allow: ['192.168.1.0/99'] }, undefined, 'networks that may mail'],
    ['an account that is gone', { account: 'gone' }, undefined, 'no account to work with'],
    ['logins that cannot be read', {}, '{"a"', 'logins for the cameras'],
  ] as const) {
    it(`tells of ${name}, and Node-RED lives on`, async () => {
      await load(properties, users);
      await until(() => logged().includes(text));
    });
  }

  it('tells of a port that is in use', async () => {
    const blocker = createServer();
    await new Promise<void>((ready) => blocker.listen(0, '127.0.0.1', ready));
    await load({ port: (blocker.address() as AddressInfo).port });
    await until(() => logged().includes('cannot be opened'));
    await new Promise((closed) => blocker.close(closed));
  });
});

describe('camera-mail-in settings', () => {
  it('logins are JSON', () => {
    assert.deepEqual(parseUsers('{"a":"b"}'), new Map([['a', 'b']]));
    for (const wrong of ['', '[]', '{"a":1}', '{"a":""}', 'a:b']) assert.equal(parseUsers(wrong), undefined, wrong);
    assert.equal(usersVerdict('', 'login'), 'users-missing');
    assert.equal(usersVerdict('', 'network'), true);
    assert.equal(usersVerdict('__PWRD__', 'login'), true);
    assert.equal(usersVerdict('x', 'login'), 'not-users');
  });

  it('networks are addresses with or without a length', () => {
    for (const fine of ['192.168.1.0/24', '10.0.0.7', 'fd00::/8', '192.168.1.0/24, 10.0.0.1'])
      assert.equal(validators.allow(fine, {}), true, fine);
    for (const wrong of ['192.168.1.0/33', '300.1.1.1', 'lan']) assert.equal(validators.allow([wrong], {}), 'not-a-network', wrong);
    assert.equal(validators.allow([], { auth: 'network' }), 'network-missing');
  });
});
