import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { CameraEmailError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { decodeEnvelope, encodeEnvelope, isIntact, type StoredEnvelope } from './envelope.ts';
import type { SpoolFiles } from './spool-files.ts';

/** `tmp`: being written. `new`: waits. `cur`: the server is getting its content. The others are for people to look at. */
const FOLDERS = ['tmp', 'new', 'cur', 'state', 'failed', 'damaged'] as const;
type Folder = (typeof FOLDERS)[number];

/** What a retry has to know that the first try did not: who has the mail already. */
export interface Progress {
  /** Recipients still to be served. */
  to: string[];
  accepted: string[];
  refused: { address: string; code: string; deviceSays?: string | undefined }[];
  attempts: number;
}

export interface Found {
  envelope: StoredEnvelope;
  progress: Progress | undefined;
  /** It lay in `cur`: the process ended after the upload had begun, so the server may have it. */
  doubtful: boolean;
}

interface Pending {
  envelope: Omit<StoredEnvelope, 'bytes' | 'crc32'>;
  raw: Buffer;
  resolve: () => void;
  reject: (error: CameraEmailError) => void;
}

/** The mails of one account on disk: one file each, its state is the directory that it lies in. */
export class Spool {
  readonly #directory: string;
  readonly #files: SpoolFiles;
  readonly #pending: Pending[] = [];
  #committing: Promise<void> | undefined;
  #lastTime = 0;
  #serial = 0;
  /** Directory syncs and mails so far: what group commit saves. */
  readonly commits = { syncs: 0, mails: 0 };

  constructor(directory: string, files: SpoolFiles) {
    this.#directory = directory;
    this.#files = files;
  }

  /** Sorts after every earlier one, also when the clock was set back. */
  newId(now: number): string {
    this.#lastTime = Math.max(this.#lastTime, now);
    this.#serial = (this.#serial + 1) % 1_000_000;
    return `${String(this.#lastTime).padStart(14, '0')}-${String(this.#serial).padStart(6, '0')}-${randomBytes(4).toString('hex')}`;
  }

  async prepare(): Promise<void> {
    for (const folder of FOLDERS) await this.#files.ensureDirectory(join(this.#directory, folder));
  }

  /** Resolves when the mail is on disk for good; mails that come while others are written share their sync. Rejects with `spool-full`. */
  commit(envelope: Pending['envelope'], raw: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ envelope, raw, resolve, reject });
      this.#committing ??= this.#commitAll();
    });
  }

  /** Resolves when nothing is being written any more. */
  async settled(): Promise<void> {
    await this.#committing;
  }

  /** All mails in order. Only for the process that holds the lock; half-written files are removed, damaged ones moved aside and returned. */
  async scan(known: (id: string) => boolean): Promise<{ found: Found[]; damaged: string[] }> {
    const found: Found[] = [];
    const damaged: string[] = [];
    for (const folder of ['cur', 'new'] as const) {
      for (const name of (await this.#files.list(join(this.#directory, folder))).sort()) {
        const id = name.replace(/\.eml$/, '');
        if (known(id)) continue;
        const envelope = name.endsWith('.eml') ? await this.#envelope(folder, id) : 'damaged';
        if (envelope === 'gone') continue;
        if (envelope === 'damaged') {
          damaged.push(await this.#setAside(folder, name));
          continue;
        }
        if (folder === 'cur') await this.#files.rename(this.#path('cur', id), this.#path('new', id));
        found.push({ envelope, progress: await this.#progress(id), doubtful: folder === 'cur' });
        this.#lastTime = Math.max(this.#lastTime, Number(id.slice(0, 14)) || 0);
      }
    }
    return { found: found.sort((one, other) => (one.envelope.id < other.envelope.id ? -1 : 1)), damaged };
  }

  /** What has been moved and removed stays so after a power cut. */
  async settle(): Promise<void> {
    for (const folder of ['new', 'cur']) await this.#files.syncDirectory(join(this.#directory, folder));
  }

  /** What a process that is gone left half-written; it was never accepted. */
  async sweep(): Promise<void> {
    const folder = join(this.#directory, 'tmp');
    for (const name of await this.#files.list(folder)) await this.#files.remove(join(folder, name));
  }

  /** The mail's bytes as they were handed in. Undefined when the file is gone; the path it was moved to when it is damaged. */
  async read(id: string): Promise<Buffer | { movedTo: string } | undefined> {
    const file = await this.#files.read(this.#path('new', id)).catch(orGone);
    if (file === undefined) return undefined;
    const decoded = decodeEnvelope(file);
    const raw = file.subarray(decoded?.offset ?? 0);
    if (decoded !== undefined && isIntact(decoded.envelope, raw)) return raw;
    return { movedTo: await this.#setAside('new', `${id}.eml`) };
  }

  /** Before the content leaves: a file found here later may have been delivered. Synchronous, so that nothing comes in between. */
  begin(id: string): void {
    try {
      this.#files.renameNow(this.#path('new', id), this.#path('cur', id));
    } catch {
      // A disk that has become read-only must not keep an alarm from being sent.
    }
  }

  async backToWaiting(id: string): Promise<void> {
    await this.#files.rename(this.#path('cur', id), this.#path('new', id)).catch(orGone);
  }

  async saveProgress(id: string, progress: Progress): Promise<void> {
    await this.#files.replace(join(this.#directory, 'state', `${id}.json`), JSON.stringify(progress));
  }

  async remove(id: string): Promise<void> {
    for (const folder of ['cur', 'new'] as const) await this.#files.remove(this.#path(folder, id));
    await this.#files.remove(join(this.#directory, 'state', `${id}.json`));
  }

  /** Keeps a mail that will not be sent, with the reason beside it; the oldest make room. Returns its path. */
  async fail(id: string, reason: object): Promise<string> {
    const kept = this.#path('failed', id);
    await this.backToWaiting(id);
    await this.#files.rename(this.#path('new', id), kept);
    await this.#files.remove(join(this.#directory, 'state', `${id}.json`));
    await this.#files.replace(kept.replace(/eml$/, 'json'), JSON.stringify(reason, null, 1)).catch(() => undefined);
    await this.#prune();
    return kept;
  }

  async #commitAll(): Promise<void> {
    // Mails handed in by the same turn of the event loop belong together.
    await Promise.resolve();
    while (this.#pending.length > 0) await this.#commitBatch(this.#pending.splice(0, LIMITS.outbox.commitMails));
    this.#committing = undefined;
  }

  async #commitBatch(batch: Pending[]): Promise<void> {
    const written = await Promise.all(
      batch.map(async (pending) => {
        const { id } = pending.envelope;
        try {
          await this.#files.writeSynced(this.#path('tmp', id), [encodeEnvelope(pending.envelope, pending.raw), pending.raw]);
          await this.#files.rename(this.#path('tmp', id), this.#path('new', id));
          return pending;
        } catch (error) {
          await this.#files.remove(this.#path('tmp', id)).catch(() => undefined);
          pending.reject(spoolError(error));
          return undefined;
        }
      }),
    );
    const renamed = written.filter((pending) => pending !== undefined);
    if (renamed.length === 0) return;
    try {
      await this.#files.syncDirectory(join(this.#directory, 'new'));
    } catch (error) {
      for (const { envelope, reject } of renamed) {
        await this.#files.remove(this.#path('new', envelope.id)).catch(() => undefined);
        reject(spoolError(error));
      }
      return;
    }
    this.commits.syncs += 1;
    this.commits.mails += renamed.length;
    for (const { resolve } of renamed) resolve();
  }

  async #envelope(folder: Folder, id: string): Promise<StoredEnvelope | 'gone' | 'damaged'> {
    const start = await this.#files.head(this.#path(folder, id), LIMITS.outbox.envelopeBytes).catch(orGone);
    if (start === undefined) return 'gone';
    let decoded = decodeEnvelope(start.head);
    if (decoded === undefined && start.size > start.head.length) {
      decoded = decodeEnvelope((await this.#files.read(this.#path(folder, id)).catch(orGone)) ?? Buffer.alloc(0));
    }
    const whole = decoded !== undefined && decoded.envelope.id === id && start.size === decoded.offset + decoded.envelope.bytes;
    return whole && decoded !== undefined ? decoded.envelope : 'damaged';
  }

  async #progress(id: string): Promise<Progress | undefined> {
    const content = await this.#files.read(join(this.#directory, 'state', `${id}.json`)).catch(orGone);
    if (content === undefined) return undefined;
    try {
      const progress = JSON.parse(content.toString('utf8')) as Partial<Progress>;
      const { to, accepted = [], refused = [], attempts = 0 } = progress;
      return Array.isArray(to) && to.length > 0 ? { to, accepted, refused, attempts } : undefined;
    } catch {
      return undefined;
    }
  }

  async #setAside(folder: Folder, name: string): Promise<string> {
    const aside = join(this.#directory, 'damaged', name);
    await this.#files.rename(join(this.#directory, folder, name), aside);
    return aside;
  }

  async #prune(): Promise<void> {
    const folder = join(this.#directory, 'failed');
    const names = (await this.#files.list(folder)).filter((name) => name.endsWith('.eml')).sort();
    let bytes = 0;
    for (const [age, name] of names.reverse().entries()) {
      bytes += (await this.#files.head(join(folder, name), 0).catch(orGone))?.size ?? 0;
      if (age < LIMITS.outbox.failedMails && bytes <= LIMITS.outbox.failedBytes) continue;
      await this.#files.remove(join(folder, name));
      await this.#files.remove(join(folder, name.replace(/eml$/, 'json')));
    }
  }

  #path(folder: Folder, id: string): string {
    return join(this.#directory, folder, `${id}.eml`);
  }
}

/** The disk does not take it, whatever its reason: full, read-only, no right to write. */
export function spoolError(cause: unknown): CameraEmailError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CameraEmailError('spool-full', `the outbox cannot be written: ${reason}`, { params: { field: 'disk' }, cause });
}

function orGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
