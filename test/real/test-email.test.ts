import assert from 'node:assert/strict';
import { systemClock } from '../../src/core/clock.ts';
import { testServer } from '../../src/fleet/test-server.ts';
import { type AccountInput, mailAccount } from '../../src/mail/account.ts';
import { watchMailbox } from '../../src/mail/arrival.ts';
import { composeMail } from '../../src/mail/compose.ts';
import { createMailer } from '../../src/mail/send.ts';
import { verifyAccount } from '../../src/mail/verify.ts';
import { type MailHost, startMailHost } from './mail-host.ts';

const SIGNAL = new AbortController().signal;
const WITHIN_MS = 20_000;

describe('mail through real Postfix and Dovecot', () => {
  let host: MailHost;
  before(async () => {
    host = await startMailHost();
  });
  after(() => host.close());

  const account = (changes: AccountInput = {}) => {
    const { address, password } = host.users.camera;
    const servers = { host: 'localhost', port: host.ports.smtps, imapHost: 'localhost', imapPort: host.ports.imaps };
    return mailAccount({
      id: 'a',
      email: address,
      service: 'custom',
      security: 'tls',
      imapSecurity: 'tls',
      ...servers,
      appPassword: password,
      tls: { ca: host.ca },
      ...changes,
    });
  };
  const test = (changes?: AccountInput) =>
    testServer(account(changes), { to: [host.users.camera.address], proveArrival: true, timeoutMs: 15_000 }, systemClock, SIGNAL);

  for (const security of ['tls', 'starttls'] as const) {
    it(`test-email via the server says arrived (${security})`, async () => {
      const result = await test({ security, port: security === 'tls' ? host.ports.smtps : host.ports.submission });
      assert.equal(result.verdict, 'arrived', JSON.stringify(result));
      assert.equal(result.arrival?.mailbox, 'INBOX');
    });
  }

  it('finds a mail in the spam folder by its special use', async () => {
    const mailer = createMailer(account());
    const watch = await watchMailbox(account(), SIGNAL);
    const mail = await composeMail({ to: host.users.camera.address, subject: '[spam] alarm', text: 'x' }, account());
    await mailer.send(mail);
    const arrival = await watch.waitFor({ messageId: mail.messageId }, 15_000);
    mailer.close();
    await watch.close();
    assert.equal(arrival?.folder, 'spam');
  });

  const failures: [string, () => AccountInput, string, string][] = [
    ['a wrong password', () => ({ appPassword: 'wrongwrongwrongw' }), 'bad-app-password', 'login'],
    ['an unknown authority', () => ({ tls: {} }), 'tls-untrusted', 'tls'],
    ['SSL on the STARTTLS port', () => ({ security: 'tls', port: host.ports.submission }), 'wrong-security', 'tls'],
    ['STARTTLS on the SSL port', () => ({ security: 'starttls', port: host.ports.smtps }), 'wrong-security', 'connect'],
    ['a closed port', () => ({ port: 1 }), 'port-blocked', 'connect'],
    ['an unknown host', () => ({ host: 'no-such-host.invalid' }), 'unreachable', 'dns'],
  ];
  for (const [what, changes, code, stage] of failures) {
    it(`tells ${what} within 20 s`, async () => {
      const started = Date.now();
      const { smtp } = await verifyAccount(account(changes()), { imap: false });
      assert.equal(smtp.error?.code, code, JSON.stringify(smtp));
      assert.equal(smtp.stages.at(-1)?.ok, false);
      if (what !== 'STARTTLS on the SSL port') assert.equal(smtp.stages.at(-1)?.stage, stage);
      assert.ok(Date.now() - started < WITHIN_MS);
    });
  }
});
