import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Message } from '../../nodes/shared/node-red.ts';
import type { HikvisionSimulator } from '../../src/cameras/hikvision/simulator.ts';
import { until } from '../waiting.ts';
import { Bench } from './fixture.ts';
import { logged, runtime } from './runtime.ts';

describe('an account with OAuth2', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await Bench.start();
  });
  afterEach(() => bench.close());

  const load = (type: string, properties: object, credentials: object = {}) => {
    const { mail, account } = bench.sandbox;
    const oauth2 = { authentication: 'oauth2', tokenUrl: mail.tokens.url };
    return bench.load(type, properties, { account: oauth2, credentials: { account: { ...account.oauth2, ...credentials } } });
  };
  const outcomes = () => bench.sandbox.mail.tokens.requests.map(({ outcome }) => outcome);
  const device = () => bench.sandbox.cameras[0]?.device as HikvisionSimulator;

  it('sends through the queue and proves the arrival', async () => {
    await load('gmail-app-smtp', { delivery: 'queue' });
    const { completed, error } = await bench.run({ payload: 'hello', topic: 'first' });
    assert.equal(error, undefined);
    assert.equal(completed, 1);
    await bench.unload();
    await load('test-email', { via: 'server', proveArrival: true, timeout: 10 });
    const { each } = await bench.run({});
    assert.equal((each[0]?.payload as { verdict: string } | undefined)?.verdict, 'arrived');
    assert.deepEqual(new Set(outcomes()), new Set(['granted']));
    const methods = bench.sandbox.mail.log.flatMap(({ logins }) => logins.map(({ method }) => method));
    assert.deepEqual(new Set(methods), new Set(['XOAUTH2']));
  });

  it('a refresh token that is worth nothing stops the queue with one error, and a new one sets it going', async () => {
    const caught: Message[] = [];
    const waiting = () => readdirSync(join(bench.userDir, 'camera-email/outbox/account/new')).length;
    await load('gmail-app-smtp', { delivery: 'queue', to: 'you@example.org' }, { refreshToken: '1//withdrawn' });
    runtime.getNode('caught').on('input', (message) => caught.push(message));
    for (const number of [1, 2, 3]) runtime.getNode('n1').receive({ payload: `mail ${number}` });
    await until(() => caught.length > 0 && waiting() === 3);
    assert.deepEqual(
      caught.map(({ error }) => (error as { code: string }).code),
      ['oauth2-refused'],
    );
    assert.deepEqual(outcomes(), ['invalid_grant']);
    await bench.unload();
    await load('gmail-app-smtp', { delivery: 'queue', to: 'you@example.org' });
    await until(() => bench.sandbox.mail.outside.length === 3);
    assert.deepEqual(outcomes(), ['invalid_grant', 'granted']);
  });

  for (const action of ['plan', 'apply', 'verify']) {
    it(`configure-camera-email: ${action} says that cameras cannot use it, and asks no camera`, async () => {
      await load('configure-camera-email', { action, test: 'none', recipients: '' });
      const { each, summary, error } = await bench.run({});
      assert.equal(error?.code, 'bad-input');
      assert.match(error?.message ?? '', /Cameras cannot log in with OAuth2/);
      assert.match(String((error?.cause as { advice: string } | undefined)?.advice), /camera-mail-in/);
      assert.deepEqual([each.length, summary], [0, undefined]);
      assert.equal(device().server.requests.length, 0);
    });
  }

  it('configure-camera-email can still put old settings back', async () => {
    await bench.load('configure-camera-email', { action: 'apply', test: 'none', recipients: '' });
    const before = device().mailing;
    await bench.run({});
    assert.notEqual(device().mailing, before);
    await bench.unload();
    await load('configure-camera-email', { action: 'restore', test: 'none' });
    assert.equal(((await bench.run({})).each[0]?.payload as { outcome: string } | undefined)?.outcome, 'restored');
    assert.equal(device().mailing, before);
  });

  it('test-email by the camera says that it cannot', async () => {
    await load('test-email', { via: 'camera', proveArrival: false });
    const { each } = await bench.run({});
    const result = each[0]?.payload as { verdict: string; error?: { message: string } } | undefined;
    assert.equal(result?.verdict, 'failed');
    assert.match(result?.error?.message ?? '', /Cameras cannot log in with OAuth2/);
    assert.equal(device().server.requests.length, 0);
  });

  it('Verify works with stored and with new tokens, and sends stored ones only where they belong', async () => {
    await load('gmail-app-smtp', { delivery: 'queue' });
    const { mail, account } = bench.sandbox;
    const stored = { appPassword: '', clientId: account.oauth2.clientId, clientSecret: '__PWRD__', refreshToken: '__PWRD__' };
    const config = {
      email: account.email,
      service: 'custom',
      security: 'tls',
      host: 'localhost',
      port: String(mail.ports.smtps),
      imapHost: 'localhost',
      imapPort: String(mail.ports.imaps),
      imapSecurity: 'tls',
      tls: 'ca',
      authentication: 'oauth2',
      tokenUrl: mail.tokens.url,
    };
    const verify = async (changes: object, credentials: object) => {
      const { body } = await bench
        .admin()
        .post('/camera-email/verify')
        .send({ id: 'account', config: { ...config, ...changes }, credentials });
      return body as { ok: boolean; smtp?: { error?: { code: string } }; error?: { code: string; message: string } };
    };
    assert.equal((await verify({}, stored)).ok, true);
    assert.deepEqual(outcomes(), ['granted']);
    const elsewhere = await verify({ tokenUrl: `${mail.tokens.url}?elsewhere` }, stored);
    assert.match(elsewhere.error?.message ?? '', /is not sent there/);
    assert.deepEqual(outcomes(), ['granted']);
    const wrong = await verify({}, { ...stored, refreshToken: '1//wrong' });
    assert.deepEqual([wrong.ok, wrong.smtp?.error?.code], [false, 'oauth2-refused']);
    assert.equal((await verify({}, account.oauth2)).ok, true);
    assert.doesNotMatch(JSON.stringify(wrong) + logged(), /Sandbox-Refresh|Sandbox-Client/);
  });
});
