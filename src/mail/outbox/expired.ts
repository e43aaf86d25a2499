import { join } from 'node:path';
import type { MailInput } from '../compose.ts';
import type { Say, TimeStyle } from '../mail-texts.ts';
import type { StoredEnvelope } from './envelope.ts';
import type { SpoolFiles } from './spool-files.ts';
import { expiryMail, type Merged, merged } from './summaries.ts';

interface Telling {
  /** Of the one mail that tells of them, in the spool. */
  id: string;
  to: string[];
  about: Merged;
}

const MOST_RECIPIENTS = 100;

/** What has expired and not yet been told, over restarts. */
export class Expired {
  readonly #file: string;
  readonly #files: SpoolFiles;

  constructor(directory: string, files: SpoolFiles) {
    this.#file = join(directory, 'expired.json');
    this.#files = files;
  }

  /** Adds mails and returns all that is to be told, undefined when there is nothing. New mails need another telling, under `id`. */
  async merge(mails: readonly StoredEnvelope[], id: string): Promise<Telling | undefined> {
    const before = await this.#load();
    if (mails.length === 0) return before;
    let about = before?.about;
    for (const { queuedAt, subject } of mails) about = merged(about, { at: queuedAt, subject });
    if (about === undefined) return undefined;
    const to = [...new Set([...(before?.to ?? []), ...mails.flatMap((mail) => mail.to)])].slice(0, MOST_RECIPIENTS);
    const telling = { id, to, about };
    await this.#files.replace(this.#file, JSON.stringify(telling));
    return telling;
  }

  mail({ to, about }: Telling, say: Say, time: TimeStyle): MailInput {
    return expiryMail(to, about, say, time);
  }

  /** Told. */
  async done(id: string): Promise<void> {
    if ((await this.#load().catch(() => undefined))?.id === id) await this.#files.remove(this.#file).catch(() => undefined);
  }

  async #load(): Promise<Telling | undefined> {
    const content = await this.#files.read(this.#file).catch(() => undefined);
    try {
      const { id, to, about } = JSON.parse(content?.toString('utf8') ?? '{}') as Partial<Telling>;
      return typeof id === 'string' && Array.isArray(to) && typeof about?.count === 'number' ? { id, to, about } : undefined;
    } catch {
      return undefined;
    }
  }
}
