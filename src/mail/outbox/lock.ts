import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { LIMITS } from '../../core/limits.ts';

interface Holder {
  host: string;
  pid: number;
  token: string;
}

/** Who sends from a folder: one process. Node.js has no file locks, so it is a file that its owner keeps touching. */
export class SpoolLock {
  readonly #file: string;
  readonly #me: Holder = { host: hostname(), pid: process.pid, token: randomBytes(8).toString('hex') };
  #renewedAt = Number.NEGATIVE_INFINITY;

  constructor(directory: string) {
    this.#file = join(directory, 'lock');
  }

  /** True when this process has it now. False while another one that lives has it. */
  async acquire(): Promise<boolean> {
    const mine = `${this.#file}.${this.#me.token}`;
    await writeFile(mine, JSON.stringify(this.#me), { mode: 0o600 });
    try {
      if (await linked(mine, this.#file)) return await this.renew();
      const stale = await this.#staleHolder();
      if (stale === undefined) return false;
      const aside = `${this.#file}.${this.#me.token}.old`;
      await rename(this.#file, aside);
      // Somebody else may have been faster, and what was moved is already the new holder's.
      const moved = await holderOf(aside);
      if (moved?.token !== stale.token) await linked(aside, this.#file);
      await rm(aside, { force: true });
      return moved?.token === stale.token && (await linked(mine, this.#file)) && (await this.renew());
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    } finally {
      await rm(mine, { force: true });
    }
  }

  /** Says that this process lives; false when it has lost the lock, e.g. after the computer slept. */
  async renew(): Promise<boolean> {
    if ((await holderOf(this.#file))?.token !== this.#me.token) return false;
    const now = new Date();
    await utimes(this.#file, now, now);
    this.#renewedAt = performance.now();
    return true;
  }

  /** Long enough ago that another process may have taken over. */
  get inDoubt(): boolean {
    return performance.now() - this.#renewedAt > LIMITS.outbox.lockStaleMs / 2;
  }

  async release(): Promise<void> {
    if ((await holderOf(this.#file))?.token === this.#me.token) await rm(this.#file, { force: true });
  }

  async #staleHolder(): Promise<Holder | undefined> {
    const { mtimeMs } = await stat(this.#file);
    const holder = await holderOf(this.#file);
    const { host, pid } = this.#me;
    // A process number alone proves nothing: in a container Node-RED often has the same one after each start.
    const dead = holder !== undefined && holder.host === host && holder.pid !== pid && !isAlive(holder.pid);
    if (!dead && Date.now() - mtimeMs < LIMITS.outbox.lockStaleMs) return undefined;
    return holder ?? { host: '', pid: 0, token: '' };
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function holderOf(file: string): Promise<Holder | undefined> {
  try {
    const { host, pid, token } = JSON.parse(await readFile(file, 'utf8')) as Partial<Holder>;
    return typeof host === 'string' && typeof pid === 'number' && typeof token === 'string' ? { host, pid, token } : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
