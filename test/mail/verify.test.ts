import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { Secret } from '../../src/core/secret.ts';
import type { MailSecurity } from '../../src/mail/account.ts';
import { assertMailLoginAllowed, forgetRefusedLogin } from '../../src/mail/login-guard.ts';
import { type ServerReport, verifyAccount } from '../../src/mail/verify.ts';
import { GMAIL_REPLIES } from '../../src/sandbox/mail/gmail-replies.ts';
import { type MailSandbox, startMailSandbox } from '../../src/sandbox/mail/mail-sandbox.ts';
import { account, ME, PASSWORD, QUICK, type RawServer, rawServer, sandboxAccount, smtpScript } from './servers.ts';

const outcome = ({ ok, stages, error }: ServerReport) => [
  ok,
  stages.map((stage) => `${stage.stage}${stage.ok ? '' : '!'}`).join(' '),
  error?.code,
];

describe('verifyAccount', () => {
  let sandbox: MailSandbox;
  let raw: RawServer | undefined;

  beforeEach(async () => {
    sandbox = await startMailSandbox({ users: [{ email: ME, appPassword: PASSWORD, accountPassword: 'account-secret' }] });
  });
  afterEach(async () => {
    await sandbox.close();
    await raw?.close();
    raw = undefined;
  });

  const check = async (port: number, security: MailSecurity, ca?: string) =>
    (await verifyAccount(account(port, security, ca === undefined ? {} : { tls: { verify: true, ca } }), { timeouts: QUICK })).smtp;

  for (const security of ['tls', 'starttls'] as const) {
    it(`logs in to SMTP and IMAP with ${security}, once each`, async () => {
      const port = security === 'tls' ? sandbox.ports.imaps : sandbox.ports.imapStarttls;
      const mine = sandboxAccount(sandbox, {
        smtp: { host: 'localhost', port: security === 'tls' ? sandbox.ports.smtps : sandbox.ports.starttls, security },
        imap: { host: 'localhost', port, security },
      });
      const report = await verifyAccount(mine);
      assert.equal(report.ok, true);
      assert.deepEqual(outcome(report.smtp), [true, 'dns connect tls login', undefined]);
      assert.deepEqual(report.imap && outcome(report.imap), [true, 'dns connect tls login', undefined]);
      const details = Object.fromEntries(report.smtp.stages.map(({ stage, detail }) => [stage, detail]));
      assert.match(details.dns ?? '', /^localhost → /);
      assert.match(details.tls ?? '', /^TLSv1\.[23] /);
      assert.match(details.login ?? '', /^235 /);
      assert.deepEqual(
        [sandbox.log.length, sandbox.log[0]?.logins.length, sandbox.imapLog.length, sandbox.imapLog[0]?.logins.length],
        [1, 1, 1, 1],
      );
    });
  }

  it('tells a wrong password from the account password, and asks again only when told to', async () => {
    const wrong = sandboxAccount(sandbox, { password: new Secret('wrongwrongwrongw') });
    const first = await verifyAccount(wrong);
    assert.deepEqual(outcome(first.smtp), [false, 'dns connect tls login!', 'bad-app-password']);
    assert.deepEqual(first.imap && outcome(first.imap), [false, 'dns connect tls login!', 'bad-app-password']);
    assert.match(first.smtp.error?.link ?? '', /BadCredentials/);
    assert.throws(() => assertMailLoginAllowed(wrong, 'smtp'), { code: 'bad-app-password' });

    assert.equal((await verifyAccount(wrong)).smtp.error?.code, 'bad-app-password');
    assert.deepEqual([sandbox.log.length, sandbox.imapLog.length], [1, 1]);
    forgetRefusedLogin(wrong);
    await verifyAccount(wrong);
    assert.deepEqual([sandbox.log.length, sandbox.imapLog.length], [2, 2]);

    const normal = await verifyAccount(sandboxAccount(sandbox, { password: new Secret('account-secret') }));
    assert.deepEqual([normal.smtp.error?.code, normal.imap?.error?.code], ['app-password-required', 'app-password-required']);
  });

  it('leaves a login limit alone until it is over, whatever the password', async () => {
    sandbox.script({ stage: 'auth', action: { reply: GMAIL_REPLIES.tooManyLogins } });
    const limited = { ...sandboxAccount(sandbox), imap: undefined };
    const { error } = (await verifyAccount(limited)).smtp;
    assert.equal(error?.code, 'too-many-logins');
    assert.ok((error?.retryAt ?? 0) > Date.now());
    assert.equal((await verifyAccount({ ...limited, password: new Secret('anotherpassword') })).smtp.error?.code, 'too-many-logins');
    assert.equal(sandbox.log.length, 1);
    const later = { now: () => Date.now() + 20 * 60_000, sleep: async () => undefined };
    assert.doesNotThrow(() => assertMailLoginAllowed(limited, 'smtp', later));
    forgetRefusedLogin(limited);
  });

  it('knows an unknown host', async () => {
    const nowhere = account(465, 'tls', { smtp: { host: `${'x'.repeat(64)}.localhost`, port: 465, security: 'tls' } });
    const { smtp } = await verifyAccount(nowhere);
    assert.deepEqual(outcome(smtp), [false, 'dns!', 'unreachable']);
    assert.equal(smtp.error?.params.stage, 'dns');
  });

  it('knows a closed port', async () => {
    raw = await rawServer(() => undefined);
    const { port } = raw;
    await raw.close();
    assert.deepEqual(outcome(await check(port, 'tls')), [false, 'dns connect!', 'port-blocked']);
  });

  it('distrusts an unknown CA, and a certificate for other names', async () => {
    assert.deepEqual(outcome(await check(sandbox.ports.smtps, 'tls')), [false, 'dns connect tls!', 'tls-untrusted']);
    assert.deepEqual(outcome(await check(sandbox.ports.starttls, 'starttls')), [false, 'dns connect tls!', 'tls-untrusted']);
    raw = await rawServer(smtpScript({}), { names: ['DNS:mail.example.org'] });
    assert.deepEqual(outcome(await check(raw.port, 'tls', raw.ca)), [false, 'dns connect tls!', 'tls-untrusted']);
    assert.deepEqual(
      sandbox.log.flatMap(({ logins }) => logins),
      [],
    );
    const careless = sandboxAccount(sandbox, { tls: { verify: false }, imap: undefined });
    assert.equal((await verifyAccount(careless)).ok, true);
  });

  it('trusts by the name that the TLS configuration gives', async () => {
    raw = await rawServer(smtpScript({ EHLO: '250-x\r\n250 AUTH PLAIN', AUTH: '235 ok' }), { names: ['DNS:mail.example.org'] });
    const named = account(raw.port, 'tls', { tls: { verify: true, ca: raw.ca, servername: 'mail.example.org' } });
    assert.equal((await verifyAccount(named)).ok, true);
  });

  it('says when the server only knows old TLS', async () => {
    raw = await rawServer(() => undefined, { maxVersion: 'TLSv1.1' });
    assert.deepEqual(outcome(await check(raw.port, 'tls', raw.ca)), [false, 'dns connect tls!', 'tls-version']);
  });

  it('tells SSL on the STARTTLS port and STARTTLS on the SSL port', async () => {
    assert.deepEqual(outcome(await check(sandbox.ports.starttls, 'tls', sandbox.ca)), [false, 'dns connect tls!', 'wrong-security']);
    assert.deepEqual(outcome(await check(sandbox.ports.smtps, 'starttls', sandbox.ca)), [false, 'dns connect tls!', 'wrong-security']);
    const swapped = { host: 'localhost', port: sandbox.ports.imaps, security: 'starttls' as const };
    const imap = (await verifyAccount(sandboxAccount(sandbox, { imap: swapped }), { timeouts: QUICK })).imap;
    assert.deepEqual(imap && outcome(imap), [false, 'dns connect tls!', 'wrong-security']);
    const plain = { ...swapped, port: sandbox.ports.imapStarttls, security: 'tls' as const };
    const other = (await verifyAccount(sandboxAccount(sandbox, { imap: plain }), { timeouts: QUICK })).imap;
    assert.deepEqual(other && outcome(other), [false, 'dns connect tls!', 'wrong-security']);
  });

  it('sends no password when somebody took STARTTLS out', async () => {
    raw = await rawServer(smtpScript({ EHLO: '250-x\r\n250 AUTH PLAIN LOGIN', AUTH: '235 thanks' }));
    assert.deepEqual(outcome(await check(raw.port, 'starttls')), [false, 'dns connect tls!', 'wrong-security']);
    assert.doesNotMatch(raw.heard.join(''), /AUTH/);
  });

  it('does not take a server without AUTH for a login', async () => {
    raw = await rawServer(smtpScript({ EHLO: '250-x\r\n250 SIZE 1000' }), {});
    assert.deepEqual(outcome(await check(raw.port, 'tls', raw.ca)), [false, 'dns connect tls login!', 'unsupported']);
    assert.doesNotMatch(raw.heard.join(''), /AUTH/);
    await raw.close();
    raw = await rawServer(smtpScript({ EHLO: '250-x\r\n250 SIZE 1000' }));
    assert.deepEqual(outcome(await check(raw.port, 'none')), [false, 'dns connect login!', 'wrong-security']);
  });

  it('asks IMAP for STARTTLS and a login as well', async () => {
    const imapScript = (capabilities: string) => (socket: Socket) => {
      socket.write('* OK ready\r\n');
      socket.on('data', (data) => {
        for (const [, tag, verb] of data.toString('latin1').matchAll(/^(\S+) (\S+)/gm)) {
          if (verb === 'CAPABILITY') socket.write(`* CAPABILITY IMAP4rev1 ${capabilities}\r\n`);
          socket.write(`${tag} OK done\r\n`);
        }
      });
    };
    const smtp = { host: 'localhost', port: sandbox.ports.smtps, security: 'tls' as const };
    const imapOf = async (security: MailSecurity) => {
      const imap = { host: 'localhost', port: raw?.port ?? 0, security };
      return (await verifyAccount(sandboxAccount(sandbox, { smtp, imap }), { timeouts: QUICK })).imap;
    };
    raw = await rawServer(imapScript('AUTH=PLAIN'));
    const stripped = await imapOf('starttls');
    assert.deepEqual(stripped && outcome(stripped), [false, 'dns connect tls!', 'wrong-security']);
    assert.doesNotMatch(raw.heard.join(''), /LOGIN|AUTHENTICATE/);
    await raw.close();
    raw = await rawServer(imapScript('LOGINDISABLED'));
    const disabled = await imapOf('none');
    assert.deepEqual(disabled && outcome(disabled), [false, 'dns connect login!', 'unsupported']);
    assert.doesNotMatch(raw.heard.join(''), /LOGIN |AUTHENTICATE/);
  });

  it('gives up on a greeting that never comes', async () => {
    const impatient = { timeouts: { ...QUICK, greetingMs: 300 } };
    raw = await rawServer(() => undefined);
    assert.deepEqual(outcome((await verifyAccount(account(raw.port, 'starttls'), impatient)).smtp), [false, 'dns connect tls!', 'timeout']);
    await raw.close();
    raw = await rawServer(() => undefined, {});
    const secured = account(raw.port, 'tls', { tls: { verify: true, ca: raw.ca } });
    assert.deepEqual(outcome((await verifyAccount(secured, impatient)).smtp), [false, 'dns connect tls login!', 'timeout']);
  });

  it('ends in time when nothing else does', async () => {
    raw = await rawServer(() => undefined, {});
    const slow = account(raw.port, 'tls', { tls: { verify: true, ca: raw.ca } });
    const { smtp } = await verifyAccount(slow, { timeouts: { ...QUICK, greetingMs: 60_000, verifyMs: 300 } });
    assert.deepEqual(outcome(smtp), [false, 'dns connect tls login!', 'timeout']);
    assert.deepEqual([smtp.error?.params.host, smtp.error?.params.stage], ['localhost', 'login']);
  });

  it('says at which stage the server hung up', async () => {
    const drops: [Record<string, string>, string][] = [
      [{ EHLO: 'drop' }, 'dns connect tls login!'],
      [{ EHLO: '250-x\r\n250 AUTH PLAIN', AUTH: 'drop' }, 'dns connect tls login!'],
    ];
    for (const [replies, stages] of drops) {
      raw = await rawServer(smtpScript(replies), {});
      assert.deepEqual(outcome(await check(raw.port, 'tls', raw.ca)), [false, stages, 'connection-lost']);
      await raw.close();
    }
    raw = await rawServer((socket) => socket.destroy());
    assert.deepEqual(outcome(await check(raw.port, 'tls')), [false, 'dns connect tls!', 'connection-lost']);
    await raw.close();
    raw = await rawServer(smtpScript({ EHLO: '250-x\r\n250 STARTTLS', STARTTLS: 'drop' }));
    assert.deepEqual(outcome(await check(raw.port, 'starttls')), [false, 'dns connect tls!', 'connection-lost']);
  });

  it('tells what a server says instead of a greeting or a welcome', async () => {
    raw = await rawServer(smtpScript({}, '421 4.7.0 Try again later, closing connection.'));
    assert.deepEqual(outcome(await check(raw.port, 'starttls')), [false, 'dns connect tls!', 'server-busy']);
    await raw.close();
    raw = await rawServer(smtpScript({ EHLO: '501 5.5.4 HELO/EHLO argument is invalid, closing connection.' }));
    assert.deepEqual(outcome(await check(raw.port, 'starttls')), [false, 'dns connect tls!', 'hello-refused']);
  });

  it('speaks without encryption where the account says so', async () => {
    raw = await rawServer(
      smtpScript({
        EHLO: '250-x\r\n250 AUTH LOGIN',
        AUTH: '334 VXNlcm5hbWU6',
        [Buffer.from(ME).toString('base64')]: '334 UGFzc3dvcmQ6',
        [Buffer.from(PASSWORD).toString('base64')]: '235 2.7.0 ok',
      }),
    );
    assert.deepEqual(outcome(await check(raw.port, 'none')), [true, 'dns connect login', undefined]);
  });

  it('keeps the password out of what a server echoes', async () => {
    const echo = `535 5.7.8 no ${PASSWORD} and ${Buffer.from(PASSWORD).toString('base64')}`;
    raw = await rawServer(smtpScript({ EHLO: '250-x\r\n250 AUTH PLAIN', AUTH: echo }), {});
    const report = await check(raw.port, 'tls', raw.ca);
    assert.equal(report.error?.code, 'bad-app-password');
    assert.doesNotMatch(`${JSON.stringify(report)} ${report.error?.message}`, /abcdefgh|YWJjZGVm/);
  });

  it('stops when it is told to', async () => {
    raw = await rawServer(() => undefined, {});
    const slow = account(raw.port, 'tls', { tls: { verify: true, ca: raw.ca } });
    const controller = new AbortController();
    const running = verifyAccount(slow, { signal: controller.signal });
    controller.abort();
    await assert.rejects(running, { code: 'cancelled' });
  });

  it('refuses a CA that cannot be read before it connects', async () => {
    raw = await rawServer(() => undefined);
    const report = await check(raw.port, 'tls', '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n');
    assert.deepEqual([report.error?.code, report.error?.params.field, raw.connections], ['bad-input', 'tls', 0]);
  });
});
