import assert from 'node:assert/strict';
import type { ErrorCode } from '../../src/core/errors.ts';
import { explainSmtpReply } from '../../src/mail/replies.ts';
import { GMAIL_REPLIES, type GmailReply } from '../../src/sandbox/mail/gmail-replies.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Name of the sandbox's wording, code, worth another attempt, and after how long. */
const MEANINGS: Partial<Record<GmailReply, [ErrorCode, boolean, number?]>> = {
  badCredentials: ['bad-app-password', false],
  badCredentialsOld: ['bad-app-password', false],
  appPasswordRequired: ['app-password-required', false],
  webLogin: ['web-login-required', false],
  webLoginOld: ['web-login-required', false],
  tooManyLogins: ['too-many-logins', true, 15 * MINUTE],
  loginTemporary: ['server-busy', true, MINUTE],
  cannotDecode: ['mail-protocol', false],
  authenticationRequired: ['authentication-required', false],
  authenticationRequiredOld: ['authentication-required', false],
  startTlsFirst: ['starttls-required', false],
  tryAgainLater: ['server-busy', true, 5 * MINUTE],
  temporaryProblem: ['server-busy', true, MINUTE],
  temporaryProblem451: ['server-busy', true, MINUTE],
  serverBusy: ['server-busy', true, MINUTE],
  unsolicitedRate: ['rate-limited', true, HOUR],
  unsolicited: ['content-refused', false],
  lowReputation: ['content-refused', false],
  dailyLimit: ['daily-limit', true, HOUR],
  dailyQuota: ['daily-limit', true, HOUR],
  dailyRelayLimit: ['daily-limit', true, 24 * HOUR],
  receivingTooQuickly: ['rate-limited', true, 15 * MINUTE],
  receivingRate: ['rate-limited', true, 15 * MINUTE],
  overQuota: ['mailbox-full', true, HOUR],
  overQuotaPermanent: ['mailbox-full', false],
  tooManyRecipients: ['too-many-recipients', true, 0],
  noSuchUser: ['recipient-refused', false],
  disabledUser: ['recipient-refused', false],
  noSuchDomain: ['recipient-refused', false],
  senderAddress: ['sender-refused', false],
  recipientAddress: ['recipient-refused', false],
  relayDenied: ['relay-denied', false],
  relayCredentials: ['relay-denied', false],
  sendingDenied: ['relay-denied', false],
  tooLarge: ['message-too-large', false],
  tooLargeElsewhere: ['message-too-large', false],
  blockedContent: ['content-refused', false],
  illegalAttachment: ['content-refused', false],
  missingMessageId: ['mail-protocol', false],
  malformed: ['mail-protocol', false],
  tooManyHops: ['mail-protocol', false],
  noReverseName: ['sender-unauthenticated', false],
  unauthenticated: ['sender-unauthenticated', false],
  helloEmpty: ['hello-refused', false],
  helloInvalid: ['hello-refused', false],
  helloFirst: ['mail-protocol', false],
  badSequence: ['mail-protocol', false],
  unknownCommand: ['mail-protocol', false],
  syntax: ['mail-protocol', false],
  lineTooLong: ['mail-protocol', false],
};

describe('SMTP replies', () => {
  for (const [name, [code, retryable, backoffMs]] of Object.entries(MEANINGS)) {
    it(`${name} means ${code}`, () => {
      const wire: string = GMAIL_REPLIES[name as GmailReply];
      const meaning = explainSmtpReply(wire.replaceAll('\r\n', '\n'));
      assert.deepEqual([meaning.code, meaning.retryable, meaning.backoffMs], [code, retryable, backoffMs]);
      const named = /https:\/\/support\.google\.com\/\S+/.exec(wire)?.[0];
      assert.equal(meaning.link, named);
    });
  }

  it('are told by their enhanced status when the words are others', () => {
    const codes: [string, ErrorCode][] = [
      ['535-5.7.8 nope', 'bad-app-password'],
      ['534 5.7.9 nope', 'app-password-required'],
      ['534 5.7.14 nope', 'web-login-required'],
      ['550-5.4.5 nope\n550 5.4.5 nope', 'daily-limit'],
      ['552 5.2.3 nope', 'message-too-large'],
      ['452 4.5.3 nope', 'too-many-recipients'],
      ['550 5.1.1 nope', 'recipient-refused'],
      ['550-5.7.26 nope', 'sender-unauthenticated'],
      ['421 4.7.28 nope', 'rate-limited'],
      ['530 5.5.1 nope', 'authentication-required'],
      ['450 4.2.1 nope', 'rate-limited'],
    ];
    for (const [reply, code] of codes) assert.equal(explainSmtpReply(reply).code, code, reply);
  });

  it('an unusual rate is for good when the reply says so', () => {
    const reply =
      '550-5.7.1 [192.0.2.7] Our system has detected an unusual rate of unsolicited\n550 5.7.1 mail originating from your IP address.';
    assert.deepEqual(explainSmtpReply(reply), { code: 'rate-limited', retryable: false });
  });

  it('of other servers are understood too', () => {
    assert.equal(explainSmtpReply('535 5.7.8 Error: authentication failed: (reason unavailable)').code, 'bad-app-password');
    assert.equal(explainSmtpReply('550 5.7.30 Basic authentication is not supported for Client Submission').code, 'unsupported');
    assert.equal(explainSmtpReply('554 5.7.1 <x@y.z>: Relay access denied').code, 'relay-denied');
    assert.equal(explainSmtpReply('550 nope', { stage: 'recipient' }).code, 'recipient-refused');
    assert.equal(explainSmtpReply('550 nope', { stage: 'sender' }).code, 'sender-refused');
  });

  it('that nobody knows are busy with 4xx and rejected with 5xx', () => {
    assert.deepEqual(explainSmtpReply('471 what'), { code: 'server-busy', retryable: true, backoffMs: MINUTE });
    assert.deepEqual(explainSmtpReply('571 what'), { code: 'rejected', retryable: false });
  });

  it("link to Google's pages only, also when the URL is wrapped", () => {
    const wrapped =
      '534-5.7.14 <https://accounts.google.com/signin/continue?sarp=1&plt=AKgn\n534-5.7.14 sbvi7> Please log in via\n534 5.7.14 your web browser';
    assert.equal(explainSmtpReply(wrapped).link, 'https://accounts.google.com/signin/continue?sarp=1&plt=AKgnsbvi7');
    assert.equal(explainSmtpReply('550 5.1.1 see https://support.google.com.evil.example/x').link, undefined);
    assert.equal(explainSmtpReply('550 5.1.1 see http://support.google.com/x').link, undefined);
  });
});
