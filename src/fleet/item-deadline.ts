import { cancelled } from '../core/deadline.ts';
import { CameraEmailError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';

const deadlines = new WeakMap<AbortSignal, ItemDeadline>();

/** The time of the item that was given `signal` stands still until the returned function is called: waiting for others is not its fault. */
export function pauseDeadline(signal: AbortSignal): () => void {
  const deadline = deadlines.get(signal);
  deadline?.pause();
  let paused = deadline !== undefined;
  return () => {
    if (paused) deadline?.resume();
    paused = false;
  };
}

/** The time that one item of a fleet may take. When it is up the work is aborted, and has a moment to tell how far it came. */
export class ItemDeadline {
  readonly #controller = new AbortController();
  readonly #ms: number;
  #left: number;
  #startedAt = 0;
  #paused = 0;
  #over = false;
  #timer: NodeJS.Timeout | undefined;

  /** Milliseconds. */
  constructor(ms: number) {
    this.#ms = ms;
    this.#left = ms;
    deadlines.set(this.#controller.signal, this);
  }

  /** What the work resolves with. Rejects with `timeout`, or the parent's reason, only when the work does not end when it is aborted. */
  async run<R>(parent: AbortSignal, work: (signal: AbortSignal) => Promise<R>): Promise<R> {
    const { signal } = this.#controller;
    let grace: NodeJS.Timeout | undefined;
    const givenUp = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => {
        grace = setTimeout(() => reject(signal.reason), LIMITS.fleet.graceMs);
      });
    });
    const onAbort = () => this.#controller.abort(parent.reason instanceof Error ? parent.reason : cancelled());
    if (parent.aborted) onAbort();
    parent.addEventListener('abort', onAbort, { once: true });
    this.#start();
    try {
      return await Promise.race([work(signal), givenUp]);
    } finally {
      this.#over = true;
      clearTimeout(this.#timer);
      clearTimeout(grace);
      parent.removeEventListener('abort', onAbort);
    }
  }

  pause(): void {
    this.#paused += 1;
    if (this.#paused > 1) return;
    clearTimeout(this.#timer);
    this.#left -= performance.now() - this.#startedAt;
  }

  resume(): void {
    this.#paused -= 1;
    if (this.#paused === 0 && !this.#over) this.#start();
  }

  #start(): void {
    this.#startedAt = performance.now();
    this.#timer = setTimeout(() => this.#expire(), Math.max(0, this.#left));
  }

  #expire(): void {
    const params = { seconds: Math.ceil(this.#ms / 1000) };
    this.#controller.abort(new CameraEmailError('timeout', `not finished within ${this.#ms} ms`, { params }));
  }
}
