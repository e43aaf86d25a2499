import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { CameraEmailError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';

/** One connection of a client: bytes in with a deadline, replies out. Reads no further than it is asked to. */
export class Wire {
  #socket: Socket;
  #chunks: Buffer[] = [];
  #open = true;
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    this.#listen();
  }

  get secure(): boolean {
    return this.#socket instanceof TLSSocket;
  }

  /** Bytes that have come, or undefined once the client is gone. Rejects with `timeout` at `until` (epoch milliseconds). */
  async read(until: number): Promise<Buffer | undefined> {
    const waiting = this.#chunks.shift();
    if (waiting !== undefined || !this.#open) return waiting;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new CameraEmailError('timeout', 'the client is too slow')), Math.max(0, until - Date.now()));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#socket.resume();
    });
    return this.#chunks.shift();
  }

  /** Gives bytes back, to be read next. */
  unread(bytes: Buffer): void {
    if (bytes.length > 0) this.#chunks.unshift(bytes);
  }

  /** Sends a reply and waits while the client does not take it. */
  async write(text: string, until: number): Promise<void> {
    const socket = this.#socket;
    if (!this.#open || !socket.writable) return;
    if (socket.write(text)) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new CameraEmailError('timeout', 'the client takes no reply')), Math.max(0, until - Date.now()));
      const done = () => {
        clearTimeout(timer);
        socket.off('drain', done).off('close', done);
        resolve();
      };
      socket.on('drain', done).on('close', done);
    });
  }

  /** The server's side of the handshake. What came in clear before it is forgotten: it could be somebody else's. */
  async encrypt(secureContext: SecureContext): Promise<void> {
    const plain = this.#socket;
    this.#chunks = [];
    plain.off('data', this.#take).off('end', this.#gone).off('close', this.#gone);
    const socket = new TLSSocket(plain, { isServer: true, secureContext });
    this.#socket = socket;
    const handshake = new Promise<void>((resolve, reject) => {
      const fail = (cause?: unknown) => reject(new CameraEmailError('tls-version', 'the TLS handshake failed', { cause }));
      const timer = setTimeout(fail, LIMITS.relay.handshakeMs);
      socket.once('secure', resolve).once('error', fail).once('_tlsError', fail).once('close', fail);
      socket.once('secure', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
    });
    this.#listen();
    try {
      await handshake;
    } catch (error) {
      // The TLS socket takes the one below along; the other way round Node.js may crash in the middle of a handshake.
      socket.destroy();
      throw error;
    }
  }

  /** Says goodbye and gives the client a little time to hear it. */
  end(): void {
    const socket = this.#socket;
    this.#chunks = [];
    socket.off('data', this.#take);
    if (socket.destroyed) return;
    socket.end();
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), LIMITS.relay.lingerMs);
    socket.once('close', () => clearTimeout(timer));
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** One reply, and goodbye. */
  refuse(reply: string): void {
    this.#socket.write(`${reply}\r\n`);
    this.end();
  }

  #listen(): void {
    // A reset after the last dot is common: the mail is complete all the same.
    this.#socket.on('data', this.#take).on('error', this.#gone).on('end', this.#gone).on('close', this.#gone).pause();
  }

  readonly #take = (chunk: Buffer) => {
    this.#socket.pause();
    this.#chunks.push(chunk);
    this.#wake();
  };

  readonly #gone = () => {
    this.#open = false;
    this.#wake();
  };
}
