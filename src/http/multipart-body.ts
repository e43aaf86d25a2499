import { type ByteWindow, EMPTY, NONE, PENDING } from './byte-window.ts';
import { CR, DASH, LF, MAX_LINE, SPACE } from './multipart-lines.ts';
import { headerOf } from './multipart-part.ts';

/** Bytes of body that a part may have; a longer one is left out. */
export interface PartLimits {
  text: number;
  image: number;
}

export const LESS = 0x3c;
export const BRACE = 0x7b;

const BRACKET = 0x5b;
const GREATER = 0x3e;
const SLASH = 0x2f;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMENT_END = Buffer.from('-->');
const TAG_END = Buffer.from('>');

/** Finds where the body under way ends by itself: behind the root element, the balanced JSON or the announced length. */
export class BodyEnd {
  /** A picture or other bytes, as opposed to text. */
  binary = false;
  readonly #window: ByteWindow;
  readonly #limits: PartLimits;
  #kind: 'xml' | 'json' | 'opaque' = 'opaque';
  /** Content-Length as long as nothing speaks against it. Documents that end by themselves do not need it. */
  #length: number | undefined;
  #root: 'before' | 'tag' | 'content' | 'closing' = 'before';
  #prolog: Buffer | undefined;
  #rootName = '';
  /** `</` and the root element's name. */
  #close: Buffer = EMPTY;
  #depth = 0;
  #inText = false;

  constructor(window: ByteWindow, limits: PartLimits) {
    this.#window = window;
    this.#limits = limits;
  }

  /** The window stands at the first byte of a body; its head lies between `begin` and there. */
  start(): void {
    const { data, begin, body } = this.#window;
    const first = data[body] ?? 0;
    this.#length = this.#prolog = undefined;
    this.#root = 'before';
    this.#depth = 0;
    this.#inText = this.binary = false;
    this.#kind = first === LESS ? 'xml' : first === BRACE || first === BRACKET ? 'json' : 'opaque';
    if (this.#kind !== 'opaque') return;
    const head = data.toString('latin1', begin, body);
    this.binary = first === 0xff || first === 0x89 || /^(image|video|audio)\/|octet-stream/i.test(headerOf(head, 'content-type'));
    const length = /^\d{1,15}$/.test(headerOf(head, 'content-length')) ? Number(headerOf(head, 'content-length')) : 0;
    if (length > 0 && length <= this.cap) this.#length = length;
  }

  get cap(): number {
    return this.binary ? this.#limits.image : this.#limits.text;
  }

  /** Bytes that the window is going to hold while this body is read; 0 when unknown. */
  get expected(): number {
    return this.#length === undefined ? 0 : this.#window.body - this.#window.begin + this.#length + MAX_LINE;
  }

  done(): void {
    this.#length = undefined;
  }

  /** True when the body may end where the stream ends. */
  mayEndHere(): boolean {
    const size = this.#window.data.length - this.#window.body;
    return this.#kind === 'opaque' && (this.#length ?? size) === size && size <= this.cap;
  }

  find(): number {
    if (this.#kind === 'xml') return this.#xmlEnd();
    if (this.#kind === 'json') return this.#jsonEnd();
    if (this.#length !== undefined) {
      const end = this.#announcedEnd(this.#length);
      if (end !== NONE) return end;
      this.#length = undefined;
    }
    return this.binary ? PENDING : this.#blankLine();
  }

  /** Where the announced length ends, if what is there agrees. */
  #announcedEnd(length: number): number {
    const { data, body } = this.#window;
    const end = body + length;
    if (data.length < end) return PENDING;
    if (data[body] === 0xff) return data[end - 2] === 0xff && data[end - 1] === 0xd9 ? end : NONE;
    const next = data[end];
    if (next === undefined || (next === DASH && data.length === end + 1)) return PENDING;
    return next === LF || next === CR || (next === DASH && data[end + 1] === DASH) ? end : NONE;
  }

  /** A text without a length that can be believed ends before a blank line. */
  #blankLine(): number {
    const window = this.#window;
    const { data } = window;
    for (;;) {
      const at = data.indexOf(LF, window.scan);
      window.scan = at === -1 ? data.length : at;
      const next = data[window.scan + 1] === CR ? window.scan + 2 : window.scan + 1;
      if (next >= data.length) return PENDING;
      if (data[next] === LF) return window.beforeLineEnd(window.scan + 1);
      window.scan += 1;
    }
  }

  #xmlEnd(): number {
    const window = this.#window;
    if (this.#root === 'before' && !this.#findRoot()) return PENDING;
    if (this.#root === 'tag') {
      if (!window.find(TAG_END)) return PENDING;
      if (window.data[window.scan - 1] === SLASH) return window.scan + 1;
      this.#root = 'content';
    }
    while (this.#root === 'content') {
      if (!window.find(this.#close)) return PENDING;
      const after = window.data[window.scan + this.#close.length];
      if (after === undefined) return PENDING;
      window.scan += this.#close.length;
      if (after === GREATER) return window.scan + 1;
      if (after <= SPACE) this.#root = 'closing';
    }
    return window.find(TAG_END) ? window.scan + 1 : PENDING;
  }

  /** Passes declarations and comments. */
  #findRoot(): boolean {
    const window = this.#window;
    for (;;) {
      if (this.#prolog !== undefined) {
        if (!window.find(this.#prolog)) return false;
        this.#prolog = undefined;
      }
      const open = window.data.indexOf(LESS, window.scan);
      window.scan = open === -1 ? window.data.length : open;
      // The third byte tells a comment from other declarations.
      if (window.data.length < window.scan + 3) return false;
      const first = window.data[window.scan + 1];
      if (first === 0x3f || first === 0x21) {
        this.#prolog = window.data[window.scan + 2] === DASH ? COMMENT_END : TAG_END;
        window.scan += 2;
        continue;
      }
      const name = this.#nameAt(window.scan + 1);
      if (name === undefined) return false;
      // Nearly always the same document as the last time.
      if (name !== this.#rootName) this.#close = Buffer.from(`</${name}`, 'latin1');
      this.#rootName = name;
      this.#root = 'tag';
      return true;
    }
  }

  /** Undefined while the name goes on. */
  #nameAt(start: number): string | undefined {
    const { data } = this.#window;
    const stop = Math.min(data.length, start + MAX_LINE);
    for (let at = start; at < stop; at += 1) {
      const code = data[at] ?? 0;
      if (code <= SPACE || code === GREATER || code === SLASH) return data.toString('latin1', start, at);
    }
    return undefined;
  }

  #jsonEnd(): number {
    const window = this.#window;
    const { data } = window;
    for (let at = window.scan; at < data.length; at += 1) {
      const code = data[at];
      if (this.#inText) {
        if (code === BACKSLASH) {
          if (at + 1 === data.length) {
            window.scan = at;
            return PENDING;
          }
          at += 1;
        } else if (code === QUOTE) this.#inText = false;
      } else if (code === QUOTE) this.#inText = true;
      else if (code === BRACE || code === BRACKET) this.#depth += 1;
      else if (code === 0x7d || code === 0x5d) {
        this.#depth -= 1;
        if (this.#depth === 0) return at + 1;
      }
    }
    window.scan = data.length;
    return PENDING;
  }
}
