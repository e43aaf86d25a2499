import { systemClock } from './clock.ts';
import { writeFileDurably } from './files.ts';
import { LIMITS } from './limits.ts';

/** A file that is always replaced as a whole. What asks to be saved while a write is under way shares the next one, and its fsync. */
export class StateFile {
  #wanted = 0;
  #saved = 0;
  #writing: Promise<void> | undefined;
  #startedAt = Number.NEGATIVE_INFINITY;

  constructor(
    readonly file: string,
    private readonly content: () => string,
  ) {}

  /** Resolves when the state as it is now, or a later one, is on disk. Rejects when the disk refused it. */
  async save(): Promise<void> {
    this.#wanted += 1;
    await this.#reach(this.#wanted);
  }

  /** The same for whoever holds up nobody: waits a moment for others to write with, if something was written just now. */
  async saveWithOthers(): Promise<void> {
    this.#wanted += 1;
    const mine = this.#wanted;
    const early = this.#startedAt + LIMITS.disk.groupMs - performance.now();
    if (early > 0) await systemClock.sleep(early);
    await this.#reach(mine);
  }

  /** Resolves when nothing is being written any more. */
  async settled(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing.catch(() => undefined);
  }

  async #reach(version: number): Promise<void> {
    while (this.#saved < version) {
      this.#writing ??= this.#write();
      await this.#writing;
    }
  }

  async #write(): Promise<void> {
    // Whoever asks within the same turn of the event loop is in this write, too.
    await Promise.resolve();
    this.#startedAt = performance.now();
    const version = this.#wanted;
    try {
      await writeFileDurably(this.file, this.content());
      this.#saved = version;
    } finally {
      this.#writing = undefined;
    }
  }
}
