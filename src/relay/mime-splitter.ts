import { LIMITS } from '../core/limits.ts';
import { fieldsOf } from './header.ts';
import { type PartDecoder, partDecoder } from './part-decoder.ts';

const BREAK = Buffer.from('\r\n');
const MARK = Buffer.from('\r\n--');
/** RFC 2046 allows 70; a longer line that begins with two dashes is text. */
const BOUNDARY_LINE = 256;

type Mode =
  | { kind: 'header' }
  | { kind: 'text' }
  | { kind: 'cut'; decoder: PartDecoder }
  /** Preamble, epilogue, and parts beyond the limits. */
  | { kind: 'skipped' };

/**
 * Takes pictures and clips out of a mail while its bytes pass, and leaves a small mail behind: the same one, with a number in place
 * of each content that was taken out. Bytes in have CRLF line ends.
 */
export class MimeSplitter {
  /** Decoded contents, by the number that stands for them. */
  readonly contents: PartDecoder[] = [];
  readonly #skeleton: Buffer[] = [];
  readonly #boundaries: string[] = [];
  #mode: Mode = { kind: 'header' };
  #rest: Buffer = Buffer.alloc(0);
  #parts = 0;
  #room: number = LIMITS.relay.textBytes;

  /** The chunk is not used any more when this returns. */
  push(chunk: Buffer): void {
    if (this.#full) return;
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (!this.#full && (this.#mode.kind === 'header' ? this.#readHeader(false) : this.#readBody())) {
      // Each turn ends one header or one body.
    }
    this.#rest = Buffer.from(this.#rest);
  }

  /** The small mail. */
  end(): Buffer {
    if (!this.#full && this.#mode.kind === 'header') this.#readHeader(true);
    if (!this.#full) this.#content(this.#rest);
    return Buffer.concat(this.#skeleton);
  }

  get #full(): boolean {
    return this.#parts > LIMITS.relay.parts;
  }

  #readHeader(last: boolean): boolean {
    const empty = this.#rest.subarray(0, 2).equals(BREAK);
    const found = empty ? 0 : this.#rest.indexOf('\r\n\r\n');
    if (found < 0 && !last && this.#rest.length <= LIMITS.relay.headerBytes) return false;
    const tooLong = found < 0 || found > LIMITS.relay.headerBytes;
    const end = tooLong ? Math.min(this.#rest.length, LIMITS.relay.headerBytes) : found + (empty ? 0 : 2);
    const header = this.#rest.subarray(0, end);
    this.#rest = this.#rest.subarray(end);
    this.#mode = this.#modeFor(header);
    if (this.#full) return true;
    this.#skeleton.push(Buffer.from(header));
    if (this.#mode.kind === 'cut') this.#skeleton.push(this.#mode.decoder.placeholder(this.contents.length - 1));
    return true;
  }

  #modeFor(header: Buffer): Mode {
    const fields = fieldsOf(header);
    const field = (name: string) => fields.find((one) => one.name.toLowerCase() === name)?.value ?? '';
    const type = field('content-type').toLowerCase().split(';')[0]?.trim() ?? '';
    this.#parts += 1;
    if (this.#full) return { kind: 'skipped' };
    if (type.startsWith('multipart/')) {
      const boundary = /;\s*boundary\s*=\s*(?:"([^"]*)"|([^\s;]+))/i.exec(field('content-type'));
      if (this.#boundaries.length < LIMITS.relay.depth) this.#boundaries.push(boundary?.[1] ?? boundary?.[2] ?? '');
      return { kind: 'skipped' };
    }
    const isText = (type === '' || type === 'text/plain' || type === 'text/html') && !/^\s*attachment/i.test(field('content-disposition'));
    if (isText) return { kind: 'text' };
    const decoder = partDecoder(field('content-transfer-encoding'));
    this.contents.push(decoder);
    return { kind: 'cut', decoder };
  }

  /** The body begins with the line end of the empty line, so that a boundary is always found by the line end before it. */
  #readBody(): boolean {
    let from = 0;
    for (;;) {
      const mark = this.#rest.indexOf(MARK, from);
      if (mark < 0) {
        const kept = Math.min(3, this.#rest.length);
        this.#content(this.#rest.subarray(0, this.#rest.length - kept));
        this.#rest = this.#rest.subarray(this.#rest.length - kept);
        return false;
      }
      const end = this.#rest.indexOf(BREAK, mark + 2);
      if (end < 0 && this.#rest.length - mark < BOUNDARY_LINE) {
        this.#content(this.#rest.subarray(0, mark));
        this.#rest = this.#rest.subarray(mark);
        return false;
      }
      const line = this.#rest.toString('latin1', mark + 4, Math.min(Math.max(end, mark), mark + BOUNDARY_LINE)).trimEnd();
      const level =
        end < 0 ? -1 : this.#boundaries.findLastIndex((boundary) => boundary !== '' && (line === boundary || line === `${boundary}--`));
      if (level < 0) {
        from = mark + 4;
        continue;
      }
      this.#content(this.#rest.subarray(0, mark));
      const closing = line === `${this.#boundaries[level]}--`;
      this.#boundaries.length = closing ? level : level + 1;
      this.#mode = closing ? { kind: 'skipped' } : { kind: 'header' };
      this.#skeleton.push(Buffer.from(`\r\n--${line}\r\n`, 'latin1'));
      this.#rest = this.#rest.subarray(closing ? end : end + 2);
      return true;
    }
  }

  #content(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (this.#mode.kind === 'cut') this.#mode.decoder.push(bytes);
    if (this.#mode.kind !== 'text') return;
    const kept = bytes.subarray(0, this.#room);
    this.#room -= kept.length;
    this.#skeleton.push(Buffer.from(kept));
  }
}
