import type { SecureContext } from 'node:tls';
import { systemClock } from '../../core/clock.ts';
import type { Accounts } from './accounts.ts';
import type { Connection } from './connection.ts';
import type { FailureRules, FailureStage } from './failure-rules.ts';
import { GMAIL_IMAP_REPLIES } from './gmail-replies.ts';
import { ImapCommands, type Selection } from './imap-commands.ts';
import { ImapSyntaxError, type ImapToken, parseArguments, textOf } from './imap-parser.ts';
import type { PostOffice } from './post-office.ts';
import type { ImapSession } from './session-log.ts';
import { decodeBase64, parseXoauth2, TOKEN_REFUSED } from './smtp-auth.ts';
import type { TokenOffice } from './token-office.ts';

export interface ImapServices {
  accounts: Accounts;
  tokens: TokenOffice;
  post: PostOffice;
  rules: FailureRules;
  secureContext: SecureContext;
  /** X-GM-EXT-1: Gmail's own search, labels and message numbers. */
  gmailExtensions: boolean;
  signal: AbortSignal;
}

interface Command {
  tag: string;
  name: string;
  parameters: ImapToken[];
}

const LINE_BYTES = 64 * 1024;
const LITERAL_BYTES = 1024 * 1024;

const LOGIN_REPLIES = {
  refused: GMAIL_IMAP_REPLIES.badCredentials,
  'app-password-required': GMAIL_IMAP_REPLIES.appPasswordRequired,
} as const;

/** One connection to imap.gmail.com, from connect to close. */
export class ImapConversation {
  readonly #connection: Connection;
  readonly #services: ImapServices;
  readonly #log: ImapSession;
  readonly #implicitTls: boolean;
  #open = true;
  #commands: ImapCommands | undefined;

  constructor(connection: Connection, services: ImapServices, log: ImapSession, implicitTls: boolean) {
    this.#connection = connection;
    this.#services = services;
    this.#log = log;
    this.#implicitTls = implicitTls;
  }

  async run(): Promise<void> {
    if (await this.#begin()) {
      while (this.#open) {
        const source = await this.#readCommand();
        if (source === undefined) break;
        await this.#answer(source);
      }
    }
    this.#log.closed = true;
    this.#connection.end();
  }

  async #begin(): Promise<boolean> {
    if (await this.#scripted('connect')) return false;
    if (this.#implicitTls && !(await this.#connection.secure(this.#services.secureContext))) {
      this.#log.protocolErrors.push('TLS handshake failed');
      return false;
    }
    if (await this.#scripted('greeting')) return false;
    this.#send(`* OK Gimap ready for requests from ${this.#connection.peer} b7353e8e2c1mb12345678a12`);
    return true;
  }

  /** A whole command with its literals in place. */
  async #readCommand(): Promise<string | undefined> {
    let source = '';
    for (;;) {
      const line = await this.#connection.line(LINE_BYTES);
      if (line === undefined) return undefined;
      source += line.text;
      const [, digits, plus] = /\{(\d{1,10})(\+?)\}$/.exec(line.text) ?? [];
      if (digits === undefined && !line.overflow) return source;
      if (line.overflow || source.length + Number(digits) > LITERAL_BYTES) {
        this.#send('* BYE Command too long');
        return undefined;
      }
      if (plus === '') this.#send('+ go ahead');
      const literal = await this.#connection.bytes(Number(digits));
      if (literal === undefined) return undefined;
      source += `\r\n${literal.toString('latin1')}`;
    }
  }

  async #answer(source: string): Promise<void> {
    const [, tag = '*', verb = '', rest = ''] = /^([^\s(){%*"\\+]+) ([A-Za-z]+)(?: (.*))?$/s.exec(source) ?? [];
    try {
      if (verb === '') throw new ImapSyntaxError('Invalid tag or command');
      const parameters = parseArguments(rest);
      const uid = verb.toUpperCase() === 'UID';
      const name = uid ? `UID ${textOf(parameters.shift()).toUpperCase()}` : verb.toUpperCase();
      this.#log.commands.push(name);
      const completion = await this.#execute({ tag, name, parameters });
      if (completion === undefined) return;
      this.#commands?.sync(!['FETCH', 'STORE', 'SEARCH'].includes(name));
      this.#complete(tag, completion);
    } catch (error) {
      if (!(error instanceof ImapSyntaxError)) throw error;
      this.#log.protocolErrors.push(error.message);
      this.#complete(tag, `BAD ${error.message}`);
    }
  }

  /** The completion, or undefined when all has been said. */
  async #execute({ tag, name, parameters }: Command): Promise<string | undefined> {
    switch (name) {
      case 'CAPABILITY':
        this.#send(`* CAPABILITY ${this.#capabilities()}`);
        return 'OK Thats all she wrote! (Success)';
      case 'NOOP':
      case 'CHECK':
        return 'OK Success';
      case 'ID':
        this.#send(
          '* ID ("name" "GImap" "vendor" "Google, Inc." "support-url" "https://support.google.com/mail" "remote-host" "127.0.0.1")',
        );
        return 'OK Success';
      case 'LOGOUT':
        this.#send('* BYE LOGOUT Requested');
        this.#complete(tag, 'OK 73 good day (Success)');
        this.#open = false;
        return undefined;
      case 'STARTTLS':
        return this.#startTls(tag);
      case 'LOGIN':
        return this.#login(tag, utf8(textOf(parameters[0])), utf8(textOf(parameters[1])));
      case 'AUTHENTICATE':
        return this.#authenticate(tag, parameters);
      case 'IDLE':
        return this.#idle();
    }
    if (this.#commands === undefined) throw new ImapSyntaxError('Unknown command, or not allowed before login');
    return this.#commands.execute(name, parameters);
  }

  #capabilities(): string {
    const common = ['IMAP4rev1', 'UNSELECT', 'IDLE', 'NAMESPACE', 'ID', 'CHILDREN', 'LITERAL+'];
    if (this.#services.gmailExtensions) common.push('X-GM-EXT-1');
    if (!this.#connection.encrypted) return [...common, 'STARTTLS', 'LOGINDISABLED'].join(' ');
    return [...common, ...(this.#commands === undefined ? ['SASL-IR', 'AUTH=XOAUTH2', 'AUTH=PLAIN'] : ['UIDPLUS', 'SPECIAL-USE'])].join(
      ' ',
    );
  }

  async #startTls(tag: string): Promise<string | undefined> {
    if (this.#connection.encrypted) throw new ImapSyntaxError('Already encrypted');
    if (this.#connection.pending > 0) this.#log.protocolErrors.push('commands in clear after STARTTLS');
    this.#complete(tag, 'OK Begin TLS negotiation now');
    this.#open = await this.#connection.secure(this.#services.secureContext);
    if (!this.#open) this.#log.protocolErrors.push('TLS handshake failed');
    return undefined;
  }

  async #authenticate(tag: string, parameters: ImapToken[]): Promise<string | undefined> {
    const method = textOf(parameters[0]).toUpperCase();
    if (!['PLAIN', 'XOAUTH2'].includes(method)) return 'NO [CANNOT] Unsupported authentication mechanism (Failure)';
    if (parameters[1] === undefined) this.#send('+ ');
    const response = parameters[1] === undefined ? (await this.#connection.line(LINE_BYTES))?.text : textOf(parameters[1]);
    if (response === undefined) return undefined;
    if (method === 'XOAUTH2') {
      const { user, token } = parseXoauth2(decodeBase64(response));
      if (this.#services.tokens.isValid(user, token)) return this.#login(tag, user, undefined);
      this.#log.logins.push({ user, outcome: 'refused' });
      this.#send(`+ ${Buffer.from(TOKEN_REFUSED).toString('base64')}`);
      await this.#connection.line(LINE_BYTES);
      return LOGIN_REPLIES.refused;
    }
    const parts = decodeBase64(response)?.split('\0');
    if (parts?.length !== 3) throw new ImapSyntaxError('Invalid SASL argument');
    return this.#login(tag, parts[1] ?? '', parts[2] ?? '');
  }

  /** `password` undefined: a token has been accepted already. */
  async #login(tag: string, user: string, password: string | undefined): Promise<string | undefined> {
    if (!this.#connection.encrypted) return 'NO [PRIVACYREQUIRED] Encryption required (Failure)';
    if (this.#commands !== undefined) throw new ImapSyntaxError('Already logged in');
    const entry: ImapSession['logins'][number] = { user, outcome: 'scripted' };
    this.#log.logins.push(entry);
    if (await this.#scripted('auth', tag, user)) return undefined;
    const outcome = password === undefined ? 'accepted' : this.#services.accounts.check(user, password);
    entry.outcome = outcome;
    const mailbox = this.#services.post.mailbox(user);
    if (outcome !== 'accepted') return LOGIN_REPLIES[outcome];
    if (mailbox === undefined) return GMAIL_IMAP_REPLIES.systemError;
    this.#commands = new ImapCommands(mailbox, this.#services.gmailExtensions, (text) => this.#send(text));
    this.#send(`* CAPABILITY ${this.#capabilities()}`);
    return `OK ${user} authenticated (Success)`;
  }

  /** Tells arrivals at once until the client says DONE. */
  async #idle(): Promise<string | undefined> {
    const commands = this.#commands;
    if (commands === undefined) throw new ImapSyntaxError('Unknown command, or not allowed before login');
    const selection: Selection | undefined = commands.selection;
    this.#send('+ idling');
    commands.sync(true);
    const stop = selection?.folder.onChange(() => commands.sync(true));
    const line = await this.#connection.line(LINE_BYTES);
    stop?.();
    if (line === undefined) return undefined;
    if (line.text.toUpperCase() !== 'DONE') throw new ImapSyntaxError('Expected DONE');
    return 'OK IDLE terminated (Success)';
  }

  /** True when a failure rule has answered or closed the connection. */
  async #scripted(stage: FailureStage, tag?: string, user?: string): Promise<boolean> {
    const action = this.#services.rules.apply({ protocol: 'imap', stage, user });
    if (action === undefined) return false;
    if ('delayMs' in action) await systemClock.sleep(action.delayMs, this.#services.signal).catch(() => undefined);
    if ('drop' in action) {
      this.#open = false;
      this.#connection.drop();
    }
    if ('reply' in action && tag === undefined) this.#send(action.reply);
    else if ('reply' in action) this.#complete(tag ?? '*', action.reply);
    return !('delayMs' in action);
  }

  /** Sends a completion; lines before its last are untagged and stand as they are. */
  #complete(tag: string, completion: string): void {
    const lines = completion.split('\r\n');
    this.#send([...lines.slice(0, -1), `${tag} ${lines.at(-1)}`].join('\r\n'));
  }

  #send(line: string): void {
    this.#connection.write(Buffer.from(`${line}\r\n`, 'latin1'));
  }
}

const utf8 = (latin1: string): string => Buffer.from(latin1, 'latin1').toString('utf8');
