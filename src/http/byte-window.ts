import { CR, LF, MAX_LINE, SPACE, TAB } from './multipart-lines.ts';

export const EMPTY = Buffer.alloc(0);
/** There may be an answer when more bytes have come. */
export const PENDING = -1;
/** There is none, whatever comes. */
export const NONE = -2;

const SMALL = 2 * 1024;
const LARGE = 16 * 1024;

/**
 * The bytes of a stream that are not done with, with the positions of whoever reads them. Bytes are appended and never overwritten,
 * so that what was taken out stays valid without a copy.
 */
export class ByteWindow {
  /** Ends with the last byte received. */
  data: Buffer = EMPTY;
  /** First byte that is still needed. */
  begin = 0;
  /** Where the reader is. */
  at = 0;
  /** Where the body under way begins. */
  body = 0;
  /** How far the search for the body's own end has come, and the one for a line's end or the next delimiter. */
  scan = 0;
  line = 0;
  /** The buffer of our own behind `data`, with room to append; undefined while that is the chunk itself. */
  #store: Buffer | undefined;

  /** `expected`: bytes that `data` is going to hold from `begin` on, 0 when unknown. */
  append(chunk: Buffer, expected: number): void {
    if (this.begin === this.data.length) {
      this.#replace(chunk, undefined, this.begin);
      return;
    }
    if (this.#store === undefined || this.#store.length - this.data.length < chunk.length) this.#rehouse(chunk.length, expected);
    const store = this.#store ?? chunk;
    chunk.copy(store, this.data.length);
    this.data = store.subarray(0, this.data.length + chunk.length);
  }

  /** After each chunk: what is left moves to a buffer of our own, so that a few bytes do not hold a whole chunk or picture in memory. */
  keepRest(expected: number): void {
    const kept = this.data.length - this.begin;
    const roomy = this.#store !== undefined && this.#store.length > LARGE && kept * 4 < this.#store.length && expected === 0;
    if (kept === 0) this.#replace(EMPTY, undefined, this.begin);
    else if (this.#store === undefined || roomy) this.#rehouse(0, expected);
  }

  /** Everything before `at` is done with. */
  restart(at: number): void {
    this.begin = this.at = this.line = at;
  }

  startBody(): void {
    this.body = this.scan = this.line = this.at;
  }

  /** Moves `scan` to the needle, or to where it may begin once more bytes have come. */
  find(needle: Buffer): boolean {
    const found = this.data.indexOf(needle, this.scan);
    this.scan = found === -1 ? Math.max(this.scan, this.data.length - needle.length + 1) : found;
    return found !== -1;
  }

  /** The LF of the line at `at`; NONE when the line is longer than MAX_LINE. */
  lineEnd(): number {
    const limit = this.at + MAX_LINE;
    const stop = Math.min(this.data.length, limit);
    for (let at = Math.max(this.line, this.at); at < stop; at += 1) {
      if (this.data[at] === LF) {
        this.line = at;
        return at;
      }
    }
    this.line = stop;
    return stop < limit ? PENDING : NONE;
  }

  /** `end` without the line end right before it. */
  beforeLineEnd(end: number): number {
    const bare = this.data[end - 1] === LF ? end - 1 : end;
    return Math.max(this.body, this.data[bare - 1] === CR ? bare - 1 : bare);
  }

  skipBlanks(): void {
    for (;;) {
      const code = this.data[this.at];
      if (code !== LF && code !== CR && code !== SPACE && code !== TAB && code !== 0) return;
      this.at += 1;
    }
  }

  #rehouse(more: number, expected: number): void {
    const kept = this.data.subarray(this.begin);
    const room = kept.length + more;
    // A body of known length is moved once and then completed in place.
    const store = Buffer.allocUnsafe(expected >= room ? expected : Math.max(SMALL, 2 * room));
    kept.copy(store);
    this.#replace(store.subarray(0, kept.length), store, this.begin);
  }

  #replace(data: Buffer, store: Buffer | undefined, shift: number): void {
    this.data = data;
    this.#store = store;
    this.begin -= shift;
    this.at -= shift;
    this.body -= shift;
    this.scan -= shift;
    this.line -= shift;
  }
}
