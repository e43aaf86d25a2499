import { cancelled } from './deadline.ts';
import { CameraEmailError } from './errors.ts';

interface Waiter {
  start(): void;
}

/** One at a time, first come first served: for devices that answer parallel requests with errors, and mailboxes in which two test mails look alike. */
export class Lane {
  readonly #waiting: Waiter[] = [];
  #busy = false;

  /** True while nothing runs and nobody waits. */
  get idle(): boolean {
    return !this.#busy;
  }

  /** Runs `work` when its turn comes. A signal that aborts before that takes it out of the queue and rejects with `cancelled`. */
  async run<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    await this.#turn(signal);
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#busy = false;
      else next.start();
    }
  }

  async #turn(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) throw abortError(signal);
    if (!this.#busy) {
      this.#busy = true;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(abortError(signal));
      };
      const waiter: Waiter = {
        start: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      this.#waiting.push(waiter);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}

/** What an aborted wait rejects with: the signal's reason when that is an error of ours, else `cancelled`. */
export function abortError(signal: AbortSignal | undefined): CameraEmailError {
  return signal?.reason instanceof CameraEmailError ? signal.reason : cancelled();
}
