import type { Clock } from '../../core/clock.ts';

/** Clocks get corrected while a long wait runs: look again at least this often. */
const LONGEST_MS = 10 * 60_000;

/** Rings once at the earliest of the times it was set to, or a little before: whoever hears it looks at the clock again. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #set: { at: number; controller: AbortController } | undefined;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  set(at: number): void {
    if (!Number.isFinite(at) || (this.#set !== undefined && this.#set.at <= at)) return;
    this.clear();
    const entry = { at, controller: new AbortController() };
    this.#set = entry;
    const ms = Math.min(Math.max(0, at - this.#clock.now()), LONGEST_MS);
    this.#clock.sleep(ms, entry.controller.signal).then(
      () => {
        if (this.#set === entry) this.#set = undefined;
        this.#ring();
      },
      () => undefined,
    );
  }

  clear(): void {
    this.#set?.controller.abort();
    this.#set = undefined;
  }
}
