import { setMaxListeners } from 'node:events';
import { asCameraEmailError, type CameraEmailError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { ItemDeadline } from './item-deadline.ts';

export interface FleetPlan<T, R> {
  items: readonly T[];
  /** Items at a time, 1 to 64. */
  concurrency: number;
  /** Milliseconds that one item may take in all. */
  itemMs: number;
  /** Finish the first item alone, and go on only if it succeeded. */
  canary: boolean;
  /** Items with the same answer share a device and are worked on one after the other; undefined: a device of its own. */
  deviceOf?(item: T): string | undefined;
  /**
   * `release` lets another item begin before this one has come to its end, unless they go one at a time; its device is not given to
   * another until then.
   */
  work(item: T, signal: AbortSignal, release: () => void): Promise<R>;
  /** The result of an item that never came to an end by itself. */
  failed(item: T, error: CameraEmailError): R;
  /** `cause`: why the run was stopped, when a result said so. */
  skipped(item: T, cause?: CameraEmailError): R;
  succeeded(result: R): boolean;
  /** Called with each result; an error means that what has not begun could only fail in the same way, and is skipped. */
  stopFor?(result: R): CameraEmailError | undefined;
  /** Called as soon as each result is known. */
  onResult(result: R, done: number): void;
}

/** Works through a list, some at a time, each within its own deadline, so that a dead one delays nobody else. Results in order of completion. */
export function runFleet<T, R>(plan: FleetPlan<T, R>, signal: AbortSignal): Promise<R[]> {
  return new FleetRun(plan, signal).run();
}

class FleetRun<T, R> {
  readonly #plan: FleetPlan<T, R>;
  readonly #signal: AbortSignal;
  readonly #results: R[] = [];
  readonly #waiting: T[];
  readonly #busyDevices = new Set<string>();
  readonly #atATime: number;
  #running = 0;
  /** Released, and not at their end yet. */
  #ending = 0;
  #stopped = false;
  #cause: CameraEmailError | undefined;

  constructor(plan: FleetPlan<T, R>, signal: AbortSignal) {
    this.#plan = plan;
    this.#signal = signal;
    // Every item that is under way listens to it.
    setMaxListeners(0, signal);
    this.#waiting = [...plan.items];
    this.#atATime = Math.min(Math.max(Math.trunc(plan.concurrency) || 1, 1), LIMITS.fleet.concurrency);
  }

  async run(): Promise<R[]> {
    const first = this.#waiting[0];
    if (this.#plan.canary && first !== undefined && this.#waiting.length > 1) {
      this.#waiting.shift();
      const result = await this.#one(first, () => undefined);
      this.#report(result);
      if (!this.#plan.succeeded(result)) this.#stopped = true;
    }
    await new Promise<void>((resolve, reject) => this.#startMore(resolve, reject));
    return this.#results;
  }

  /** Starts what may run now; called again whenever one has ended, until nothing is left. */
  #startMore(finished: () => void, broken: (error: unknown) => void): void {
    while (!this.#isOver() && this.#running < this.#atATime) {
      const index = this.#waiting.findIndex((item) => !this.#busyDevices.has(this.#plan.deviceOf?.(item) ?? ''));
      if (index < 0) break;
      for (const item of this.#waiting.splice(index, 1))
        void this.#start(item, () => this.#startMore(finished, broken))
          .then(() => this.#startMore(finished, broken))
          .catch(broken);
    }
    if (this.#isOver()) for (const item of this.#waiting.splice(0)) this.#report(this.#plan.skipped(item, this.#cause));
    if (this.#running === 0 && this.#ending === 0) finished();
  }

  #isOver(): boolean {
    return this.#stopped || this.#signal.aborted;
  }

  async #start(item: T, startMore: () => void): Promise<void> {
    const device = this.#plan.deviceOf?.(item);
    if (device !== undefined) this.#busyDevices.add(device);
    this.#running += 1;
    let released = false;
    const result = await this.#one(item, () => {
      if (released || this.#atATime === 1) return;
      released = true;
      this.#running -= 1;
      this.#ending += 1;
      startMore();
    });
    if (released) this.#ending -= 1;
    else this.#running -= 1;
    released = true;
    if (device !== undefined) this.#busyDevices.delete(device);
    this.#report(result);
  }

  async #one(item: T, release: () => void): Promise<R> {
    try {
      return await new ItemDeadline(this.#plan.itemMs).run(this.#signal, (limited) => this.#plan.work(item, limited, release));
    } catch (error) {
      return this.#plan.failed(item, asCameraEmailError(error));
    }
  }

  #report(result: R): void {
    this.#results.push(result);
    const cause = this.#plan.stopFor?.(result);
    if (cause !== undefined) {
      this.#cause ??= cause;
      this.#stopped = true;
    }
    this.#plan.onResult(result, this.#results.length);
  }
}
