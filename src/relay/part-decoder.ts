/** Turns the transfer form of one part back into its bytes, piece by piece. */
export interface PartDecoder {
  push(bytes: Buffer): void;
  content(): Buffer;
  /** What stands in the small mail in its place: its number, in the same transfer encoding. */
  placeholder(number: number): Buffer;
}

export function partDecoder(encoding: string): PartDecoder {
  const name = encoding.trim().toLowerCase();
  if (name === 'base64') return new Base64Decoder();
  return new PlainDecoder(name === 'quoted-printable');
}

const BASE64 = new Uint8Array(256).fill(255);
for (const [value, character] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries()) {
  BASE64[character.charCodeAt(0)] = value;
}

function sixBits(character: number | undefined): number {
  return BASE64[character ?? 0] ?? 255;
}

/** By hand, because a detour through strings costs three times the memory of the picture. Line ends and strange characters are skipped. */
class Base64Decoder implements PartDecoder {
  readonly #done: Buffer[] = [];
  #bits = 0;
  #count = 0;

  push(bytes: Buffer): void {
    const out = Buffer.allocUnsafe(Math.ceil((bytes.length + 3) * 0.75));
    let bits = this.#bits;
    let count = this.#count;
    let at = 0;
    let index = 0;
    while (index < bytes.length) {
      if (count === 0) {
        // Nearly all of a mail: four characters in a row, without a line end between them.
        for (; index + 4 <= bytes.length; index += 4, at += 3) {
          const one = sixBits(bytes[index]);
          const two = sixBits(bytes[index + 1]);
          const three = sixBits(bytes[index + 2]);
          const four = sixBits(bytes[index + 3]);
          if ((one | two | three | four) > 63) break;
          out[at] = (one << 2) | (two >> 4);
          out[at + 1] = (two << 4) | (three >> 2);
          out[at + 2] = (three << 6) | four;
        }
        if (index >= bytes.length) break;
      }
      const value = sixBits(bytes[index]);
      index += 1;
      if (value > 63) continue;
      bits = (bits << 6) | value;
      count += 1;
      if (count < 4) continue;
      out[at] = bits >> 16;
      out[at + 1] = bits >> 8;
      out[at + 2] = bits;
      at += 3;
      bits = 0;
      count = 0;
    }
    this.#bits = bits;
    this.#count = count;
    this.#done.push(out.subarray(0, at));
  }

  content(): Buffer {
    const bits = this.#bits << (6 * (4 - this.#count));
    const last = Buffer.of(bits >> 16, bits >> 8).subarray(0, Math.max(0, this.#count - 1));
    return Buffer.concat([...this.#done.splice(0), last]);
  }

  placeholder(number: number): Buffer {
    return Buffer.from(`\r\n${Buffer.from(String(number)).toString('base64')}`);
  }
}

class PlainDecoder implements PartDecoder {
  readonly #pieces: Buffer[] = [];
  readonly #quotedPrintable: boolean;

  constructor(quotedPrintable: boolean) {
    this.#quotedPrintable = quotedPrintable;
  }

  push(bytes: Buffer): void {
    this.#pieces.push(Buffer.from(bytes));
  }

  content(): Buffer {
    // The first line end is the one of the empty line after the header.
    const bytes = Buffer.concat(this.#pieces.splice(0)).subarray(2);
    if (!this.#quotedPrintable) return bytes;
    const text = bytes
      .toString('latin1')
      .replace(/[ \t]+(?=\r\n)/g, '')
      .replace(/=\r\n/g, '')
      .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    return Buffer.from(text, 'latin1');
  }

  placeholder(number: number): Buffer {
    return Buffer.from(`\r\n${number}`);
  }
}
