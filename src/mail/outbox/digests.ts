import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Lane } from '../../core/lane.ts';
import type { MailInput } from '../compose.ts';
import type { SpoolFiles } from './spool-files.ts';
import { type Line, type Merged, merged } from './summaries.ts';

export interface DigestRequest {
  /** Mails with the same key are kept apart from each other in time. */
  key: string;
  intervalMs: number;
  /** What a digest is composed of, later. */
  input: MailInput;
}

export interface HeldMail {
  /** The digest's id in the spool, fixed from its first mail on, so that a crash cannot send it twice. */
  id: string;
  topic: string;
  owner?: string | undefined;
  reference?: string | undefined;
  about: Merged;
  /** Of the last mail. */
  input: MailInput;
}

/** One topic's window. On disk as a file of its own, replaced as a whole with every mail that is merged into it. */
export interface Window {
  key: string;
  intervalMs: number;
  /** Epoch milliseconds until which mails are merged. */
  until: number;
  held: HeldMail | undefined;
}

interface Entry {
  until: number;
  count: number;
}

/** Mails that come too soon after another one of their topic. */
export class Digests {
  /** What reads a window and then changes it: one at a time. */
  readonly lane = new Lane();
  readonly #directory: string;
  readonly #files: SpoolFiles;
  readonly #entries = new Map<string, Entry>();

  constructor(directory: string, files: SpoolFiles) {
    this.#directory = join(directory, 'held');
    this.#files = files;
  }

  /** Returns the paths of damaged files, which are moved aside. */
  async load(): Promise<string[]> {
    await this.#files.ensureDirectory(this.#directory);
    const damaged: string[] = [];
    for (const name of await this.#files.list(this.#directory)) {
      if (!/^[0-9a-f]{40}\.json$/.test(name)) continue;
      const file = join(this.#directory, name);
      const window = parseWindow(await this.#files.read(file));
      if (window === undefined) {
        const aside = join(this.#directory, `${name}.damaged`);
        await this.#files.rename(file, aside);
        damaged.push(aside);
      } else {
        this.#entries.set(window.key, { until: window.until, count: window.held?.about.count ?? 0 });
      }
    }
    return damaged;
  }

  /** Mails that wait to become digests. */
  get held(): number {
    return [...this.#entries.values()].reduce((sum, { count }) => sum + count, 0);
  }

  /** The earliest end of a window. */
  get nextAt(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...[...this.#entries.values()].map(({ until }) => until));
  }

  isOpen(key: string, now: number): boolean {
    const entry = this.#entries.get(key);
    return entry === undefined || (entry.until <= now && entry.count === 0);
  }

  keys(due: (until: number) => boolean): string[] {
    return [...this.#entries].filter(([, { until }]) => due(until)).map(([key]) => key);
  }

  /** From now on mails of this key are merged. */
  async begin(key: string, intervalMs: number, now: number): Promise<void> {
    await this.#save({ key, intervalMs, until: now + intervalMs, held: undefined });
  }

  /** Durable when it resolves. `newId` is used for the first mail of a window. */
  async hold({ key, intervalMs, input }: DigestRequest, line: Line, mail: Omit<HeldMail, 'about' | 'input'>): Promise<string> {
    const window = (await this.read(key)) ?? { key, intervalMs, until: line.at + intervalMs, held: undefined };
    const held: HeldMail = { ...mail, id: window.held?.id ?? mail.id, about: merged(window.held?.about, line), input: storable(input) };
    await this.#save({ ...window, held });
    return held.id;
  }

  async read(key: string): Promise<Window | undefined> {
    return this.#entries.has(key) ? parseWindow(await this.#files.read(this.#file(key))) : undefined;
  }

  async end(key: string): Promise<void> {
    this.#entries.delete(key);
    await this.#files.remove(this.#file(key));
  }

  async #save(window: Window): Promise<void> {
    await this.#files.replace(this.#file(window.key), JSON.stringify({ version: 1, ...window }));
    this.#entries.set(window.key, { until: window.until, count: window.held?.about.count ?? 0 });
  }

  #file(key: string): string {
    return join(this.#directory, `${createHash('sha1').update(key).digest('hex')}.json`);
  }
}

/** Pictures as base64: a Buffer's own JSON form is four times as long. */
function storable(input: MailInput): MailInput {
  const attachments = input.attachments?.map((item) => {
    const { content } = item;
    if (typeof content === 'string') return item;
    return { ...item, content: Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('base64'), encoding: 'base64' };
  });
  return { ...input, attachments };
}

function parseWindow(content: Buffer): Window | undefined {
  try {
    const value: unknown = JSON.parse(content.toString('utf8'));
    if (!isRecord(value) || value.version !== 1 || typeof value.key !== 'string') return undefined;
    const { key, intervalMs, until, held } = value;
    if (typeof intervalMs !== 'number' || typeof until !== 'number') return undefined;
    if (held !== undefined && !(isRecord(held) && typeof held.id === 'string' && isRecord(held.about) && isRecord(held.input)))
      return undefined;
    return { key, intervalMs, until, held: held as HeldMail | undefined };
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
