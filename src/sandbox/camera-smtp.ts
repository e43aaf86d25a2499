import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { mailDate } from './mail/message.ts';

export interface CameraMail {
  host: string;
  port: number;
  security: 'tls' | 'starttls' | 'none';
  /** PEM of the authority to trust; without it the certificate is not checked, as in most cameras. */
  ca?: string;
  authentication?: { username: string; password: string };
  heloName: string;
  from: string;
  to: string[];
  /** Header and body; line ends become CRLF. */
  message: string | Buffer;
  /** For the whole exchange. */
  timeoutMs: number;
}

export type CameraMailStage = 'dns' | 'connect' | 'tls' | 'login' | 'sender' | 'recipient' | 'data';

export interface CameraMailResult {
  ok: boolean;
  /** The server's last words, or the system's code. */
  reply: string;
  /** Where it ended; `data` when all went well. */
  stage: CameraMailStage;
}

/** The SMTP client inside a simulated camera: one command at a time, AUTH LOGIN only. Never throws. */
export async function sendCameraMail(mail: CameraMail): Promise<CameraMailResult> {
  const dialogue = new Dialogue(mail);
  try {
    return await dialogue.run();
  } catch (error) {
    return { ok: false, reply: error instanceof Error ? error.message : String(error), stage: dialogue.stage };
  } finally {
    dialogue.close();
  }
}

class Dialogue {
  stage: CameraMailStage = 'connect';
  readonly #mail: CameraMail;
  readonly #deadline: NodeJS.Timeout;
  #socket: Socket | undefined;
  #received = '';
  #failure: Error | undefined;
  #wake: () => void = () => undefined;

  constructor(mail: CameraMail) {
    this.#mail = mail;
    this.#deadline = setTimeout(() => this.#fail(new Error('ETIMEDOUT')), mail.timeoutMs);
  }

  async run(): Promise<CameraMailResult> {
    const { security, authentication, heloName, from, to } = this.#mail;
    const tcp = connectTcp({ host: this.#mail.host, port: this.#mail.port });
    await this.#use(tcp, 'connect');
    if (security === 'tls') await this.#encrypt();
    // A server that speaks first proves the connection; one that waits for a TLS handshake never does.
    this.stage = 'connect';
    let reply = await this.#expect();
    const refused = () => ({ ok: false, reply, stage: this.stage });
    const say = async (line: string): Promise<boolean> => {
      reply = await this.#command(line);
      return /^[23]/.test(reply);
    };
    if (!reply.startsWith('220')) return refused();
    const greeted = await say(`EHLO ${heloName}`);
    if (!greeted && !(/^50[02]/.test(reply) && (await say(`HELO ${heloName}`)))) return refused();
    if (security === 'starttls') {
      this.stage = 'tls';
      if (!(await say('STARTTLS'))) return refused();
      await this.#encrypt();
      if (!(await say(`EHLO ${heloName}`))) return refused();
    }
    if (authentication !== undefined) {
      this.stage = 'login';
      for (const line of ['AUTH LOGIN', base64(authentication.username), base64(authentication.password)]) {
        if (!(await say(line))) return refused();
      }
    }
    this.stage = 'sender';
    if (!(await say(`MAIL FROM:<${from}>`))) return refused();
    this.stage = 'recipient';
    for (const recipient of to) if (!(await say(`RCPT TO:<${recipient}>`))) return refused();
    this.stage = 'data';
    if (!(await say('DATA')) || !(await say(wireForm(this.#mail.message)))) return refused();
    this.#socket?.write('QUIT\r\n');
    return { ok: true, reply, stage: 'data' };
  }

  close(): void {
    clearTimeout(this.#deadline);
    this.#socket?.end();
    this.#socket?.destroySoon();
  }

  async #encrypt(): Promise<void> {
    this.stage = 'tls';
    const { host, ca } = this.#mail;
    const plain = this.#socket;
    if (plain === undefined) throw new Error('ENOTCONN');
    plain.removeAllListeners('data');
    const servername = isIP(host) === 0 ? host : '';
    await this.#use(connectTls({ socket: plain, host, servername, ca, rejectUnauthorized: ca !== undefined }), 'secureConnect');
  }

  #use(socket: Socket, ready: 'connect' | 'secureConnect'): Promise<void> {
    this.#socket = socket;
    socket.on('error', (error: NodeJS.ErrnoException & { hostname?: string }) => {
      if (error.syscall === 'getaddrinfo') this.stage = 'dns';
      this.#fail(new Error(error.code ?? error.message));
    });
    socket.on('close', () => this.#fail(new Error('ECONNRESET')));
    return new Promise((resolve, reject) => {
      socket.once(ready, () => {
        socket.on('data', (chunk: Buffer) => {
          this.#received += chunk.toString('latin1');
          this.#wake();
        });
        this.#wake = () => undefined;
        resolve();
      });
      this.#wake = () => reject(this.#failure ?? new Error('ECONNRESET'));
      if (this.#failure !== undefined) reject(this.#failure);
    });
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#socket?.destroy();
    this.#wake();
  }

  #command(line: string): Promise<string> {
    this.#socket?.write(Buffer.from(`${line}\r\n`, 'latin1'));
    return this.#expect();
  }

  /** A whole reply, its lines joined by CRLF. */
  async #expect(): Promise<string> {
    for (;;) {
      const whole = /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\n/.exec(this.#received)?.[0];
      if (whole !== undefined) {
        this.#received = this.#received.slice(whole.length);
        return whole.trimEnd();
      }
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

export interface CameraMessage {
  /** Goes into X-Mailer. */
  brand: string;
  from: string;
  fromName: string;
  to: readonly string[];
  subject: string;
  body: string;
  jpeg?: Buffer;
}

/** A mail as cameras write it: X-Mailer, a multipart body, no Message-ID. Bytes in UTF-8. */
export function cameraMessage({ brand, from, fromName, to, subject, body, jpeg }: CameraMessage): string {
  const boundary = '----=_camera_boundary_0001';
  const text = ['Content-Type: text/plain; charset="utf-8"', 'Content-Transfer-Encoding: base64', '', folded(Buffer.from(body, 'utf8'))];
  const picture =
    jpeg === undefined
      ? []
      : [
          `--${boundary}`,
          'Content-Type: image/jpeg; name="snapshot.jpg"',
          'Content-Transfer-Encoding: base64',
          'Content-Disposition: attachment; filename="snapshot.jpg"',
          '',
          folded(jpeg),
        ];
  return [
    `Date: ${mailDate(new Date())}`,
    `From: ${plain(fromName) ? `"${fromName}"` : encodedWord(fromName)} <${from}>`,
    `To: ${to.map((address) => `<${address}>`).join(', ')}`,
    `Subject: ${plain(subject) ? subject : encodedWord(subject)}`,
    `X-Mailer: ${brand}`,
    'MIME-Version: 1.0',
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    '',
    `--${boundary}`,
    ...text,
    ...picture,
    `--${boundary}--`,
    '',
  ].join('\r\n');
}

function plain(text: string): boolean {
  return /^[\w .,:;!?()/+-]*$/.test(text);
}

function encodedWord(text: string): string {
  return `=?UTF-8?B?${base64(text)}?=`;
}

function folded(bytes: Buffer): string {
  return (bytes.toString('base64').match(/.{1,76}/g) ?? []).join('\r\n');
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

/** CRLF line ends, dots doubled, and the final dot without its line end. Each character one byte. */
function wireForm(message: string | Buffer): string {
  const bytes = (typeof message === 'string' ? Buffer.from(message, 'utf8') : message).toString('latin1');
  const lines = bytes.replace(/\r?\n|\r/g, '\r\n').replace(/^\./gm, '..');
  return `${lines}${lines.endsWith('\r\n') ? '' : '\r\n'}.`;
}
