// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how Node-RED writes environment variables.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as camera from '../../nodes/camera-device/config.ts';
import * as configure from '../../nodes/configure-camera-email/config.ts';
import * as account from '../../nodes/gmail-account/config.ts';
import accountTexts from '../../nodes/gmail-account/locales/en-US/gmail-account.json';
import * as smtp from '../../nodes/gmail-app-smtp/config.ts';
import { problems } from '../../nodes/shared/properties.ts';
import * as test from '../../nodes/test-email/config.ts';
import { MAIL_SERVICES } from '../../src/mail/services.ts';

const nodes = { account, camera, configure, smtp, test };

describe('saved properties of the nodes', () => {
  for (const [name, { defaults, migrate }] of Object.entries(nodes)) {
    it(`${name}: a node without any property gets the defaults`, () => {
      const migrated: Record<string, unknown> = { ...migrate({}) };
      assert.deepEqual(Object.keys(migrated).sort(), Object.keys(defaults).sort());
      for (const [property, value] of Object.entries(defaults)) {
        const optional = property in { port: 0, imapPort: 0 } || (name === 'configure' && property === 'minInterval');
        assert.deepEqual(migrated[property], optional ? undefined : value, property);
      }
    });

    it(`${name}: migrating twice changes nothing more`, () => {
      const once = { ...migrate({ ...defaults, name: ' Hall ' }) };
      assert.deepEqual(migrate(once), once);
    });

    it(`${name}: properties of the wrong kind never throw`, () => {
      for (const odd of [null, 7, {}, [], true, 'x', Number.NaN]) {
        const saved = Object.fromEntries(Object.keys(defaults).map((property) => [property, odd]));
        assert.equal(migrate(saved).version, 1);
      }
    });
  }

  it('turns the text of form fields and environment variables into numbers, flags and lists', () => {
    const { port, legacyTls, channel } = camera.migrate({ port: '8443', legacyTls: 'true', channel: '3' });
    assert.deepEqual({ port, legacyTls, channel }, { port: 8443, legacyTls: true, channel: 3 });
    const { cameras, rollback, minInterval } = configure.migrate({ cameras: 'a, b', rollback: 'false', minInterval: '30' });
    assert.deepEqual({ cameras, rollback, minInterval }, { cameras: ['a', 'b'], rollback: false, minInterval: 30 });
  });

  it('never lets Gmail be used without encryption', () => {
    assert.equal(account.migrate({ service: 'gmail', security: 'none' }).security, 'tls');
    assert.equal(account.migrate({ service: 'custom', security: 'none' }).security, 'none');
  });
});

describe('validators of the nodes', () => {
  const reasons = (validators: Parameters<typeof problems>[0], saved: Record<string, unknown>) =>
    problems(validators, saved).map(({ field, reason }) => `${field}: ${reason}`);

  it('a filled-in account and camera have no problems', () => {
    assert.deepEqual(reasons(account.validators, { ...account.defaults, email: 'home@gmail.com' }), []);
    assert.deepEqual(reasons(camera.validators, { ...camera.defaults, host: '192.168.1.64' }), []);
    for (const { validators, defaults } of [configure, smtp, test]) assert.deepEqual(reasons(validators, defaults), []);
  });

  it('every text and number may be an environment variable', () => {
    const saved = { email: '${MAIL}', dailyLimit: '${LIMIT}', recipients: '${TO}', service: 'custom', host: '${HOST}', port: '${PORT}' };
    assert.deepEqual(reasons(account.validators, { ...account.defaults, ...saved }), []);
    assert.deepEqual(reasons(camera.validators, { ...camera.defaults, host: '${HOST}', port: '${PORT}', channel: '${CHANNEL}' }), []);
  });

  it('an account says what is missing and what does not go together', () => {
    assert.deepEqual(reasons(account.validators, account.defaults), ['email: address-missing']);
    const custom = {
      ...account.defaults,
      email: 'a@b',
      service: 'custom',
      recipients: 'me@example.com, you',
      dailyLimit: '-1',
      port: '70000',
    };
    assert.deepEqual(reasons(account.validators, custom), [
      'host: host-missing',
      'port: number-too-large',
      'recipients: not-an-address',
      'dailyLimit: number-too-small',
    ]);
    const plain = { ...account.defaults, email: 'a@gmail.com', security: 'none' };
    assert.deepEqual(reasons(account.validators, plain), ['security: gmail-needs-encryption']);
  });

  for (const [host, verdict] of [
    ['192.168.1.64', true],
    ['camera-1.lan', true],
    ['fd00::12', true],
    ['[fd00::12]', true],
    ['http://192.168.1.64', 'host-is-a-link'],
    ['192.168.1.64:8080', 'host-has-a-port'],
    ['192.168.1.64/doc', 'not-a-host'],
    ['my camera', 'not-a-host'],
    ['', 'host-missing'],
  ] as const) {
    it(`a camera at "${host}" is ${verdict}`, () => assert.equal(camera.validators.host(host), verdict));
  }

  for (const [value, verdict] of [
    ['', 'number-missing'],
    ['two', 'not-a-number'],
    ['1.5', 'not-a-whole-number'],
    ['0', 'number-too-small'],
    ['65', 'number-too-large'],
    ['64', true],
    [1, true],
  ] as const) {
    it(`${JSON.stringify(value)} cameras at a time is ${verdict}`, () =>
      assert.equal(configure.validators.concurrency(value, {}), verdict));
  }

  it('recipients are read as the mail half reads them', () => {
    const { recipients } = account.validators;
    for (const fine of ['', 'a@b.c', 'a@b.c; d@e.f', 'Anna <a@b.c>, "B, C" <d@e.f>', '${TO}'])
      assert.equal(recipients(fine, {}), true, fine);
    for (const wrong of ['keep', 'a@b.c d@e.f', '@b.c', 'a@']) assert.equal(recipients(wrong, {}), 'not-an-address', wrong);
    assert.equal(configure.validators.recipients('keep', {}), true);
  });

  it('refuses a fingerprint that is not SHA-256', () => {
    assert.equal(camera.validators.fingerprint(Array(32).fill('aB').join(':')), true);
    assert.equal(camera.validators.fingerprint('AA:BB'), 'not-a-fingerprint');
  });

  it('refuses an event type that sends no mail', () => {
    assert.equal(configure.validators.events(['motion', 'person']), true);
    assert.equal(configure.validators.events(['motion', 'earthquake']), 'unknown-choice');
  });
});

describe('mail services in the account', () => {
  const { defaults, validators, migrate, notesOf, hasHosts, SERVICES } = account;
  const wrong = (saved: object) =>
    problems(validators, { ...defaults, email: 'home@example.org', ...saved }).map(({ field, reason }) => `${field}: ${reason}`);

  it('every choice of the dialog is a service, and every service a choice', () => {
    const form = readFileSync(join(__dirname, '../../nodes/gmail-account/gmail-account.html'), 'utf8');
    const select = /<select id="node-config-input-service">(.*?)<\/select>/s.exec(form)?.[1] ?? '';
    const choices = [...select.matchAll(/<option value="([^"]+)"/g)].map(([, value]) => value);
    assert.deepEqual(choices, SERVICES);
    for (const { id, label } of MAIL_SERVICES.slice(1)) assert.ok(select.includes(`<option value="${id}">${label}</option>`), id);
  });

  it('every note has a text', () => {
    const texts = accountTexts['gmail-account'].notes;
    const used = SERVICES.flatMap((service) => ['password', 'oauth2'].flatMap((authentication) => notesOf({ service, authentication })));
    assert.deepEqual([...new Set(used)].sort(), Object.keys(texts).sort());
  });

  it('is complete with a service alone, whose servers are known', () => {
    for (const { id, password } of MAIL_SERVICES)
      assert.deepEqual(wrong({ service: id }), password === 'none-works' ? ['authentication: passwords-not-taken'] : [], id);
    assert.deepEqual(wrong({ service: 'outlook', authentication: 'oauth2' }), []);
    assert.deepEqual(
      SERVICES.filter((service) => hasHosts({ service })),
      ['zoho', 'gmx', 'custom'],
    );
    assert.deepEqual(wrong({ service: 'zoho', host: 'https://smtp.zoho.eu' }), ['host: host-is-a-link']);
    assert.equal(migrate({ service: 'zoho', security: 'none' }).security, 'tls');
  });

  it('an account that was saved before there was a choice of logins has a password', () => {
    const { authentication: _, tokenUrl: __, ...older } = { ...defaults, email: 'home@example.org' };
    assert.deepEqual(problems(validators, older), []);
    assert.equal(migrate(older).authentication, 'password');
  });

  it('OAuth2 wants a token server behind https, where the service has none of its own', () => {
    assert.deepEqual(wrong({ authentication: 'oauth2' }), []);
    assert.deepEqual(wrong({ service: 'custom', host: 'mail.example.org', authentication: 'oauth2' }), ['tokenUrl: link-missing']);
    for (const tokenUrl of ['http://login.example.org/token', 'login.example.org', 'https://user@login.example.org/'])
      assert.deepEqual(wrong({ authentication: 'oauth2', tokenUrl }), ['tokenUrl: not-a-secure-link'], tokenUrl);
    assert.deepEqual(wrong({ authentication: 'oauth2', tokenUrl: 'https://login.example.org:8443/a/token?x=1' }), []);
    assert.equal(account.oauth2Verdict('clientId', '', { authentication: 'oauth2' }), 'client-missing');
    assert.equal(account.oauth2Verdict('refreshToken', ' ', { authentication: 'oauth2' }), 'token-missing');
    assert.equal(account.oauth2Verdict('refreshToken', '', { authentication: 'password' }), true);
  });
});

describe('app password while it is typed', () => {
  for (const [typed, service, verdict, letters, form] of [
    ['abcd efgh ijkl mnop', 'gmail', true, 16, 'complete'],
    ['abcd efgh ijkl mnop', 'workspace-relay', true, 16, 'complete'],
    ['abcd efgh ijkl mno', 'workspace-relay', 'password-one-missing', 15],
    ['abcd-efgh-ijkl-mnop', 'icloud', true, 19, 'complete'],
    ['My-Apple-Passw0rd', 'icloud', true, 17, 'unusual'],
    ['abcdefghijklmnop', 'yahoo', true, 16, 'complete'],
    ['short', 'yahoo', true, 5, 'unusual'],
    ['7k2m 9x4q', 'fastmail', true, 8],
    ['', 'fastmail', 'own-password-empty', 0],
    ['__PWRD__', 'gmail', true, 0],
    ['${APP_PASSWORD}', 'gmail', true, 0],
    ['abcd efgh ijkl mno', 'gmail', 'password-one-missing', 15],
    ['abcd ef', 'gmail', 'password-too-short', 6],
    ['abcd efgh ijkl mnop q', 'gmail', 'password-too-long', 17],
    ['Tr0ub4dor&3', 'gmail', 'password-account-password', 11],
    ['', 'gmail', 'password-empty', 0],
    ['any thing 1', 'custom', true, 9],
  ] as const) {
    it(`"${typed}" for ${service}`, () => {
      assert.deepEqual(account.appPasswordVerdict(typed, service), { verdict, letters, ...(form === undefined ? {} : { form }) });
    });
  }
});
