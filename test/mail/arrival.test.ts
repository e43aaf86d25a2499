import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { Secret } from '../../src/core/secret.ts';
import type { MailAccount } from '../../src/mail/account.ts';
import { type Arrival, type ArrivalWatch, watchMailbox } from '../../src/mail/arrival.ts';
import { composeMail } from '../../src/mail/compose.ts';
import { sendInStages } from '../../src/mail/send.ts';
import { composeTestMail, testToken } from '../../src/mail/test-mail.ts';
import { GMAIL_IMAP_REPLIES } from '../../src/sandbox/mail/gmail-replies.ts';
import { type MailSandbox, startMailSandbox } from '../../src/sandbox/mail/mail-sandbox.ts';
import { ME, PASSWORD, type RawServer, rawServer, sandboxAccount, YOU } from './servers.ts';

const YOUR_PASSWORD = 'ponmlkjihgfedcba';

describe('watchMailbox', () => {
  let sandbox: MailSandbox;
  let sender: MailAccount;
  let watch: ArrivalWatch | undefined;

  const start = async (options: Partial<Parameters<typeof startMailSandbox>[0]> = {}) => {
    sandbox = await startMailSandbox({
      users: [
        { email: ME, appPassword: PASSWORD, accountPassword: 'account-secret' },
        { email: YOU, appPassword: YOUR_PASSWORD, accountPassword: 'other-secret' },
      ],
      ...options,
    });
    sender = sandboxAccount(sandbox);
  };
  const watching = async (email = YOU): Promise<ArrivalWatch> => {
    const password = email === ME ? sender.password : new Secret(YOUR_PASSWORD);
    watch = await watchMailbox({ ...sender, email, username: email, password });
    return watch;
  };
  const send = async (to = YOU) => {
    const mail = await composeTestMail(sender, { to, token: testToken(), via: 'server' });
    const { error } = await sendInStages(sender, mail);
    assert.equal(error, undefined);
    return mail;
  };

  afterEach(async () => {
    await watch?.close();
    watch = undefined;
    await sandbox.close();
  });

  it('finds the very mail in INBOX, with one login', async () => {
    await start();
    const mailbox = await watching();
    const since = Date.now();
    const mail = await send();
    const arrival = await mailbox.waitFor({ messageId: mail.messageId }, 10_000);
    assert.deepEqual([arrival?.folder, arrival?.mailbox, arrival?.messageId], ['inbox', 'INBOX', mail.messageId]);
    assert.ok(Math.abs((arrival?.receivedAt ?? 0) - since) < 60_000);
    assert.equal(sandbox.imapLog.flatMap(({ logins }) => logins).length, 1);
  });

  it('takes ids with or without brackets, in any case', async () => {
    await start();
    const mailbox = await watching();
    const mail = await send();
    const arrival = await mailbox.waitFor({ messageId: mail.messageId.slice(1, -1).toUpperCase() }, 10_000);
    assert.equal(arrival?.messageId, mail.messageId);
  });

  it('finds it in the spam folder, whatever that is called', async () => {
    await start({ folderNames: { '\\Junk': '[Gmail]/Correo no deseado' } });
    sandbox.script({ stage: 'delivered', action: { deliver: 'spam' } });
    const mailbox = await watching();
    const mail = await send();
    const arrival = await mailbox.waitFor({ messageId: mail.messageId }, 10_000);
    assert.deepEqual([arrival?.folder, arrival?.mailbox], ['spam', '[Gmail]/Correo no deseado']);
  });

  it('is told of a mail that comes late', async () => {
    await start();
    const mailbox = await watching();
    sandbox.script({ stage: 'delivered', action: { deliverAfterMs: 300 } });
    const mail = await send();
    assert.equal((await mailbox.waitFor({ messageId: mail.messageId }, 10_000))?.folder, 'inbox');
  });

  it('gives up on one that never comes', async () => {
    await start();
    sandbox.script({ stage: 'delivered', action: { deliver: 'lost' } });
    const mailbox = await watching();
    const mail = await send();
    assert.equal(await mailbox.waitFor({ messageId: mail.messageId }, 300), undefined);
  });

  for (const gmailExtensions of [true, false]) {
    it(`does not take the Sent copy for an arrival${gmailExtensions ? '' : ', also without labels'}`, async () => {
      await start({ gmailExtensions });
      sandbox.script({ stage: 'delivered', action: { deliver: 'lost' } });
      const mailbox = await watching(ME);
      const mail = await send();
      const raw = sandbox.mailbox(ME).folder('\\Sent').mails.at(-1) ?? sandbox.place(ME, mail.raw, 'sent');
      assert.ok(raw.raw.includes(mail.messageId));
      assert.equal(sandbox.mailbox(ME).folder('\\All').mails.length, 1);
      assert.equal(await mailbox.waitFor({ messageId: mail.messageId }, 500), undefined);
    });
  }

  it('takes a mail to oneself only when it is in the inbox', async () => {
    await start();
    const mailbox = await watching(ME);
    const mail = await send(ME);
    const arrival = await mailbox.waitFor({ messageId: mail.messageId }, 10_000);
    assert.equal(arrival?.folder, 'inbox');
  });

  it('knows the mail whose Message-ID was replaced', async () => {
    await start();
    const mailbox = await watching();
    const id = '<1@camera.>';
    const raw = `Message-ID: <new@mx.google.com>\r\nX-Google-Original-Message-ID: ${id}\r\nFrom: ${ME}\r\nTo: ${YOU}\r\nSubject: x\r\n\r\nx\r\n`;
    sandbox.place(YOU, raw);
    assert.equal((await mailbox.waitFor({ messageId: id }, 10_000))?.messageId, '<new@mx.google.com>');
  });

  describe('without a Message-ID', () => {
    const camera = (subject: string, from = `"Front door" <${ME}>`) =>
      `Message-ID: <${Math.random()}@camera.example>\r\nFrom: ${from}\r\nTo: ${YOU}\r\nSubject: ${subject}\r\n\r\nx\r\n`;

    const named = { sender: ME, senderName: 'Front door' };

    it('picks the mail of exactly that name', async () => {
      await start();
      const mailbox = await watching();
      sandbox.place(YOU, camera('Test', `"Front door garage" <${ME}>`));
      sandbox.place(YOU, camera('Front door', `"Shop" <${ME}>`));
      sandbox.place(YOU, camera('Test', '"Front door" <other@example.org>'));
      assert.equal(await mailbox.waitFor({ ...named, since: Date.now() }, 200), undefined);
      assert.equal(mailbox.sawUnclear, false);
      const ours = sandbox.place(YOU, camera('Anything', `" front DOOR" <${ME.toUpperCase()}>`));
      const arrival = await mailbox.waitFor({ ...named, since: Date.now() }, 10_000);
      assert.ok(ours.raw.includes(arrival?.messageId ?? '-'));
    });

    it('reads encoded names, and the sender that Gmail replaced', async () => {
      await start();
      const mailbox = await watching();
      const name = `=?utf-8?B?${Buffer.from('Tür').toString('base64')}?=`;
      sandbox.place(YOU, `X-Google-Original-From: ${name} <cam@home.example>\r\n${camera('x', `${name} <${ME}>`)}`);
      assert.equal((await mailbox.waitFor({ sender: 'cam@home.example', senderName: 'tür', since: Date.now() }, 10_000))?.folder, 'inbox');
    });

    it('never takes a mail of this package for a camera’s', async () => {
      await start();
      const mailbox = await watching();
      const own = await composeTestMail({ ...sender, fromName: 'Front door' }, { to: YOU, token: testToken(), via: 'server' });
      const alert = await composeMail({ to: YOU, subject: 'Test', text: 'x' }, { ...sender, fromName: 'Front door' });
      for (const { raw } of [own, alert]) sandbox.place(YOU, raw);
      sandbox.place(YOU, camera('Camera e-mail test (cam-7F3K2Q)'));
      sandbox.place(YOU, `X-Camera-Email-Test: server cam-7F3K2Q\r\n${camera('Test')}`);
      for (const senderName of ['Front door', undefined])
        assert.equal(await mailbox.waitFor({ sender: ME, senderName, since: Date.now() }, 200), undefined);
      assert.equal(mailbox.sawUnclear, false);
    });

    it('without a name asks for the subject of a test', async () => {
      await start();
      const mailbox = await watching();
      sandbox.place(YOU, camera('Motion detected', `"Other" <${ME}>`));
      assert.equal(await mailbox.waitFor({ sender: ME, senderName: ' ', since: Date.now() }, 200), undefined);
      assert.equal(mailbox.sawUnclear, true);
      const ours = sandbox.place(YOU, camera('=?utf-8?B?44Oh44O844Or44OG44K544OI?=', ME));
      const arrival = await mailbox.waitFor({ sender: ME, since: Date.now() }, 10_000);
      assert.ok(ours.raw.includes(arrival?.messageId ?? '-'));
    });

    it('finds it unclear when the name that was wanted is missing', async () => {
      await start();
      const mailbox = await watching();
      sandbox.place(YOU, camera('Test', ME));
      assert.equal(await mailbox.waitFor({ ...named, since: Date.now() }, 200), undefined);
      assert.equal(mailbox.sawUnclear, true);
    });

    it('accepts nothing older, and nothing by the time alone', async () => {
      await start();
      const mailbox = await watching();
      sandbox.place(YOU, camera('Test'), 'inbox', new Date(Date.now() - 3_600_000));
      assert.equal(await mailbox.waitFor({ ...named, since: Date.now() }, 200), undefined);
      await assert.rejects(mailbox.waitFor({ sender: '', since: 0 }, 200), { code: 'bad-input' });
    });
  });

  describe('when the connection is lost', () => {
    let proxy: RawServer;
    let waiting: Promise<Arrival | undefined>;

    beforeEach(async () => {
      await start();
      const sockets: Socket[] = [];
      proxy = await rawServer((socket) => {
        sockets.push(socket);
        const upstream = connect(sandbox.ports.imaps, '127.0.0.1');
        upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy());
        socket.on('close', () => upstream.destroy());
        socket.pipe(upstream).pipe(socket);
      });
      const imap = { host: 'localhost', port: proxy.port, security: 'tls' as const };
      watch = await watchMailbox({ ...sender, imap, email: YOU, username: YOU, password: new Secret(YOUR_PASSWORD) });
      waiting = watch.waitFor({ sender: ME, since: Date.now() }, 15_000);
      const [session] = sandbox.imapLog;
      while (!session?.commands.includes('IDLE')) await new Promise(setImmediate);
      sockets[0]?.destroy();
    });
    afterEach(() => proxy.close());

    it('connects again and finds what came meanwhile', async () => {
      const ours = sandbox.place(YOU, `Message-ID: <1@camera.example>\r\nFrom: ${ME}\r\nSubject: Test\r\n\r\nx\r\n`);
      assert.ok(ours.raw.includes((await waiting)?.messageId ?? '-'));
      assert.equal(proxy.connections, 2);
    });

    it('does not log in again and again when the password was revoked', async () => {
      sandbox.script({ stage: 'auth', protocol: 'imap', action: { reply: GMAIL_IMAP_REPLIES.badCredentials } });
      await assert.rejects(waiting, { code: 'bad-app-password' });
      assert.equal(sandbox.imapLog.flatMap(({ logins }) => logins).length, 2);
    });
  });

  it('stops when it is told to', async () => {
    await start();
    const mailbox = await watching();
    const controller = new AbortController();
    const waiting = mailbox.waitFor({ messageId: 'x' }, 60_000, controller.signal);
    controller.abort();
    await assert.rejects(waiting, { code: 'cancelled' });
  });

  it('does not repeat a refused login', async () => {
    await start();
    const wrong = { ...sender, username: YOU };
    await assert.rejects(watchMailbox(wrong), { code: 'bad-app-password' });
    await assert.rejects(watchMailbox(wrong), { code: 'bad-app-password' });
    assert.equal(sandbox.imapLog.length, 1);
  });
});
