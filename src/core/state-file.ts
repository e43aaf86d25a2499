import { writeFileDurably } from './files.ts';

/** A file that is always replaced as a whole. What asks to be saved while a write is under way shares the next one, and its fsync. */
export class StateFile {
  #wanted = 0;
  #saved = 0;
  #writing: Promise<void> | undefined;

  constructor(
    readonly file: string,
    private readonly content: () => string,
  ) {}

  /** Resolves when the state as it is now, or a later one, is on disk. Rejects when the disk refused it. */
  async save(): Promise<void> {
    this.#wanted += 1;
    const mine = this.#wanted;
    while (this.#saved < mine) {
      this.#writing ??= this.#write();
      await this.#writing;
    }
  }

  /** Resolves when nothing is being written any more. */
  async settled(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing.catch(() => undefined);
  }

  async #write(): Promise<void> {
    // Whoever asks within the same turn of the event loop is in this write, too.
    await Promise.resolve();
    const version = this.#wanted;
    try {
      await writeFileDurably(this.file, this.content());
      this.#saved = version;
    } finally {
      this.#writing = undefined;
    }
  }
}
