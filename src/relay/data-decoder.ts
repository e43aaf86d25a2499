const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;
const SPACE = 0x20;
const CRLF = Buffer.from('\r\n');
const NOTHING = Buffer.alloc(0);
/** A longer run of CRs is no line end in the making, and must not fill the memory. */
const MOST_RETURNS = 8;

/**
 * What follows DATA: takes the dots of the transfer out and gives every line a CRLF. Only CRLF.CRLF ends the mail by itself.
 * Other line ends around a lone dot are what SMTP smuggling is made of: such a line belongs to the mail, unless the client then
 * falls silent (`mayHaveEnded`), because some cameras end their mails that way and wait. No lone CR or LF and no NUL comes out.
 */
export class DataDecoder {
  /** True after the end of the mail; `rest` is what came behind it. */
  ended = false;
  rest: Buffer = NOTHING;
  /** The last line so far is a lone dot whose line ends are not CRLF. */
  mayHaveEnded = false;
  /** Bytes whose meaning the next ones decide. */
  #held: Buffer = NOTHING;
  #lineStart = true;
  /** The line before ended in CRLF. */
  #clean = true;

  /** The content in these bytes, in pieces that may share their memory. */
  push(chunk: Buffer): Buffer[] {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const out: Buffer[] = [];
    this.#held = NOTHING;
    this.mayHaveEnded = false;
    let from = 0;
    let at = 0;
    while (at < bytes.length) {
      if (this.#lineStart && bytes[at] === DOT) {
        emit(out, bytes, from, at);
        from = at;
        if (this.#dotLine(bytes, at)) return out;
        at += 1;
        from = at;
        this.#lineStart = false;
      }
      const feed = bytes.indexOf(LF, at);
      if (feed < 0) {
        this.#partOfLine(out, bytes, from, at);
        return out;
      }
      const end = beforeReturns(bytes, at, feed);
      if (end !== feed - 1 || bytes.indexOf(CR, at) !== end) {
        emit(out, bytes, from, at);
        if (end > at) out.push(blanked(bytes.subarray(at, end)));
        out.push(CRLF);
        from = feed + 1;
      }
      at = feed + 1;
      this.#clean = end < feed;
      this.#lineStart = true;
    }
    emit(out, bytes, from, bytes.length);
    return out;
  }

  /** A line that begins with a dot. True when the mail ends here, or when only more bytes can tell. */
  #dotLine(bytes: Buffer, at: number): boolean {
    let end = at + 1;
    while (bytes[end] === CR) end += 1;
    const undecided = end === bytes.length && end - at <= MOST_RETURNS;
    const lone = bytes[end] === LF;
    if (lone && this.#clean && end === at + 2) {
      this.ended = true;
      this.rest = bytes.subarray(end + 1);
      return true;
    }
    this.mayHaveEnded = lone && end + 1 === bytes.length;
    if (!undecided && !this.mayHaveEnded) return false;
    this.#held = bytes.subarray(at);
    return true;
  }

  #partOfLine(out: Buffer[], bytes: Buffer, from: number, at: number): void {
    let end = beforeReturns(bytes, at, bytes.length);
    if (bytes.length - end > MOST_RETURNS) end = bytes.length;
    emit(out, bytes, from, at);
    if (end > at) {
      out.push(blanked(bytes.subarray(at, end)));
      this.#lineStart = false;
    }
    this.#held = bytes.subarray(end);
  }
}

function beforeReturns(bytes: Buffer, start: number, end: number): number {
  let first = end;
  while (first > start && bytes[first - 1] === CR) first -= 1;
  return first;
}

function emit(out: Buffer[], bytes: Buffer, from: number, to: number): void {
  if (to <= from) return;
  const piece = bytes.subarray(from, to);
  out.push(piece.includes(0) ? replaced(piece, (byte) => byte === 0) : piece);
}

/** Inside a line neither a CR nor a NUL may stand. */
function blanked(line: Buffer): Buffer {
  return line.includes(CR) || line.includes(0) ? replaced(line, (byte) => byte === CR || byte === 0) : line;
}

function replaced(bytes: Buffer, unwanted: (byte: number) => boolean): Buffer {
  return Buffer.from(bytes.map((byte) => (unwanted(byte) ? SPACE : byte)));
}
