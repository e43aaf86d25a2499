import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';

const LF = Buffer.from('\n');
/** A client that says nothing for this long is gone. */
const SILENCE_MS = 30 * 60_000;

export interface Received {
  bytes: Buffer;
  /** More came than was asked to be kept: `bytes` is its beginning. */
  overflow: boolean;
}

/** The server's end of one connection, read on demand: what the client sends early (PIPELINING) waits. Never throws. */
export class Connection {
  #socket: Socket;
  #buffer: Buffer = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    this.#listen();
  }

  get peer(): string {
    return this.#socket.remoteAddress ?? 'unknown';
  }

  get encrypted(): boolean {
    return this.#socket instanceof TLSSocket;
  }

  /** `TLSv1.3` and the like, undefined in plain text. */
  get tlsVersion(): string | undefined {
    return this.#socket instanceof TLSSocket ? (this.#socket.getProtocol() ?? undefined) : undefined;
  }

  /** Bytes that have come and were not yet asked for. */
  get pending(): number {
    return this.#buffer.length + this.#socket.readableLength;
  }

  /** Up to a line feed, each character one byte, without the line end. Undefined when the client has gone. */
  async line(maxBytes: number): Promise<{ text: string; overflow: boolean; bareLf: boolean } | undefined> {
    const received = await this.until(LF, maxBytes);
    if (received === undefined) return undefined;
    const raw = received.bytes.toString('latin1');
    return { text: raw.replace(/\r$/, ''), overflow: received.overflow, bareLf: !raw.endsWith('\r') };
  }

  /** Up to `terminator`, which is consumed; at most `keepBytes` are kept, all are read. */
  async until(terminator: Buffer, keepBytes: number): Promise<Received | undefined> {
    const parts: Buffer[] = [];
    let kept = 0;
    let overflow = false;
    const keep = (bytes: Buffer) => {
      const part = bytes.subarray(0, keepBytes - kept);
      overflow ||= part.length < bytes.length;
      kept += part.length;
      if (part.length > 0) parts.push(part);
    };
    for (;;) {
      const at = this.#buffer.indexOf(terminator);
      if (at >= 0) {
        keep(this.#buffer.subarray(0, at));
        this.#buffer = this.#buffer.subarray(at + terminator.length);
        return { bytes: Buffer.concat(parts), overflow };
      }
      const settled = Math.max(0, this.#buffer.length - terminator.length + 1);
      keep(this.#buffer.subarray(0, settled));
      this.#buffer = this.#buffer.subarray(settled);
      if (!(await this.#more())) return undefined;
    }
  }

  /** Exactly `count` bytes. */
  async bytes(count: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    let missing = count;
    while (missing > 0) {
      if (this.#buffer.length === 0 && !(await this.#more())) return undefined;
      const part = this.#buffer.subarray(0, missing);
      parts.push(part);
      missing -= part.length;
      this.#buffer = this.#buffer.subarray(part.length);
    }
    return Buffer.concat(parts);
  }

  /** Puts bytes in front of what is read next. */
  unread(bytes: Buffer): void {
    this.#buffer = Buffer.concat([bytes, this.#buffer]);
  }

  write(data: string | Buffer): void {
    if (this.#socket.writable) this.#socket.write(data);
  }

  /** The server's side of a TLS handshake. False when it failed. What came in clear before it is thrown away. */
  async secure(context: SecureContext): Promise<boolean> {
    this.#buffer = Buffer.alloc(0);
    this.#socket.removeAllListeners('readable');
    const socket = new TLSSocket(this.#socket, { isServer: true, secureContext: context });
    this.#socket = socket;
    return new Promise((resolve) => {
      socket.once('secure', () => {
        this.#listen();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
      socket.once('close', () => resolve(false));
    });
  }

  /** Sends what was written, then closes. */
  end(): void {
    this.#socket.end();
    this.#socket.destroySoon();
  }

  /** Closes at once, as a broken line does. */
  drop(): void {
    this.#socket.destroy();
  }

  #listen(): void {
    const over = () => {
      this.#ended = true;
      this.#wake();
    };
    this.#socket.on('readable', () => this.#wake());
    this.#socket.on('end', over);
    this.#socket.on('close', over);
    this.#socket.on('error', over);
    this.#socket.setTimeout(SILENCE_MS, () => this.drop());
  }

  async #more(): Promise<boolean> {
    for (;;) {
      const chunk: Buffer | null = this.#socket.read();
      if (chunk !== null) {
        this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
        return true;
      }
      if (this.#ended) return false;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
