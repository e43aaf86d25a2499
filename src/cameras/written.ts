import { createHmac, randomBytes, scryptSync } from 'node:crypto';
import { loadJson, writeFileDurably } from '../core/files.ts';
import type { Secret } from '../core/secret.ts';

/** What we last wrote into a camera. The password is held as a keyed digest that only says "the same" or "another". */
interface WrittenEntry {
  passwordTag: string;
  /** The furthest proof that what was written works. */
  proven?: 'camera' | 'arrival' | undefined;
}

interface WrittenFile {
  version: 1;
  salt: string;
  cameras: Record<string, WrittenEntry>;
}

/** Remembers, across restarts, which password each camera holds: cameras do not give passwords back. */
export interface WrittenRecord {
  /** `same`: the camera holds this password. `other`: we wrote another one. `unknown`: we never finished a write. */
  compare(cameraKey: string, password: Secret): Promise<'same' | 'other' | 'unknown'>;
  provenBy(cameraKey: string): Promise<WrittenEntry['proven']>;
  /** The password that the camera held before, when this process has seen it. */
  previousPassword(cameraKey: string): Promise<Secret | undefined>;
  /** Before a write: from here on nobody knows what the camera holds, even after a crash. Durable when it resolves. */
  forget(cameraKey: string): Promise<void>;
  remember(cameraKey: string, password: Secret, proven: WrittenEntry['proven']): Promise<void>;
}

export function openWrittenRecord(file: string, report: (damagedFile: string) => void): WrittenRecord {
  const seen = new Map<string, Secret>();
  const tags = new Map<string, string>();
  let state: Promise<WrittenFile> | undefined;
  let lastWrite: Promise<void> = Promise.resolve();

  const load = async (): Promise<WrittenFile> => {
    const loaded = await loadJson(file, Date.now());
    if (loaded.found && isWrittenFile(loaded.value)) return loaded.value;
    if (!loaded.found && loaded.damaged !== undefined) report(loaded.damaged);
    return { version: 1, salt: randomBytes(32).toString('hex'), cameras: Object.create(null) as Record<string, WrittenEntry> };
  };
  const get = () => {
    state ??= load();
    return state;
  };
  const save = async () => {
    const current = await get();
    lastWrite = lastWrite.catch(() => undefined).then(() => writeFileDurably(file, `${JSON.stringify(current)}\n`));
    await lastWrite;
  };
  const tagOf = async (password: Secret): Promise<string> => {
    const { salt } = await get();
    const quick = createHmac('sha256', salt).update(password.reveal()).digest('hex');
    let tag = tags.get(quick);
    if (tag === undefined) {
      // Slow on purpose: the file must not help anybody to guess a short password.
      tag = scryptSync(password.reveal(), salt, 32).toString('hex');
      tags.set(quick, tag);
    }
    seen.set(tag, password);
    return tag;
  };

  return {
    async compare(cameraKey, password) {
      const entry = (await get()).cameras[cameraKey];
      const tag = await tagOf(password);
      if (entry === undefined) return 'unknown';
      return entry.passwordTag === tag ? 'same' : 'other';
    },
    async provenBy(cameraKey) {
      return (await get()).cameras[cameraKey]?.proven;
    },
    async previousPassword(cameraKey) {
      const entry = (await get()).cameras[cameraKey];
      return entry === undefined ? undefined : seen.get(entry.passwordTag);
    },
    async forget(cameraKey) {
      const { cameras } = await get();
      if (cameras[cameraKey] === undefined) return;
      delete cameras[cameraKey];
      await save();
    },
    async remember(cameraKey, password, proven) {
      const { cameras } = await get();
      cameras[cameraKey] = { passwordTag: await tagOf(password), proven };
      await save();
    },
  };
}

function isWrittenFile(value: unknown): value is WrittenFile {
  const file = value as Partial<WrittenFile> | null;
  return (
    typeof file === 'object' &&
    file !== null &&
    file.version === 1 &&
    typeof file.salt === 'string' &&
    typeof file.cameras === 'object' &&
    file.cameras !== null
  );
}
