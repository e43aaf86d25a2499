/** A place to wait at for what comes by itself: everybody who waits looks again at each `wake`. */
export class Waiting {
  #waiters: (() => void)[] = [];

  wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }

  /** Resolves with what `look` finds, as soon as it is something. */
  async until<T>(look: () => T | undefined | false): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined && found !== false) return found;
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }
}

/** Resolves when `condition` holds, for what wakes nobody; the test's own time-out ends a wait in vain. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 2));
}
