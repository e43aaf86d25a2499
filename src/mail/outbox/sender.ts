import type { Clock } from '../../core/clock.ts';
import { asCameraEmailError, type CameraEmailError, type ErrorCode } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { type MailAccount, sameAccess } from '../account.ts';
import type { MailTimeouts } from '../connect.ts';
import { forgetRefusedLogin } from '../login-guard.ts';
import { createMailer, type Mailer, type SendResult } from '../send.ts';
import type { Hold } from './account-state.ts';
import { Alarm } from './alarm.ts';
import { consequenceOf, recipientDelay } from './backoff.ts';
import type { Holds } from './holds.ts';
import type { OutboxEvent } from './outbox-event.ts';
import { onward, rejectedOf } from './progress.ts';
import type { SentLog } from './sent-log.ts';
import type { Progress, Spool } from './spool.ts';
import { factsOf, type Waiting, type WaitingList } from './waiting.ts';

export interface SenderParts {
  account: MailAccount;
  clock: Clock;
  random: () => number;
  timeouts: MailTimeouts;
  spool: Spool;
  list: WaitingList;
  sentLog: SentLog;
  holds: Holds;
  /** False when another process has taken the folder over. */
  mayGoOn: () => Promise<boolean>;
  tell: (event: OutboxEvent) => void;
}

/** After these nobody knows whether the server has taken the mail. */
const UNANSWERED: readonly ErrorCode[] = ['connection-lost', 'timeout', 'cancelled', 'unreachable', 'internal'];

/** Takes mails from the list, hands them to the connections and draws the consequences. */
export class Sender {
  readonly #parts: SenderParts;
  readonly #alarm: Alarm;
  readonly #flying = new Map<Waiting, { done: Promise<void>; controller: AbortController }>();
  #account: MailAccount;
  #mailer: Mailer;
  #running = false;
  /** One mail shows whether the others have a chance. */
  #probing = false;
  #failures = 0;
  #failedAt = Number.NEGATIVE_INFINITY;
  /** Mails whose connection was lost while their content was under way. */
  possibleDuplicates = 0;

  constructor(parts: SenderParts) {
    this.#parts = parts;
    this.#account = parts.account;
    this.#mailer = createMailer(parts.account, parts.timeouts);
    this.#alarm = new Alarm(parts.clock, () => this.pump());
  }

  get account(): MailAccount {
    return this.#account;
  }

  /** Why nothing leaves at the moment. */
  get hold(): Hold | undefined {
    return this.#parts.holds.current(this.#account);
  }

  async start(): Promise<void> {
    await this.#parts.holds.load(this.#account);
    this.#running = true;
    this.pump();
  }

  pause(): void {
    this.#running = false;
    this.#alarm.clear();
  }

  /** Sends what may be sent now, and comes back by itself when more may. */
  pump(): void {
    if (!this.#running) return;
    const { clock, list } = this.#parts;
    const hold = this.hold;
    if (hold !== undefined) {
      if (hold.until !== undefined) this.#alarm.set(hold.until);
      return;
    }
    if (this.#parts.holds.end()) this.#probing = true;
    const { mails, nextAt } = list.ready(clock.now(), this.#room());
    this.#alarm.set(nextAt);
    let bytes = [...this.#flying.keys()].reduce((sum, { envelope }) => sum + envelope.bytes, 0);
    for (const mail of mails) {
      bytes += mail.envelope.bytes;
      if (this.#flying.size > 0 && bytes > LIMITS.outbox.inFlightBytes) return;
      const controller = new AbortController();
      mail.sending = true;
      const done = this.#attempt(mail, controller.signal).finally(() => {
        mail.sending = false;
        this.#flying.delete(mail);
        this.#parts.tell({ kind: 'changed' });
        this.pump();
      });
      this.#flying.set(mail, { done, controller });
    }
  }

  /** Another login ends every wait: it is a new start. */
  setAccount(account: MailAccount): void {
    const before = this.#account;
    this.#account = account;
    if (sameAccess(before, account)) {
      this.pump();
      return;
    }
    const old = this.#mailer;
    this.#mailer = createMailer(account, this.#parts.timeouts);
    void Promise.allSettled([...this.#flying.values()].map(({ done }) => done)).then(() => old.close());
    this.resume();
  }

  /** Tries again after a refused login: the account was edited or verified. */
  resume(): void {
    forgetRefusedLogin(this.#account);
    this.#release();
  }

  /** Tries now what waits for a better moment. A refused login stays refused. */
  flush(): void {
    for (const mail of this.#parts.list.all()) mail.notBefore = 0;
    if (!this.#parts.holds.stopped) this.#release();
  }

  /** True when it is certain that the mail does not leave. */
  withdraw(mail: Waiting): boolean {
    if (mail.began) return false;
    mail.cancelled = true;
    this.#flying.get(mail)?.controller.abort();
    return true;
  }

  /** Waits for mails whose content is under way, at most LIMITS.outbox.closeMs; the others go back to the queue. */
  async close(): Promise<void> {
    this.pause();
    const flights = [...this.#flying];
    for (const [mail, { controller }] of flights) if (!mail.began) controller.abort();
    const timer = setTimeout(() => this.#mailer.close(), LIMITS.outbox.closeMs);
    await Promise.allSettled(flights.map(([, { done }]) => done));
    clearTimeout(timer);
    this.#mailer.close();
  }

  #room(): number {
    const { sentLog, clock } = this.#parts;
    const { dailyLimit } = this.#account;
    const left = dailyLimit === 0 ? Number.POSITIVE_INFINITY : dailyLimit - sentLog.count(clock.now());
    return Math.max(0, Math.min(this.#probing ? 1 : LIMITS.outbox.inFlight, left) - this.#flying.size);
  }

  #release(): void {
    if (this.#parts.holds.end()) this.#probing = true;
    this.#failures = 0;
    this.pump();
  }

  async #attempt(mail: Waiting, signal: AbortSignal): Promise<void> {
    const { spool, clock, mayGoOn, list, sentLog, tell } = this.#parts;
    const startedAt = clock.now();
    const { id, messageId, from, to } = mail.envelope;
    try {
      if (!(await mayGoOn())) return;
      if (sentLog.has(id)) {
        // Delivered and told; only its file could not be removed.
        await spool.remove(id);
        list.remove(mail);
        return;
      }
      const raw = await spool.read(id);
      if (!Buffer.isBuffer(raw)) {
        list.remove(mail);
        if (raw !== undefined) tell({ kind: 'problem', problem: 'damaged', file: raw.movedTo });
        return;
      }
      let result: SendResult;
      try {
        const composed = { messageId, envelope: { from, to: mail.progress?.to ?? to }, raw };
        result = await this.#mailer.send(composed, {
          signal,
          onStage: ({ stage, ok }) => {
            if (stage !== 'recipient' || !ok) return;
            mail.began = true;
            spool.begin(id);
          },
        });
      } catch (error) {
        await this.#failed(mail, asCameraEmailError(error), startedAt);
        return;
      }
      await this.#accepted(mail, result);
    } catch (cause) {
      // The disk: what has been sent is known in memory and is not sent again by this process.
      mail.notBefore = clock.now() + 60_000;
      tell({ kind: 'problem', problem: 'disk', file: `${id}.eml`, cause });
    } finally {
      mail.began = false;
    }
  }

  async #accepted(mail: Waiting, { accepted, rejected, response }: SendResult): Promise<void> {
    const { clock, sentLog, spool, random } = this.#parts;
    const { id } = mail.envelope;
    const now = clock.now();
    const later = rejected.filter(({ error }) => error.retryable);
    const written = sentLog.add(now, later.length === 0 ? id : undefined);
    if (!written || !(await sentLog.synced())) this.#parts.tell({ kind: 'problem', problem: 'disk', file: 'sent.log' });
    this.#failures = 0;
    this.#probing = false;
    mail.attempts += 1;
    const progress = onward(mail, accepted, rejected);
    if (later.length === 0) {
      await this.#finished(mail, progress, response);
      return;
    }
    mail.progress = progress;
    mail.notBefore =
      now +
      recipientDelay(
        later.map(({ error }) => error),
        mail.failures,
        random,
      );
    mail.failures += 1;
    await spool.saveProgress(id, progress);
    await spool.backToWaiting(id);
  }

  async #finished(mail: Waiting, progress: Progress, response: string): Promise<void> {
    const { list, spool, sentLog, clock, tell } = this.#parts;
    tell({
      kind: 'delivered',
      mail: factsOf(mail),
      accepted: progress.accepted,
      rejected: rejectedOf(progress),
      response,
      deliveredAt: clock.now(),
    });
    await spool.remove(mail.envelope.id);
    list.remove(mail);
    sentLog.forget(mail.envelope.id);
  }

  async #failed(mail: Waiting, error: CameraEmailError, startedAt: number): Promise<void> {
    const { clock, random, spool, list, holds, tell } = this.#parts;
    const { id } = mail.envelope;
    if (mail.cancelled) {
      await spool.remove(id);
      list.remove(mail);
      return;
    }
    if (mail.began && UNANSWERED.includes(error.code)) this.possibleDuplicates += 1;
    const consequence = consequenceOf(error, { account: this.#failures, mail: mail.failures }, random);
    if (consequence.scope !== 'none') mail.attempts += 1;
    if (consequence.scope === 'refused') {
      if (mail.progress !== undefined && mail.progress.accepted.length > 0) {
        await this.#finished(
          mail,
          onward(
            mail,
            [],
            mail.progress.to.map((address) => ({ address, error })),
          ),
          error.deviceSays ?? '',
        );
        return;
      }
      const file = await spool.fail(id, { code: error.code, deviceSays: error.deviceSays, at: new Date(clock.now()).toISOString() });
      list.remove(mail);
      tell({ kind: 'failed', mail: factsOf(mail), error, expired: false, file });
      return;
    }
    if (mail.began) await spool.backToWaiting(id);
    const now = clock.now();
    if (consequence.scope === 'mail') {
      mail.failures += 1;
      mail.notBefore = now + consequence.delayMs;
    } else if (consequence.scope === 'stop') {
      const { stopped } = holds;
      holds.set({ error, until: undefined }, this.#account);
      if (!stopped) tell({ kind: 'stopped', error });
    } else if (consequence.scope === 'account') {
      // What was under way when the trouble began belongs to the same trouble.
      if (startedAt > this.#failedAt || this.#failures === 0) {
        this.#failures += 1;
        this.#failedAt = now;
        if (!holds.stopped) holds.set({ error, until: now + consequence.delayMs }, this.#account);
      }
      // Answers to one mail only: after the wait let another one try first.
      if (error.deviceSays !== undefined && error.params.stage === 'data') mail.notBefore = now + consequence.delayMs + 1_000;
    }
  }
}
