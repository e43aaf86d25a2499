import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type CameraMail, cameraMessage, sendCameraMail } from '../../src/sandbox/camera-smtp.ts';
import { GMAIL_REPLIES } from '../../src/sandbox/mail/gmail-replies.ts';
import type { MailSandbox } from '../../src/sandbox/mail/mail-sandbox.ts';
import { parseMime } from '../../src/sandbox/mail/mime-part.ts';
import { APP_PASSWORD, GUARD, OWNER, start } from './fixture.ts';

describe('camera SMTP client', () => {
  let sandbox: MailSandbox;

  beforeEach(async () => {
    sandbox = await start();
  });

  afterEach(() => sandbox.close());

  const jpeg = Buffer.from('ffd8ffe000104a464946', 'hex');
  const message = (subject: string) =>
    cameraMessage({ brand: 'HIKMailer', from: OWNER, fromName: 'Haustür', to: [GUARD], subject, body: 'Bewegung\n.\nvorn', jpeg });

  const camera = (extra: Partial<CameraMail> = {}) =>
    sendCameraMail({
      host: '127.0.0.1',
      port: sandbox.ports.smtps,
      security: 'tls',
      authentication: { username: OWNER, password: APP_PASSWORD },
      heloName: 'DS-2CD2032',
      from: OWNER,
      to: [GUARD],
      message: message('Motion'),
      timeoutMs: 5000,
      ...extra,
    });

  it('sends over SSL and STARTTLS, with AUTH LOGIN and one command at a time', async () => {
    for (const extra of [
      {},
      { ca: sandbox.ca },
      { host: 'localhost', ca: sandbox.ca },
      { port: sandbox.ports.starttls, security: 'starttls' as const, ca: sandbox.ca },
    ]) {
      const result = await camera(extra);
      assert.deepEqual([result.ok, result.stage], [true, 'data'], result.reply);
      assert.match(result.reply, /^250 2\.0\.0 OK/);
    }
    assert.equal(sandbox.mailbox(GUARD).inbox.entries.length, 4);
    assert.ok(sandbox.log.every(({ logins, protocolErrors }) => logins[0]?.method === 'LOGIN' && protocolErrors.length === 0));
    assert.equal(sandbox.log[0]?.ehlo, 'DS-2CD2032');
  });

  it('writes a mail as cameras do', async () => {
    await camera({ message: message('Bewegung an der Tür') });
    const mail = await sandbox.mailbox(GUARD).waitForMail(({ subject }) => subject === 'Bewegung an der Tür', 5000);
    assert.equal(mail.header('From'), `Haustür <${OWNER}>`);
    assert.equal(mail.header('X-Mailer'), 'HIKMailer');
    assert.match(mail.messageId, /@mx\.google\.com>$/);
    const { parts } = parseMime(mail.raw);
    assert.deepEqual(
      parts.map(({ type, subtype }) => `${type}/${subtype}`),
      ['text/plain', 'image/jpeg'],
    );
    assert.deepEqual(
      parts.map(({ body }) => Buffer.from(body.toString(), 'base64')),
      [Buffer.from('Bewegung\n.\nvorn'), jpeg],
    );
  });

  it('doubles dots and sends line ends as CRLF', async () => {
    await camera({ message: Buffer.from('Subject: dots\n\n.\n..a\rb\r\n.') });
    const mail = await sandbox.mailbox(GUARD).waitForMail(({ subject }) => subject === 'dots', 5000);
    assert.equal(mail.body.toString(), '.\r\n..a\r\nb\r\n.\r\n');
  });

  it('says at which stage it failed and in which words', async () => {
    const failed = async (stage: string, reply: string | RegExp, extra: Partial<CameraMail>) => {
      const result = await camera(extra);
      assert.deepEqual([result.ok, result.stage], [false, stage], result.reply);
      if (reply instanceof RegExp) assert.match(result.reply, reply);
      else assert.equal(result.reply, reply);
    };
    await failed('login', GMAIL_REPLIES.badCredentials, { authentication: { username: OWNER, password: 'wrong' } });
    await failed('login', GMAIL_REPLIES.appPasswordRequired, { authentication: { username: OWNER, password: 'My account password 1' } });
    await failed('login', GMAIL_REPLIES.startTlsFirst, { port: sandbox.ports.starttls, security: 'none' });
    await failed('sender', GMAIL_REPLIES.authenticationRequired, { authentication: undefined });
    await failed('recipient', GMAIL_REPLIES.noSuchUser, { to: [GUARD, 'nobody@gmail.example'] });
    await failed('connect', GMAIL_REPLIES.helloInvalid, { heloName: 'front door' });
    await failed('tls', /WRONG_VERSION_NUMBER|ERR_SSL/, { port: sandbox.ports.starttls });
    await failed('tls', /CERT|VERIFY|SELF_SIGNED/, { ca: (await startOther()).ca });
    await failed('connect', 'ETIMEDOUT', { security: 'starttls', timeoutMs: 100 });
    await failed('dns', /ENOTFOUND|EAI_AGAIN|EINVAL/, { host: 'a..invalid' });
    sandbox.script({ stage: 'data', action: { reply: GMAIL_REPLIES.dailyLimit } });
    await failed('data', GMAIL_REPLIES.dailyLimit, {});
    sandbox.script({ stage: 'greeting', action: { drop: true } });
    await failed('connect', 'ECONNRESET', {});
  });

  it('finds a closed port', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    assert.deepEqual(await camera({ port }), { ok: false, reply: 'ECONNREFUSED', stage: 'connect' });
  });

  async function startOther(): Promise<{ ca: string }> {
    const other = await start();
    await other.close();
    return other;
  }
});
