import { abortError } from '../core/lane.ts';
import type { MailAccount } from '../mail/account.ts';
import { type ArrivalWatch, type Mailbox, openMailbox } from '../mail/arrival.ts';
import { ProofQueue } from './proof-queue.ts';

/** Where the proofs of one mailbox meet: they take turns, and share a login for as long as any of them waits or runs. */
export class ProofDesk {
  readonly queue = new ProofQueue();
  readonly #logins = new Map<MailAccount, SharedLogin>();

  /** Notes what is in the mailbox already, over the shared login. Rejects with a CameraEmailError. */
  watch(account: MailAccount, signal: AbortSignal): Promise<ArrivalWatch> {
    return this.#login(account).watch(signal);
  }

  /** `work` is one of those who share the login. */
  async sharing<T>(account: MailAccount, work: () => Promise<T>): Promise<T> {
    const login = this.#login(account);
    login.users += 1;
    try {
      return await work();
    } finally {
      login.users -= 1;
      if (login.users === 0) {
        this.#logins.delete(account);
        await login.close();
      }
    }
  }

  #login(account: MailAccount): SharedLogin {
    const login = this.#logins.get(account) ?? new SharedLogin(account);
    this.#logins.set(account, login);
    return login;
  }
}

class SharedLogin {
  users = 0;
  readonly #account: MailAccount;
  #opening: Promise<Mailbox> | undefined;
  /** Lost, but others may be looking over them still. */
  readonly #discarded: Promise<Mailbox>[] = [];

  constructor(account: MailAccount) {
    this.#account = account;
  }

  async watch(signal: AbortSignal): Promise<ArrivalWatch> {
    // Not with the signal: others wait for the same login, whose own time limits end it.
    this.#opening ??= openMailbox(this.#account);
    const opening = this.#opening;
    try {
      return await (await unlessAborted(signal, opening)).watch(signal);
    } catch (error) {
      // The next one tries a login of its own; those who look over this one go on.
      if (!signal.aborted && this.#opening === opening) this.#discard();
      throw error;
    }
  }

  async close(): Promise<void> {
    for (const opening of [this.#opening, ...this.#discarded]) await opening?.then((mailbox) => mailbox.close()).catch(() => undefined);
  }

  #discard(): void {
    if (this.#opening !== undefined) this.#discarded.push(this.#opening);
    this.#opening = undefined;
  }
}

function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(abortError(signal));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
