import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import shared from '../../../nodes/shared/locales/en-US/shared.json';
import type { Clock } from '../../../src/core/clock.ts';
import type { MailAccount } from '../../../src/mail/account.ts';
import { composeMail } from '../../../src/mail/compose.ts';
import type { Say } from '../../../src/mail/mail-texts.ts';
import { type MailOrder, Outbox, type OutboxOptions } from '../../../src/mail/outbox/outbox.ts';
import type { OutboxEvent } from '../../../src/mail/outbox/outbox-event.ts';
import { type MailSandbox, startMailSandbox } from '../../../src/sandbox/mail/mail-sandbox.ts';
import { ME, PASSWORD, QUICK, sandboxAccount, YOU } from '../servers.ts';

export const HOUR = 3_600_000;
export const MINUTE = 60_000;

/** The English texts of the locale. */
export const say: Say = (key, values = {}) => {
  const found = key.split('.').reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], shared);
  return typeof found === 'string' ? found.replace(/__(\w+?)__/g, (_, name: string) => String(values[name])) : key;
};

/** Time that moves when a test says so. */
export class TestClock implements Clock {
  #now = Date.now();
  readonly #sleeping = new Set<{ at: number; wake: () => void }>();

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const sleeper = { at: this.#now + ms, wake: resolve };
      this.#sleeping.add(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleeping.delete(sleeper);
        reject(signal.reason);
      });
    });
  }

  advance(ms: number): void {
    this.#now += ms;
    for (const sleeper of [...this.#sleeping].filter(({ at }) => at <= this.#now)) {
      this.#sleeping.delete(sleeper);
      sleeper.wake();
    }
  }
}

/** A sandbox server, a folder, and outboxes on it, all gone after `close`. */
export class Bench {
  readonly events: OutboxEvent[] = [];
  readonly clock = new TestClock();
  outboxes: Outbox[] = [];

  private constructor(
    readonly sandbox: MailSandbox,
    readonly directory: string,
    readonly account: MailAccount,
  ) {}

  static async start(): Promise<Bench> {
    const sandbox = await startMailSandbox({
      users: [
        { email: ME, appPassword: PASSWORD, accountPassword: 'account-secret' },
        { email: YOU, appPassword: 'ponmlkjihgfedcba', accountPassword: 'other-secret' },
      ],
    });
    const directory = await mkdtemp(join(tmpdir(), 'outbox-'));
    return new Bench(sandbox, directory, sandboxAccount(sandbox));
  }

  async open(options: Partial<OutboxOptions> = {}): Promise<Outbox> {
    const { directory, account, clock } = this;
    const tell = (event: OutboxEvent) => this.events.push(event);
    const time = { language: 'en-GB', timeZone: 'Europe/Berlin' };
    const outbox = await Outbox.open({ directory, account, clock, say, time, tell, timeouts: QUICK, random: () => 0, ...options });
    this.outboxes.push(outbox);
    return outbox;
  }

  async close(): Promise<void> {
    for (const outbox of this.outboxes) await outbox.close();
    await this.sandbox.close();
    await rm(this.directory, { recursive: true, force: true });
  }

  mail(subject: string, to: string | string[] = YOU) {
    return composeMail({ to, subject, text: subject }, this.account);
  }

  async add(outbox: Outbox, subject: string, order: Partial<MailOrder> & { to?: string | string[] } = {}) {
    return outbox.add(await this.mail(subject, order.to ?? YOU), { topic: '', subject, ...order });
  }

  /** The subjects in the inbox, in the order of arrival. */
  get arrived(): string[] {
    return this.sandbox.mailbox(YOU).inbox.mails.map((mail) => /^Subject: (.*)$/m.exec(mail.raw.toString('utf8'))?.[1]?.trim() ?? '');
  }

  /** Mails on disk that are still to be sent. */
  async waitingFiles(): Promise<number> {
    const lists = await Promise.all(['new', 'cur'].map((folder) => readdir(join(this.directory, folder))));
    return lists.flat().length;
  }

  get logins(): number {
    return this.sandbox.log.flatMap((session) => session.logins).length;
  }

  of<K extends OutboxEvent['kind']>(kind: K): Extract<OutboxEvent, { kind: K }>[] {
    return this.events.filter((event): event is Extract<OutboxEvent, { kind: K }> => event.kind === kind);
  }
}
