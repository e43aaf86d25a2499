import { decodeWords } from '../../mail/encoded-words.ts';
/** A message as bytes (RFC 5322) and what the sandbox needs to know of it. Each character of a latin1 string stands for one byte. */

export interface HeaderField {
  name: string;
  /** Unfolded and trimmed, encoded words left as they are. */
  value: string;
}

export interface Address {
  name: string;
  /** Without the angle brackets; empty for `<>`. */
  address: string;
}

export interface Envelope {
  from: string;
  to: string[];
}

export class SandboxMail {
  /** Gmail's own number for the message (X-GM-MSGID). */
  readonly id: string;
  readonly fields: readonly HeaderField[];
  /** Header with its empty line. */
  readonly head: Buffer;
  readonly body: Buffer;

  constructor(
    readonly raw: Buffer,
    readonly envelope: Envelope,
    readonly receivedAt: Date,
    serial: number,
  ) {
    this.id = String(1_790_000_000_000_000_000n + BigInt(serial));
    const { head, body } = splitMessage(raw);
    this.head = head;
    this.body = body;
    this.fields = parseFields(head.toString('latin1'));
  }

  /** The first field of that name, encoded words decoded. */
  header(name: string): string | undefined {
    const field = findField(this.fields, name);
    return field === undefined ? undefined : decodeWords(field.value);
  }

  get subject(): string {
    return this.header('subject') ?? '';
  }

  /** With the angle brackets. */
  get messageId(): string {
    return this.header('message-id') ?? '';
  }

  get from(): string {
    return this.header('from') ?? '';
  }

  get text(): string {
    return this.raw.toString('utf8');
  }
}

export function splitMessage(raw: Buffer): { head: Buffer; body: Buffer } {
  if (raw.subarray(0, 2).equals(Buffer.from('\r\n'))) return { head: raw.subarray(0, 2), body: raw.subarray(2) };
  const crlf = raw.indexOf('\r\n\r\n');
  const lf = raw.indexOf('\n\n');
  const end = crlf >= 0 && (lf < 0 || crlf < lf) ? crlf + 4 : lf >= 0 ? lf + 2 : raw.length;
  return { head: raw.subarray(0, end), body: raw.subarray(end) };
}

export function parseFields(head: string): HeaderField[] {
  return head
    .replace(/\r?\n[ \t]+/g, ' ')
    .split(/\r?\n/)
    .flatMap((line) => {
      const colon = line.indexOf(':');
      return colon < 1 ? [] : [{ name: line.slice(0, colon).trim(), value: line.slice(colon + 1).trim() }];
    });
}

export function findField(fields: readonly HeaderField[], name: string): HeaderField | undefined {
  return fields.find((field) => field.name.toLowerCase() === name.toLowerCase());
}

/** The addresses of a From, To or Cc value. Groups and comments are not looked into. */
export function parseAddresses(value: string): Address[] {
  const items = value.match(/(?:"(?:[^"\\]|\\.)*"|<[^>]*>|[^,])+/g) ?? [];
  return items.flatMap((item) => {
    const angle = /^(.*)<([^>]*)>[^>]*$/s.exec(item);
    if (angle === null) return item.trim() === '' ? [] : [{ name: '', address: item.trim() }];
    const name = (angle[1] ?? '')
      .trim()
      .replace(/^"(.*)"$/s, '$1')
      .replace(/\\(.)/g, '$1');
    return [{ name, address: (angle[2] ?? '').trim() }];
  });
}

const ATOM = "[\\w!#$%&'*+/=?^`{|}~-]+";
const WELL_FORMED_ID = new RegExp(`^<${ATOM}(?:\\.${ATOM})*@(?:${ATOM}(?:\\.${ATOM})*|\\[[^\\[\\]\\s]*\\])>$`);

/**
 * The message as Gmail keeps it: From is the account's (the name stays, the original moves to X-Google-Original-From), and a
 * Message-ID or Date that is missing is added, a malformed Message-ID replaced.
 */
export function asGmailKeepsIt(raw: Buffer, account: string, trace: string, newId: string, now: Date): Buffer {
  const { head, body } = splitMessage(raw);
  let text = head.toString('latin1').replace(/\r?\n\r?\n$|^\r?\n$/, '\r\n');
  if (!text.endsWith('\n')) text += '\r\n';
  const fields = parseFields(text);
  const added: string[] = [trace];
  const replace = (name: string, line: string) => {
    text = text.replace(new RegExp(`^${name}[ \\t]*:[^\\n]*\\n(?:[ \\t][^\\n]*\\n)*`, 'im'), () => `${line}\r\n`);
  };

  const from = findField(fields, 'from')?.value;
  const author = from === undefined ? undefined : parseAddresses(from)[0];
  if (from === undefined) added.push(`From: ${account}`);
  else if (author?.address.toLowerCase() !== account.toLowerCase()) {
    const name = author?.name ?? '';
    const shown = name.startsWith('=?') ? name : `"${name.replace(/["\\]/g, '\\$&')}"`;
    replace('from', name === '' ? `From: ${account}` : `From: ${shown} <${account}>`);
    added.push(`X-Google-Original-From: ${from}`);
  }
  const id = findField(fields, 'message-id')?.value;
  if (id === undefined) added.push(`Message-ID: ${newId}`);
  else if (!WELL_FORMED_ID.test(id)) {
    replace('message-id', `Message-ID: ${newId}`);
    added.push(`X-Google-Original-Message-ID: ${id}`);
  }
  if (findField(fields, 'date') === undefined) added.push(`Date: ${mailDate(now)}`);
  return Buffer.concat([Buffer.from(`${added.join('\r\n')}\r\n${text === '\r\n' ? '' : text}\r\n`, 'latin1'), body]);
}

/** RFC 5322 date-time in UTC. */
export function mailDate(date: Date): string {
  return date.toUTCString().replace('GMT', '+0000');
}
