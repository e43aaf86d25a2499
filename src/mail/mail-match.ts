import type { FetchMessageObject } from 'imapflow';
import { LIMITS } from '../core/limits.ts';
import { isOwnMessageId } from './compose.ts';
import { carriesTestToken } from './test-mail.ts';
import { looksLikeTest } from './test-subject.ts';

/** What tells a mail from the others: its id, or who sent it when a camera composed it. */
export type MailMatch = { messageId: string } | CameraMailMatch;

export interface CameraMailMatch {
  /** Epoch milliseconds before which the mail cannot have come. */
  since: number;
  /** The sender's address, also when Gmail replaced it. */
  sender: string;
  /** The whole display name beside the sender's address; without one the subject has to be that of a test mail. */
  senderName?: string | undefined;
}

/** `unclear`: the sender's, in time, and nothing in it tells whether it is the test mail or another one. */
export type Likeness = 'same' | 'unclear' | 'other';

/** Cameras' mails look alike and several come at once: the time and the sender alone never make it the `same`. */
export function compareMail(message: FetchMessageObject, match: MailMatch, receivedAt: number): Likeness {
  const ids = messageIdsOf(message);
  if ('messageId' in match) return ids.some((id) => sameMessageId(id, match.messageId)) ? 'same' : 'other';
  if (receivedAt < match.since - LIMITS.mail.clockSkewMs) return 'other';
  if (!sendersOf(message).includes(plainText(match.sender))) return 'other';
  const subject = message.envelope?.subject ?? '';
  if (ids.some(isOwnMessageId) || carriesTestToken(subject, unfolded(message.headers))) return 'other';
  const wanted = plainText(match.senderName ?? '');
  if (wanted === '') return looksLikeTest(subject) ? 'same' : 'unclear';
  const name = plainText(message.envelope?.from?.[0]?.name ?? '');
  if (name === wanted) return 'same';
  return name === '' ? 'unclear' : 'other';
}

/** The mail's own id, then the one it had before smtp.gmail.com replaced it. */
export function messageIdsOf({ headers }: FetchMessageObject): string[] {
  const text = unfolded(headers);
  return ['message-id', 'x-google-original-message-id'].flatMap((name) => valuesOf(text, name)).filter((id) => id !== '');
}

export function sameMessageId(one: string, other: string): boolean {
  const plain = (id: string) => id.replace(/[<>\s]/g, '').toLowerCase();
  return plain(one) === plain(other);
}

function sendersOf({ envelope, headers }: FetchMessageObject): string[] {
  const original = valuesOf(unfolded(headers), 'x-google-original-from').map((value) => /<([^<>]*)>/.exec(value)?.[1] ?? value);
  return [...(envelope?.from ?? []).map(({ address }) => address ?? ''), ...original].map(plainText);
}

function unfolded(headers: Buffer | undefined): string {
  return (headers?.toString('utf8') ?? '').replace(/\r?\n[ \t]+/g, ' ');
}

function valuesOf(headers: string, name: string): string[] {
  return [...headers.matchAll(new RegExp(`^${name}:[ \\t]*(.*)$`, 'gim'))].map((found) => (found[1] ?? '').trim());
}

/** A name or address as it is compared. */
export function plainText(text: string): string {
  return text.normalize('NFC').replace(/\s+/g, ' ').trim().toLowerCase();
}
