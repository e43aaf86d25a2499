import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Secret } from '../../src/core/secret.ts';
import type { MailAccount } from '../../src/mail/account.ts';
import { type ComposedMail, composeMail } from '../../src/mail/compose.ts';
import { createMailer, type Mailer, sendInStages } from '../../src/mail/send.ts';
import { GMAIL_REPLIES } from '../../src/sandbox/mail/gmail-replies.ts';
import { type MailSandbox, startMailSandbox } from '../../src/sandbox/mail/mail-sandbox.ts';
import { account, ME, PASSWORD, QUICK, type RawServer, rawServer, sandboxAccount, smtpScript, YOU } from './servers.ts';

describe('sending', () => {
  let sandbox: MailSandbox;
  let mine: MailAccount;
  let mailer: Mailer;
  let raw: RawServer | undefined;

  beforeEach(async () => {
    sandbox = await startMailSandbox({
      users: [
        { email: ME, appPassword: PASSWORD, accountPassword: 'account-secret' },
        { email: YOU, appPassword: 'ponmlkjihgfedcba', accountPassword: 'other-secret' },
      ],
    });
    mine = sandboxAccount(sandbox);
    mailer = createMailer(mine, QUICK);
  });
  afterEach(async () => {
    mailer.close();
    await sandbox.close();
    await raw?.close();
    raw = undefined;
  });

  const mail = (subject = 'Motion', to: string | string[] = YOU): Promise<ComposedMail> => composeMail({ to, subject, text: 'x' }, mine);
  const logins = () => sandbox.log.flatMap((session) => session.logins).length;

  describe('createMailer', () => {
    it('delivers the bytes with their Message-ID', async () => {
      const composed = await mail('Tür 木');
      const result = await mailer.send(composed);
      assert.equal(result.messageId, composed.messageId);
      assert.deepEqual([result.accepted, result.rejected], [[YOU], []]);
      assert.match(result.response, /^250 2\.0\.0 OK/);
      const arrived = await sandbox.mailbox(YOU).waitForMail(() => true, 2_000);
      assert.ok(arrived.raw.toString('latin1').includes(composed.messageId));
    });

    it('stays logged in from one mail to the next', async () => {
      for (const subject of ['1', '2', '3']) await mailer.send(await mail(subject));
      assert.deepEqual([sandbox.log.length, logins()], [1, 1]);
    });

    it('sends a burst over few connections', async () => {
      const mails = await Promise.all(Array.from({ length: 40 }, (_, index) => mail(`mail ${index}`)));
      const results = await Promise.all(mails.map((item) => mailer.send(item)));
      assert.equal(new Set(results.map(({ messageId }) => messageId)).size, 40);
      assert.equal(sandbox.mailbox(YOU).inbox.mails.length, 40);
      assert.ok(sandbox.log.length <= 5, `${sandbox.log.length} connections`);
    });

    it('logs in once with a wrong password, however many mails wait', async () => {
      const wrong = createMailer({ ...mine, password: new Secret('wrongwrongwrongw') }, QUICK);
      const sent = await Promise.all(
        Array.from({ length: 20 }, async () => wrong.send(await mail()).catch((error: { code: string }) => error.code)),
      );
      assert.deepEqual([...new Set(sent)], ['bad-app-password']);
      await assert.rejects(wrong.send(await mail()), { code: 'bad-app-password' });
      assert.equal(logins(), 1);
      wrong.close();
    });

    it('tells the 101st recipient from the others', async () => {
      const to = Array.from({ length: 101 }, (_, index) => `r${index}@example.org`);
      const result = await mailer.send(await mail('many', to));
      assert.equal(result.accepted.length, 100);
      assert.deepEqual(
        result.rejected.map(({ address, error }) => [address, error.code]),
        [['r100@example.org', 'too-many-recipients']],
      );
    });

    it('goes on with the same connection after a refused mail', async () => {
      sandbox.script({ stage: 'rcpt', times: 1, action: { reply: GMAIL_REPLIES.noSuchUser } });
      await assert.rejects(mailer.send(await mail()), { code: 'recipient-refused' });
      await mailer.send(await mail());
      assert.equal(sandbox.log.length, 1);
    });

    it('opens a new connection when the server gave the idle one up', async () => {
      await mailer.send(await mail());
      sandbox.script({ stage: 'mail', times: 1, action: { drop: true } });
      await mailer.send(await mail());
      assert.deepEqual([sandbox.log.length, sandbox.mailbox(YOU).inbox.mails.length], [2, 2]);
    });

    it('does not send again what may have been delivered', async () => {
      await mailer.send(await mail());
      sandbox.script({ stage: 'delivered', times: 1, action: { drop: true } });
      await assert.rejects(mailer.send(await mail()), { code: 'connection-lost' });
      assert.equal(sandbox.mailbox(YOU).inbox.mails.length, 2);
    });

    it('hands the mail over to working connections when another is refused', async () => {
      const mails = await Promise.all(Array.from({ length: 20 }, () => mail()));
      await mailer.send(await mail());
      sandbox.script({ stage: 'greeting', action: { reply: GMAIL_REPLIES.tryAgainLater } });
      const results = await Promise.all(mails.map((item) => mailer.send(item)));
      assert.equal(results.length, 20);
      assert.equal(logins(), 1);
    });

    it('makes do with the connections that a server takes', async () => {
      const mails = await Promise.all(Array.from({ length: 20 }, () => mail()));
      sandbox.script({ stage: 'greeting', times: 3, action: { reply: GMAIL_REPLIES.tryAgainLater } });
      const results = await Promise.all(mails.map((item) => mailer.send(item)));
      assert.equal(results.length, 20);
      assert.equal(logins(), 2);
    });

    it('fails all that waits with the one attempt that could not connect', async () => {
      sandbox.script({ stage: 'connect', action: { drop: true } });
      const mails = await Promise.all([mail(), mail(), mail()]);
      const codes = await Promise.all(mails.map((item) => mailer.send(item).catch((error: { code: string }) => error.code)));
      assert.deepEqual(codes, ['connection-lost', 'connection-lost', 'connection-lost']);
      assert.equal(sandbox.log.length, 1);
    });

    it('refuses what is too large before the upload', async () => {
      const large = { ...(await mail()), raw: Buffer.alloc(35_882_578, 'x') };
      await assert.rejects(mailer.send(large), { code: 'message-too-large' });
      assert.deepEqual(sandbox.log[0]?.commands.includes('DATA'), false);
      const gmail = createMailer({ ...mine, service: 'gmail' }, QUICK);
      await assert.rejects(gmail.send(large), { code: 'message-too-large' });
      assert.equal(sandbox.log.length, 1);
    });

    it('stops a mail that is not wanted any more', async () => {
      const controller = new AbortController();
      const sending = mailer.send(await mail(), { signal: controller.signal });
      controller.abort();
      await assert.rejects(sending, { code: 'cancelled' });
      await mailer.send(await mail('next'));
      assert.deepEqual(sandbox.mailbox(YOU).inbox.mails.length, 1);
    });

    it('ends what waits when it is closed', async () => {
      const sent = Promise.allSettled([mailer.send(await mail()), mailer.send(await mail())]);
      mailer.close();
      assert.deepEqual(
        (await sent).map((result) => (result.status === 'rejected' ? result.reason.code : 'sent')),
        ['cancelled', 'cancelled'],
      );
      await assert.rejects(mailer.send(await mail()), { code: 'cancelled' });
    });

    it('hangs up by itself', async () => {
      const short = createMailer(mine, { ...QUICK, idleMs: 20 });
      await short.send(await mail());
      const [session] = sandbox.log;
      while (session && !session.closed) await new Promise(setImmediate);
      assert.equal(session?.commands.at(-1), 'QUIT');
    });

    it('does not keep the process alive', async () => {
      const script = `
        const { createMailer } = require('./src/mail/send.ts');
        const { composeMail } = require('./src/mail/compose.ts');
        const { Secret } = require('./src/core/secret.ts');
        const settings = JSON.parse(process.env.ACCOUNT);
        const account = { ...settings, password: new Secret(process.env.APP_PASSWORD) };
        composeMail({ to: '${YOU}', text: 'x' }, account).then((mail) => createMailer(account).send(mail)).then(() => console.log('sent'));
      `;
      for (const smtp of [mine.smtp, { ...mine.smtp, port: sandbox.ports.starttls, security: 'starttls' }]) {
        const env = { ...process.env, ACCOUNT: JSON.stringify({ ...mine, smtp }), APP_PASSWORD: PASSWORD };
        const child = spawn(process.execPath, ['--import', 'tsx', '-e', script], { env, stdio: ['ignore', 'pipe', 'inherit'] });
        const output: string[] = [];
        child.stdout.on('data', (data) => output.push(String(data)));
        const [code] = await once(child, 'exit');
        assert.deepEqual([code, output.join('').trim()], [0, 'sent']);
      }
    });
  });

  describe('sendInStages', () => {
    const stagesOf = ({ stages, error }: Awaited<ReturnType<typeof sendInStages>>) => [
      stages.map(({ stage, ok }) => `${stage}${ok ? '' : '!'}`).join(' '),
      error?.code,
    ];

    for (const security of ['tls', 'starttls'] as const) {
      it(`tells the stages apart with ${security}`, async () => {
        const port = security === 'tls' ? sandbox.ports.smtps : sandbox.ports.starttls;
        const told: string[] = [];
        const sent = await sendInStages({ ...mine, smtp: { host: 'localhost', port, security } }, await mail(), {
          onStage: ({ stage }) => told.push(stage),
        });
        assert.deepEqual(stagesOf(sent), ['dns connect tls login sender recipient data', undefined]);
        assert.deepEqual(
          told,
          sent.stages.map(({ stage }) => stage),
        );
        const details = Object.fromEntries(sent.stages.map(({ stage, detail }) => [stage, detail]));
        assert.match(details.login ?? '', /^235 /);
        assert.match(details.sender ?? '', /^250 2\.1\.0 /);
        assert.match(details.recipient ?? '', /^250 2\.1\.5 /);
        assert.match(details.data ?? '', /^250 2\.0\.0 /);
        assert.deepEqual(sent.result?.accepted, [YOU]);
      });
    }

    for (const [stage, reply, expected, code] of [
      ['mail', GMAIL_REPLIES.dailyLimit, 'dns connect tls login sender!', 'daily-limit'],
      ['rcpt', GMAIL_REPLIES.noSuchUser, 'dns connect tls login sender recipient!', 'recipient-refused'],
      ['data', GMAIL_REPLIES.blockedContent, 'dns connect tls login sender recipient data!', 'content-refused'],
    ] as const) {
      it(`says that ${stage} was refused`, async () => {
        sandbox.script({ stage, action: { reply } });
        assert.deepEqual(stagesOf(await sendInStages(mine, await mail())), [expected, code]);
      });

      it(`says that the connection was lost at ${stage}`, async () => {
        sandbox.script({ stage, action: { drop: true } });
        assert.deepEqual(stagesOf(await sendInStages(mine, await mail())), [expected, 'connection-lost']);
      });
    }

    it('passes on a 421 that answers one of several commands sent at once', async () => {
      const busy = '421 4.7.0 Try again later, closing connection';
      const script = { EHLO: '250-x\r\n250-PIPELINING\r\n250 AUTH PLAIN', AUTH: '235 in', MAIL: busy };
      raw = await rawServer(smtpScript(script));
      const { error } = await sendInStages(account(raw.port, 'none'), await mail());
      assert.notEqual(error?.code, 'connection-lost');
      assert.equal(error?.deviceSays, busy);
    });

    it('works with a server that takes one command at a time', async () => {
      const script = {
        EHLO: '250-x\r\n250 AUTH PLAIN',
        AUTH: '235 in',
        MAIL: '250 s',
        'RCPT TO:<bad': '550 no',
        RCPT: '250 r',
        DATA: '354 go',
        '.': '250 done',
      };
      raw = await rawServer(smtpScript(script));
      const composed = await mail('x', ['bad@example.org', 'good@example.org']);
      const sent = await sendInStages(account(raw.port, 'none'), composed);
      assert.deepEqual(stagesOf(sent), ['dns connect login sender recipient data', undefined]);
      assert.deepEqual(
        sent.result?.rejected.map(({ address, error }) => [address, error.code]),
        [['bad@example.org', 'recipient-refused']],
      );
    });
  });
});
