/** One part of a multipart stream. It shares memory with the chunk it came in: keep `body`, not the part. */
export class MultipartPart {
  readonly #data: Buffer;
  readonly #headStart: number;
  readonly #bodyStart: number;
  readonly #bodyEnd: number;

  constructor(data: Buffer, headStart: number, bodyStart: number, bodyEnd: number) {
    this.#data = data;
    this.#headStart = headStart;
    this.#bodyStart = bodyStart;
    this.#bodyEnd = bodyEnd;
  }

  get body(): Buffer {
    return this.#data.subarray(this.#bodyStart, this.#bodyEnd);
  }

  /** One character per byte. */
  latin1(): string {
    return this.#data.toString('latin1', this.#bodyStart, this.#bodyEnd);
  }

  /** The body's first byte. */
  get firstByte(): number {
    return this.#data[this.#bodyStart] ?? -1;
  }

  /** Lower case, without parameters; empty when the device does not tell. */
  get contentType(): string {
    return (
      headerOf(this.#data.toString('latin1', this.#headStart, this.#bodyStart), 'content-type')
        .split(';', 1)[0]
        ?.trim()
        .toLowerCase() ?? ''
    );
  }
}

/** The first header of that name (lower case) in a part's head; empty when there is none. */
export function headerOf(head: string, name: string): string {
  for (const line of head.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0 && line.slice(0, colon).trim().toLowerCase() === name) return line.slice(colon + 1).trim();
  }
  return '';
}

/** `FF D8` at the start and `FF D9` at the end, padding apart: what tells a picture from an error page or half a picture. */
export function isWholeJpeg(bytes: Buffer): boolean {
  if (bytes.length < 4 || bytes[0] !== 0xff || bytes[1] !== 0xd8) return false;
  let end = bytes.length;
  while (end > 4 && (bytes[end - 1] === 0x00 || bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end -= 1;
  return bytes[end - 2] === 0xff && bytes[end - 1] === 0xd9;
}
