/** One record of a DNS answer, as far as service discovery needs it. */
export type DnsRecord =
  | { name: string; type: 'ptr'; target: string }
  | { name: string; type: 'srv'; port: number }
  | { name: string; type: 'txt'; texts: string[] }
  | { name: string; type: 'a'; address: string };

export const TYPES = { a: 1, ptr: 12, txt: 16, srv: 33 } as const;
const HEADER_BYTES = 12;
const RECORDS = 128;
/** A name has at most 127 labels; compression pointers count as well, so that a loop ends. */
const LABELS = 127;

/** A question for the pointers of a service; the answer may come to us alone. */
export function question(service: string): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(1, 4);
  const unicastWanted = 0x8001;
  return Buffer.concat([header, encodedName(service), Buffer.from([0, TYPES.ptr, unicastWanted >> 8, unicastWanted & 0xff])]);
}

export function encodedName(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.from([Buffer.byteLength(label)]), Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.from([0])]);
}

/** Every record of an answer that is understood. Throws RangeError for a message that is cut off or loops. */
export function records(message: Buffer): DnsRecord[] {
  const isAnswer = (message.readUInt16BE(2) & 0x8000) !== 0;
  if (!isAnswer) return [];
  let at = HEADER_BYTES;
  for (let left = message.readUInt16BE(4); left > 0; left -= 1) at = readName(message, at).end + 4;
  const count = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10);
  const found: DnsRecord[] = [];
  for (let index = 0; index < Math.min(count, RECORDS); index += 1) {
    const { name, end } = readName(message, at);
    const type = message.readUInt16BE(end);
    const data = end + 10;
    const length = message.readUInt16BE(end + 8);
    at = data + length;
    if (at > message.length) throw new RangeError('the record is cut off');
    const record = read(message, name, type, data, at);
    if (record !== undefined) found.push(record);
  }
  return found;
}

function read(message: Buffer, name: string, type: number, from: number, to: number): DnsRecord | undefined {
  if (type === TYPES.ptr) return { name, type: 'ptr', target: readName(message, from).name };
  if (type === TYPES.srv) return { name, type: 'srv', port: message.readUInt16BE(from + 4) };
  if (type === TYPES.a && to - from === 4) return { name, type: 'a', address: [...message.subarray(from, to)].join('.') };
  if (type !== TYPES.txt) return undefined;
  const texts: string[] = [];
  for (let at = from; at < to; at += 1 + message.readUInt8(at)) {
    texts.push(message.toString('utf8', at + 1, Math.min(to, at + 1 + message.readUInt8(at))));
  }
  return { name, type: 'txt', texts };
}

function readName(message: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let at = start;
  let end: number | undefined;
  for (let step = 0; step < LABELS; step += 1) {
    const length = message.readUInt8(at);
    if (length === 0) return { name: labels.join('.'), end: end ?? at + 1 };
    if (length >= 0xc0) {
      end ??= at + 2;
      at = message.readUInt16BE(at) & 0x3fff;
    } else {
      if (at + 1 + length > message.length) throw new RangeError('the name is cut off');
      labels.push(message.toString('utf8', at + 1, at + 1 + length));
      at += 1 + length;
    }
  }
  throw new RangeError('the name has no end');
}
