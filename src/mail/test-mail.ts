import { randomInt } from 'node:crypto';
import { systemClock } from '../core/clock.ts';
import type { MailAccount } from './account.ts';
import { type ComposedMail, composeMail } from './compose.ts';

export interface TestMailInput {
  to: string | readonly string[];
  token: string;
  via: 'server';
  cameraName?: string | undefined;
}

/** Without characters that look like others, so that a person can read it out. */
const ALPHABET = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';

const TEST_HEADER = /^x-camera-email-test:/im;
const TOKEN_IN_SUBJECT = new RegExp(`\\(cam-[${ALPHABET}]{6}\\)`);

/** Tells one test's mail from another's: `cam-7F3K2Q`. */
export function testToken(): string {
  return `cam-${Array.from({ length: 6 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')}`;
}

/** True for the mails of `composeTestMail`, also when a server on the way took the header out. */
export function carriesTestToken(subject: string, headers: string): boolean {
  return TEST_HEADER.test(headers) || TOKEN_IN_SUBJECT.test(subject);
}

/** The mail that test-email sends from this host. */
export function composeTestMail(account: MailAccount, { to, token, via, cameraName }: TestMailInput): Promise<ComposedMail> {
  const about = cameraName === undefined ? [] : [`Camera: ${cameraName}`];
  const text = [
    'This is a test mail from Node-RED (node-red-contrib-camera-email).',
    'If you can read it, alert mails of your cameras reach this mailbox.',
    '',
    ...about,
    `Sent by: ${account.email} through ${account.smtp.host}`,
    `Sent at: ${new Date(systemClock.now()).toISOString()}`,
    `Test: ${token}`,
    '',
    'You may delete it.',
  ].join('\n');
  const subject = `Camera e-mail test${cameraName === undefined ? '' : ` of ${cameraName}`} (${token})`;
  const headers = { 'X-Camera-Email-Test': `${via} ${token}`, 'Auto-Submitted': 'auto-generated' };
  return composeMail({ to, subject, text, headers }, account);
}
