import type { Clock } from '../../core/clock.ts';
import { CameraEmailError } from '../../core/errors.ts';
import type { MailAccount } from '../account.ts';
import type { AccountState, Hold } from './account-state.ts';
import type { OutboxEvent } from './outbox-event.ts';
import type { SentLog } from './sent-log.ts';

/** Why and until when the account sends nothing. What lasts for hours is remembered on disk. */
export class Holds {
  readonly #state: AccountState;
  readonly #sentLog: SentLog;
  readonly #clock: Clock;
  readonly #tell: (event: OutboxEvent) => void;
  #hold: Hold | undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(state: AccountState, sentLog: SentLog, clock: Clock, tell: (event: OutboxEvent) => void) {
    this.#state = state;
    this.#sentLog = sentLog;
    this.#clock = clock;
    this.#tell = tell;
  }

  /** A refused login: time alone does not end it. */
  get stopped(): boolean {
    return this.#hold !== undefined && this.#hold.until === undefined;
  }

  async load(account: MailAccount): Promise<void> {
    this.#hold = await this.#state.load(account, this.#clock.now());
  }

  /** The hold in force, or that of the account's own daily limit. */
  current({ dailyLimit }: MailAccount): Hold | undefined {
    const now = this.#clock.now();
    if (this.#hold !== undefined && (this.#hold.until === undefined || this.#hold.until > now)) return this.#hold;
    if (dailyLimit === 0 || this.#sentLog.count(now) < dailyLimit) return undefined;
    const error = new CameraEmailError('daily-limit', `${dailyLimit} mails in 24 hours`, { params: { limit: dailyLimit } });
    return { error, until: this.#sentLog.freeAt(dailyLimit, now) };
  }

  set(hold: Hold, account: MailAccount): void {
    const before = this.#hold;
    this.#hold = hold;
    this.#tell({ kind: 'changed' });
    if (lasts(hold)) this.#save(() => this.#state.save(account, hold));
    else if (before !== undefined && lasts(before)) this.#save(() => this.#state.clear());
  }

  /** True when there was one. */
  end(): boolean {
    const before = this.#hold;
    if (before === undefined) return false;
    this.#hold = undefined;
    if (lasts(before)) this.#save(() => this.#state.clear());
    this.#tell({ kind: 'changed' });
    return true;
  }

  /** Resolves when what is known is on disk. */
  settled(): Promise<void> {
    return this.#saving;
  }

  #save(work: () => Promise<void>): void {
    this.#saving = this.#saving
      .then(work)
      .catch((cause: unknown) => this.#tell({ kind: 'problem', problem: 'disk', file: 'account.json', cause }));
  }
}

function lasts({ error, until }: Hold): boolean {
  return until === undefined || error.code === 'daily-limit';
}
