import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { mailAccount, parseAddresses } from '../../src/mail/account.ts';

const GMAIL = { id: 'a1', email: ' me@gmail.com ', appPassword: 'abcd efgh ijkl mnop' };
const CUSTOM = { ...GMAIL, service: 'custom', host: 'mail.example.org', appPassword: 'secret 1' };

const code = (expected: string, field: string) => (error: unknown) => {
  const { code, params } = error as { code: string; params: Record<string, unknown> };
  assert.deepEqual([code, params.field], [expected, field]);
  return true;
};

describe('mail account', () => {
  it("has Gmail's servers", () => {
    const account = mailAccount(GMAIL);
    assert.deepEqual(account.smtp, { host: 'smtp.gmail.com', port: 465, security: 'tls' });
    assert.deepEqual(account.imap, { host: 'imap.gmail.com', port: 993, security: 'tls' });
    assert.deepEqual(mailAccount({ ...GMAIL, security: 'starttls' }).smtp.port, 587);
    assert.equal(account.username, 'me@gmail.com');
    assert.equal(account.password.reveal(), 'abcdefghijklmnop');
    assert.equal(account.dailyLimit, 500);
    assert.equal(account.tls.verify, true);
  });

  it('ignores the host of a custom server that was saved before gmail was chosen', () => {
    assert.equal(mailAccount({ ...GMAIL, host: 'old.example.org', port: '25' }).smtp.host, 'smtp.gmail.com');
  });

  it('takes custom servers, with numbers saved as strings', () => {
    const account = mailAccount({ ...CUSTOM, port: '2525', security: 'none', imapHost: 'mail.example.org', imapPort: '', dailyLimit: '0' });
    assert.deepEqual(account.smtp, { host: 'mail.example.org', port: 2525, security: 'none' });
    assert.deepEqual(account.imap, { host: 'mail.example.org', port: 993, security: 'tls' });
    assert.equal(account.password.reveal(), 'secret1');
    assert.equal(account.dailyLimit, 0);
    assert.equal(mailAccount(CUSTOM).imap, undefined);
  });

  it('names the field that is wrong', () => {
    assert.throws(() => mailAccount({ ...GMAIL, email: '' }), code('bad-input', 'email'));
    assert.throws(() => mailAccount({ ...GMAIL, email: 'me@gmail' }), code('bad-input', 'email'));
    assert.throws(() => mailAccount({ ...GMAIL, security: 'none' }), code('bad-input', 'security'));
    assert.throws(() => mailAccount({ ...GMAIL, recipients: 'a@b.org, nobody' }), code('bad-input', 'recipients'));
    assert.throws(() => mailAccount({ ...GMAIL, appPassword: 'abcd' }), code('bad-app-password', 'appPassword'));
    assert.throws(() => mailAccount({ ...CUSTOM, port: '70000' }), code('bad-input', 'port'));
    assert.throws(() => mailAccount({ ...CUSTOM, host: 'https://mail.example.org' }), code('bad-input', 'host'));
    assert.throws(() => mailAccount({ ...CUSTOM, host: '' }), code('bad-input', 'host'));
  });

  it('shows its password nowhere', () => {
    const account = mailAccount(GMAIL);
    assert.doesNotMatch(inspect(account, { depth: 9 }) + JSON.stringify(account), /abcdefgh/);
  });
});

describe('addresses', () => {
  it('come separated by commas, semicolons and new lines, with or without names', () => {
    const text = 'a@b.org; "Doe, Jane; owner" <jane@example.org>\r\nJoe <joe@example.org>,\n,x@localhost';
    assert.deepEqual(parseAddresses(text), ['a@b.org', 'jane@example.org', 'joe@example.org', 'x@localhost']);
    assert.deepEqual(parseAddresses(' \n'), []);
    assert.deepEqual(parseAddresses('jürgen@bücher.example'), ['jürgen@bücher.example']);
  });

  it('that cannot stand in an SMTP command are refused', () => {
    for (const bad of [
      'a',
      'a@',
      '@b.org',
      'a b@c.org',
      'a@b@c.org',
      'a@b..org',
      '.a@b.org',
      'a@-b.org',
      '<a@b.org',
      'a@b.org>',
      'a@b.org\u0000',
      'a@b_c/d.org',
    ]) {
      assert.throws(() => parseAddresses(bad), code('bad-input', 'recipients'), bad);
    }
  });
});
