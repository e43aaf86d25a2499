import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type SMTPConnection from 'nodemailer/lib/smtp-connection';
import { withDeadline } from '../core/deadline.ts';
import type { CameraEmailError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import type { MailAccount, OAuth2Login } from './account.ts';
import type { ComposedMail } from './compose.ts';
import { type ConnectContext, MAIL_TIMEOUTS, type MailTimeouts, openSocket, tlsDetail, tlsOptions, unlessTlsSpoken } from './connect.ts';
import { loginOnce } from './login-guard.ts';
import { mailError, stageError } from './mail-error.ts';
import { accessToken, xoauth2 } from './oauth2.ts';
import { type Stage, StageLog } from './stages.ts';

export interface SessionOptions {
  log?: StageLog;
  signal?: AbortSignal | undefined;
  timeouts?: MailTimeouts;
}

/** Asked for XOAUTH2 by its name, nodemailer wants to fetch the tokens itself, and tries a second time with every refusal. */
const TOKEN_METHOD = 'XOAUTH2-ONCE';

type SendCommand = (command: string) => Promise<{ response: string }>;
type SendInfo = SMTPConnection.SentMessageInfo;

/** One logged-in connection to the account's SMTP server. One mail at a time. */
export class SmtpSession {
  /** Mails that the server has answered, for better or worse. */
  sent = 0;
  /** The message itself has begun to travel: a lost connection no longer proves that it was not delivered. */
  dataStarted = false;
  /** Called for each reply; `command` is what it answers, empty for the greeting and the end of the data. */
  onReply: (command: string, reply: string) => void = () => undefined;
  readonly #context: ConnectContext;
  readonly #connection: SMTPConnection;
  readonly #commands: string[] = [];
  #failure: Error | undefined;
  #initialResponse = '';
  #reject: (error: Error) => void = () => undefined;

  private constructor(context: ConnectContext, socket: Socket) {
    this.#context = context;
    const { account, server, timeouts } = context;
    const Connection = require('nodemailer/lib/smtp-connection') as typeof SMTPConnection;
    this.#connection = new Connection({
      host: server.host,
      port: server.port,
      connection: socket,
      secure: server.security === 'tls',
      secured: server.security === 'tls',
      requireTLS: server.security === 'starttls',
      ignoreTLS: server.security === 'none',
      tls: server.security === 'starttls' ? tlsOptions(account, server) : {},
      connectionTimeout: timeouts.greetingMs + timeouts.tlsMs,
      greetingTimeout: timeouts.greetingMs,
      socketTimeout: timeouts.socketMs,
      socketCloseTimeout: 1_000,
      transactionLog: true,
      customAuth: { [TOKEN_METHOD]: ({ sendCommand }) => this.#xoauth2(sendCommand) },
      logger: this.#wiretap(),
    });
    this.#connection.on('error', (error: Error) => this.#ended(error));
    // nodemailer says "end" before it hands over a last reply such as 421, which tells more.
    this.#connection.on('end', () =>
      queueMicrotask(() => this.#ended(Object.assign(new Error('Connection closed unexpectedly'), { code: 'ECONNECTION' }))),
    );
  }

  /** Connects and logs in, once: stages dns, connect, tls, login. Rejects with a CameraEmailError; a remembered refusal asks nobody. */
  static async open(account: MailAccount, options: SessionOptions = {}): Promise<SmtpSession> {
    const { log = new StageLog(), signal, timeouts = MAIL_TIMEOUTS } = options;
    const context: ConnectContext = { account, protocol: 'smtp', server: account.smtp, log, timeouts, signal };
    const session = new SmtpSession(context, await openSocket(context));
    try {
      await session.#hello();
      await session.#login();
      return session;
    } catch (error) {
      const failure = mailError(error, account, log.current ?? 'login');
      log.fail(failure);
      session.close();
      throw failure;
    }
  }

  get alive(): boolean {
    return this.#failure === undefined;
  }

  /** Sends the bytes. Rejects with nodemailer's error when nobody is to get the mail; single refused recipients are in the result. */
  send(mail: ComposedMail, signal?: AbortSignal): Promise<SendInfo> {
    this.dataStarted = false;
    const envelope = { from: mail.envelope.from, to: [...mail.envelope.to], size: mail.raw.length };
    return this.#run('sending the mail', this.#context.timeouts.sendMs, signal, (done) => this.#connection.send(envelope, mail.raw, done));
  }

  /** Makes the session usable again after a refused mail. */
  async reset(signal?: AbortSignal): Promise<void> {
    await this.#run('RSET', this.#context.timeouts.loginMs, signal, (done) => this.#connection.reset(done));
  }

  /** Waiting for the next mail: the connection neither keeps the process alive nor counts as stalled. */
  rest(): void {
    const socket = this.#socket();
    socket?.setTimeout(0);
    socket?.unref();
  }

  wake(): void {
    const socket = this.#socket();
    socket?.setTimeout(this.#context.timeouts.socketMs);
    socket?.ref();
  }

  /** Says QUIT without waiting for the answer. */
  quit(): void {
    if (!this.alive) return;
    this.#connection.quit();
    this.close();
  }

  close(): void {
    this.#connection.close();
  }

  async #hello(): Promise<void> {
    const { log, server, timeouts } = this.#context;
    const greeted = new AbortController();
    const starttls = server.security === 'starttls';
    log.begin(starttls ? 'tls' : 'login');
    this.onReply = () => greeted.abort();
    const connected = this.#run<void>('the greeting', timeouts.greetingMs + timeouts.tlsMs, this.#context.signal, (done) =>
      this.#connection.connect((error) => done(error ?? null)),
    );
    await unlessTlsSpoken(this.#context, greeted.signal, connected);
    const socket = this.#socket();
    if (server.security !== 'none' && !(socket instanceof TLSSocket))
      throw stageError('wrong-security', 'not encrypted', server, 'tls', 'smtp');
    if (starttls && socket instanceof TLSSocket) {
      log.pass(tlsDetail(socket));
      log.begin('login');
    }
  }

  async #login(): Promise<void> {
    const { account, log, server, timeouts, signal } = this.#context;
    if (!this.#connection.allowsAuth) {
      const code = server.security === 'none' ? 'wrong-security' : 'unsupported';
      throw stageError(code, 'the server offers no login on this port', server, 'login', 'smtp');
    }
    let reply = '';
    this.onReply = (_command, text) => {
      reply = text;
    };
    await loginOnce(account, 'smtp', async () => {
      const credentials = { user: account.username, pass: account.password.reveal() };
      try {
        if (account.oauth2 !== undefined) await this.#tokenLogin(account.oauth2);
        else await this.#run('the login', timeouts.loginMs, signal, (done) => this.#connection.login({ credentials }, done));
      } catch (error) {
        throw mailError(error, account, 'login');
      }
    });
    this.onReply = () => undefined;
    log.pass(reply);
  }

  /** A token that was kept may have been withdrawn since: another one is fetched then, once. */
  async #tokenLogin(oauth2: OAuth2Login): Promise<void> {
    const { account, signal } = this.#context;
    const { token, fresh } = await accessToken(account, oauth2, signal);
    try {
      await this.#sendToken(token);
    } catch (error) {
      if (fresh || !this.alive || mailError(error, account, 'login').code !== 'oauth2-refused') throw error;
      await this.#sendToken((await accessToken(account, oauth2, signal, token)).token);
    }
  }

  #sendToken(token: Secret): Promise<void> {
    const { account, timeouts, signal } = this.#context;
    this.#initialResponse = xoauth2(account.username, token);
    const auth = { user: account.username, method: TOKEN_METHOD };
    return this.#run('the login', timeouts.loginMs, signal, (done) => this.#connection.login(auth, (error) => done(error ?? null)));
  }

  async #xoauth2(send: SendCommand): Promise<void> {
    let { response } = await send(`AUTH XOAUTH2 ${this.#initialResponse}`);
    // Google explains a refusal in a challenge, and says the refusal itself only after an empty answer.
    if (response.startsWith('334')) response = (await send('')).response;
    if (!response.startsWith('2')) throw new Error('Invalid login');
  }

  /** A step of the connection with a deadline; whatever ends the connection ends the step. */
  #run<T>(
    what: string,
    ms: number,
    signal: AbortSignal | undefined,
    begin: (done: (error: Error | null, value?: T) => void) => void,
  ): Promise<T> {
    return withDeadline(ms, what, signal, (inner) => {
      return new Promise<T>((resolve, reject) => {
        if (this.#failure !== undefined) {
          reject(this.#failure);
          return;
        }
        this.#reject = reject;
        inner.addEventListener('abort', () => this.close(), { once: true });
        begin((error, value) => {
          if (error) reject(error);
          else resolve(value as T);
        });
      });
    });
  }

  #ended(error: Error): void {
    this.#failure ??= error;
    this.#reject(this.#failure);
  }

  /** After STARTTLS this is another socket than the one handed over, and nodemailer has no public name for it. */
  #socket(): Socket | undefined {
    const { _socket } = this.#connection as unknown as { _socket: Socket | false };
    return _socket || undefined;
  }

  /** nodemailer tells what goes over the wire only to a logger (passwords left out); nothing of it is kept. */
  #wiretap(): NonNullable<SMTPConnection.Options['logger']> {
    const debug = (entry: { tnx?: string }, text = '') => {
      if (entry.tnx === 'client') this.#commands.push(text);
      if (entry.tnx !== 'server') return;
      const command = this.#commands.shift() ?? '';
      if (command === 'DATA' && /^3/.test(text)) this.dataStarted = true;
      this.onReply(command, text);
    };
    return { debug };
  }
}

/** An error of `send`; a reply tells the stage itself, with pipelining several are under way at once. */
export function sendError(error: unknown, account: MailAccount, current: Stage): CameraEmailError {
  const command = error instanceof Error && 'command' in error ? String(error.command) : '';
  const stage: Stage = command === 'MAIL FROM' ? 'sender' : command === 'RCPT TO' ? 'recipient' : command === 'DATA' ? 'data' : current;
  return mailError(error, account, stage);
}
