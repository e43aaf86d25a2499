import { randomUUID } from 'node:crypto';
import { domainToASCII } from 'node:url';
import type MailComposer from 'nodemailer/lib/mail-composer';
import { CameraEmailError } from '../core/errors.ts';
import type { MailAccount } from './account.ts';
import { type Mailbox, parseMailboxes } from './addresses.ts';

export interface MailAttachment {
  filename?: string | undefined;
  content: Buffer | Uint8Array | string;
  /** How a string content is encoded, e.g. `base64`. Default: it is text. */
  encoding?: string | undefined;
  contentType?: string | undefined;
  /** Content-Id, for pictures that the HTML shows. */
  cid?: string | undefined;
  contentDisposition?: 'attachment' | 'inline' | undefined;
}

type AddressInput = string | readonly string[] | undefined;

export interface MailInput {
  to?: AddressInput;
  cc?: AddressInput;
  bcc?: AddressInput;
  replyTo?: AddressInput;
  subject?: string | undefined;
  text?: string | undefined;
  html?: string | undefined;
  attachments?: readonly MailAttachment[] | undefined;
  /** More headers; those the mail needs for itself are ignored here. */
  headers?: Readonly<Record<string, unknown>> | undefined;
  /** Default: the account's address and name. Gmail replaces an address that is not a verified alias. */
  from?: string | undefined;
}

/** A mail ready to be sent or stored: the bytes, whom they go to, and the Message-ID that stands in them (with angle brackets). */
export interface ComposedMail {
  messageId: string;
  envelope: { from: string; to: string[] };
  raw: Buffer;
}

/** Written by the composer itself, or able to lie about who sent what. HTTP nodes leave many of these in `msg.headers`. */
const OWN_HEADERS =
  /^(from|to|cc|bcc|subject|date|message-id|reply-to|sender|mime-version|content-.*|return-path|received|dkim-.*|arc-.*|authentication-results|resent-.*|x-google-.*|host|connection|cookie|set-cookie|authorization|transfer-encoding)$/i;
const OWN_ID = 'camera-email.';
const HEADER_NAME = /^[!-9;-~]{1,76}$/;

/** Builds the mail. Throws `bad-input` (params `field`) for addresses, attachments and headers that cannot be sent. */
export async function composeMail(input: MailInput, account: MailAccount): Promise<ComposedMail> {
  const [from = { name: account.fromName, address: account.email }] = mailboxes(input.from, 'from');
  const to = mailboxes(input.to, 'to');
  const cc = mailboxes(input.cc, 'cc');
  const bcc = mailboxes(input.bcc, 'bcc');
  const recipients = [...new Set([...to, ...cc, ...bcc].map(({ address }) => address))];
  if (recipients.length === 0) throw badInput('to', 'the mail has no recipient');
  const Composer = require('nodemailer/lib/mail-composer') as typeof MailComposer;
  const node = new Composer({
    from,
    to,
    cc,
    replyTo: mailboxes(input.replyTo, 'replyTo'),
    subject: oneLine(textOf(input.subject, 'subject') ?? ''),
    text: bodyOf(input.text, 'text') ?? (input.html === undefined ? '' : undefined),
    html: bodyOf(input.html, 'html'),
    attachments: (input.attachments ?? []).map(attachment),
    headers: extraHeaders(input.headers ?? {}),
    messageId: newMessageId(from.address),
    newline: 'win',
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile();
  const raw = await node.build().catch((cause: unknown) => {
    throw badInput('attachments', cause instanceof Error ? cause.message : String(cause));
  });
  return { messageId: messageIdOf(raw), envelope: { from: account.email, to: recipients }, raw };
}

/** The Message-ID in a mail's own header, '' when it has none. */
export function messageIdOf(raw: Buffer): string {
  const end = raw.indexOf('\r\n\r\n');
  const header = raw
    .subarray(0, end < 0 ? raw.length : end)
    .toString('latin1')
    .replace(/\r\n[ \t]+/g, ' ');
  return /^message-id:\s*(\S+)/im.exec(header)?.[1] ?? '';
}

/** True for the ids of `composeMail`, of whatever process. */
export function isOwnMessageId(id: string): boolean {
  return id.replace(/^</, '').startsWith(OWN_ID);
}

/** Gmail replaces malformed ids (two @, no domain, a dot at the end), and whether one without a dot in the domain stays is not known. */
function newMessageId(address: string): string {
  const domain = domainToASCII(address.slice(address.lastIndexOf('@') + 1));
  return `<${OWN_ID}${randomUUID()}@${/^[^.]+(\.[^.]+)+$/.test(domain) ? domain : 'camera-email.invalid'}>`;
}

function mailboxes(input: AddressInput, field: string): Mailbox[] {
  const entries = input === undefined ? [] : [input].flat();
  return entries.flatMap((entry) => {
    if (typeof entry !== 'string') throw badInput(field, 'an address has to be text');
    return parseMailboxes(entry, field).map(({ name, address }) => ({ name: oneLine(name), address }));
  });
}

function attachment(item: MailAttachment, index: number): MailAttachment & { content: Buffer | string } {
  const { filename, content, encoding, contentType, cid, contentDisposition } = item ?? {};
  // Paths and URLs would let a message read the disk or the network; nodemailer also takes them inside `content`.
  if (typeof content !== 'string' && !(content instanceof Uint8Array)) {
    throw badInput('attachments', `attachment ${index + 1} needs its content as a Buffer or text`);
  }
  const name = textOf(filename, 'attachments');
  return {
    content: typeof content === 'string' ? content : Buffer.from(content.buffer, content.byteOffset, content.byteLength),
    filename: name === undefined ? undefined : oneLine(name),
    encoding: textOf(encoding, 'attachments'),
    contentType: headerText(contentType),
    cid: headerText(cid),
    contentDisposition: contentDisposition === 'inline' ? 'inline' : undefined,
  };
}

function headerText(value: unknown): string | undefined {
  const text = textOf(value, 'attachments');
  return text === undefined ? undefined : oneLine(text);
}

function extraHeaders(headers: Readonly<Record<string, unknown>>): { key: string; value: string }[] {
  return Object.entries(headers).flatMap(([key, value]) => {
    if (value === undefined || value === null || OWN_HEADERS.test(key)) return [];
    if (!HEADER_NAME.test(key)) throw badInput('headers', `not a header name: ${oneLine(key).slice(0, 80)}`);
    return [value].flat().map((item) => ({ key, value: oneLine(String(item)) }));
  });
}

/** A lone CR or LF inside a message is what SMTP smuggling is made of. */
function bodyOf(value: unknown, field: string): string | undefined {
  return textOf(value, field)?.replace(/\r\n?|\n/g, '\r\n');
}

function textOf(value: unknown, field: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw badInput(field, `${field} has to be text`);
  return value;
}

function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f\u0085\u2028\u2029]+/g, ' ').trim();
}

function badInput(field: string, message: string): CameraEmailError {
  return new CameraEmailError('bad-input', message, { params: { field } });
}
