import { join } from 'node:path';
import type { SpoolFiles } from './spool-files.ts';

const DAY_MS = 24 * 3_600_000;

/** When mails were accepted by the server in the last 24 hours, one line each: the daily limit counts over restarts. */
export class SentLog {
  readonly #file: string;
  readonly #files: SpoolFiles;
  #times: number[] = [];
  readonly #ids = new Set<string>();
  #kept: string[] = [];
  #syncing: Promise<boolean> = Promise.resolve(true);
  #nextSync: Promise<boolean> | undefined;

  constructor(directory: string, files: SpoolFiles) {
    this.#file = join(directory, 'sent.log');
    this.#files = files;
  }

  async load(now: number): Promise<void> {
    const text = await this.#files.read(this.#file).then(
      (content) => content.toString('latin1'),
      () => '',
    );
    const lines = text
      .split('\n')
      .map((line) => /^(\d+) (\S+)$/.exec(line))
      .filter((line) => line !== null);
    this.#kept = lines.filter(([, time]) => Number(time) > now - DAY_MS).map(([line]) => line);
    const times = this.#kept.map((line) => Number.parseInt(line, 10));
    this.#times = times.filter((time) => time <= now).sort((one, other) => one - other);
    this.#ids.clear();
    // Whatever the clock says: after a power cut a file may be back that was removed, and small hosts start with a wrong time.
    for (const [, , id = ''] of lines) this.#ids.add(id);
  }

  /** Leaves out what was a day old when it was loaded, once the files of these mails are gone for good. A new file's name lasts from here on. */
  async trim(): Promise<void> {
    await this.#files.replace(this.#file, this.#kept.map((line) => `${line}\n`).join('')).catch(() => undefined);
    this.#kept = [];
  }

  /**
   * At once and synchronously: a process that dies in the next moment must not send the mail again. `id` undefined: not all recipients
   * have it. False when the disk did not take it.
   */
  add(now: number, id: string | undefined): boolean {
    this.#times.push(now);
    if (id !== undefined) this.#ids.add(id);
    try {
      this.#files.appendNow(this.#file, `${now} ${id ?? '-'}\n`);
      return true;
    } catch {
      return false;
    }
  }

  /** Resolves when the lines so far are on disk for good, false when it does not take them. Lines that come meanwhile share the next sync. */
  synced(): Promise<boolean> {
    this.#nextSync ??= this.#syncing.then(() => {
      this.#nextSync = undefined;
      this.#syncing = this.#files.syncFile(this.#file).then(
        () => true,
        () => false,
      );
      return this.#syncing;
    });
    return this.#nextSync;
  }

  /** Sent for good, though its file is still there. */
  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /** Its file is gone: nothing can send it again. */
  forget(id: string): void {
    this.#ids.delete(id);
  }

  /** Messages in the last 24 hours. */
  count(now: number): number {
    while (this.#times[0] !== undefined && this.#times[0] <= now - DAY_MS) this.#times.shift();
    return this.#times.length;
  }

  /** When fewer than `limit` messages will be in the last 24 hours. */
  freeAt(limit: number, now: number): number {
    const count = this.count(now);
    const leaves = count < limit ? undefined : this.#times[count - limit];
    return leaves === undefined ? now : leaves + DAY_MS;
  }
}
