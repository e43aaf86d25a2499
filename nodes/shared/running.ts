import { cancelled } from '../../src/core/deadline.ts';
import type { RuntimeNode } from './node-red.ts';

/** The work a node has under way: stopped when the node closes, which waits for it to end. */
export class Running {
  readonly #controller = new AbortController();
  readonly #work = new Set<Promise<unknown>>();

  constructor(node: RuntimeNode) {
    node.on('close', (_removed, done) => {
      this.#controller.abort(cancelled());
      void Promise.allSettled(this.#work).then(() => done());
    });
  }

  run(work: (signal: AbortSignal) => Promise<void>): void {
    const started = work(this.#controller.signal);
    this.#work.add(started);
    void started.finally(() => this.#work.delete(started)).catch(() => undefined);
  }
}
