import { setTimeout as sleep } from 'node:timers/promises';
import type { SecureContext } from 'node:tls';
import { asCameraEmailError, type CameraEmailError, isCameraEmailError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { type Command, fromBase64, heloName, parseCommand, parsePath, parsePlain } from './commands.ts';
import type { Policy } from './policy.ts';
import { type MailReceiver, type Patience, receiveMail } from './receive-mail.ts';
import type { Wire } from './wire.ts';

export interface SessionServices {
  /** Announced in the greeting. */
  name: string;
  policy: Policy;
  secureContext: SecureContext;
  /** STARTTLS is on offer. */
  startTls: boolean;
  maxBytes: number;
  receiver: MailReceiver;
  patience: Patience;
  /** Wrong logins, for the user to see. */
  onRefusedLogin(address: string, username: string, shutOut: boolean): void;
  signal: AbortSignal;
}

interface Envelope {
  from: string | undefined;
  to: string[];
}

const MAIL_COMMANDS = ['MAIL', 'RCPT', 'DATA'];

/** The conversation with one client, from the greeting to the end. Rejects only when the client is too slow or the connection fails. */
export class Session {
  readonly #wire: Wire;
  readonly #services: SessionServices;
  readonly #address: string;
  readonly #startedAt = Date.now();
  #helo = '';
  #login: string | undefined;
  #envelope: Envelope = { from: undefined, to: [] };
  #open = true;
  #bad = 0;
  #failedLogins = 0;
  #commands = 0;
  #mails = 0;
  /** The last mail ended without CRLF.CRLF: who says what the next bytes are, a command or the rest of it? */
  #doubtful = false;

  constructor(wire: Wire, address: string, services: SessionServices) {
    this.#wire = wire;
    this.#address = address;
    this.#services = services;
  }

  async run(): Promise<void> {
    await this.#reply(`220 ${this.#services.name} ESMTP`);
    while (this.#open) {
      const line = await this.#line();
      if (line === undefined) return;
      this.#commands += 1;
      if (this.#commands > LIMITS.relay.commands) return this.#leave('421 4.7.0 Too many commands');
      const command = parseCommand(line);
      if (command === undefined) await this.#complain('500 5.5.2 Syntax error');
      else await this.#handle(command);
    }
  }

  async #handle(command: Command): Promise<void> {
    const { verb, argument } = command;
    if (this.#doubtful && verb !== 'QUIT' && verb !== 'NOOP' && verb !== 'RSET')
      return this.#leave('421 4.5.0 The mail before ended without CR LF . CR LF: connect again');
    if (MAIL_COMMANDS.includes(verb) && this.#services.policy.needsLogin && this.#login === undefined)
      return this.#complain('530 5.7.0 Authentication required');
    switch (verb) {
      case 'EHLO':
      case 'HELO':
        return this.#hello(command);
      case 'STARTTLS':
        return this.#startTls(argument);
      case 'AUTH':
        return this.#auth(argument);
      case 'MAIL':
        return this.#mail(argument);
      case 'RCPT':
        return this.#recipient(argument);
      case 'DATA':
        return this.#data();
      case 'RSET':
        this.#reset();
        return this.#reply('250 2.0.0 OK');
      case 'NOOP':
        return this.#reply('250 2.0.0 OK');
      case 'VRFY':
        return this.#reply('252 2.5.0 Send a mail to find out');
      case 'HELP':
        return this.#reply('214 2.0.0 Mail of cameras goes in here');
      case 'QUIT':
        return this.#leave('221 2.0.0 Bye');
      default:
        return this.#complain('502 5.5.1 Command not implemented');
    }
  }

  #hello({ verb, argument }: Command): Promise<void> {
    this.#helo = heloName(argument);
    this.#reset();
    const { name, startTls, maxBytes } = this.#services;
    if (verb === 'HELO') return this.#reply(`250 ${name}`);
    const lines = [name, `SIZE ${maxBytes}`, '8BITMIME', 'SMTPUTF8', 'PIPELINING', 'ENHANCEDSTATUSCODES'];
    if (startTls && !this.#wire.secure) lines.push('STARTTLS');
    // Amcrest cameras send nothing at all to a server that does not offer a login.
    if (this.#login === undefined) lines.push('AUTH PLAIN LOGIN');
    return this.#reply(lines.map((line, index) => `250${index === lines.length - 1 ? ' ' : '-'}${line}`).join('\r\n'));
  }

  async #startTls(argument: string): Promise<void> {
    if (!this.#services.startTls || this.#wire.secure) return this.#complain('503 5.5.1 STARTTLS is not on offer');
    if (argument !== '') return this.#complain('501 5.5.4 STARTTLS takes no argument');
    await this.#reply('220 2.0.0 Ready to start TLS');
    await this.#wire.encrypt(this.#services.secureContext);
    this.#helo = '';
    this.#login = undefined;
    this.#reset();
  }

  async #auth(argument: string): Promise<void> {
    if (this.#login !== undefined) return this.#complain('503 5.5.1 Already logged in');
    const [method = '', initial] = argument.split(/\s+/);
    const ask = async (prompt: string) => {
      await this.#reply(`334 ${prompt}`);
      return (await this.#line()) ?? '*';
    };
    if (method.toUpperCase() === 'PLAIN') {
      const answer = initial ?? (await ask(''));
      const given = answer === '*' ? undefined : parsePlain(answer);
      return given === undefined ? this.#complain('501 5.5.2 Cannot decode the login') : this.#checkLogin(given.username, given.password);
    }
    if (method.toUpperCase() === 'LOGIN') {
      const username = initial === undefined || initial === '=' ? await ask('VXNlcm5hbWU6') : initial;
      const password = username === '*' ? '*' : await ask('UGFzc3dvcmQ6');
      if (password === '*') return this.#complain('501 5.7.0 Login cancelled');
      return this.#checkLogin(fromBase64(username), fromBase64(password));
    }
    return this.#complain('504 5.5.4 Use AUTH PLAIN or AUTH LOGIN');
  }

  async #checkLogin(username: string, password: string): Promise<void> {
    const { policy, onRefusedLogin, signal } = this.#services;
    const verdict = policy.login(this.#address, username, password);
    if (verdict.ok) {
      this.#login = username.slice(0, 256);
      return this.#reply('235 2.7.0 Logged in');
    }
    onRefusedLogin(this.#address, username, verdict.shutOut);
    this.#failedLogins += 1;
    await sleep(verdict.waitMs, undefined, { signal }).catch(() => undefined);
    const last = verdict.shutOut || this.#failedLogins >= LIMITS.relay.failedLogins;
    await this.#reply('535 5.7.8 User name or password not accepted');
    if (last) this.#close();
  }

  #mail(argument: string): Promise<void> {
    if (this.#envelope.from !== undefined) return this.#complain('503 5.5.1 A mail has begun already');
    const path = parsePath(argument, 'FROM');
    if (path === undefined) return this.#complain('501 5.1.7 Use MAIL FROM:<address>');
    if (path.size > this.#services.maxBytes) return this.#reply(this.#tooLarge());
    this.#envelope = { from: path.address, to: [] };
    return this.#reply('250 2.1.0 OK');
  }

  #recipient(argument: string): Promise<void> {
    if (this.#envelope.from === undefined) return this.#complain('503 5.5.1 MAIL first');
    const path = parsePath(argument, 'TO');
    if (path === undefined || path.address === '') return this.#complain('501 5.1.3 Use RCPT TO:<address>');
    if (this.#envelope.to.length >= LIMITS.relay.recipients) return this.#complain('452 4.5.3 Too many recipients');
    this.#envelope.to.push(path.address);
    return this.#reply('250 2.1.5 OK');
  }

  async #data(): Promise<void> {
    const { from, to } = this.#envelope;
    if (from === undefined || to.length === 0) return this.#complain('503 5.5.1 MAIL and RCPT first');
    this.#reset();
    const sender = { login: this.#login ?? '', remoteAddress: this.#address, heloName: this.#helo, envelope: { from, to } };
    const { receiver, maxBytes, patience } = this.#services;
    try {
      const begun = await receiver.begin(sender);
      await this.#reply('354 End with CR LF . CR LF');
      const { end, failure } = await receiveMail(this.#wire, begun, maxBytes, patience);
      if (end === 'gone') return this.#close();
      this.#doubtful = end === 'silence';
      if (failure !== undefined) throw failure;
      const id = await begun.accept();
      this.#commands = 0;
      this.#mails += 1;
      await this.#reply(`250 2.6.0 Kept as ${id}`);
      if (this.#mails >= LIMITS.relay.mailsPerConnection) await this.#leave('421 4.7.0 Many mails on one connection: connect again');
    } catch (error) {
      if (isCameraEmailError(error, 'timeout')) throw error;
      await this.#reply(replyFor(asCameraEmailError(error), this.#tooLarge()));
    }
  }

  /** One line without its line end; undefined when the client is gone. */
  async #line(): Promise<string | undefined> {
    const { policy, patience } = this.#services;
    const stranger = this.#login === undefined && policy.needsLogin;
    const until = stranger ? this.#startedAt + patience.loginMs : Date.now() + patience.commandMs;
    let line = Buffer.alloc(0);
    for (;;) {
      const chunk = await this.#wire.read(until);
      if (chunk === undefined) return undefined;
      const feed = chunk.indexOf(0x0a);
      line = Buffer.concat([line, feed < 0 ? chunk : chunk.subarray(0, feed)]);
      if (line.length > LIMITS.relay.lineBytes) {
        await this.#leave('500 5.5.6 Line too long');
        return undefined;
      }
      if (feed < 0) continue;
      this.#wire.unread(chunk.subarray(feed + 1));
      return line.toString('latin1').replace(/\r+$/, '');
    }
  }

  #reset(): void {
    this.#envelope = { from: undefined, to: [] };
  }

  #tooLarge(): string {
    return `552 5.3.4 A mail may have ${this.#services.maxBytes} bytes`;
  }

  async #complain(reply: string): Promise<void> {
    this.#bad += 1;
    if (this.#bad >= LIMITS.relay.badCommands) return this.#leave('421 4.7.0 Too many errors');
    await this.#reply(reply);
  }

  async #leave(reply: string): Promise<void> {
    await this.#reply(reply);
    this.#close();
  }

  #close(): void {
    this.#open = false;
    this.#wire.end();
  }

  #reply(text: string): Promise<void> {
    return this.#wire.write(`${text}\r\n`, Date.now() + this.#services.patience.commandMs);
  }
}

/** A 4xx lets the camera keep the mail and come again. */
function replyFor(error: CameraEmailError, tooLarge: string): string {
  if (error.code === 'message-too-large') return tooLarge;
  if (error.code === 'mail-protocol') return '554 5.4.6 This mail goes round in circles';
  if (error.code === 'spool-full') return '452 4.3.1 No room for mail at the moment';
  return '451 4.3.0 The mail cannot be taken at the moment';
}
