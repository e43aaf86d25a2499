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

  it('has the servers of the other services, whatever was saved before', () => {
    const saved = { ...CUSTOM, port: '2525', security: 'none', imapHost: 'imap.example.org', appPassword: 'p4ss word' };
    const icloud = mailAccount({ ...saved, service: 'icloud' });
    assert.deepEqual(icloud.smtp, { host: 'smtp.mail.me.com', port: 587, security: 'starttls' });
    assert.deepEqual(icloud.imap, { host: 'imap.mail.me.com', port: 993, security: 'tls' });
    assert.equal(icloud.password.reveal(), 'p4ssword');
    assert.throws(() => mailAccount({ ...saved, service: 'workspace-relay' }), code('bad-app-password', 'appPassword'));
  });

  it('takes the hosts of another region', () => {
    const saved = { ...GMAIL, service: 'zoho', host: 'smtp.zoho.eu', port: '25', security: 'none' };
    assert.deepEqual(mailAccount(saved).smtp, { host: 'smtp.zoho.eu', port: 465, security: 'tls' });
    assert.deepEqual(mailAccount(saved).imap, { host: 'imap.zoho.com', port: 993, security: 'tls' });
    assert.equal(mailAccount({ ...saved, host: '', imapHost: 'imap.zoho.eu' }).smtp.host, 'smtp.zoho.com');
    assert.equal(mailAccount({ ...saved, imapHost: 'imap.zoho.eu' }).imap?.host, 'imap.zoho.eu');
  });

  it("logs in to Microsoft's services as they allow", () => {
    const oauth2 = { ...GMAIL, appPassword: '', authentication: 'oauth2', clientId: 'id', refreshToken: 'refresh' };
    assert.throws(() => mailAccount({ ...GMAIL, service: 'outlook' }), code('bad-input', 'passwords'));
    const outlook = mailAccount({ ...oauth2, service: 'outlook' });
    assert.equal(outlook.smtp.host, 'smtp-mail.outlook.com');
    assert.equal(outlook.imap?.host, 'outlook.office365.com');
    assert.equal(outlook.oauth2?.clientSecret, undefined);
    assert.equal(mailAccount({ ...GMAIL, service: 'microsoft-365' }).imap, undefined);
    assert.equal(mailAccount({ ...oauth2, service: 'microsoft-365' }).imap?.host, 'outlook.office365.com');
  });

  it('takes OAuth2 in place of a password', () => {
    const saved = {
      ...GMAIL,
      appPassword: '',
      authentication: 'oauth2',
      clientId: ' id ',
      clientSecret: 'secret-1',
      refreshToken: ' 1//refresh ',
    };
    const { oauth2, password } = mailAccount(saved);
    assert.equal(oauth2?.tokenUrl, 'https://oauth2.googleapis.com/token');
    assert.deepEqual([oauth2?.clientId, oauth2?.clientSecret?.reveal(), oauth2?.refreshToken.reveal()], ['id', 'secret-1', '1//refresh']);
    assert.equal(password.isEmpty, true);
    assert.equal(
      mailAccount({ ...saved, tokenUrl: 'https://login.example.org/token' }).oauth2?.tokenUrl,
      'https://login.example.org/token',
    );
    assert.throws(() => mailAccount({ ...saved, tokenUrl: 'http://login.example.org/token' }), code('bad-input', 'tokenUrl'));
    assert.throws(() => mailAccount({ ...saved, service: 'custom', host: 'mail.example.org' }), code('bad-input', 'tokenUrl'));
    assert.throws(() => mailAccount({ ...saved, clientId: '' }), code('bad-input', 'clientId'));
    assert.throws(() => mailAccount({ ...saved, refreshToken: ' ' }), code('bad-input', 'refreshToken'));
    assert.doesNotMatch(inspect(mailAccount(saved), { depth: 9 }) + JSON.stringify(mailAccount(saved)), /secret-1|1\/\/refresh/);
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
