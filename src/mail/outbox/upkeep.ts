import type { Clock } from '../../core/clock.ts';
import { CameraEmailError } from '../../core/errors.ts';
import { type ComposedMail, composeMail } from '../compose.ts';
import type { Say, TimeStyle } from '../mail-texts.ts';
import { Alarm } from './alarm.ts';
import type { Digests } from './digests.ts';
import type { StoredEnvelope } from './envelope.ts';
import type { Expired } from './expired.ts';
import type { OutboxEvent } from './outbox-event.ts';
import type { MailOrder, Receipt } from './outbox-types.ts';
import type { Sender } from './sender.ts';
import type { SentLog } from './sent-log.ts';
import type { Spool } from './spool.ts';
import { digestMail } from './summaries.ts';
import { factsOf, type Waiting, type WaitingList } from './waiting.ts';

export interface UpkeepParts {
  clock: Clock;
  spool: Spool;
  list: WaitingList;
  sentLog: SentLog;
  digests: Digests;
  expired: Expired;
  sender: Sender;
  say: Say;
  time: TimeStyle;
  accept: (mail: ComposedMail, order: MailOrder, changes: Partial<StoredEnvelope>) => Promise<Receipt>;
  tell: (event: OutboxEvent) => void;
}

const AFTER_TROUBLE_MS = 60_000;

/** What becomes due with time: digests whose interval is over, and mails that are too old to be sent. */
export class Upkeep {
  readonly #parts: UpkeepParts;
  readonly #alarm: Alarm;
  #running = false;
  #checking: Promise<void> = Promise.resolve();

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
    this.#alarm = new Alarm(parts.clock, () => this.#check());
  }

  start(): void {
    this.#running = true;
    this.#check();
  }

  wakeAt(at: number): void {
    if (this.#running) this.#alarm.set(at);
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#alarm.clear();
    await this.#checking;
    await this.#parts.digests.lane.run(undefined, async () => undefined);
  }

  /** Queues the digests of the windows that are due. */
  release(due: (until: number) => boolean): Promise<void> {
    const { clock, digests, list, sentLog, sender, say, time, accept } = this.#parts;
    return digests.lane.run(undefined, async () => {
      for (const key of digests.keys(due)) {
        const window = await digests.read(key);
        if (window?.held === undefined) {
          if (window === undefined || window.until <= clock.now()) await digests.end(key);
          continue;
        }
        const { id, about, input, topic, owner, reference } = window.held;
        if (!list.has(id) && !sentLog.has(id)) {
          const content = digestMail(input, about, say, time);
          const { count, firstAt, lastAt } = about;
          const mail = await composeMail(content, sender.account);
          await accept(mail, { topic, subject: content.subject, owner, reference }, { id, digest: { count, firstAt, lastAt } });
        }
        await digests.begin(key, window.intervalMs, clock.now());
      }
      this.wakeAt(digests.nextAt);
    });
  }

  #check(): void {
    this.#checking = this.#checking.then(async () => {
      if (!this.#running) return;
      const { clock, digests, list, tell } = this.#parts;
      const now = clock.now();
      try {
        await this.release((until) => until <= now);
        await this.#expire(now);
      } catch (cause) {
        tell({ kind: 'problem', problem: 'disk', file: '', cause });
        this.wakeAt(now + AFTER_TROUBLE_MS);
        return;
      }
      this.wakeAt(digests.nextAt);
      this.wakeAt(list.nextExpiry());
    });
  }

  async #expire(now: number): Promise<void> {
    const { spool, list, sentLog, expired, sender, say, time, accept } = this.#parts;
    const old = list.all().filter(({ envelope: { expiresAt }, sending }) => !sending && expiresAt !== undefined && expiresAt <= now);
    for (const mail of old) await this.#giveUp(mail);
    const about = await expired.merge(
      old.map(({ envelope }) => envelope),
      spool.newId(now),
    );
    if (about === undefined || list.has(about.id) || sentLog.has(about.id)) return;
    const earlier = list.all().filter(({ envelope }) => envelope.summary);
    const mail = await composeMail(expired.mail(about, say, time), sender.account);
    await accept(mail, { topic: '', subject: '' }, { id: about.id, summary: true });
    for (const one of earlier) {
      if (!sender.withdraw(one) || one.sending) continue;
      list.remove(one);
      await spool.remove(one.envelope.id);
    }
  }

  async #giveUp(mail: Waiting): Promise<void> {
    const { sender, spool, list, tell } = this.#parts;
    const error =
      sender.hold?.error ?? new CameraEmailError('timeout', 'too old to be sent', { retryable: false, params: { field: 'expired' } });
    const file = await spool.fail(mail.envelope.id, { code: error.code, expired: true });
    list.remove(mail);
    tell({ kind: 'failed', mail: factsOf(mail), error, expired: true, file });
  }
}
