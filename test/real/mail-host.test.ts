import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ImapFlow } from 'imapflow';
import nodemailer from 'nodemailer';
import { type MailHost, startMailHost } from './mail-host.ts';

const run = promisify(execFile);
const ARRIVAL_MS = 20_000;

describe('the real mail host (Postfix and Dovecot)', () => {
  let host: MailHost;

  before(async () => {
    host = await startMailHost();
  });

  after(() => host.close());

  it('delivers what nodemailer sends over SMTPS', async () => {
    const subject = `over SMTPS ${randomUUID()}`;
    const info = await send({ subject });
    assert.match(info.response, /^250 /);
    await arrivesIn('INBOX', subject, info.messageId);
  });

  it('delivers what nodemailer sends over STARTTLS', async () => {
    const subject = `over STARTTLS ${randomUUID()}`;
    const info = await send({ subject, port: host.ports.submission });
    await arrivesIn('INBOX', subject, info.messageId);
  });

  it('delivers what swaks sends over STARTTLS', async () => {
    const subject = `from swaks ${randomUUID()}`;
    const { stdout } = await swaks(subject, ['-tls', '--auth', 'LOGIN', ...login()]);
    assert.match(stdout, /<~ {2}235 2\.7\.0/);
    await arrivesIn('INBOX', subject);
  });

  it('files a mail with [spam] in its subject into Junk', async () => {
    const subject = `[spam] ${randomUUID()}`;
    const info = await send({ subject });
    await arrivesIn('Junk', subject, info.messageId);
    assert.deepEqual(await messageIds('INBOX', subject), []);
  });

  it('accepts a mail with [lose] in its subject and delivers it nowhere', async () => {
    const token = randomUUID();
    const lost = await send({ subject: `[lose] ${token}` });
    assert.match(lost.response, /^250 /);
    const next = await send({ subject: `the next one ${token}` });
    await arrivesIn('INBOX', `the next one ${token}`, next.messageId);
    assert.deepEqual(await messageIds('INBOX', `[lose] ${token}`), []);
    assert.deepEqual(await messageIds('Junk', `[lose] ${token}`), []);
  });

  it('answers 535 to a wrong password, on both ports and through swaks', async () => {
    for (const port of [host.ports.smtps, host.ports.submission]) {
      await assert.rejects(send({ port, pass: 'wrong' }), { code: 'EAUTH', responseCode: 535 });
    }
    const { stdout, code } = await swaks('refused', ['-tls', '--auth', 'PLAIN', ...login('wrong')]);
    assert.notEqual(code, 0);
    assert.match(stdout, /<~\* 535 5\.7\.8/);
  });

  it('answers 530 to a mail without TLS, and offers no login there', async () => {
    await assert.rejects(send({ port: host.ports.submission, plain: true, pass: null }), {
      responseCode: 530,
      response: /530 5\.7\.0 Must issue a STARTTLS command first/,
    });
    const { stdout } = await swaks('refused', []);
    assert.match(stdout, /<\*\* 530 5\.7\.0 Must issue a STARTTLS/);
    assert.doesNotMatch(stdout, /AUTH/);
  });

  it('answers 530 to a mail without login', async () => {
    for (const port of [host.ports.smtps, host.ports.submission]) {
      await assert.rejects(send({ port, pass: null }), { responseCode: 530, response: /530 5\.7\.0 .*Authentication Required/ });
    }
  });

  it('refuses mail to an unknown user and to another domain', async () => {
    await assert.rejects(send({ to: 'nobody@mail.test' }), { responseCode: 550 });
    await assert.rejects(send({ to: 'someone@elsewhere.test' }), { responseCode: 554 });
  });

  it('has a certificate that only its own authority vouches for', async () => {
    await assert.rejects(send({ ca: null }), { code: 'ESOCKET' });
  });

  it('refuses a wrong IMAP password and names its special folders', async () => {
    await assert.rejects(mailbox('wrong').connect(), { authenticationFailed: true });
    const imap = mailbox();
    await imap.connect();
    const folders = await imap.list();
    await imap.logout();
    const special = folders.map(({ path, specialUse }) => `${path} ${specialUse}`).sort();
    assert.deepEqual(special, ['INBOX \\Inbox', 'Junk \\Junk', 'Sent \\Sent', 'Trash \\Trash']);
  });

  it('leaves no process behind when closed', async () => {
    const other = await startMailHost();
    await other.close();
    for (const port of Object.values(other.ports)) {
      await assert.rejects(once(connect(port, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' });
    }
  });

  /** `null` leaves the login, or the authority, out. */
  function send(mail: { subject?: string; to?: string; port?: number; pass?: string | null; ca?: null; plain?: boolean }) {
    const { subject = 'Motion', to = host.users.owner.address, port = host.ports.smtps, pass = host.users.camera.password } = mail;
    const transport = nodemailer.createTransport({
      host: 'localhost',
      port,
      secure: port === host.ports.smtps,
      requireTLS: mail.plain !== true,
      ignoreTLS: mail.plain === true,
      tls: mail.ca === null ? {} : { ca: host.ca },
      ...(pass === null ? {} : { auth: { user: host.users.camera.address, pass } }),
    });
    return transport.sendMail({ from: host.users.camera.address, to, subject, text: 'Motion at the gate' });
  }

  async function swaks(subject: string, options: string[]): Promise<{ stdout: string; code: number }> {
    const { camera, owner } = host.users;
    const envelope = ['--server', `127.0.0.1:${host.ports.submission}`, '--from', camera.address, '--to', owner.address];
    try {
      const { stdout } = await run('swaks', [...envelope, '--h-Subject', subject, '--timeout', '15', ...options]);
      return { stdout, code: 0 };
    } catch (error) {
      const { stdout, code } = error as { stdout: string; code: number };
      return { stdout, code };
    }
  }

  function login(password = host.users.camera.password): string[] {
    return ['--auth-user', host.users.camera.address, '--auth-password', password];
  }

  function mailbox(pass = host.users.owner.password): ImapFlow {
    return new ImapFlow({
      host: 'localhost',
      port: host.ports.imaps,
      secure: true,
      tls: { ca: host.ca },
      auth: { user: host.users.owner.address, pass },
      logger: false,
    });
  }

  async function messageIds(folder: string, subject: string): Promise<string[]> {
    const imap = mailbox();
    await imap.connect();
    try {
      await imap.mailboxOpen(folder);
      const found = await imap.fetchAll({ subject }, { envelope: true });
      return found.map(({ envelope }) => envelope?.messageId ?? '');
    } finally {
      await imap.logout();
    }
  }

  async function arrivesIn(folder: string, subject: string, messageId?: string): Promise<void> {
    const deadline = Date.now() + ARRIVAL_MS;
    for (;;) {
      const found = await messageIds(folder, subject);
      if (found.length > 0) {
        assert.equal(found.length, 1);
        if (messageId !== undefined) assert.deepEqual(found, [messageId]);
        return;
      }
      assert.ok(Date.now() < deadline, `no mail "${subject}" in ${folder}`);
      await delay(100);
    }
  }
});
