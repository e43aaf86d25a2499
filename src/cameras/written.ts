import { createHmac, randomBytes, scrypt } from 'node:crypto';
import { loadJson } from '../core/files.ts';
import type { Secret } from '../core/secret.ts';
import { StateFile } from '../core/state-file.ts';

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
  /** Durable when it resolves; what many cameras report at the same time is written together. */
  remember(cameraKey: string, password: Secret, proven: WrittenEntry['proven']): Promise<void>;
  /** The same text for the same password, also after a restart; it does not help to guess the password. */
  tag(password: Secret): Promise<string>;
}

export function openWrittenRecord(file: string, report: (damagedFile: string) => void): WrittenRecord {
  const seen = new Map<string, Secret>();
  const tags = new WeakMap<Secret, Promise<string>>();
  const tagsByValue = new Map<string, Promise<string>>();
  let opened: Promise<{ state: WrittenFile; disk: StateFile }> | undefined;

  const load = async () => {
    const loaded = await loadJson(file, Date.now());
    if (!loaded.found && loaded.damaged !== undefined) report(loaded.damaged);
    const state = loaded.found && isWrittenFile(loaded.value) ? loaded.value : emptyFile();
    return { state, disk: new StateFile(file, () => `${JSON.stringify(state)}\n`) };
  };
  const get = () => {
    opened ??= load();
    return opened;
  };
  const tagOf = (password: Secret): Promise<string> => {
    const tag = tags.get(password) ?? makeTag(password);
    tags.set(password, tag);
    return tag;
  };
  const makeTag = async (password: Secret): Promise<string> => {
    const { salt } = (await get()).state;
    const quick = createHmac('sha256', salt).update(password.reveal()).digest('hex');
    const hashing = tagsByValue.get(quick) ?? slowHash(password, salt);
    tagsByValue.set(quick, hashing);
    const tag = await hashing;
    seen.set(tag, password);
    return tag;
  };

  return {
    async compare(cameraKey, password) {
      const entry = (await get()).state.cameras[cameraKey];
      const tag = await tagOf(password);
      if (entry === undefined) return 'unknown';
      return entry.passwordTag === tag ? 'same' : 'other';
    },
    async provenBy(cameraKey) {
      return (await get()).state.cameras[cameraKey]?.proven;
    },
    async previousPassword(cameraKey) {
      const entry = (await get()).state.cameras[cameraKey];
      return entry === undefined ? undefined : seen.get(entry.passwordTag);
    },
    async forget(cameraKey) {
      const { state, disk } = await get();
      if (state.cameras[cameraKey] === undefined) return;
      delete state.cameras[cameraKey];
      await disk.save();
    },
    async remember(cameraKey, password, proven) {
      const { state, disk } = await get();
      state.cameras[cameraKey] = { passwordTag: await tagOf(password), proven };
      await disk.saveWithOthers();
    },
    tag: tagOf,
  };
}

/** Slow on purpose: the file must not help anybody to guess a short password. */
function slowHash(password: Secret, salt: string): Promise<string> {
  return new Promise((resolve, reject) => {
    scrypt(password.reveal(), salt, 32, (error, hash) => (error ? reject(error) : resolve(hash.toString('hex'))));
  });
}

function emptyFile(): WrittenFile {
  return { version: 1, salt: randomBytes(32).toString('hex'), cameras: Object.create(null) as Record<string, WrittenEntry> };
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
