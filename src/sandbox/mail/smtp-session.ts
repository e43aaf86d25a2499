import type { SecureContext } from 'node:tls';
import { systemClock } from '../../core/clock.ts';
import { decodeWords } from '../../mail/encoded-words.ts';
import type { Accounts } from './accounts.ts';
import type { Connection } from './connection.ts';
import { type FailureRules, type FailureStage, isDeliveryAction, type Situation } from './failure-rules.ts';
import { delivered, ehloLines, GMAIL_REPLIES } from './gmail-replies.ts';
import { findField, parseFields, splitMessage } from './message.ts';
import type { PostOffice } from './post-office.ts';
import type { SmtpSession } from './session-log.ts';
import { readCredentials } from './smtp-auth.ts';
import type { TokenOffice } from './token-office.ts';

export interface SmtpServices {
  accounts: Accounts;
  tokens: TokenOffice;
  post: PostOffice;
  rules: FailureRules;
  secureContext: SecureContext;
  maxMessageBytes: number;
  /** Aborts when the sandbox closes: scripted delays end. */
  signal: AbortSignal;
}

interface Transaction {
  from: string;
  to: string[];
  /** What BDAT has brought so far. */
  chunks: Buffer[];
}

const COMMAND_BYTES = 2048;
const MAX_RECIPIENTS = 100;
const END_OF_DATA = Buffer.from('\r\n.\r\n');
const MAIL_PARAMETERS = /^(?:SIZE=\d{1,20}|BODY=(?:7BIT|8BITMIME|BINARYMIME)|SMTPUTF8|AUTH=\S+|RET=\S+|ENVID=\S+)$/i;
const HELO_NAME = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.?|\[[0-9a-z:.]+\])$/i;

const LOGIN_REPLIES = {
  accepted: GMAIL_REPLIES.loginAccepted,
  refused: GMAIL_REPLIES.badCredentials,
  'app-password-required': GMAIL_REPLIES.appPasswordRequired,
  'too-many': GMAIL_REPLIES.tooManyLogins,
} as const;

/** One connection to smtp.gmail.com, from connect to close. */
export class SmtpConversation {
  readonly #connection: Connection;
  readonly #services: SmtpServices;
  readonly #log: SmtpSession;
  #open = true;
  #helo: string | undefined;
  #user: string | undefined;
  #transaction: Transaction | undefined;

  readonly #verbs: Readonly<Record<string, (argument: string) => Promise<void> | void>> = {
    EHLO: (argument) => this.#hello(argument, true),
    HELO: (argument) => this.#hello(argument, false),
    STARTTLS: (argument) => this.#startTls(argument),
    AUTH: (argument) => this.#auth(argument),
    MAIL: (argument) => this.#mail(argument),
    RCPT: (argument) => this.#recipient(argument),
    DATA: (argument) => this.#data(argument),
    BDAT: (argument) => this.#chunk(argument),
    RSET: () => {
      this.#transaction = undefined;
      this.#reply(GMAIL_REPLIES.flushed);
    },
    NOOP: () => this.#reply(GMAIL_REPLIES.noop),
    VRFY: () => this.#reply(GMAIL_REPLIES.verify),
    HELP: () => this.#reply(GMAIL_REPLIES.help),
    QUIT: () => {
      this.#reply(GMAIL_REPLIES.goodbye);
      this.#open = false;
    },
  };

  constructor(connection: Connection, services: SmtpServices, log: SmtpSession) {
    this.#connection = connection;
    this.#services = services;
    this.#log = log;
  }

  async run(): Promise<void> {
    if (await this.#begin()) await this.#converse();
    this.#log.closed = true;
    this.#connection.end();
  }

  async #begin(): Promise<boolean> {
    if (await this.#scripted('connect')) return false;
    if (this.#log.tls === 'implicit' && !(await this.#secure())) return false;
    if (await this.#scripted('greeting')) return false;
    this.#reply(GMAIL_REPLIES.greeting);
    return true;
  }

  async #converse(): Promise<void> {
    while (this.#open) {
      const line = await this.#connection.line(COMMAND_BYTES);
      if (line === undefined) return;
      if (line.bareLf) this.#log.protocolErrors.push('command ends in a bare LF');
      const [, verb = '', argument = ''] = /^(\S*)(?: +(.*))?$/s.exec(line.text) ?? [];
      const handler = Object.hasOwn(this.#verbs, verb.toUpperCase()) ? this.#verbs[verb.toUpperCase()] : undefined;
      this.#log.commands.push(handler === undefined ? '?' : verb.toUpperCase());
      if (line.overflow) this.#complain(GMAIL_REPLIES.lineTooLong);
      else if (handler === undefined) this.#complain(GMAIL_REPLIES.unknownCommand);
      else await handler(argument);
    }
  }

  async #secure(): Promise<boolean> {
    const secured = await this.#connection.secure(this.#services.secureContext);
    if (!secured) this.#log.protocolErrors.push('TLS handshake failed');
    this.#log.tlsVersion = this.#connection.tlsVersion;
    return secured;
  }

  async #hello(name: string, extended: boolean): Promise<void> {
    if (await this.#scripted('ehlo')) return;
    if (!HELO_NAME.test(name)) {
      this.#complain(name.trim() === '' ? GMAIL_REPLIES.helloEmpty : GMAIL_REPLIES.helloInvalid);
      this.#open = false;
      return;
    }
    this.#helo = name;
    this.#log.ehlo = name;
    this.#transaction = undefined;
    const lines = ehloLines(this.#connection.peer, this.#connection.encrypted, this.#services.maxMessageBytes);
    const shown = extended ? lines : lines.slice(0, 1);
    this.#reply(shown.map((line, index) => `250${index < shown.length - 1 ? '-' : ' '}${line}`).join('\r\n'));
  }

  async #startTls(argument: string): Promise<void> {
    if (argument !== '') return this.#complain(GMAIL_REPLIES.syntax);
    if (this.#helo === undefined) return this.#complain(GMAIL_REPLIES.helloFirst);
    if (this.#connection.encrypted) return this.#complain(GMAIL_REPLIES.badSequence);
    if (this.#connection.pending > 0) this.#log.protocolErrors.push('commands in clear after STARTTLS');
    this.#reply(GMAIL_REPLIES.readyForTls);
    this.#helo = undefined;
    this.#transaction = undefined;
    this.#log.tls = 'starttls';
    this.#open = await this.#secure();
  }

  async #auth(argument: string): Promise<void> {
    if (this.#helo === undefined) return this.#complain(GMAIL_REPLIES.helloFirst);
    if (!this.#connection.encrypted) return this.#complain(GMAIL_REPLIES.startTlsFirst);
    if (this.#user !== undefined || this.#transaction !== undefined) return this.#complain(GMAIL_REPLIES.badSequence);
    if (argument.trim() === '') return this.#complain(GMAIL_REPLIES.syntax);
    const method = argument.trim().split(' ')[0]?.toUpperCase() ?? '';
    const isToken = (user: string, token: string) => this.#services.tokens.isValid(user, token);
    const login = await readCredentials(this.#connection, argument, isToken);
    if (login === undefined) return;
    const entry: SmtpSession['logins'][number] = { method, user: login.user, outcome: 'unreadable' };
    this.#log.logins.push(entry);
    if (await this.#scripted('auth', { user: login.user })) {
      entry.outcome = 'scripted';
      return;
    }
    if ('reply' in login) {
      if (login.reply === GMAIL_REPLIES.badCredentials) entry.outcome = 'refused';
      return this.#complain(login.reply);
    }
    entry.outcome = 'token' in login ? 'accepted' : this.#services.accounts.checkCounting(login.user, login.password, Date.now());
    if (entry.outcome === 'accepted') this.#user = login.user.toLowerCase();
    this.#reply(LOGIN_REPLIES[entry.outcome]);
  }

  async #mail(argument: string): Promise<void> {
    if (this.#helo === undefined) return this.#complain(GMAIL_REPLIES.helloFirst);
    if (!this.#connection.encrypted) return this.#complain(GMAIL_REPLIES.startTlsFirst);
    if (this.#user === undefined) return this.#complain(GMAIL_REPLIES.authenticationRequired);
    if (this.#transaction !== undefined) return this.#complain(GMAIL_REPLIES.badSequence);
    const [, from, rest = ''] = /^FROM: ?<([^<>\s]*)>((?: +\S+)*) *$/i.exec(argument) ?? [];
    const parameters = rest.split(' ').filter((parameter) => parameter !== '');
    if (from === undefined || !parameters.every((parameter) => MAIL_PARAMETERS.test(parameter))) {
      return this.#complain(GMAIL_REPLIES.syntax);
    }
    if (from !== '' && !isAddress(from)) return this.#complain(GMAIL_REPLIES.senderAddress);
    const size = parameters.map((parameter) => /^SIZE=(\d+)$/i.exec(parameter)?.[1]).find((digits) => digits !== undefined);
    if (await this.#scripted('mail', { sender: from })) return;
    if (Number(size ?? 0) > this.#services.maxMessageBytes) return this.#reply(GMAIL_REPLIES.tooLarge);
    this.#transaction = { from, to: [], chunks: [] };
    this.#reply(GMAIL_REPLIES.senderOk);
  }

  async #recipient(argument: string): Promise<void> {
    if (this.#transaction === undefined) return this.#complain(GMAIL_REPLIES.mailFirst);
    const [, to] = /^TO: ?<([^<>\s]*)>(?: +(?:NOTIFY|ORCPT)=\S+)* *$/i.exec(argument) ?? [];
    if (to === undefined) return this.#complain(GMAIL_REPLIES.syntax);
    if (!isAddress(to)) return this.#complain(GMAIL_REPLIES.recipientAddress);
    if (await this.#scripted('rcpt', { recipients: [to] })) return;
    if (!/@(?:.+\..+|\[.+\])$/.test(to)) return this.#reply(GMAIL_REPLIES.noSuchDomain);
    if (this.#transaction.to.length >= MAX_RECIPIENTS) return this.#reply(GMAIL_REPLIES.tooManyRecipients);
    if (this.#services.post.isUnknownUser(to)) return this.#reply(GMAIL_REPLIES.noSuchUser);
    this.#transaction.to.push(to);
    this.#reply(GMAIL_REPLIES.recipientOk);
  }

  async #data(argument: string): Promise<void> {
    const transaction = this.#transaction;
    if (argument !== '') return this.#complain(GMAIL_REPLIES.syntax);
    if (transaction === undefined) return this.#complain(GMAIL_REPLIES.mailFirst);
    if (transaction.to.length === 0) return this.#complain(GMAIL_REPLIES.recipientFirst);
    if (transaction.chunks.length > 0) return this.#complain(GMAIL_REPLIES.badSequence);
    this.#reply(GMAIL_REPLIES.goAhead);
    // The line end of DATA itself counts: an empty message is a lone dot.
    this.#connection.unread(Buffer.from('\r\n'));
    const received = await this.#connection.until(END_OF_DATA, this.#services.maxMessageBytes + 2);
    if (received === undefined) return;
    if (received.overflow) return this.#refuse(GMAIL_REPLIES.tooLarge);
    const content = received.bytes.toString('latin1').replaceAll('\r\n..', '\r\n.').slice(2);
    await this.#submit(transaction, Buffer.from(`${content}\r\n`, 'latin1'));
  }

  async #chunk(argument: string): Promise<void> {
    const [, digits, last] = /^(\d{1,9})( LAST)?$/i.exec(argument) ?? [];
    if (digits === undefined) return this.#complain(GMAIL_REPLIES.syntax);
    const transaction = this.#transaction;
    const soFar = transaction?.chunks.reduce((sum, chunk) => sum + chunk.length, 0) ?? 0;
    if (soFar + Number(digits) > this.#services.maxMessageBytes) {
      this.#refuse(GMAIL_REPLIES.tooLarge);
      this.#open = false;
      return;
    }
    const chunk = await this.#connection.bytes(Number(digits));
    if (chunk === undefined) return;
    if (transaction === undefined) return this.#complain(GMAIL_REPLIES.mailFirst);
    if (transaction.to.length === 0) return this.#complain(GMAIL_REPLIES.recipientFirst);
    transaction.chunks.push(chunk);
    if (last === undefined) this.#reply(GMAIL_REPLIES.noop);
    else await this.#submit(transaction, Buffer.concat(transaction.chunks));
  }

  async #submit({ from, to }: Transaction, content: Buffer): Promise<void> {
    const subject = decodeWords(findField(parseFields(splitMessage(content).head.toString('latin1')), 'subject')?.value ?? '');
    const situation = { sender: from, recipients: to, subject };
    const entry = { from, to, bytes: content.length, delivered: false };
    this.#log.transactions.push(entry);
    this.#transaction = undefined;
    if (await this.#scripted('data', situation)) return;
    this.#services.post.submit({
      content,
      envelope: { from, to },
      account: this.#user ?? from,
      heloName: this.#helo ?? '',
      peer: this.#connection.peer,
      subject,
    });
    entry.delivered = true;
    if (!(await this.#scripted('delivered', situation))) this.#reply(delivered(Date.now()));
  }

  /** True when a failure rule has answered or closed the connection; a rule that delays lets the normal answer follow. */
  async #scripted(stage: FailureStage, known: Partial<Situation> = {}): Promise<boolean> {
    const situation: Situation = { protocol: 'smtp', stage, user: this.#user, sender: this.#transaction?.from, ...known };
    const action = this.#services.rules.apply(situation, (candidate) => !isDeliveryAction(candidate));
    if (action === undefined) return false;
    if ('delayMs' in action) await systemClock.sleep(action.delayMs, this.#services.signal).catch(() => undefined);
    if ('drop' in action) {
      this.#open = false;
      this.#connection.drop();
    }
    if ('reply' in action) this.#reply(action.reply);
    return !('delayMs' in action);
  }

  #refuse(reply: string): void {
    this.#transaction = undefined;
    this.#reply(reply);
  }

  #complain(reply: string): void {
    this.#log.protocolErrors.push(reply.split('\r\n')[0] ?? '');
    this.#reply(reply);
  }

  #reply(reply: string): void {
    this.#log.codes.push(Number(reply.slice(0, 3)));
    this.#connection.write(`${reply}\r\n`);
    if (reply.startsWith('421')) this.#open = false;
  }
}

function isAddress(text: string): boolean {
  return /^[^@\s]+@[^@\s]+$/.test(text);
}
