import { crc32 } from 'node:zlib';

/** What is stored in front of a mail's bytes. Times in epoch milliseconds. */
export interface StoredEnvelope {
  version: 1;
  /** Name of the file without its ending; sorts by the order of acceptance. */
  id: string;
  messageId: string;
  from: string;
  to: string[];
  /** Mails of one topic are sent in their order; those without are free. */
  topic: string;
  subject: string;
  queuedAt: number;
  /** Undefined: it does not expire. */
  expiresAt?: number | undefined;
  /** Who handed it in, e.g. a node's id, and what by, e.g. a message's id. */
  owner?: string | undefined;
  reference?: string | undefined;
  /** What several mails were merged into. */
  digest?: DigestCount | undefined;
  /** The mail tells of mails that expired. */
  summary?: true | undefined;
  bytes: number;
  crc32: number;
}

export interface DigestCount {
  count: number;
  firstAt: number;
  lastAt: number;
}

const FIELD = 'X-Camera-Email-Envelope: ';
const END = '\r\nX-Camera-Email-Version: 1\r\n';
const LINE = 900;

/** The file in front of the mail: two more header fields, so that the whole file is a mail that any program opens. */
export function encodeEnvelope(envelope: Omit<StoredEnvelope, 'bytes' | 'crc32'>, raw: Buffer): Buffer {
  const complete: StoredEnvelope = { ...envelope, bytes: raw.length, crc32: crc32(raw) };
  const json = JSON.stringify(complete).replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const lines = json.match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
  return Buffer.from(`${FIELD}${lines.join('\r\n ')}${END}`, 'latin1');
}

/** Undefined when the bytes do not begin with a whole envelope. `offset` is where the mail itself begins. */
export function decodeEnvelope(head: Buffer): { envelope: StoredEnvelope; offset: number } | undefined {
  const end = head.indexOf(END);
  const text = head.subarray(0, Math.max(end, 0)).toString('latin1');
  if (!text.startsWith(FIELD)) return undefined;
  try {
    const value: unknown = JSON.parse(text.slice(FIELD.length).replaceAll('\r\n ', ''));
    return isEnvelope(value) ? { envelope: value, offset: end + END.length } : undefined;
  } catch {
    return undefined;
  }
}

export function isIntact({ bytes, crc32: expected }: StoredEnvelope, raw: Buffer): boolean {
  return raw.length === bytes && crc32(raw) === expected;
}

function isEnvelope(value: unknown): value is StoredEnvelope {
  if (typeof value !== 'object' || value === null) return false;
  const { version, id, messageId, from, to, topic, subject, queuedAt, bytes, crc32: sum } = value as Record<string, unknown>;
  const texts = [id, messageId, from, topic, subject];
  const numbers = [queuedAt, bytes, sum];
  return (
    version === 1 &&
    texts.every((text) => typeof text === 'string') &&
    numbers.every((number) => typeof number === 'number') &&
    Array.isArray(to) &&
    to.length > 0 &&
    to.every((address) => typeof address === 'string')
  );
}
