import { randomUUID } from 'node:crypto';
import { isAddress } from '../mail/addresses.ts';

export interface HeaderFacts {
  /** The account's address; stands in for a sender that is missing or broken. */
  sender: string;
  /** Named as sender when the mail names none. */
  senderName: string;
  recipients: readonly string[];
  receivedAt: Date;
  /** Already fit for a header: no control characters. */
  from: { heloName: string; address: string };
}

interface Field {
  name: string;
  /** Unfolded. */
  value: string;
}

const ONCE = [
  'date',
  'from',
  'sender',
  'reply-to',
  'to',
  'subject',
  'message-id',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
];
/** Able to lie about what happened to the mail, or to send it elsewhere. */
const DROPPED = /^(bcc|return-path|x-google-.*|x-camera-email-.*|dkim-signature|arc-.*|authentication-results)$/i;

/**
 * A camera's header as it may be sent on: only well-formed fields, each once, in ASCII; what is missing is added (Message-ID, Date,
 * From, To, MIME-Version). `raw` has CRLF line ends and may end in an empty line; the result ends in one.
 */
export function rewriteHeader(raw: Buffer, facts: HeaderFacts): { header: Buffer; hops: number } {
  const fields = fieldsOf(raw);
  const kept: string[] = [];
  const seen = new Set<string>();
  let hops = 0;
  for (const { name, value } of fields) {
    const lower = name.toLowerCase();
    if (lower === 'received') hops += 1;
    if (DROPPED.test(name) || (ONCE.includes(lower) && seen.has(lower))) continue;
    const fit = fitValue(lower, value);
    if (fit === undefined) continue;
    seen.add(lower);
    kept.push(folded(`${name}: ${fit}`));
  }
  const { sender, senderName, recipients, receivedAt, from } = facts;
  const date = mailDate(receivedAt);
  if (!seen.has('from')) kept.push(folded(`From: ${senderName === '' ? '' : `${asciiText(senderName, true)} `}<${sender}>`));
  const to = mailboxes(recipients.join(', '));
  if (to !== undefined && !seen.has('to') && !seen.has('cc')) kept.push(folded(`To: ${to}`));
  if (!seen.has('date')) kept.push(`Date: ${date}`);
  if (!seen.has('message-id')) kept.push(`Message-ID: ${newMessageId(sender)}`);
  if (!seen.has('mime-version') && seen.has('content-type')) kept.push('MIME-Version: 1.0');
  const trace = folded(`Received: from ${from.heloName || 'camera'} ([${from.address}]) by node-red-contrib-camera-email; ${date}`);
  return { header: Buffer.from(`${[trace, ...kept].join('\r\n')}\r\n\r\n`, 'latin1'), hops };
}

/** The fields of a header with CRLF line ends. Lines that are no field are left out. */
export function fieldsOf(raw: Buffer): Field[] {
  const lines = raw
    .toString('latin1')
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n');
  return lines.flatMap((line) => {
    const found = /^([!-9;-~]{1,76})[ \t]*:[ \t]*(.*)$/.exec(line);
    return found === null ? [] : [{ name: found[1] ?? '', value: (found[2] ?? '').trimEnd() }];
  });
}

/** Undefined: this value is worse than none. */
function fitValue(name: string, value: string): string | undefined {
  const text = decodedBytes(value)
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .trim();
  if (name === 'message-id') return /^<[^\s<>@]+@[a-z0-9_-]+(?:\.[a-z0-9_-]+)+>$/i.test(text) && !/\.@/.test(text) ? text : undefined;
  if (name === 'date') return Number.isNaN(Date.parse(text)) ? undefined : asciiText(text);
  if (name === 'from' || name === 'sender' || name === 'reply-to') return mailbox(text);
  if (name === 'to' || name === 'cc') return mailboxes(text);
  return asciiText(text);
}

/** Old cameras write GBK or Latin-1 into headers as it is. */
function decodedBytes(value: string): string {
  if (/^[\x00-\x7f]*$/.test(value)) return value;
  const bytes = Buffer.from(value, 'latin1');
  for (const charset of ['utf-8', 'gb18030', 'windows-1252']) {
    try {
      return new TextDecoder(charset, { fatal: true }).decode(bytes);
    } catch {
      // Not this one, or a Node.js built without it.
    }
  }
  return value;
}

function mailbox(text: string): string | undefined {
  const found = /^(.*?)<([^<>]*)>[^<>]*$/.exec(text);
  const address = (found?.[2] ?? text).trim();
  if (!isAddress(address) || /[^\x21-\x7e]/.test(address)) return undefined;
  const name = (found?.[1] ?? '')
    .trim()
    .replace(/^"(.*)"$/, '$1')
    .replace(/\\(.)/g, '$1');
  return name === '' ? `<${address}>` : `${/^=\?[^ ]+\?=$/.test(name) ? name : asciiText(name, true)} <${address}>`;
}

function mailboxes(text: string): string | undefined {
  const entries = text.split(/[,;]/).flatMap((entry) => mailbox(entry.trim()) ?? []);
  return entries.length === 0 ? undefined : entries.join(', ');
}

/** `phrase`: a display name, quoted where it has to be. */
function asciiText(text: string, phrase = false): string {
  if (/[^\x20-\x7e]/.test(text)) return encodedWords(text);
  return phrase && /[^\w !#$%&'*+/=?^`{|}~-]/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : text;
}

/** RFC 2047, each word within its 75 characters and made of whole characters. */
function encodedWords(text: string): string {
  const words: string[] = [];
  let word = '';
  for (const character of text) {
    if (Buffer.byteLength(word + character) > 42) {
      words.push(word);
      word = '';
    }
    word += character;
  }
  return [...words, word].map((part) => `=?UTF-8?B?${Buffer.from(part).toString('base64')}?=`).join(' ');
}

/** At blanks, below 78 characters where they allow it; a word never exceeds 900. */
function folded(line: string): string {
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(' ').flatMap((part) => (part.length <= 900 ? [part] : (part.match(/.{1,900}/g) ?? [])))) {
    if (current !== '' && current.trim() !== '' && current.length + word.length > 76 && !current.endsWith(':')) {
      lines.push(current);
      current = ` ${word}`;
    } else current = current === '' ? word : `${current} ${word}`;
  }
  return [...lines, current].join('\r\n');
}

function newMessageId(sender: string): string {
  const domain = sender.slice(sender.lastIndexOf('@') + 1);
  return `<${randomUUID()}@${/^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/i.test(domain) ? domain : 'camera-email.invalid'}>`;
}

function mailDate(date: Date): string {
  return date.toUTCString().replace('GMT', '+0000');
}
