import { type Clock, systemClock } from '../../core/clock.ts';
import { cancelled } from '../../core/deadline.ts';
import { CameraEmailError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { MailAccount } from '../account.ts';
import type { ComposedMail } from '../compose.ts';
import { MAIL_TIMEOUTS } from '../connect.ts';
import { AccountState } from './account-state.ts';
import { Digests } from './digests.ts';
import type { StoredEnvelope } from './envelope.ts';
import { Expired } from './expired.ts';
import { Holds } from './holds.ts';
import { SpoolLock } from './lock.ts';
import type { OutboxEvent } from './outbox-event.ts';
import type { MailOrder, OutboxCaps, OutboxOptions, OutboxState, Receipt } from './outbox-types.ts';
import { Sender } from './sender.ts';
import { SentLog } from './sent-log.ts';
import { Spool, spoolError } from './spool.ts';
import { diskFiles } from './spool-files.ts';
import { Upkeep } from './upkeep.ts';
import { WaitingList, waiting } from './waiting.ts';

export type { MailOrder, OutboxCaps, OutboxOptions, OutboxState, Receipt } from './outbox-types.ts';

/** The durable queue of one account. Everything that mails through the account shares it. */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #clock: Clock;
  readonly #caps: OutboxCaps;
  readonly #spool: Spool;
  readonly #lock: SpoolLock;
  readonly #list = new WaitingList();
  readonly #sentLog: SentLog;
  readonly #digests: Digests;
  readonly #expired: Expired;
  readonly #holds: Holds;
  readonly #sender: Sender;
  readonly #upkeep: Upkeep;
  /** Being written: already on disk, perhaps, but not yet promised. */
  readonly #accepting = new Map<string, number>();
  #beat: NodeJS.Timeout | undefined;
  #owner = false;
  #closed = false;

  private constructor(options: OutboxOptions) {
    const { directory, account, files = diskFiles, clock = systemClock } = options;
    this.#options = options;
    this.#clock = clock;
    this.#caps = { mails: LIMITS.outbox.mails, bytes: LIMITS.outbox.bytes, ageMs: LIMITS.outbox.ageMs, ...options.caps };
    this.#spool = new Spool(directory, files);
    this.#lock = new SpoolLock(directory);
    this.#sentLog = new SentLog(directory, files);
    this.#digests = new Digests(directory, files);
    this.#expired = new Expired(directory, files);
    this.#holds = new Holds(new AccountState(directory, files), this.#sentLog, clock, (event) => this.#tell(event));
    this.#sender = new Sender({
      account,
      clock,
      random: options.random ?? Math.random,
      timeouts: options.timeouts ?? MAIL_TIMEOUTS,
      spool: this.#spool,
      list: this.#list,
      sentLog: this.#sentLog,
      holds: this.#holds,
      mayGoOn: async () => !this.#lock.inDoubt || this.#renew(),
      tell: (event) => this.#tell(event),
    });
    this.#upkeep = new Upkeep({
      clock,
      spool: this.#spool,
      list: this.#list,
      sentLog: this.#sentLog,
      digests: this.#digests,
      expired: this.#expired,
      sender: this.#sender,
      say: options.say,
      time: options.time ?? {},
      accept: (mail, order, changes) => this.#accept(mail, order, changes),
      tell: (event) => this.#tell(event),
    });
  }

  /** Rejects with `spool-full` when the directory cannot be written. */
  static async open(options: OutboxOptions): Promise<Outbox> {
    const outbox = new Outbox(options);
    try {
      await outbox.#spool.prepare();
      await outbox.#takeOver();
    } catch (error) {
      await outbox.close();
      throw spoolError(error);
    }
    outbox.#beat = setInterval(() => void outbox.#onBeat(), LIMITS.outbox.lockBeatMs).unref();
    return outbox;
  }

  /** Resolves when the mail is safe on disk. Rejects with `spool-full` or `cancelled`; then nothing of it is kept. */
  async add(mail: ComposedMail, order: MailOrder): Promise<Receipt> {
    const { digest } = order;
    // A process that does not send cannot know when the last mail of a topic left.
    if (digest === undefined || digest.intervalMs <= 0 || !this.#owner) return this.#accept(mail, order);
    return this.#digests.lane.run(undefined, async () => {
      const now = this.#clock.now();
      try {
        if (this.#digests.isOpen(digest.key, now)) {
          const receipt = await this.#accept(mail, order);
          await this.#digests.begin(digest.key, digest.intervalMs, now);
          return receipt;
        }
        const { topic, owner, reference, subject = '' } = order;
        const fresh = { id: this.#spool.newId(now), topic, owner, reference };
        return { id: await this.#digests.hold(digest, { at: now, subject }, fresh), held: true, queuedAt: now };
      } catch (error) {
        throw error instanceof CameraEmailError ? error : spoolError(error);
      } finally {
        this.#upkeep.wakeAt(this.#digests.nextAt);
        this.#tell({ kind: 'changed' });
      }
    });
  }

  /** Calls waiting mails off and says how many; one whose content is already on its way is sent. */
  async cancel(wanted: (mail: { owner: string | undefined; topic: string; messageId: string }) => boolean): Promise<number> {
    const chosen = this.#list.all().filter(({ envelope: { owner, topic, messageId } }) => wanted({ owner, topic, messageId }));
    let count = 0;
    for (const mail of chosen) {
      if (!this.#sender.withdraw(mail)) continue;
      count += 1;
      if (mail.sending) continue;
      this.#list.remove(mail);
      await this.#spool.remove(mail.envelope.id);
    }
    await this.#digests.lane.run(undefined, async () => {
      for (const key of this.#digests.keys(() => true)) {
        const window = await this.#digests.read(key);
        const { held } = window ?? {};
        if (window === undefined || held === undefined || !wanted({ owner: held.owner, topic: held.topic, messageId: '' })) continue;
        count += held.about.count;
        await this.#digests.begin(key, window.intervalMs, window.until - window.intervalMs);
      }
    });
    this.#tell({ kind: 'changed' });
    return count;
  }

  /** Sends now what waits for a better moment, digests included. */
  async flush(): Promise<void> {
    if (this.#owner) await this.#upkeep.release(() => true);
    this.#sender.flush();
  }

  /** The account was edited: a new login ends the stop that the old one led to. */
  setAccount(account: MailAccount): void {
    this.#sender.setAccount(account);
  }

  /** The account was verified. */
  resume(): void {
    this.#sender.resume();
  }

  state(): OutboxState {
    const { size, bytes } = this.#list;
    const { hold, possibleDuplicates } = this.#sender;
    const sentToday = this.#sentLog.count(this.#clock.now());
    return {
      waiting: size,
      bytes,
      sending: this.#list.sending,
      held: this.#digests.held,
      hold,
      owner: this.#owner,
      sentToday,
      possibleDuplicates,
    };
  }

  /** Mails per sync of the directory so far. */
  get commits(): { syncs: number; mails: number } {
    return this.#spool.commits;
  }

  /** What is under way is finished, all else stays on disk. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#beat);
    await this.#upkeep.stop();
    await this.#sender.close();
    await this.#spool.settled();
    await this.#holds.settled();
    if (this.#owner) await this.#lock.release();
    this.#owner = false;
  }

  async #accept(mail: ComposedMail, order: MailOrder, changes: Partial<StoredEnvelope> = {}): Promise<Receipt> {
    if (this.#closed) throw cancelled();
    const now = this.#clock.now();
    const { topic, subject = '', owner, reference } = order;
    const bytes = [...this.#accepting.values()].reduce((sum, one) => sum + one, this.#list.bytes + mail.raw.length);
    const full = this.#list.size + this.#accepting.size >= this.#caps.mails || bytes > this.#caps.bytes;
    if (full) throw new CameraEmailError('spool-full', `${this.#list.size} mails, ${bytes} bytes`, { params: { count: this.#list.size } });
    const {
      messageId,
      envelope: { from, to },
      raw,
    } = mail;
    const id = changes.id ?? this.#spool.newId(now);
    const expiresAt = changes.summary ? undefined : now + this.#caps.ageMs;
    const facts = { version: 1 as const, messageId, from, to, topic, subject, queuedAt: now, expiresAt, owner, reference, ...changes, id };
    this.#accepting.set(id, raw.length);
    try {
      await this.#spool.commit(facts, raw);
      // Another process that has the lock finds it in the folder.
      if (this.#owner) this.#list.add(waiting({ ...facts, bytes: raw.length, crc32: 0 }));
    } finally {
      this.#accepting.delete(id);
    }
    if (expiresAt !== undefined) this.#upkeep.wakeAt(expiresAt);
    this.#tell({ kind: 'changed' });
    this.#sender.pump();
    return { id, held: false, queuedAt: now };
  }

  async #takeOver(): Promise<void> {
    if (!(await this.#lock.acquire())) return;
    const now = this.#clock.now();
    await this.#spool.sweep();
    await this.#sentLog.load(now);
    await this.#rescan();
    await this.#spool.settle();
    await this.#sentLog.trim();
    for (const file of await this.#digests.load()) this.#tell({ kind: 'problem', problem: 'damaged', file });
    this.#owner = true;
    await this.#sender.start();
    this.#upkeep.start();
  }

  /** Mails of an earlier process, or of another one that has accepted mails without sending them. */
  async #rescan(): Promise<void> {
    const { found, damaged } = await this.#spool.scan((id) => this.#list.has(id) || this.#accepting.has(id));
    for (const file of damaged) this.#tell({ kind: 'problem', problem: 'damaged', file });
    for (const { envelope, progress, doubtful } of found) {
      if (this.#sentLog.has(envelope.id)) {
        await this.#spool.remove(envelope.id);
        continue;
      }
      if (doubtful) this.#sender.possibleDuplicates += 1;
      this.#list.add(waiting(envelope, { progress, attempts: progress?.attempts ?? (doubtful ? 1 : 0), restored: true }));
    }
  }

  async #onBeat(): Promise<void> {
    if (this.#closed) return;
    try {
      if (!this.#owner) await this.#takeOver();
      else if (await this.#renew()) await this.#rescan();
      this.#sender.pump();
    } catch (cause) {
      this.#tell({ kind: 'problem', problem: 'disk', file: this.#options.directory, cause });
    }
  }

  async #renew(): Promise<boolean> {
    if (await this.#lock.renew()) return true;
    this.#owner = false;
    this.#sender.pause();
    await this.#upkeep.stop();
    return false;
  }

  #tell(event: OutboxEvent): void {
    if ((event.kind === 'delivered' || event.kind === 'failed') && event.mail.summary) void this.#expired.done(event.mail.id);
    this.#options.tell?.(event);
  }
}
