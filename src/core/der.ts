/** Writing and reading the part of DER (X.690) that certificates need. */

const tlv = (tag: number, content: Buffer): Buffer => Buffer.concat([Buffer.of(tag), lengthOctets(content.length), content]);

function lengthOctets(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return Buffer.of(0x80 | octets.length, ...octets);
}

function base128(value: number): number[] {
  const septets = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) septets.unshift(0x80 | (rest % 128));
  return septets;
}

export const der = {
  sequence: (...items: Buffer[]): Buffer => tlv(0x30, Buffer.concat(items)),
  set: (...items: Buffer[]): Buffer => tlv(0x31, Buffer.concat(items)),
  boolean: (value: boolean): Buffer => tlv(0x01, Buffer.of(value ? 0xff : 0x00)),
  null: (): Buffer => tlv(0x05, Buffer.alloc(0)),
  octetString: (content: Buffer): Buffer => tlv(0x04, content),
  utf8String: (text: string): Buffer => tlv(0x0c, Buffer.from(text, 'utf8')),

  /** A non-negative integer given as big-endian bytes. */
  integer(bytes: Buffer): Buffer {
    let start = 0;
    while (start < bytes.length - 1 && bytes[start] === 0) start++;
    const shortest = bytes.subarray(start);
    const negative = ((shortest[0] ?? 0) & 0x80) !== 0;
    return tlv(0x02, negative ? Buffer.concat([Buffer.of(0), shortest]) : shortest);
  },

  bitString: (content: Buffer, unusedBits = 0): Buffer => tlv(0x03, Buffer.concat([Buffer.of(unusedBits), content])),

  /** A named bit list, e.g. key usage: the bits that are set, 0 being the leftmost; trailing zeros are cut as DER demands. */
  namedBits(...bits: number[]): Buffer {
    const last = Math.max(...bits);
    const octets = Buffer.alloc(Math.floor(last / 8) + 1);
    for (const bit of bits) octets[bit >> 3] = (octets[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
    return der.bitString(octets, 7 - (last & 7));
  },

  /** An object identifier in dotted form. */
  oid(dotted: string): Buffer {
    const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
    return tlv(0x06, Buffer.from([first * 40 + second, ...rest].flatMap(base128)));
  },

  /** Whole seconds; UTCTime up to 2049 and GeneralizedTime from 2050, as RFC 5280 section 4.1.2.5 demands. */
  time(date: Date): Buffer {
    const digits = `${date.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
    const year = date.getUTCFullYear();
    return year >= 1950 && year < 2050 ? tlv(0x17, Buffer.from(digits.slice(2))) : tlv(0x18, Buffer.from(digits));
  },

  /** A context-specific element: `constructed` around whole elements, else around bare content (an implicit tag). */
  context: (number: number, content: Buffer, constructed: boolean): Buffer => tlv((constructed ? 0xa0 : 0x80) | number, content),
};

export interface DerElement {
  tag: number;
  content: Buffer;
  /** Tag, length and content. */
  raw: Buffer;
}

/** The elements that lie one after another in `bytes`. Throws RangeError on lengths that do not fit. */
export function derElements(bytes: Buffer): DerElement[] {
  const elements: DerElement[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes.readUInt8(at);
    const first = bytes.readUInt8(at + 1);
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    const start = at + 2 + lengthBytes;
    const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes);
    if (start + length > bytes.length) throw new RangeError('DER element longer than its container');
    elements.push({ tag, content: bytes.subarray(start, start + length), raw: bytes.subarray(at, start + length) });
    at = start + length;
  }
  return elements;
}
