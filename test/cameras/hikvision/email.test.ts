import assert from 'node:assert/strict';
import { readCapabilities, readMailing, singleMailing, withPassword, writeMailing } from '../../../src/cameras/hikvision/email.ts';
import { isFormRefused, parseResponseStatus, statusError } from '../../../src/cameras/hikvision/isapi.ts';
import { planLinkage, readLinkage } from '../../../src/cameras/hikvision/linkage.ts';
import { encryptSensitive, sensitiveFieldsFrom, sensitiveKey } from '../../../src/cameras/hikvision/sensitive.ts';
import { sample } from '../../../src/cameras/hikvision/simulator.ts';
import { Secret } from '../../../src/core/secret.ts';
import { XmlDocument } from '../../../src/http/xml.ts';
import { wantedEmail } from '../fixture.ts';

const WANTED = wantedEmail({ server: 'smtp.gmail.com', username: 'me@gmail.com', sender: 'me@gmail.com' });

/** Lines of a document that differ from another's. */
function difference(before: string, after: string): string[] {
  const old = before.split(/\r?\n/);
  return after.split(/\r?\n/).filter((line) => !old.includes(line));
}

describe('Hikvision mail settings', () => {
  it('reads a camera', () => {
    assert.deepEqual(readMailing(sample('mailing-camera.xml')).settings, {
      server: 'mail.example.test',
      port: 25,
      security: 'none',
      authentication: true,
      username: 'alarm@example.test',
      sender: 'alarm@example.test',
      senderName: 'Haus & Hof Süd',
      recipients: ['guard@example.test'],
      attachment: 'snapshot',
      minInterval: 2,
    });
  });

  it('reads a recorder in factory state: empty slots are no recipients', () => {
    const { settings, hasStartTls } = readMailing(sample('mailing-recorder.xml'));
    assert.deepEqual(settings.recipients, []);
    assert.equal(settings.attachment, undefined);
    assert.equal(hasStartTls, false);
  });

  it('writes only what was named, and the password behind accountName', () => {
    const before = sample('mailing-camera.xml');
    assert.deepEqual(difference(before, writeMailing(before, WANTED, 'abcdefghijklmnop')), [
      '<emailAddress>me@gmail.com</emailAddress>',
      '<enableSSL>true</enableSSL>',
      '<hostName>smtp.gmail.com</hostName>',
      '<portNo>465</portNo>',
      '<accountName>me@gmail.com</accountName>',
      '<password>abcdefghijklmnop</password>',
    ]);
  });

  it('sets the flags of STARTTLS without those of SSL', () => {
    const after = readMailing(writeMailing(sample('mailing-camera.xml'), { ...WANTED, security: 'starttls', port: 587 }, 'x')).settings;
    assert.deepEqual([after.security, after.port], ['starttls', 587]);
    assert.match(writeMailing(sample('mailing-camera.xml'), { ...WANTED, security: 'starttls' }, 'x'), /<enableSSL>false/);
  });

  it('swaps hostName and ipAddress with the form of the server', () => {
    const byAddress = writeMailing(sample('mailing-camera.xml'), { ...WANTED, server: '192.0.2.9' }, 'x');
    assert.match(byAddress, /<addressingFormatType>ipaddress<\/addressingFormatType>\r\n<ipAddress>192.0.2.9<\/ipAddress>/);
    assert.equal(readMailing(byAddress).settings.server, '192.0.2.9');
    assert.match(writeMailing(byAddress, WANTED, 'x'), /hostname<\/addressingFormatType>\r\n<hostName>smtp.gmail.com</);
  });

  it('keeps recipients that stay in their slot, and empties those that go', () => {
    const before = writeMailing(
      sample('mailing-camera.xml'),
      { ...WANTED, recipients: ['guard@example.test', 'a@x.test', 'b@x.test'] },
      'x',
    );
    const after = writeMailing(before, { ...WANTED, recipients: ['b@x.test', 'guard@example.test'] }, 'x');
    assert.deepEqual(readMailing(after).settings.recipients, ['guard@example.test', 'b@x.test']);
    assert.match(after, /<name>Guard<\/name>\r\n<emailAddress>guard@example.test/);
  });

  it('replaces a password that the device shows rather than adding a second', () => {
    const once = withPassword(sample('mailing-camera.xml'), 'first');
    assert.equal(withPassword(once, 'second').match(/<password>/g)?.length, 1);
  });

  it('escapes what XML cannot hold', () => {
    const after = writeMailing(sample('mailing-camera.xml'), { ...WANTED, senderName: 'A & B <ü>' }, 'p<&>w');
    assert.equal(readMailing(after).settings.senderName, 'A & B <ü>');
    assert.match(after, /<password>p&lt;&amp;&gt;w</);
  });

  it('takes one mailing out of a list with the namespace that it had there', () => {
    const { root } = XmlDocument.parse(singleMailing(sample('mailing-recorder.xml')));
    assert.equal(root.name, 'mailing');
    assert.equal(root.attributes.xmlns, 'http://www.isapi.org/ver20/XMLSchema');
  });

  it('reads limits from the capabilities', () => {
    const { maxLength, maxRecipients } = readCapabilities(sample('mailing-capabilities.xml'));
    assert.equal(maxLength?.username, 64);
    assert.equal(maxLength?.password, 32);
    assert.equal(maxRecipients, 3);
  });
});

describe('Hikvision events that send mail', () => {
  it('reads those of a channel and of the device as a whole', () => {
    assert.deepEqual(readLinkage(sample('triggers-recorder.xml'), 2).linked, ['access', 'motion']);
    assert.deepEqual(readLinkage(sample('triggers-recorder.xml'), 1).linked, ['access']);
  });

  it('adds mail beside the other notifications, with the recurrence that cameras have', () => {
    const [write] = planLinkage(sample('triggers-camera.xml'), 1, ['motion', 'tamper']);
    assert.equal(write?.id, 'VMD-1');
    assert.match(write?.body ?? '', /<notificationMethod>center<\/notificationMethod>/);
    assert.match(write?.body ?? '', /<id>email<\/id><notificationMethod>email<\/notificationMethod><notificationRecurrence>beginning</);
  });

  it('adds no recurrence on recorders', () => {
    const [write] = planLinkage(sample('triggers-recorder.xml'), 1, ['motion', 'access']);
    assert.doesNotMatch(write?.body ?? '', /notificationRecurrence/);
  });

  it('switches off what is no longer wanted, but never a device-wide alarm', () => {
    const ids = planLinkage(sample('triggers-recorder.xml'), 2, []).map(({ id }) => id);
    assert.deepEqual(ids, ['VMD-2']);
  });
});

describe('Hikvision answers', () => {
  const status = (sub: string, code = 4, more = '') =>
    parseResponseStatus(
      `<ResponseStatus><statusCode>${code}</statusCode><statusString>Words</statusString><subStatusCode>${sub}</subStatusCode>${more}</ResponseStatus>`,
    );

  for (const [sub, http, code] of [
    ['lowPrivilege', 403, 'forbidden'],
    ['notSupport', 403, 'forbidden'],
    ['notSupport', 200, 'unsupported'],
    ['methodNotAllowed', 400, 'unsupported'],
    ['notActivated', 401, 'not-activated'],
    ['deviceBusy', 503, 'busy'],
    ['badXmlContent', 400, 'rejected'],
  ] as const) {
    it(`${sub} with HTTP ${http} is ${code}`, () => {
      const parsed = status(sub);
      assert.ok(parsed);
      assert.equal(statusError(parsed, http).code, code);
    });
  }

  it('reads the lock out of a userCheck', () => {
    const parsed = parseResponseStatus(
      '<userCheck><statusValue>401</statusValue><lockStatus>lock</lockStatus><unlockTime>1500</unlockTime></userCheck>',
    );
    assert.deepEqual([parsed?.locked, parsed?.unlockSeconds], [true, 1500]);
  });

  it('reads the JSON twin', () => {
    assert.equal(parseResponseStatus('{"statusCode":4,"statusString":"x","subStatusCode":"lowPrivilege"}')?.subStatusCode, 'lowPrivilege');
  });

  it('tells a refused form from a failed test', () => {
    assert.equal(isFormRefused(status('badXmlFormat', 5), 400), true);
    assert.equal(isFormRefused(status('deviceError', 3), 500), false);
    assert.equal(isFormRefused(undefined, 404), true);
  });
});

describe('Hikvision sensitive fields', () => {
  it('computes the key and the cipher text of the known vector', () => {
    const login = { username: 'admin', password: new Secret('Pa55w0rd!') };
    const salt = 'bfec7d07a533914c4bd75cc3678d5be61c4175dc0336c54aacbf13f73693dad2';
    const key = sensitiveKey(login, { iterations: 100, irreversible: true, salt });
    assert.equal(key, 'ea4012037ebbf318bec13ff5227c7259');
    assert.equal(
      encryptSensitive('abcdefghijklmnop', key, '00112233445566778899aabbccddeeff'),
      'e23d0cbcd4d01106721f32870e25000fece7d60792f9b051640a5a35aa401a40',
    );
  });

  it('leaves plain text to devices that name no version', () => {
    assert.equal(sensitiveFieldsFrom(XmlDocument.parse('<SecurityCap><keyIterateNum>100</keyIterateNum></SecurityCap>').root), undefined);
  });
});
