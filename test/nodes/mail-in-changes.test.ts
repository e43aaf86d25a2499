import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tls from 'node:tls';
import type { Message } from '../../nodes/shared/node-red.ts';
import { createCertificate } from '../../src/core/certificate.ts';
import { sendCameraMail } from '../../src/sandbox/camera-smtp.ts';
import { freePort } from '../../src/sandbox/free-port.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { isOpen } from '../ports.ts';
import { begin, MAIL } from '../relay/fixture.ts';
import { until } from '../waiting.ts';
import { Wire } from '../wire.ts';
import { accountNodes, accountSecrets, type FlowNode, mailInNode, onTab, TAB } from './flow.ts';
import { logged, modules, runtime, startRuntime, stopRuntime } from './runtime.ts';

const MODULES = modules('gmail-account', 'camera-device', 'camera-mail-in');
const USERS = '{"Yard":"Yard-Pass-1"}';
const YARD = { username: 'Yard', password: 'Yard-Pass-1' };

describe('camera-mail-in: networks, certificates and deploys', () => {
  let sandbox: Sandbox;
  let userDir: string;
  let port: number;
  let messages: Message[];

  before(async () => {
    sandbox = await startSandbox([]);
  });
  beforeEach(async () => {
    userDir = mkdtempSync(join(tmpdir(), 'camera-email-mail-in-'));
    await startRuntime({ userDir });
    port = await freePort();
    messages = [];
  });
  afterEach(async () => {
    await stopRuntime();
    rmSync(userDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  });
  after(() => sandbox.close());

  const listener = (properties: object = {}, id = 'n1') => mailInNode(id, port, { ...properties, wires: [['out']] });
  const flow = (...more: FlowNode[]) => [TAB, onTab('out', 'helper'), ...more];
  const load = async (nodes: FlowNode[], credentials: object = {}) => {
    await runtime.load(MODULES, flow(...nodes), { ...accountSecrets(sandbox), n1: { users: USERS }, n2: { users: USERS }, ...credentials });
    runtime.getNode('out').on('input', (message) => messages.push(message));
  };
  const opened = (host = '127.0.0.1', at = port) => until(() => isOpen(at, host));
  const mail = () => ({
    host: '127.0.0.1',
    port,
    security: 'none' as const,
    authentication: YARD,
    heloName: 'ipc',
    from: 'cam@example.com',
    to: ['me@example.com'],
    message: MAIL,
    timeoutMs: 10_000,
  });
  const waiting = () => readdirSync(join(userDir, 'camera-email/outbox/account/new')).length;

  it('shows the certificate of its tls-config, from the first byte on', async () => {
    const own = createCertificate({ commonName: 'relay.lan', subjectAltNames: ['IP:127.0.0.1'] });
    const config = {
      id: 'own',
      type: 'tls-config',
      name: '',
      cert: '',
      key: '',
      ca: '',
      certname: 'c',
      keyname: 'k',
      verifyservercert: true,
    };
    await load([config, listener({ tls: 'own', implicitTls: true })], { own: { certdata: own.cert, keydata: own.key } });
    let result = { ok: false, reply: 'ECONNREFUSED' };
    // Only a client that trusts this very certificate gets through.
    while (/ECONNREFUSED/.test(result.reply)) result = await sendCameraMail({ ...mail(), security: 'tls', ca: own.cert });
    assert.equal(result.ok, true, result.reply);
    await until(() => messages.length === 1);
    await assert.rejects(
      new Promise((resolve, reject) =>
        tls.connect({ port, host: '127.0.0.1', ca: sandbox.mail.ca }).on('secureConnect', resolve).on('error', reject),
      ),
    );
  });

  it('tells of a tls-config without a certificate', async () => {
    const config = { id: 'own', type: 'tls-config', name: '', cert: '', key: '', ca: '', verifyservercert: true };
    await load([config, listener({ tls: 'own' })]);
    await until(() => /certificate/i.test(logged()));
  });

  for (const [name, properties, host, ok] of [
    ['an IPv6 network', { host: '::1', allow: ['::1/128'] }, '::1', true],
    ['an IPv6 address in brackets', { host: '[::1]', allow: 'fd00::/8, ::1' }, '::1', true],
    ['some other IPv6 network', { host: '::1', allow: ['fd00::/8'] }, '::1', false],
    ['an IPv4 network, on a listener for both', { host: '::', allow: ['127.0.0.0/8'] }, '127.0.0.1', true],
    ['IPv6 only, on a listener for both', { host: '::', allow: ['::1'] }, '127.0.0.1', false],
  ] as const) {
    it(`without a login, from ${name}: ${ok ? 'taken' : 'refused'}`, async () => {
      await load([listener({ auth: 'network', ...properties })], { n1: {} });
      await opened(host);
      const { authentication: _none, ...anonymous } = mail();
      const result = await sendCameraMail({ ...anonymous, host });
      assert.equal(result.ok, ok, result.reply);
      if (ok) await until(() => messages.length === 1);
      else assert.match(result.reply, /^554/);
    });
  }

  it('a deploy ends the connections, and the new listener takes the mail that was cut off', async () => {
    await load([listener()]);
    await opened();
    const wire = await Wire.plain(port);
    await wire.reply();
    await wire.smtp('EHLO ipc');
    await wire.smtp(`AUTH PLAIN ${Buffer.from('\0Yard\0Yard-Pass-1').toString('base64')}`);
    assert.match((await begin(wire)).at(-1) ?? '', /^354/);
    wire.send(MAIL);
    await runtime.setFlows(flow(listener({ maxSize: 5 })), 'nodes');
    await wire.closed();
    await opened();
    assert.equal((await sendCameraMail(mail())).ok, true);
    await until(() => messages.length === 1);
    assert.deepEqual(
      readdirSync(join(userDir, 'camera-email/incoming/n1')).filter((file) => file.endsWith('.part')),
      [],
    );
  });

  it('an account that is deleted while mails wait: no new ones are taken, and those that wait go out when it is back', async () => {
    const stop = sandbox.mail.script({ stage: 'connect', action: { drop: true } });
    const nodes = [...accountNodes(sandbox), listener({ account: 'account', relayTo: sandbox.account.email })];
    await load(nodes);
    await opened();
    assert.equal((await sendCameraMail({ ...mail(), message: MAIL.replace('Motion', 'Kept') })).ok, true);
    await until(() => messages.length === 1 && waiting() === 1);
    await runtime.setFlows(flow(listener({ account: 'account' })), 'full');
    await until(() => logged().includes('no account to work with'));
    // The camera keeps what nobody would send on.
    assert.equal((await sendCameraMail(mail())).stage, 'connect');
    assert.equal(waiting(), 1);
    stop();
    await runtime.unload();
    await load(nodes);
    const arrived = await sandbox.mail.mailbox(sandbox.account.email).waitForMail(({ subject }) => subject === 'Kept', 10_000);
    assert.deepEqual(arrived.envelope.to, [sandbox.account.email]);
  });

  it('two listeners have the same certificate; on the same port the second one says so, and the first goes on', async () => {
    const other = await freePort();
    await load([listener(), listener({ port: other }, 'n2')]);
    await opened();
    await opened('127.0.0.1', other);
    const shown = async (at: number) => {
      const client = await Wire.plain(at);
      await client.reply();
      await client.smtp('STARTTLS');
      return client.certificate();
    };
    assert.equal(await shown(port), await shown(other));
    await runtime.setFlows(flow(listener(), listener({ port }, 'n2')), 'nodes');
    await until(() => logged().includes('cannot be opened'));
    assert.equal((await sendCameraMail(mail())).ok, true);
  });
});
