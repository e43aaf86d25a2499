import { ImapSyntaxError, type ImapToken, imapString, listOf, textOf } from './imap-parser.ts';
import type { FolderEntry } from './mailbox.ts';
import { findField, type HeaderField, mailDate, parseAddresses, type SandboxMail } from './message.ts';
import { type MimePart, parseMime, parseParameters } from './mime-part.ts';

const MACROS: Readonly<Record<string, string[]>> = {
  FAST: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE'],
  ALL: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE'],
  FULL: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE', 'BODY'],
};

/** The data items that FETCH asks for; with `uid` the UID is always among them. */
export function fetchItems(token: ImapToken | undefined, uid: boolean): string[] {
  const items = listOf(token).map(textOf);
  const macro = items.length === 1 ? MACROS[items[0]?.toUpperCase() ?? ''] : undefined;
  const wanted = macro ?? items;
  return uid && !wanted.some((item) => item.toUpperCase() === 'UID') ? ['UID', ...wanted] : wanted;
}

/** Whether reading these items marks the mail as seen. */
export function marksSeen(items: readonly string[]): boolean {
  return items.some((item) => /^(?:BODY\[|RFC822$|RFC822\.TEXT$)/i.test(item));
}

/** One untagged FETCH response, each character a byte. `labels` are Gmail's; undefined without its extensions. */
export function fetchResponse(
  entry: FolderEntry,
  sequence: number,
  items: readonly string[],
  labels: readonly string[] | undefined,
): string {
  const data = items.map((item) => fetchItem(entry, item, labels));
  return `* ${sequence} FETCH (${data.join(' ')})`;
}

function fetchItem({ uid, flags, mail }: FolderEntry, item: string, labels: readonly string[] | undefined): string {
  const name = item.toUpperCase();
  const section = /^BODY(?:\.PEEK)?\[(.*)\](?:<(\d{1,9})\.(\d{1,9})>)?$/is.exec(item);
  if (section !== null) return bodySection(mail, section[1] ?? '', section[2], section[3]);
  switch (name) {
    case 'UID':
      return `UID ${uid}`;
    case 'FLAGS':
      return `FLAGS (${[...flags].join(' ')})`;
    case 'INTERNALDATE':
      return `INTERNALDATE "${internalDate(mail.receivedAt)}"`;
    case 'RFC822.SIZE':
      return `RFC822.SIZE ${mail.raw.length}`;
    case 'ENVELOPE':
      return `ENVELOPE ${envelope(mail.fields)}`;
    case 'BODY':
    case 'BODYSTRUCTURE':
      return `${name} ${structure(parseMime(mail.raw), name === 'BODYSTRUCTURE')}`;
    case 'RFC822':
      return `RFC822 ${literal(mail.raw)}`;
    case 'RFC822.HEADER':
      return `RFC822.HEADER ${literal(mail.head)}`;
    case 'RFC822.TEXT':
      return `RFC822.TEXT ${literal(mail.body)}`;
  }
  if (labels !== undefined) {
    if (name === 'X-GM-MSGID' || name === 'X-GM-THRID') return `${name} ${mail.id}`;
    if (name === 'X-GM-LABELS') return `X-GM-LABELS (${labels.map(imapString).join(' ')})`;
  }
  throw new ImapSyntaxError('unknown data item');
}

function bodySection(mail: SandboxMail, section: string, offset: string | undefined, count: string | undefined): string {
  const whole = sectionBytes(mail, section);
  const start = Number(offset ?? 0);
  const bytes = offset === undefined ? whole : whole.subarray(start, start + Number(count));
  return `BODY[${section}]${offset === undefined ? '' : `<${start}>`} ${literal(bytes)}`;
}

function sectionBytes(mail: SandboxMail, section: string): Buffer {
  const [, path = '', rest = ''] = /^((?:\d+\.?)*)(.*)$/s.exec(section) ?? [];
  const part = path === '' ? undefined : partAt(parseMime(mail.raw), path.split('.').filter(Boolean).map(Number));
  if (path !== '' && part === undefined) return Buffer.alloc(0);
  const { head, body } = part ?? mail;
  const fields = /^HEADER\.FIELDS(\.NOT)? \(([^)]*)\)$/i.exec(rest);
  if (fields !== null) return headerFields(head, (fields[2] ?? '').replace(/"/g, '').split(' '), fields[1] !== undefined);
  switch (rest.toUpperCase()) {
    case '':
      return part === undefined ? mail.raw : body;
    case 'HEADER':
    case 'MIME':
      return head;
    case 'TEXT':
      return body;
    default:
      throw new ImapSyntaxError('unknown section');
  }
}

/** Part 1 of a message that is not multipart is its body. */
function partAt(part: MimePart, path: readonly number[]): MimePart | undefined {
  const [first, ...rest] = path;
  if (first === undefined) return part;
  const child = part.parts.length === 0 && first === 1 ? part : part.parts[first - 1];
  return child === undefined || child === part ? child : partAt(child, rest);
}

function headerFields(head: Buffer, names: readonly string[], inverted: boolean): Buffer {
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  const lines = head.toString('latin1').match(/[^\r\n][^\n]*\n(?:[ \t][^\n]*\n)*/g) ?? [];
  const kept = lines.filter((line) => wanted.has(line.slice(0, line.indexOf(':')).trim().toLowerCase()) !== inverted);
  return Buffer.from(`${kept.join('')}\r\n`, 'latin1');
}

function envelope(fields: readonly HeaderField[]): string {
  const text = (name: string) => imapString(findField(fields, name)?.value);
  const from = addressList(findField(fields, 'from')?.value);
  const people = (name: string, otherwise = 'NIL') => {
    const value = findField(fields, name)?.value;
    return value === undefined ? otherwise : addressList(value);
  };
  const addresses = [from, people('sender', from), people('reply-to', from), people('to'), people('cc'), people('bcc')];
  return `(${[text('date'), text('subject'), ...addresses, text('in-reply-to'), text('message-id')].join(' ')})`;
}

function addressList(value: string | undefined): string {
  const addresses = parseAddresses(value ?? '').map(({ name, address }) => {
    const at = address.lastIndexOf('@');
    const [mailbox, host] = at < 0 ? [address, undefined] : [address.slice(0, at), address.slice(at + 1)];
    return `(${imapString(name === '' ? undefined : name)} NIL ${imapString(mailbox)} ${imapString(host)})`;
  });
  return addresses.length === 0 ? 'NIL' : `(${addresses.join('')})`;
}

function structure(part: MimePart, extended: boolean): string {
  const parameters = parameterList(part.parameters);
  const tail = extended ? ` ${disposition(part)} NIL NIL` : '';
  if (part.parts.length > 0) {
    const children = part.parts.map((child) => structure(child, extended)).join('');
    return `(${children} ${imapString(part.subtype.toUpperCase())}${extended ? ` ${parameters}${tail}` : ''})`;
  }
  const field = (name: string) => findField(part.fields, name)?.value;
  const lines = part.type.toLowerCase() === 'text' ? ` ${part.body.toString('latin1').split('\n').length - 1}` : '';
  const encoding = imapString((field('content-transfer-encoding') ?? '7bit').toUpperCase());
  const kind = `${imapString(part.type.toUpperCase())} ${imapString(part.subtype.toUpperCase())}`;
  const described = `${imapString(field('content-id'))} ${imapString(field('content-description'))}`;
  return `(${kind} ${parameters} ${described} ${encoding} ${part.body.length}${lines}${extended ? ` NIL${tail}` : ''})`;
}

function disposition(part: MimePart): string {
  const value = findField(part.fields, 'content-disposition')?.value;
  if (value === undefined) return 'NIL';
  const parsed = parseParameters(value);
  return `(${imapString(parsed.value.toUpperCase())} ${parameterList(parsed.parameters)})`;
}

function parameterList(parameters: Record<string, string>): string {
  const pairs = Object.entries(parameters).map(([name, value]) => `${imapString(name.toUpperCase())} ${imapString(value)}`);
  return pairs.length === 0 ? 'NIL' : `(${pairs.join(' ')})`;
}

/** `22-Nov-2026 19:28:38 +0000`. */
function internalDate(date: Date): string {
  const [, day = '', month = '', year = '', time = ''] = /, (\d+) (\w+) (\d+) (\S+)/.exec(mailDate(date)) ?? [];
  return `${day}-${month}-${year} ${time} +0000`;
}

function literal(bytes: Buffer): string {
  return `{${bytes.length}}\r\n${bytes.toString('latin1')}`;
}
