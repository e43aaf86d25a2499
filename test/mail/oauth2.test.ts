import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { cancelled } from '../../src/core/deadline.ts';
import { redact, Secret } from '../../src/core/secret.ts';
import { type MailAccount, sameAccess } from '../../src/mail/account.ts';
import { composeMail } from '../../src/mail/compose.ts';
import { forgetRefusedLogin } from '../../src/mail/login-guard.ts';
import { accessToken } from '../../src/mail/oauth2.ts';
import { createMailer, sendInStages } from '../../src/mail/send.ts';
import { type ServerReport, verifyAccount } from '../../src/mail/verify.ts';
import { GMAIL_REPLIES } from '../../src/sandbox/mail/gmail-replies.ts';
import { type MailSandbox, startMailSandbox } from '../../src/sandbox/mail/mail-sandbox.ts';
import { ME, PASSWORD, sandboxAccount, YOU } from './servers.ts';

const CLIENT = { clientId: '1234.apps.example.com', clientSecret: 'GOCSPX-client-secret', refreshToken: '1//refresh-token' };

const outcome = ({ ok, stages, error }: ServerReport) => [
  ok,
  stages.map((stage) => `${stage.stage}${stage.ok ? '' : '!'}`).join(' '),
  error?.code,
];

const failure = (code: string, retryable: boolean) => (error: unknown) => {
  assert.deepEqual([(error as { code: string }).code, (error as { retryable: boolean }).retryable], [code, retryable]);
  return true;
};

describe('OAuth2', () => {
  let sandbox: MailSandbox;

  beforeEach(async () => {
    sandbox = await startMailSandbox({
      users: [
        { email: ME, appPassword: PASSWORD, oauth2: CLIENT },
        { email: YOU, appPassword: 'ponmlkjihgfedcba' },
      ],
    });
  });
  afterEach(() => sandbox.close());

  // The token server's port is another one in each test, so that no test meets the tokens of another.
  function tokenAccount(changes: Partial<typeof CLIENT> = {}): MailAccount & { oauth2: NonNullable<MailAccount['oauth2']> } {
    const { clientId, clientSecret, refreshToken } = { ...CLIENT, ...changes };
    const oauth2 = {
      tokenUrl: sandbox.tokens.url,
      clientId,
      clientSecret: new Secret(clientSecret),
      refreshToken: new Secret(refreshToken),
    };
    return { ...sandboxAccount(sandbox, { password: new Secret('') }), oauth2 };
  }
  const outcomes = () => sandbox.tokens.requests.map((request) => request.outcome);
  const mailFor = (account: MailAccount) => composeMail({ to: YOU, subject: 'with a token', text: 'x' }, account);

  it('logs in to SMTP and IMAP with one access token', async () => {
    const report = await verifyAccount(tokenAccount());
    assert.deepEqual(outcome(report.smtp), [true, 'dns connect tls login', undefined]);
    assert.deepEqual(report.imap && outcome(report.imap), [true, 'dns connect tls login', undefined]);
    assert.deepEqual(outcomes(), ['granted']);
    assert.deepEqual(sandbox.log[0]?.logins, [{ method: 'XOAUTH2', user: ME, outcome: 'accepted' }]);
    assert.deepEqual(sandbox.imapLog[0]?.logins, [{ user: ME, outcome: 'accepted' }]);
    assert.deepEqual([...(sandbox.log[0]?.protocolErrors ?? []), ...(sandbox.imapLog[0]?.protocolErrors ?? [])], []);
  });

  it('logs in over STARTTLS too', async () => {
    const account = tokenAccount();
    const starttls = {
      ...account,
      smtp: { host: 'localhost', port: sandbox.ports.starttls, security: 'starttls' as const },
      imap: { host: 'localhost', port: sandbox.ports.imapStarttls, security: 'starttls' as const },
    };
    assert.equal((await verifyAccount(starttls)).ok, true);
  });

  it('fetches one token for all who need it at the same time, and keeps it', async () => {
    const { oauth2, ...account } = tokenAccount();
    const all = await Promise.all(Array.from({ length: 8 }, () => accessToken(account, oauth2)));
    assert.equal(new Set(all.map(({ token }) => token.reveal())).size, 1);
    assert.deepEqual(outcomes(), ['granted']);
    assert.equal((await accessToken(account, oauth2)).fresh, false);
    assert.deepEqual(outcomes(), ['granted']);
  });

  it('waits for a token no longer than the one who asks', async () => {
    const { oauth2, ...account } = tokenAccount();
    const stopped = new AbortController();
    const waiting = accessToken(account, oauth2, stopped.signal);
    stopped.abort(cancelled());
    await assert.rejects(waiting, failure('cancelled', true));
    assert.equal((await accessToken(account, oauth2)).token.isEmpty, false);
  });

  it('does not use a token that ends within the minute', async () => {
    const { oauth2, ...account } = tokenAccount();
    sandbox.tokens.lifetimeSeconds = 59;
    await accessToken(account, oauth2);
    assert.equal((await accessToken(account, oauth2)).fresh, true);
    assert.deepEqual(outcomes(), ['granted', 'granted']);
  });

  it('fetches another token, once, when the mail servers no longer take the one that was kept', async () => {
    const account = tokenAccount();
    await verifyAccount(account);
    sandbox.tokens.withdraw();
    const { error } = await sendInStages(account, await mailFor(account));
    assert.equal(error, undefined);
    assert.deepEqual(outcomes(), ['granted', 'granted']);
    assert.deepEqual(
      sandbox.log[1]?.logins.map((login) => login.outcome),
      ['refused', 'accepted'],
    );
    sandbox.tokens.withdraw();
    assert.equal((await verifyAccount(account)).ok, true);
    assert.equal(outcomes().length, 3);
  });

  it('a fresh token that is refused is a refused login: nothing is asked again until the user wants it', async () => {
    const stop = sandbox.script({ stage: 'auth', action: { reply: GMAIL_REPLIES.badCredentials } });
    const account = tokenAccount();
    const first = await sendInStages(account, await mailFor(account));
    assert.deepEqual([first.error?.code, first.error?.retryable], ['oauth2-refused', false]);
    assert.match(first.error?.deviceSays ?? '', /^535/);
    const again = await sendInStages(account, await mailFor(account));
    assert.equal(again.error?.code, 'oauth2-refused');
    assert.equal(sandbox.log.length, 1);
    assert.equal(sandbox.log[0]?.logins.length, 1);
    stop();
    forgetRefusedLogin(account);
    assert.equal((await verifyAccount(account)).ok, true);
  });

  it('invalid_grant is a refused login, for both servers together', async () => {
    const account = tokenAccount({ refreshToken: '1//withdrawn' });
    const { smtp, imap } = await verifyAccount(account);
    assert.deepEqual(outcome(smtp), [false, 'dns connect tls login!', 'oauth2-refused']);
    assert.deepEqual([imap?.ok, imap?.error?.code], [false, 'oauth2-refused']);
    assert.equal(smtp.error?.deviceSays, 'invalid_grant: Token has been expired or revoked.');
    await verifyAccount(account);
    assert.deepEqual(outcomes(), ['invalid_grant']);
    assert.ok(sandbox.log.every(({ logins }) => logins.length === 0));
    forgetRefusedLogin(account);
    await verifyAccount(account);
    assert.deepEqual(outcomes(), ['invalid_grant', 'invalid_grant']);
  });

  it('a wrong client is a refused login', async () => {
    const { oauth2, ...account } = tokenAccount({ clientSecret: 'another-secret' });
    await assert.rejects(accessToken(account, oauth2), failure('oauth2-refused', false));
    await assert.rejects(accessToken(account, oauth2), failure('oauth2-refused', false));
    assert.deepEqual(outcomes(), ['invalid_client']);
  });

  it('an edited client is another login, and is tried', async () => {
    const wrong = tokenAccount({ clientSecret: 'another-secret' });
    assert.equal((await sendInStages(wrong, await mailFor(wrong))).error?.code, 'oauth2-refused');
    const right = tokenAccount();
    assert.equal((await sendInStages(right, await mailFor(right))).error, undefined);
    assert.deepEqual([sameAccess(wrong, right), sameAccess(right, tokenAccount())], [false, true]);
  });

  for (const [name, answer, code] of [
    ['a token server that hangs up', 'drop', 'connection-lost'],
    ['a busy token server', { status: 503, body: '{"error":"temporarily_unavailable"}' }, 'server-busy'],
    ['a rate limit', { status: 429, body: '{"error":"rate_limit_exceeded"}' }, 'server-busy'],
    ['the page of a hotel', { status: 200, body: '<html>Welcome</html>' }, 'server-busy'],
    ['a proxy that wants a login', { status: 403, body: '<html>Forbidden</html>' }, 'server-busy'],
    ['a token that is none', { status: 200, body: '{"access_token":"a\\nb","expires_in":3599}' }, 'server-busy'],
  ] as const) {
    it(`${name} is a reason to try again later`, async () => {
      const { oauth2, ...account } = tokenAccount();
      sandbox.tokens.answer = answer;
      await assert.rejects(accessToken(account, oauth2), failure(code, true));
      sandbox.tokens.answer = undefined;
      assert.equal((await accessToken(account, oauth2)).fresh, true);
    });
  }

  it('an endless answer of the token server is cut off', async () => {
    const { oauth2, ...account } = tokenAccount();
    sandbox.tokens.answer = { status: 200, body: 'x'.repeat(200_000) };
    await assert.rejects(accessToken(account, oauth2));
  });

  it('sends the secrets to nobody whose certificate it does not know', async () => {
    const { oauth2, ...account } = tokenAccount();
    await assert.rejects(accessToken({ ...account, tls: { verify: false } }, oauth2), failure('tls-untrusted', false));
    assert.deepEqual(outcomes(), []);
  });

  it('uses the refresh token that the service gave in place of the old one', async () => {
    const { oauth2, ...account } = tokenAccount();
    sandbox.tokens.answer = { status: 200, body: JSON.stringify({ access_token: 'first', expires_in: 0, refresh_token: '1//unknown' }) };
    await accessToken(account, oauth2);
    sandbox.tokens.answer = undefined;
    await assert.rejects(accessToken(account, oauth2), failure('oauth2-refused', false));
  });

  it('a burst of mails needs one token', async () => {
    const account = tokenAccount();
    const mailer = createMailer(account);
    const mail = await mailFor(account);
    const results = await Promise.all(Array.from({ length: 20 }, () => mailer.send(mail)));
    mailer.close();
    assert.equal(results.length, 20);
    assert.deepEqual(outcomes(), ['granted']);
  });

  it('no token and no secret can be printed', async () => {
    const account = tokenAccount();
    const { token } = await accessToken(account, account.oauth2);
    const printed = inspect([account, token], { depth: 9 }) + JSON.stringify([account, token]);
    for (const secret of [CLIENT.clientSecret, CLIENT.refreshToken, token.reveal()]) {
      assert.ok(!printed.includes(secret));
      assert.ok(!redact(`said ${secret}`).includes(secret));
    }
  });
});
