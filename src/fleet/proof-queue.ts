import { abortError } from '../core/lane.ts';

interface Waiter {
  name: string | undefined;
  start(): void;
}

/**
 * Whose test mails may be under way at once in one mailbox: those of different names, by which they are told apart. A mail without a
 * name could be anybody's, so its proof runs alone; first come, first served as far as names allow.
 */
export class ProofQueue {
  readonly #running = new Set<string | undefined>();
  readonly #waiting: Waiter[] = [];

  /** Runs `work` in its turn. A signal that aborts before that takes it out of the queue and rejects with its reason or `cancelled`. */
  async run<T>(name: string | undefined, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#turn(name, signal);
    try {
      return await work();
    } finally {
      this.#running.delete(name);
      this.#startMore();
    }
  }

  #turn(name: string | undefined, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(abortError(signal));
        return;
      }
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(abortError(signal));
        // Whoever waits behind a nameless one may go now.
        this.#startMore();
      };
      const waiter: Waiter = {
        name,
        start: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(waiter);
      this.#startMore();
    });
  }

  #startMore(): void {
    for (const waiter of [...this.#waiting]) {
      const alone = waiter.name === undefined;
      if (this.#running.has(undefined) || (alone && this.#running.size > 0)) return;
      if (!this.#running.has(waiter.name)) {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        this.#running.add(waiter.name);
        waiter.start();
      }
    }
  }
}
