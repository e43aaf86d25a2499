import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import * as tls from 'node:tls';
import { Waiting } from './waiting.ts';

/** A client that says exactly what it is told to. */
export class Wire {
  #socket: Socket;
  #text = '';
  #closed = false;
  readonly #waiting = new Waiting();

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen();
  }

  static async plain(port: number): Promise<Wire> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Wire(socket);
  }

  static async tls(port: number, ca: string): Promise<Wire> {
    const socket = tls.connect({ port, host: '127.0.0.1', ca });
    await once(socket, 'secureConnect');
    return new Wire(socket);
  }

  async upgrade(ca: string, options: tls.ConnectionOptions = {}): Promise<void> {
    this.#socket.removeAllListeners('data');
    const socket = tls.connect({ socket: this.#socket, host: '127.0.0.1', ca, ...options });
    await once(socket, 'secureConnect');
    this.#socket = socket;
    this.#listen();
  }

  /** After STARTTLS: the fingerprint of what the server shows, trusted or not. */
  async certificate(): Promise<string> {
    this.#socket.removeAllListeners('data');
    const socket = tls.connect({ socket: this.#socket, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  }

  send(text: string | Buffer): void {
    this.#socket.write(text);
  }

  /** Sends and waits until the system has taken it, so that the next bytes are a packet of their own. */
  async packet(text: string | Buffer): Promise<void> {
    this.#socket.setNoDelay(true);
    await new Promise<void>((sent) => this.#socket.write(text, () => sent()));
  }

  /** All text up to and including what `pattern` matches. Rejects when the connection is closed without it. */
  until(pattern: RegExp): Promise<string> {
    return this.#waiting.until(() => {
      const match = pattern.exec(this.#text);
      if (match !== null) {
        const end = match.index + match[0].length;
        const text = this.#text.slice(0, end);
        this.#text = this.#text.slice(end);
        return text;
      }
      if (this.#closed) throw new Error(`closed after ${JSON.stringify(this.#text)}`);
      return undefined;
    });
  }

  /** One SMTP reply, without its last line end. */
  async reply(): Promise<string> {
    return (await this.until(/^(?:\d{3}-[^\n]*\n)*\d{3} [^\n]*\n/)).trimEnd();
  }

  smtp(command: string): Promise<string> {
    this.send(`${command}\r\n`);
    return this.reply();
  }

  /** All lines up to the tagged one. */
  imap(command: string): Promise<string> {
    this.send(`t ${command}\r\n`);
    return this.until(/^t (?:OK|NO|BAD)[^\n]*\n/m);
  }

  /** Waits for the other side to close; what it still said. */
  async closed(): Promise<string> {
    await this.#waiting.until(() => this.#closed);
    return this.#text;
  }

  async end(): Promise<void> {
    this.#socket.end();
    await this.closed();
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  close(): void {
    this.#socket.destroy();
  }

  #listen(): void {
    this.#socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1');
      this.#waiting.wake();
    });
    const closed = () => {
      this.#closed = true;
      this.#waiting.wake();
    };
    this.#socket.on('error', closed).on('close', closed).on('end', closed);
  }
}
