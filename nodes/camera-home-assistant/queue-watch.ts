import { LIMITS } from '../../src/core/limits.ts';
import { type QueueReport, queueReports, watchOutboxes } from '../shared/outboxes.ts';

/** Tells how full the accounts' queues are, whether or not mail gets through: a moment after a change, and now and then. */
export class QueueWatch {
  readonly #tell: (report: QueueReport) => Promise<void>;
  readonly #stop: () => void;
  readonly #interval: NodeJS.Timeout;
  #soon: NodeJS.Timeout | undefined;

  /** `tell` must not reject. */
  constructor(tell: (report: QueueReport) => Promise<void>) {
    this.#tell = tell;
    this.#stop = watchOutboxes(() => {
      this.#soon ??= setTimeout(() => void this.look(), LIMITS.homeAssistant.queueChangedMs).unref();
    });
    this.#interval = setInterval(() => void this.look(), LIMITS.homeAssistant.queueEveryMs).unref();
  }

  async look(): Promise<void> {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    for (const report of await queueReports()) await this.#tell(report);
  }

  close(): void {
    this.#stop();
    clearTimeout(this.#soon);
    clearInterval(this.#interval);
  }
}
