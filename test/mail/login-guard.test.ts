import assert from 'node:assert/strict';
import { CameraEmailError, type ErrorCode } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import { assertMailLoginAllowed, forgetRefusedLogin, loginOnce, rememberRefusedLogin } from '../../src/mail/login-guard.ts';
import { account } from './servers.ts';

const answer = (code: ErrorCode) => new CameraEmailError(code, 'no', { params: { stage: 'login' }, deviceSays: '535 no' });
const HOUR = 3_600_000;

let port = 40_000;
/** Of a server of its own, so that no test finds what another left. */
const fresh = () => account(++port, 'tls', { imap: { host: 'localhost', port: port + 1_000, security: 'tls' } });

describe('login guard', () => {
  it('remembers a refusal for this server, user and password only', () => {
    const mine = fresh();
    rememberRefusedLogin(mine, 'smtp', answer('app-password-required'));
    assert.throws(() => assertMailLoginAllowed(mine, 'smtp'), { code: 'app-password-required', deviceSays: '535 no' });
    assertMailLoginAllowed(mine, 'imap');
    assertMailLoginAllowed({ ...mine, password: new Secret('another-password') }, 'smtp');
    assertMailLoginAllowed({ ...mine, username: 'other@gmail.com' }, 'smtp');
    forgetRefusedLogin(mine);
    assertMailLoginAllowed(mine, 'smtp');
  });

  it('forgets at once what passes by itself', () => {
    const mine = fresh();
    for (const code of ['connection-lost', 'server-busy', 'timeout'] as const) rememberRefusedLogin(mine, 'smtp', answer(code));
    assertMailLoginAllowed(mine, 'smtp');
  });

  it('doubles the wait after each login limit, up to four hours', () => {
    const mine = fresh();
    const clock = { now: () => 1_000_000, sleep: async () => undefined };
    const waits = Array.from({ length: 6 }, () => rememberRefusedLogin(mine, 'smtp', answer('too-many-logins'), clock).retryAt ?? 0);
    assert.deepEqual(
      waits.map((until) => (until - clock.now()) / HOUR),
      [0.25, 0.5, 1, 2, 4, 4],
    );
  });

  it('lets one attempt decide for those that come at the same time', async () => {
    const mine = fresh();
    let attempts = 0;
    const refused = async () => {
      attempts += 1;
      await new Promise(setImmediate);
      throw answer('bad-app-password');
    };
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => loginOnce(mine, 'smtp', refused)));
    assert.ok(results.every((result) => result.status === 'rejected' && result.reason.code === 'bad-app-password'));
    assert.equal(attempts, 1);
  });

  it('lets the others log in side by side once the password was accepted', async () => {
    const mine = fresh();
    let running = 0;
    let most = 0;
    const accepted = async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      running -= 1;
    };
    await loginOnce(mine, 'smtp', accepted);
    await Promise.all(Array.from({ length: 3 }, () => loginOnce(mine, 'smtp', accepted)));
    assert.equal(most, 3);
  });

  it('lets the next one try when the first got no answer', async () => {
    const mine = fresh();
    const failing = loginOnce(mine, 'smtp', async () => {
      throw answer('connection-lost');
    });
    const next = loginOnce(mine, 'smtp', async () => 'in');
    await assert.rejects(failing, { code: 'connection-lost' });
    assert.equal(await next, 'in');
  });
});
