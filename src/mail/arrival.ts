import type { ImapFlow } from 'imapflow';
import { systemClock } from '../core/clock.ts';
import { cancelled, withDeadline } from '../core/deadline.ts';
import { CameraEmailError, isCameraEmailError } from '../core/errors.ts';
import { Lane } from '../core/lane.ts';
import { LIMITS } from '../core/limits.ts';
import type { MailAccount } from './account.ts';
import { FolderSearch, type Marks, type Seeker } from './folder-search.ts';
import { closeImap, openImap } from './imap-session.ts';
import { mailError } from './mail-error.ts';
import type { MailMatch } from './mail-match.ts';
import type { SessionOptions } from './smtp-session.ts';

export type { CameraMailMatch, MailMatch } from './mail-match.ts';

export interface Arrival {
  found: true;
  /** The folder's own name, e.g. `INBOX` or `[Google Mail]/Spam`. */
  mailbox: string;
  folder: 'inbox' | 'spam' | 'all';
  /** As it stands in the mail that arrived, with angle brackets. */
  messageId: string;
  /** Epoch milliseconds at which the server took it in (INTERNALDATE). */
  receivedAt: number;
  uid: number;
  /** The account sent it to itself, so that the same message is also its Sent copy. */
  sentCopy?: boolean;
}

export interface ArrivalWatch {
  /** Undefined when it was not seen within `timeoutMs`, which does not mean that it will not come. Rejects with a CameraEmailError. */
  waitFor(match: MailMatch, timeoutMs: number, signal?: AbortSignal): Promise<Arrival | undefined>;
  /** The last wait saw a mail that may be the one, and nothing in it tells. */
  readonly sawUnclear: boolean;
  close(): Promise<void>;
}

/** One login, over which any number of mails are looked for at the same time. */
export interface Mailbox {
  /** Notes what is there already: call it before the mail is sent. Rejects with a CameraEmailError. Closing the watch leaves the mailbox open. */
  watch(signal?: AbortSignal): Promise<ArrivalWatch>;
  close(): Promise<void>;
}

type Options = Omit<SessionOptions, 'signal'>;

/** Logs in and lists the folders. Rejects with a CameraEmailError. */
export async function openMailbox(account: MailAccount, signal?: AbortSignal, options: Options = {}): Promise<Mailbox> {
  const client = await openImap(account, { ...options, signal });
  try {
    const search = await withDeadline(LIMITS.mail.loginMs, 'reading the folders', signal, () => FolderSearch.open(client));
    return new OpenMailbox(account, options, search);
  } catch (error) {
    client.close();
    throw mailError(error, account, 'arrival', 'imap');
  }
}

/** A login for one mail: closing the watch ends it. */
export async function watchMailbox(account: MailAccount, signal?: AbortSignal, options: Options = {}): Promise<ArrivalWatch> {
  const mailbox = await openMailbox(account, signal, options);
  try {
    const watch = await mailbox.watch(signal);
    return {
      get sawUnclear() {
        return watch.sawUnclear;
      },
      waitFor: (match, timeoutMs, limited) => watch.waitFor(match, timeoutMs, limited),
      close: () => mailbox.close(),
    };
  } catch (error) {
    await mailbox.close();
    throw error;
  }
}

interface Waiting extends Seeker {
  fail(error: CameraEmailError): void;
}

class OpenMailbox implements Mailbox {
  readonly #account: MailAccount;
  readonly #options: Options;
  readonly #search: FolderSearch;
  /** One folder is selected at a time. */
  readonly #lane = new Lane();
  readonly #waiting = new Set<Waiting>();
  #marking: Promise<Marks> | undefined;
  #looking = false;
  #joined = 0;
  #wake: () => void = () => undefined;
  /** A lost connection is opened again once for each watch. */
  #reconnects = 0;
  #closed = false;

  constructor(account: MailAccount, options: Options, search: FolderSearch) {
    this.#account = account;
    this.#options = options;
    this.#search = search;
  }

  async watch(signal?: AbortSignal): Promise<ArrivalWatch> {
    try {
      const marks = await withDeadline(LIMITS.mail.loginMs, 'reading the folders', signal, () => this.#mark());
      this.#reconnects = 1;
      return new Watch(marks, {
        account: this.#account,
        join: (waiting) => this.#join(waiting),
        leave: (waiting) => this.#leave(waiting),
      });
    } catch (error) {
      throw mailError(error, this.#account, 'arrival', 'imap');
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await closeImap(this.#search.client);
  }

  /** Those who ask before it has begun share it. */
  #mark(): Promise<Marks> {
    this.#marking ??= this.#lane.run(undefined, async () => {
      this.#marking = undefined;
      if (!this.#search.client.usable) await this.#reconnect(lost());
      const marks = await this.#search.mark();
      this.#wake();
      return marks;
    });
    return this.#marking;
  }

  #join(waiting: Waiting): void {
    this.#waiting.add(waiting);
    this.#joined += 1;
    this.#wake();
    if (!this.#looking) void this.#look();
  }

  #leave(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    if (this.#waiting.size === 0) this.#wake();
  }

  async #look(): Promise<void> {
    this.#looking = true;
    while (this.#waiting.size > 0) {
      try {
        const { client } = this.#search;
        const joined = this.#joined;
        await this.#lane.run(undefined, () => this.#search.round(() => [...this.#waiting]));
        if (this.#waiting.size > 0 && joined === this.#joined) await this.#newMail(client);
      } catch (error) {
        if (this.#waiting.size > 0) await this.#recover(error);
      }
    }
    this.#looking = false;
  }

  async #recover(error: unknown): Promise<void> {
    try {
      await this.#lane.run(undefined, () => this.#reconnect(error));
    } catch (failure) {
      for (const waiting of [...this.#waiting]) waiting.fail(mailError(failure, this.#account, 'arrival', 'imap'));
    }
  }

  async #reconnect(error: unknown): Promise<void> {
    const { client } = this.#search;
    const failure = mailError(error, this.#account, 'arrival', 'imap');
    const isLost = !client.usable || isCameraEmailError(failure, 'connection-lost', 'timeout');
    if (!isLost || this.#reconnects === 0 || this.#closed) throw failure;
    this.#reconnects -= 1;
    client.close();
    this.#search.client = await openImap(this.#account, this.#options);
    if (this.#closed) this.#search.client.close();
  }

  /** Resolves when the selected mailbox grows, after a while, or when somebody joins; rejects when the connection ends. */
  async #newMail(client: ImapFlow): Promise<void> {
    const stop = new AbortController();
    const woken = new Promise<void>((resolve, reject) => {
      const grown = () => resolve();
      const ended = () => reject(lost());
      this.#wake = grown;
      client.once('exists', grown);
      client.once('close', ended);
      if (!client.usable) ended();
      stop.signal.addEventListener('abort', () => client.off('exists', grown).off('close', ended), { once: true });
    });
    // Ended by the next command.
    client.idle().catch(() => undefined);
    try {
      await Promise.race([woken, systemClock.sleep(LIMITS.mail.arrivalPollMs, stop.signal).catch(() => undefined)]);
    } finally {
      stop.abort();
    }
  }
}

interface Around {
  account: MailAccount;
  join(waiting: Waiting): void;
  leave(waiting: Waiting): void;
}

class Watch implements ArrivalWatch {
  readonly #marks: Marks;
  readonly #around: Around;
  #sawUnclear = false;

  constructor(marks: Marks, around: Around) {
    this.#marks = marks;
    this.#around = around;
  }

  get sawUnclear(): boolean {
    return this.#sawUnclear;
  }

  async waitFor(match: MailMatch, timeoutMs: number, signal?: AbortSignal): Promise<Arrival | undefined> {
    if (('messageId' in match ? match.messageId : match.sender) === '') {
      throw new CameraEmailError('bad-input', 'nothing to recognize the mail by', { params: { field: 'match' } });
    }
    this.#sawUnclear = false;
    if (signal?.aborted) throw cancelled();
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        this.#around.leave(waiting);
      };
      const onAbort = () => waiting.fail(cancelled());
      const waiting: Waiting = {
        match,
        marks: this.#marks,
        unclear: () => {
          this.#sawUnclear = true;
        },
        found: (arrival) => {
          end();
          resolve(arrival);
        },
        fail: (error) => {
          end();
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        end();
        resolve(undefined);
      }, timeoutMs);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#around.join(waiting);
    });
  }

  async close(): Promise<void> {
    // Nothing of its own is open.
  }
}

function lost(): Error {
  return Object.assign(new Error('Connection closed unexpectedly'), { code: 'NoConnection' });
}
