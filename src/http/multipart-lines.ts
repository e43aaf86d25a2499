export const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const DASH = 0x2d;

/** What a line between two bodies is. */
export type LineKind = 'delimiter' | 'header' | 'status' | 'other';

/** Longer lines are no headers. */
export const MAX_LINE = 1024;
/** RFC 2046 allows 70 characters; devices that put the whole Content-Type into it are no reason to fail. */
export const MAX_DELIMITER = 200;
const MAX_BOUNDARIES = 8;
export const STATUS = Buffer.from('http/');

/** Tells delimiter lines from others. Devices send other boundaries than they announce, so that those seen between parts count as well. */
export class Boundaries {
  readonly #known: string[] = [];
  /** The delimiter line seen last, byte for byte: nearly always the next one is the same. */
  #last = Buffer.alloc(0);

  constructor(contentType: string | undefined) {
    const announced = /boundary\s*=\s*(?:"([^"]*)"|([^\s;]+))/i.exec(contentType ?? '');
    this.#learn(bare(announced?.[1] ?? announced?.[2] ?? ''));
  }

  /** `start` is behind the line's two dashes, `end` at its LF. Only for lines that begin with two dashes. */
  isKnown(data: Buffer, start: number, end: number): boolean {
    if (this.#isLast(data, start, end)) return true;
    if (end - start > MAX_DELIMITER || !this.#known.includes(bare(data.toString('latin1', start, end)))) return false;
    this.#last = Buffer.from(data.subarray(start, end));
    return true;
  }

  /** A line where no body is under way: any token behind two dashes is a delimiter there, and remembered. */
  classify(data: Buffer, start: number, end: number): LineKind {
    if (data[start] === DASH && data[start + 1] === DASH) {
      if (this.isKnown(data, start + 2, end)) return 'delimiter';
      const token = end - start > MAX_DELIMITER ? '' : bare(data.toString('latin1', start + 2, end));
      if (!/^[!-~]+$/.test(token)) return 'other';
      this.#learn(token);
      return 'delimiter';
    }
    if (startsWith(data, start, STATUS) === true) return 'status';
    return isHeader(data, start, end) ? 'header' : 'other';
  }

  #isLast(data: Buffer, start: number, end: number): boolean {
    const last = this.#last;
    if (last.length === 0 || end - start !== last.length) return false;
    for (let index = 0; index < last.length; index += 1) if (data[start + index] !== last[index]) return false;
    return true;
  }

  #learn(token: string): void {
    if (token === '' || this.#known.includes(token)) return;
    this.#known.push(token);
    if (this.#known.length > MAX_BOUNDARIES) this.#known.shift();
  }
}

/** The token without what firmware wraps around it: blanks, dashes in front and behind, angle brackets. */
function bare(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isWrapping(text.charCodeAt(start))) start += 1;
  while (end > start && isWrapping(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

const isWrapping = (code: number) => code === DASH || code <= SPACE || code === 0x3c || code === 0x3e;

/** A name and a colon. Names that break RFC 822 occur; texts such as `Code=…` and `Channel.0.Motion=True` have their equals sign first. */
function isHeader(data: Buffer, start: number, end: number): boolean {
  const stop = Math.min(end, start + 64);
  for (let index = start; index < stop; index += 1) {
    const code = data[index] ?? 0;
    if (code === 0x3a) return index > start;
    if (code === 0x3d || code === 0x3c || code === 0x7b || code === 0x22) return false;
    if (code > 0x7e || code < SPACE) return false;
  }
  return false;
}

/** Undefined while there are too few bytes to tell. `text` is in lower case, or has no letters that have one; the data may be in either. */
export function startsWith(data: Buffer, at: number, text: Buffer): boolean | undefined {
  for (let index = 0; index < text.length; index += 1) {
    const code = data[at + index];
    if (code === undefined) return undefined;
    if (code !== text[index] && (code | 0x20) !== text[index]) return false;
  }
  return true;
}
