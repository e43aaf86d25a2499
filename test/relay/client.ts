import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import * as tls from 'node:tls';

/** An SMTP client that says exactly what it is told to. */
export class Client {
  #socket: Socket;
  #text = '';
  #closed = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen();
  }

  static async plain(port: number): Promise<Client> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Client(socket);
  }

  static async tls(port: number, ca: string): Promise<Client> {
    const socket = tls.connect({ port, host: '127.0.0.1', ca });
    await once(socket, 'secureConnect');
    return new Client(socket);
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
    this.#socket.write(typeof text === 'string' ? Buffer.from(text, 'utf8') : text);
  }

  /** Sends and waits until the system has taken it, so that the next bytes are a packet of their own. */
  async packet(text: string | Buffer): Promise<void> {
    this.#socket.setNoDelay(true);
    await new Promise<void>((sent) => this.#socket.write(text, () => sent()));
  }

  /** One reply, without its last line end. Rejects when the connection is closed without one. */
  async reply(): Promise<string> {
    for (;;) {
      const whole = /^(?:\d{3}-[^\n]*\n)*\d{3} [^\n]*\n/.exec(this.#text)?.[0];
      if (whole !== undefined) {
        this.#text = this.#text.slice(whole.length);
        return whole.trimEnd();
      }
      if (this.#closed) throw new Error(`closed after ${JSON.stringify(this.#text)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  smtp(command: string): Promise<string> {
    this.send(`${command}\r\n`);
    return this.reply();
  }

  /** Waits for the other side to close; what it still said. */
  async closed(): Promise<string> {
    while (!this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#text;
  }

  async end(): Promise<void> {
    this.#socket.end();
    await this.closed();
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1');
      this.#wake();
    });
    const closed = () => {
      this.#closed = true;
      this.#wake();
    };
    socket.on('error', closed).on('close', closed).on('end', closed);
  }
}
