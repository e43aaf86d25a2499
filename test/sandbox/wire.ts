import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import * as tls from 'node:tls';
import { type MailSandbox, type SandboxMailOptions, startMailSandbox } from '../../src/sandbox/mail/mail-sandbox.ts';

export const OWNER = 'owner@gmail.example';
export const GUARD = 'guard@gmail.example';
export const APP_PASSWORD = 'abcdefghijklmnop';

export function start(options: Partial<SandboxMailOptions> = {}): Promise<MailSandbox> {
  const users = [
    { email: OWNER, appPassword: 'abcd efgh ijkl mnop', accountPassword: 'My account password 1' },
    { email: GUARD, appPassword: 'qrstuvwxyzabcdef' },
  ];
  return startMailSandbox({ users, ...options });
}

/** A client that says exactly what it is told to. */
export class Wire {
  #text = '';
  #closed = false;
  #wake: () => void = () => undefined;

  constructor(private socket: Socket) {
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

  async upgrade(ca: string): Promise<void> {
    this.socket.removeAllListeners('data');
    this.socket = tls.connect({ socket: this.socket, host: '127.0.0.1', ca });
    await once(this.socket, 'secureConnect');
    this.#listen();
  }

  send(text: string | Buffer): void {
    this.socket.write(text);
  }

  /** All text up to and including what `pattern` matches. */
  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(this.#text);
      if (match !== null) {
        const end = match.index + match[0].length;
        const text = this.#text.slice(0, end);
        this.#text = this.#text.slice(end);
        return text;
      }
      if (this.#closed) throw new Error(`closed after ${JSON.stringify(this.#text)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** One SMTP reply, without its last line end. */
  async reply(): Promise<string> {
    return (await this.until(/^(?:\d{3}-[^\n]*\n)*\d{3} [^\n]*\n/)).trimEnd();
  }

  async smtp(command: string): Promise<string> {
    this.send(`${command}\r\n`);
    return this.reply();
  }

  /** All lines up to the tagged one. */
  async imap(command: string): Promise<string> {
    this.send(`t ${command}\r\n`);
    return this.until(/^t (?:OK|NO|BAD)[^\n]*\n/m);
  }

  async closed(): Promise<void> {
    while (!this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    this.socket.destroy();
  }

  #listen(): void {
    this.socket.on('error', () => undefined);
    this.socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1');
      this.#wake();
    });
    this.socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }
}

export const base64 = (text: string): string => Buffer.from(text).toString('base64');

export const plainLogin = (user = OWNER, password = APP_PASSWORD): string => `AUTH PLAIN ${base64(`\0${user}\0${password}`)}`;
