import { cancelled } from '../core/deadline.ts';
import { asCameraEmailError, CameraEmailError, isCameraEmailError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import type { MailAccount } from './account.ts';
import type { ComposedMail } from './compose.ts';
import type { MailTimeouts } from './connect.ts';
import { MAIL_TIMEOUTS } from './connect.ts';
import { GMAIL } from './gmail.ts';
import { mailError } from './mail-error.ts';
import { SmtpSession, sendError } from './smtp-session.ts';
import { StageLog, type StageResult } from './stages.ts';

export interface SendResult {
  messageId: string;
  accepted: string[];
  rejected: { address: string; error: CameraEmailError }[];
  /** The server's last reply. */
  response: string;
  ms: number;
}

export interface SendOptions {
  signal?: AbortSignal;
  onStage?: (stage: StageResult) => void;
}

export interface Mailer {
  /** Resolves when the server has taken the mail for at least one recipient; look at `rejected`. Rejects with a CameraEmailError. */
  send(mail: ComposedMail, options?: SendOptions): Promise<SendResult>;
  /** Drops the connections; what waits or is under way rejects with `cancelled`. */
  close(): void;
}

interface Job {
  mail: ComposedMail;
  options: SendOptions;
  since: number;
  resolve: (result: SendResult) => void;
  reject: (error: CameraEmailError) => void;
}

interface Lane {
  session: SmtpSession | undefined;
  idleTimer: NodeJS.Timeout | undefined;
}

/** Sends over warm, logged-in connections that are opened on demand and close themselves. */
export function createMailer(account: MailAccount, timeouts: MailTimeouts = MAIL_TIMEOUTS): Mailer {
  return new PooledMailer(account, timeouts);
}

// nodemailer's own pool would log in on every connection of a burst at once, also with a wrong password, and go on with the next mail.
class PooledMailer implements Mailer {
  readonly #account: MailAccount;
  readonly #timeouts: MailTimeouts;
  readonly #waiting: Job[] = [];
  readonly #idle: Lane[] = [];
  readonly #lanes = new Set<Lane>();
  readonly #closing = new AbortController();
  /** Fewer than LIMITS.mail.connections once the server has refused another connection. */
  #mostLanes: number = LIMITS.mail.connections;

  constructor(account: MailAccount, timeouts: MailTimeouts) {
    this.#account = account;
    this.#timeouts = timeouts;
  }

  send(mail: ComposedMail, options: SendOptions = {}): Promise<SendResult> {
    let withdraw = (): void => undefined;
    return new Promise<SendResult>((resolve, reject) => {
      if (this.#closing.signal.aborted || options.signal?.aborted) {
        reject(cancelled());
        return;
      }
      const tooLarge = sizeError(mail, this.#account);
      if (tooLarge !== undefined) {
        reject(tooLarge);
        return;
      }
      const job: Job = { mail, options, since: performance.now(), resolve, reject };
      withdraw = () => this.#withdraw(job);
      options.signal?.addEventListener('abort', withdraw, { once: true });
      this.#waiting.push(job);
      this.#assign();
    }).finally(() => options.signal?.removeEventListener('abort', withdraw));
  }

  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(cancelled());
    for (const job of this.#waiting.splice(0)) job.reject(cancelled());
    for (const lane of this.#lanes) this.#drop(lane);
  }

  #withdraw(job: Job): void {
    const place = this.#waiting.indexOf(job);
    if (place < 0) return;
    this.#waiting.splice(place, 1);
    job.reject(cancelled());
  }

  #assign(): void {
    while (this.#waiting.length > 0) {
      // The one used last is the warmest; the others get the chance to go idle.
      const lane = this.#idle.pop() ?? this.#newLane();
      if (lane === undefined) return;
      const job = this.#waiting.shift();
      if (job !== undefined) this.#work(lane, job);
    }
  }

  /** A new connection costs more round trips than two mails on an open one. */
  #newLane(): Lane | undefined {
    const worthIt = this.#lanes.size === 0 || this.#waiting.length > 2 * this.#lanes.size;
    if (this.#lanes.size >= this.#mostLanes || !worthIt) return undefined;
    const lane: Lane = { session: undefined, idleTimer: undefined };
    this.#lanes.add(lane);
    return lane;
  }

  async #work(lane: Lane, first: Job): Promise<void> {
    clearTimeout(lane.idleTimer);
    lane.session?.wake();
    for (let job: Job | undefined = first; job !== undefined; job = this.#waiting.shift()) {
      const signal = job.options.signal === undefined ? this.#closing.signal : AbortSignal.any([this.#closing.signal, job.options.signal]);
      const log = new StageLog(job.options.onStage);
      try {
        const session = await this.#ready(lane, log, signal);
        job.resolve(await this.#deliver(lane, session, job, log, signal));
      } catch (error) {
        if (this.#failed(lane, job, error)) return;
      }
    }
    this.#rest(lane);
  }

  async #ready(lane: Lane, log: StageLog, signal: AbortSignal): Promise<SmtpSession> {
    if (lane.session?.alive && lane.session.sent < LIMITS.mail.messagesPerConnection) return lane.session;
    lane.session?.quit();
    lane.session = undefined;
    lane.session = await SmtpSession.open(this.#account, { log, signal, timeouts: this.#timeouts });
    return lane.session;
  }

  async #deliver(lane: Lane, session: SmtpSession, job: Job, log: StageLog, signal: AbortSignal): Promise<SendResult> {
    const used = session.sent > 0;
    try {
      return await transmit(session, job.mail, this.#account, log, signal, job.since);
    } catch (error) {
      // A connection that was given up by the server while it lay idle: nothing of the mail has left, so it goes out over a new one.
      const gone = used && !session.alive && !session.dataStarted && isCameraEmailError(error, 'connection-lost') && !signal.aborted;
      if (!gone) throw error;
      return transmit(await this.#ready(lane, log, signal), job.mail, this.#account, log, signal, job.since);
    }
  }

  /** True when the lane is gone. */
  #failed(lane: Lane, job: Job, error: unknown): boolean {
    const failure = asCameraEmailError(error);
    const stopped = this.#closing.signal.aborted || job.options.signal?.aborted;
    if (stopped || lane.session !== undefined) {
      job.reject(stopped ? cancelled() : failure);
      return this.#closing.signal.aborted;
    }
    // The connection could not be opened. Others that work, or may yet, take the mail over; without any, all that waits would fail alike.
    this.#drop(lane);
    if ([...this.#lanes].some(({ session }) => session === undefined || session.alive)) {
      this.#mostLanes = Math.max(1, this.#lanes.size);
      this.#waiting.unshift(job);
      this.#assign();
      return true;
    }
    this.#mostLanes = LIMITS.mail.connections;
    for (const waiting of [job, ...this.#waiting.splice(0)]) waiting.reject(failure);
    return true;
  }

  #rest(lane: Lane): void {
    if (!lane.session?.alive) {
      this.#drop(lane);
      return;
    }
    lane.session.rest();
    lane.idleTimer = setTimeout(() => this.#drop(lane), this.#timeouts.idleMs);
    lane.idleTimer.unref();
    this.#idle.push(lane);
  }

  #drop(lane: Lane): void {
    clearTimeout(lane.idleTimer);
    this.#lanes.delete(lane);
    const place = this.#idle.indexOf(lane);
    if (place >= 0) this.#idle.splice(place, 1);
    lane.session?.quit();
    if (this.#lanes.size === 0) this.#mostLanes = LIMITS.mail.connections;
  }
}

/**
 * One mail over a fresh connection, each step told apart: dns, connect, tls, login, sender, recipient, data. Never rejects:
 * `error` says what went wrong, at the stage that is not ok.
 */
export async function sendInStages(
  account: MailAccount,
  mail: ComposedMail,
  options: SendOptions & { timeouts?: MailTimeouts } = {},
): Promise<{ stages: StageResult[]; result?: SendResult; error?: CameraEmailError }> {
  const log = new StageLog(options.onStage);
  const since = performance.now();
  let session: SmtpSession | undefined;
  try {
    const tooLarge = sizeError(mail, account);
    if (tooLarge !== undefined) throw tooLarge;
    session = await SmtpSession.open(account, { log, signal: options.signal, ...(options.timeouts ? { timeouts: options.timeouts } : {}) });
    const result = await transmit(session, mail, account, log, options.signal, since);
    return { stages: log.stages, result };
  } catch (error) {
    return { stages: log.stages, error: asCameraEmailError(error) };
  } finally {
    session?.quit();
  }
}

/** Stages sender, recipient and data on an open session, told from the replies as they come in. */
async function transmit(
  session: SmtpSession,
  mail: ComposedMail,
  account: MailAccount,
  log: StageLog,
  signal: AbortSignal | undefined,
  since: number,
): Promise<SendResult> {
  let missing = mail.envelope.to.length;
  let refusals = 0;
  log.begin('sender');
  session.onReply = (command, reply) => {
    if (log.current === 'sender' && command.startsWith('MAIL') && reply.startsWith('2')) {
      log.pass(reply);
      log.begin('recipient');
    } else if (command.startsWith('RCPT')) {
      missing -= 1;
      if (!reply.startsWith('2')) refusals += 1;
      if (missing > 0 || refusals === mail.envelope.to.length || log.current !== 'recipient') return;
      log.pass(refusals === 0 ? reply : `${mail.envelope.to.length - refusals} taken, ${refusals} refused, last: ${reply}`);
      log.begin('data');
    }
  };
  try {
    const info = await session.send(mail, signal);
    log.pass(info.response);
    const rejected = (info.rejectedErrors ?? []).map((error) => ({
      address: String(error.recipient ?? ''),
      error: mailError(error, account, 'recipient'),
    }));
    return {
      messageId: mail.messageId,
      accepted: info.accepted,
      rejected,
      response: info.response,
      ms: Math.round(performance.now() - since),
    };
  } catch (error) {
    const failure = signal?.aborted ? cancelled() : sendError(error, account, log.current ?? 'data');
    log.fail(failure);
    if (session.alive) await session.reset(signal).catch(() => session.close());
    throw failure;
  } finally {
    session.sent += 1;
    session.onReply = () => undefined;
  }
}

/** Gmail's own limit is known before anything is connected; other servers tell theirs in EHLO. */
function sizeError(mail: ComposedMail, account: MailAccount): CameraEmailError | undefined {
  if (account.service !== 'gmail' || mail.raw.length <= GMAIL.messageBytes) return undefined;
  return new CameraEmailError('message-too-large', `${mail.raw.length} bytes, at most ${GMAIL.messageBytes}`, {
    params: { bytes: mail.raw.length, limit: GMAIL.messageBytes, host: account.smtp.host, port: account.smtp.port, stage: 'data' },
  });
}
