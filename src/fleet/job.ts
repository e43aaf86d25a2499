import { createHash } from 'node:crypto';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { ensureDirectory, loadJson, syncDirectory } from '../core/files.ts';
import { LIMITS } from '../core/limits.ts';
import { StateFile } from '../core/state-file.ts';

/** What makes two runs the same job: the second carries on where the first was killed. */
export interface JobIdentity {
  /** The node's id. */
  node: string;
  action: string;
  /** Of the account and its app password; no secret. */
  accountTag: string;
  /** Keys as `cameraKey` gives them, in any order. */
  cameras: readonly string[];
  rotate: boolean;
}

interface JobFile {
  version: 1;
  /** Epoch milliseconds. */
  startedAt: number;
  /** The job replaces an app password. */
  rotation: boolean;
  finished: string[];
}

/** The progress of one run over many cameras, on disk. */
export interface Job {
  /** Cameras that an earlier run of the same job had finished when it was killed. */
  readonly finishedBefore: ReadonlySet<string>;
  readonly rotationBefore: boolean;
  /** Durable when it resolves; what many cameras report at the same time is written together. */
  finish(cameraKey: string, rotation: boolean): Promise<void>;
  /** Ends the run: a job that came to its end is forgotten, one that was stopped is kept to be carried on. */
  close(complete: boolean): Promise<void>;
}

const active = new Set<string>();

/** Carries a job on, or begins it: without a file, or with one that is older than a day or damaged (moved aside, told to `report`). */
export async function openJob(directory: string, identity: JobIdentity, clock: Clock, report: (damagedFile: string) => void): Promise<Job> {
  const file = join(directory, `${jobName(identity)}.json`);
  // The same job twice at the same time: the second leaves no trace, the cameras themselves are locked one by one.
  if (identity.cameras.length < 2 || active.has(file)) return NOT_KEPT;
  active.add(file);
  try {
    await dropOld(directory, clock);
    const before = await load(file, clock, report);
    return new KeptJob(file, before ?? { version: 1, startedAt: clock.now(), rotation: false, finished: [] });
  } catch (error) {
    active.delete(file);
    throw error;
  }
}

const NOT_KEPT: Job = {
  finishedBefore: new Set(),
  rotationBefore: false,
  finish: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

class KeptJob implements Job {
  readonly finishedBefore: ReadonlySet<string>;
  readonly rotationBefore: boolean;
  readonly #state: JobFile;
  readonly #disk: StateFile;

  constructor(file: string, state: JobFile) {
    this.#state = state;
    this.finishedBefore = new Set(state.finished);
    this.rotationBefore = state.rotation;
    this.#disk = new StateFile(file, () => `${JSON.stringify(state)}\n`);
  }

  async finish(cameraKey: string, rotation: boolean): Promise<void> {
    this.#state.rotation ||= rotation;
    if (this.#state.finished.includes(cameraKey)) return;
    this.#state.finished.push(cameraKey);
    await this.#disk.save();
  }

  async close(complete: boolean): Promise<void> {
    const { file } = this.#disk;
    try {
      await this.#disk.settled();
      if (!complete) return;
      await rm(file, { force: true });
      await syncDirectory(dirname(file));
    } finally {
      active.delete(file);
    }
  }
}

function jobName({ node, action, accountTag, cameras, rotate }: JobIdentity): string {
  const parts = [node, action, accountTag, rotate, ...[...cameras].sort()];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

async function load(file: string, clock: Clock, report: (damagedFile: string) => void): Promise<JobFile | undefined> {
  const loaded = await loadJson(file, clock.now());
  if (!loaded.found) {
    if (loaded.damaged !== undefined) report(loaded.damaged);
    return undefined;
  }
  if (isJobFile(loaded.value)) return clock.now() - loaded.value.startedAt > LIMITS.fleet.resumeMs ? undefined : loaded.value;
  const damaged = `${file}.damaged-${clock.now()}`;
  await rename(file, damaged);
  report(damaged);
  return undefined;
}

/** Jobs that nobody carried on: another list of cameras, another password. */
async function dropOld(directory: string, clock: Clock): Promise<void> {
  await ensureDirectory(directory);
  for (const name of await readdir(directory)) {
    if (!name.endsWith('.json')) continue;
    const file = join(directory, name);
    if (active.has(file)) continue;
    const changed = (await stat(file).catch(() => undefined))?.mtimeMs ?? clock.now();
    if (clock.now() - changed > LIMITS.fleet.resumeMs) await rm(file, { force: true });
  }
}

function isJobFile(value: unknown): value is JobFile {
  const file = value as Partial<JobFile> | null;
  return (
    typeof file === 'object' &&
    file !== null &&
    file.version === 1 &&
    typeof file.startedAt === 'number' &&
    typeof file.rotation === 'boolean' &&
    Array.isArray(file.finished) &&
    file.finished.every((key) => typeof key === 'string')
  );
}
