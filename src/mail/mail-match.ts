import type { FetchMessageObject } from 'imapflow';
import { LIMITS } from '../core/limits.ts';

/** What tells a mail from the others. With `messageId` nothing else is looked at; else a token decides, else subject and sender, all that are given. */
export interface MailMatch {
  messageId?: string;
  /** Epoch milliseconds before which the mail cannot have come. Not used with `messageId`. */
  since: number;
  /** Occurs somewhere in the subject, the sender's name or another header. */
  token?: string;
  /** Part of the subject. */
  subject?: string;
  /** The sender's address, also when Gmail replaced it. */
  sender?: string;
}

/** True when the mail is the one that is looked for. The time alone never decides: cameras' mails look alike and several come at once. */
export function isOurs(message: FetchMessageObject, match: MailMatch, receivedAt: number): boolean {
  const { messageId } = match;
  if (messageId !== undefined) return messageIdsOf(message).some((id) => sameMessageId(id, messageId));
  if (receivedAt < match.since - LIMITS.mail.clockSkewMs) return false;
  if (match.token) return holds(allHeaders(message), match.token);
  if (!match.subject && !match.sender) return false;
  const fitsSubject = !match.subject || holds(message.envelope?.subject ?? '', match.subject);
  const fitsSender = !match.sender || sendersOf(message).includes(match.sender.trim().toLowerCase());
  return fitsSubject && fitsSender;
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
  return [...(envelope?.from ?? []).map(({ address }) => address ?? ''), ...original].map((address) => address.trim().toLowerCase());
}

/** The header as it came, and decoded where it matters. */
function allHeaders({ envelope, headers }: FetchMessageObject): string {
  const names = [...(envelope?.from ?? []), ...(envelope?.sender ?? [])].map(({ name }) => name ?? '');
  return [envelope?.subject ?? '', ...names, unfolded(headers)].join('\n');
}

function unfolded(headers: Buffer | undefined): string {
  return (headers?.toString('utf8') ?? '').replace(/\r?\n[ \t]+/g, ' ');
}

function valuesOf(headers: string, name: string): string[] {
  return [...headers.matchAll(new RegExp(`^${name}:[ \\t]*(.*)$`, 'gim'))].map((found) => (found[1] ?? '').trim());
}

function holds(text: string, part: string): boolean {
  return text.toLowerCase().includes(part.toLowerCase());
}
