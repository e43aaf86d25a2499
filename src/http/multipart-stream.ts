import type { IncomingMessage } from 'node:http';
import { LIMITS } from '../core/limits.ts';
import { ByteWindow, NONE, PENDING } from './byte-window.ts';
import { BodyEnd, BRACE, LESS, type PartLimits } from './multipart-body.ts';
import { Boundaries, CR, DASH, LF, type LineKind, MAX_DELIMITER, MAX_LINE, SPACE, STATUS, startsWith, TAB } from './multipart-lines.ts';
import { MultipartPart } from './multipart-part.ts';
import { deviceError, networkError } from './network-errors.ts';

export type { PartLimits } from './multipart-body.ts';
export { isWholeJpeg, MultipartPart } from './multipart-part.ts';

type State = 'seek' | 'junk' | 'head' | 'start' | 'body' | 'drain';

/** A delimiter line behind a body: where the body ends, and where the next line begins. */
interface Delimiter {
  start: number;
  next: number;
}

const MAX_HEAD = 8 * 1024;
const NEXT_DELIMITER = Buffer.from('\n--');
const CONTENT = Buffer.from('content-');

/**
 * Takes a multipart stream apart as cameras really send it. Bodies end where they are complete (XML, JSON, a JPEG of the announced
 * length), not where the next delimiter comes, which may be half a minute later. Each byte is looked at a fixed number of times and
 * the parts are the same whatever the chunks are. Never throws.
 */
export class MultipartReader {
  readonly #window = new ByteWindow();
  readonly #boundaries: Boundaries;
  readonly #body: BodyEnd;
  #state: State = 'seek';

  /** `contentType` is the response's header; its boundary is only a hint. */
  constructor(contentType?: string, limits: PartLimits = { text: LIMITS.events.textBytes, image: LIMITS.events.imageBytes }) {
    this.#boundaries = new Boundaries(contentType);
    this.#body = new BodyEnd(this.#window, limits);
  }

  /** The parts that these bytes complete. The chunk must not be changed afterwards: parts share its memory. */
  push(chunk: Buffer): MultipartPart[] {
    const parts: MultipartPart[] = [];
    if (chunk.length === 0) return parts;
    this.#window.append(chunk, this.#body.expected);
    while (this.#step(parts)) {}
    this.#window.keepRest(this.#body.expected);
    return parts;
  }

  /** The part that the end of the stream completes, if there is one. */
  end(): MultipartPart[] {
    const parts: MultipartPart[] = [];
    const { length } = this.#window.data;
    if (this.#state === 'body' && this.#body.mayEndHere()) {
      this.#finish(parts, this.#body.binary ? length : this.#window.beforeLineEnd(length), length, 'seek');
    }
    return parts;
  }

  /** Bytes held back because the part they belong to is not complete. */
  get kept(): number {
    return this.#window.data.length - this.#window.begin;
  }

  /** True if there may be more to do with the bytes at hand. */
  #step(parts: MultipartPart[]): boolean {
    switch (this.#state) {
      case 'seek':
        return this.#seek();
      case 'junk':
        return this.#skipLine();
      case 'head':
        return this.#readHead();
      case 'start':
        return this.#startBody();
      case 'body':
        return this.#readBody(parts);
      case 'drain':
        return this.#drain();
    }
  }

  /** Between parts: delimiters, headers and documents count, all else is skipped line by line. */
  #seek(): boolean {
    const window = this.#window;
    window.skipBlanks();
    window.restart(window.at);
    const first = window.data[window.at];
    if (first === undefined) return false;
    if (first === LESS) {
      const second = window.data[window.at + 1];
      if (second === undefined) return false;
      if (second === 0x3f || second === 0x21 || isNameStart(second)) return this.#enterBody();
    } else if (first === BRACE) return this.#enterBody();
    else if (
      first === DASH ||
      startsWith(window.data, window.at, CONTENT) !== false ||
      startsWith(window.data, window.at, STATUS) !== false
    ) {
      const line = this.#readLine();
      if (line === PENDING) return false;
      if (line !== 'other') return true;
    }
    this.#state = 'junk';
    return true;
  }

  #skipLine(): boolean {
    const window = this.#window;
    const end = window.data.indexOf(LF, window.at);
    window.restart(end === -1 ? window.data.length : end + 1);
    if (end === -1) return false;
    this.#state = 'seek';
    return true;
  }

  #readHead(): boolean {
    const window = this.#window;
    if (window.at - window.begin > MAX_HEAD) return this.#restart(window.at, 'junk');
    const first = window.data[window.at];
    if (first === undefined) return false;
    if (first === LF || first === CR || first === LESS || first === BRACE || first >= 0x80) {
      this.#state = 'start';
      return true;
    }
    const line = this.#readLine((first === SPACE || first === TAB) && window.at > window.begin);
    if (line === PENDING) return false;
    // No blank line: the body starts here.
    return line === 'other' ? this.#enterBody() : true;
  }

  /** Behind a head's blank line: some devices go on with headers, repeat the delimiter or answer a request that nobody made. */
  #startBody(): boolean {
    const window = this.#window;
    window.skipBlanks();
    if (window.at - window.begin > MAX_HEAD) return this.#restart(window.at, 'seek');
    const { data, at } = window;
    const first = data[at];
    if (first === undefined) return false;
    if (first !== DASH && startsWith(data, at, CONTENT) === false && startsWith(data, at, STATUS) === false) return this.#enterBody();
    const line = this.#readLine();
    if (line === PENDING) return false;
    return line === 'other' ? this.#enterBody() : true;
  }

  /** Takes the line at hand if it belongs to a head; PENDING while it is not complete. A delimiter or a status line starts a new head. */
  #readLine(continuation = false): LineKind | typeof PENDING {
    const window = this.#window;
    const end = window.lineEnd();
    if (end === PENDING) return PENDING;
    const kind = end === NONE ? 'other' : continuation ? 'header' : this.#boundaries.classify(window.data, window.at, end);
    if (kind === 'other') return kind;
    if (kind === 'header') window.at = window.line = end + 1;
    else window.restart(end + 1);
    this.#state = 'head';
    return kind;
  }

  #enterBody(): boolean {
    this.#window.startBody();
    this.#body.start();
    this.#state = 'body';
    return true;
  }

  #readBody(parts: MultipartPart[]): boolean {
    const window = this.#window;
    const end = this.#body.find();
    const cap = window.body + this.#body.cap;
    const delimiter = this.#delimiter(end === PENDING ? window.data.length : end);
    if (delimiter !== undefined && delimiter.start <= cap) return this.#finish(parts, delimiter.start, delimiter.next, 'head');
    if (end !== PENDING && end <= cap) return this.#finish(parts, end, end, 'seek');
    // The line that ends a body of just that size lies behind it.
    if (end === PENDING && delimiter === undefined && window.data.length <= cap + 2 * MAX_LINE) return false;
    return this.#restart(cap, 'drain');
  }

  #drain(): boolean {
    const delimiter = this.#delimiter(this.#window.data.length);
    if (delimiter !== undefined) return this.#restart(delimiter.next, 'head');
    this.#window.begin = this.#window.at = this.#window.line;
    return false;
  }

  /** The next known delimiter whose line ends before `end`. */
  #delimiter(end: number): Delimiter | undefined {
    const window = this.#window;
    const { data } = window;
    for (;;) {
      const found = data.indexOf(NEXT_DELIMITER, window.line);
      if (found === -1 || found >= end) {
        if (found === -1) window.line = Math.max(window.line, data.length - 2);
        return undefined;
      }
      window.line = found;
      const limit = found + 3 + MAX_DELIMITER;
      let stop = found + 3;
      while (stop < end && stop < limit && data[stop] !== LF) stop += 1;
      if (stop === end) return undefined;
      if (data[stop] === LF && this.#boundaries.isKnown(data, found + 3, stop)) {
        return { start: window.beforeLineEnd(found + 1), next: stop + 1 };
      }
      window.line = found + 3;
    }
  }

  #finish(parts: MultipartPart[], end: number, next: number, state: State): boolean {
    const { data, begin, body } = this.#window;
    if (end > body) parts.push(new MultipartPart(data, begin, body, end));
    return this.#restart(next, state);
  }

  #restart(at: number, state: State): boolean {
    this.#window.restart(at);
    this.#body.done();
    this.#state = state;
    return true;
  }
}

const isNameStart = (code: number) => ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a) || code === 0x5f;

/** The parts of a response, as they come. Throws errors of ours when the connection breaks. Leaving the loop destroys the response. */
export async function* multipartParts(message: IncomingMessage, host: string): AsyncGenerator<MultipartPart, void, undefined> {
  const reader = new MultipartReader(message.headers['content-type']);
  let wake: () => void = () => undefined;
  // Node's own iterator holds two kilobytes for as long as the stream lasts.
  const onChange = () => wake();
  for (const event of ['readable', 'end', 'error', 'close']) message.on(event, onChange);
  try {
    while (!message.readableEnded) {
      const chunk = message.read() as Buffer | null;
      if (chunk !== null) yield* reader.push(chunk);
      else if (message.errored) throw networkError(message.errored, host);
      else if (message.destroyed) throw deviceError('connection-lost', host, 'the stream was closed before its end');
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    message.destroy();
  }
  yield* reader.end();
}
