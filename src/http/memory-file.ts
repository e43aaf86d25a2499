import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeFileDurably } from '../core/files.ts';

/** What the file says about one device. */
export interface DeviceRecord {
  fingerprint?: string;
  salt?: string;
  refused?: { user: string; hash: string }[];
  locked?: { user: string; until: number }[];
}

export interface MemoryProblem {
  /** `damaged`: the file could not be read and begins anew; `not-saved`: the disk refused it, what is known holds until the process ends. */
  kind: 'damaged' | 'not-saved';
  file: string;
  /** Where the damaged file is now. */
  movedTo?: string;
  cause: unknown;
}

type Records = () => ReadonlyMap<string, DeviceRecord>;

export interface RecordFile {
  /** Resolves when these records, or later ones, are on disk. Never rejects: problems are reported. */
  save(records: Records): Promise<void>;
  /** Writes within a tenth of a second, together with what else changes until then. */
  saveSoon(records: Records): void;
  saveSync(records: Records): void;
  flush(): Promise<void>;
}

type Report = (problem: MemoryProblem) => void;

const VERSION = 1;
const COALESCE_MS = 100;

/** Reads the file; none is an empty memory, a damaged one is moved aside. */
export function readRecords(file: string, report: Report): Map<string, DeviceRecord> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') report({ kind: 'damaged', file, cause });
    return new Map();
  }
  try {
    const content: unknown = JSON.parse(text);
    if (!isObject(content) || content.version !== VERSION || !isObject(content.devices)) throw new TypeError('not a device memory');
    const devices = Object.entries(content.devices);
    if (!devices.every((device): device is [string, DeviceRecord] => isRecord(device[1])))
      throw new TypeError('a device record is malformed');
    return new Map(devices);
  } catch (cause) {
    const movedTo = `${file}.damaged-${new Date().toISOString().replaceAll(':', '')}`;
    try {
      renameSync(file, movedTo);
      report({ kind: 'damaged', file, movedTo, cause });
    } catch {
      report({ kind: 'damaged', file, cause });
    }
    return new Map();
  }
}

/** Writes a temporary file, syncs it and renames it over the old one; one write at a time. */
export function recordFile(file: string, report: Report): RecordFile {
  let wanted = 0;
  let written = 0;
  let latest: Records = () => new Map();
  let writing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const writeAll = async () => {
    while (written < wanted) {
      const version = wanted;
      try {
        await writeFileDurably(file, serialize(latest()));
      } catch (cause) {
        report({ kind: 'not-saved', file, cause });
      }
      written = version;
    }
    writing = undefined;
  };
  const start = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    if (written < wanted) writing ??= writeAll();
    return writing ?? Promise.resolve();
  };

  return {
    save(records) {
      latest = records;
      wanted += 1;
      return start();
    },
    saveSoon(records) {
      latest = records;
      wanted += 1;
      if (writing === undefined) timer ??= setTimeout(start, COALESCE_MS);
    },
    saveSync(records) {
      latest = records;
      // A write under way may rename its older content over this one: the loop then writes once more.
      wanted += 1;
      try {
        writeAtomicallySync(file, serialize(records()));
        if (writing === undefined) written = wanted;
      } catch (cause) {
        report({ kind: 'not-saved', file, cause });
      }
    },
    flush: start,
  };
}

function serialize(records: ReadonlyMap<string, DeviceRecord>): string {
  const devices = Object.fromEntries([...records].filter(([, record]) => Object.keys(record).length > 0));
  return `${JSON.stringify({ version: VERSION, devices }, null, 1)}\n`;
}

function writeAtomicallySync(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}.now.tmp`;
  const descriptor = openSync(temporary, 'w', 0o600);
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
}

function isRecord(value: unknown): value is DeviceRecord {
  if (!isObject(value)) return false;
  const { fingerprint, salt, refused, locked } = value;
  const isText = (text: unknown) => text === undefined || typeof text === 'string';
  const isList = (list: unknown, isItem: (item: Record<string, unknown>) => boolean) =>
    list === undefined || (Array.isArray(list) && list.every((item) => isObject(item) && typeof item.user === 'string' && isItem(item)));
  return (
    isText(fingerprint) &&
    isText(salt) &&
    isList(refused, ({ hash }) => typeof hash === 'string' && typeof salt === 'string') &&
    isList(locked, ({ until }) => typeof until === 'number')
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
