import { createHash, randomBytes, scrypt, scryptSync } from 'node:crypto';
import type { Secret } from '../core/secret.ts';
import { type DeviceRecord, type MemoryProblem, type RecordFile, readRecords, recordFile } from './memory-file.ts';
import type { DeviceAddress, DeviceLogin } from './types.ts';

/**
 * What must outlive deploys and restarts: pinned certificates, refused logins and locked accounts, by device key (see `deviceKey`).
 * No password is in it: a refused login is kept as a salted scrypt hash.
 */
export interface DeviceMemory {
  /** SHA-256 fingerprint (`AA:BB:…`) of the certificate seen first. */
  fingerprint(device: string): string | undefined;
  rememberFingerprint(device: string, fingerprint: string): void;
  /** For a certificate that was replaced with the user's consent: the next one seen is trusted. */
  forgetFingerprint(address: Pick<DeviceAddress, 'host' | 'port'>): void;
  isFrozen(device: string, login: DeviceLogin): Promise<boolean>;
  /** The same, blocking for one scrypt when this password has not been compared before. */
  isFrozenSync(device: string, login: DeviceLogin): boolean;
  /** In force at once, on disk when it resolves. */
  freeze(device: string, login: DeviceLogin): Promise<void>;
  /** In force and on disk when it returns. */
  freezeSync(device: string, login: DeviceLogin): void;
  /** "Try once more": forgets every refused login of the device. Locked accounts stay locked until their time. */
  clearFreeze(address: Pick<DeviceAddress, 'host' | 'port'>): void;
  /** Epoch milliseconds until which nobody may log in as this user; undefined when that is past or was never. */
  lockedUntil(device: string, username: string, now: number): number | undefined;
  lock(device: string, username: string, until: number): void;
  /** The account is open again. A password that was refused stays refused: another one working does not make it right. */
  loginSucceeded(device: string, username: string): void;
  /** Resolves when everything is on disk. */
  flush(): Promise<void>;
}

/** The host in lower case, with the port unless that is a default one: several cameras may share an address behind one router. */
export function deviceKey({ host, port }: Pick<DeviceAddress, 'host' | 'port'>): string {
  const name = host.toLowerCase();
  if (port === undefined || port === 80 || port === 443) return name;
  return name.includes(':') ? `[${name}]:${port}` : `${name}:${port}`;
}

/** Opens or creates the memory file. A damaged file is moved aside; that, and a disk that cannot be written, goes to `onProblem`. */
export function openDeviceMemory(file: string, onProblem: (problem: MemoryProblem) => void = () => undefined): DeviceMemory {
  return new Memory(readRecords(file, onProblem), recordFile(file, onProblem));
}

/** A memory that ends with the process. */
export function memoryOnly(): DeviceMemory {
  const nowhere: RecordFile = {
    save: async () => undefined,
    saveSoon: () => undefined,
    saveSync: () => undefined,
    flush: async () => undefined,
  };
  return new Memory(new Map(), nowhere);
}

interface Refused {
  user: string;
  /** Undefined until scrypt is done. */
  hash: string | undefined;
  /** Passwords of this process that are known to be the refused one, or another. */
  compared: WeakMap<Secret, boolean>;
  password?: Secret;
}

interface Entry {
  fingerprint?: string | undefined;
  salt: Buffer;
  refused: Refused[];
  locked: Map<string, number>;
}

/** Older ones are dropped; nobody has that many passwords to try. */
const MAX_REFUSED = 32;

class Memory implements DeviceMemory {
  readonly #entries: Map<string, Entry>;
  readonly #file: RecordFile;

  constructor(records: ReadonlyMap<string, DeviceRecord>, file: RecordFile) {
    this.#entries = new Map([...records].map(([device, record]) => [device, entryOf(record)]));
    this.#file = file;
  }

  fingerprint(device: string): string | undefined {
    return this.#entries.get(device)?.fingerprint;
  }

  rememberFingerprint(device: string, fingerprint: string): void {
    const entry = this.#entry(device);
    if (entry.fingerprint === fingerprint) return;
    entry.fingerprint = fingerprint;
    this.#changed();
  }

  forgetFingerprint(address: Pick<DeviceAddress, 'host' | 'port'>): void {
    const entry = this.#entries.get(deviceKey(address));
    if (entry?.fingerprint === undefined) return;
    entry.fingerprint = undefined;
    this.#changed();
  }

  async isFrozen(device: string, login: DeviceLogin): Promise<boolean> {
    const { entry, open, frozen } = this.#compare(device, login);
    if (frozen || entry === undefined || open.length === 0) return frozen;
    return settle(open, login, await slowHash(entry.salt, login));
  }

  isFrozenSync(device: string, login: DeviceLogin): boolean {
    const { entry, open, frozen } = this.#compare(device, login);
    if (frozen || entry === undefined || open.length === 0) return frozen;
    return settle(open, login, slowHashSync(entry.salt, login));
  }

  async freeze(device: string, login: DeviceLogin): Promise<void> {
    const refused = this.#refuse(device, login);
    refused.hash = await slowHash(this.#entry(device).salt, login);
    await this.#file.save(() => this.#records());
  }

  freezeSync(device: string, login: DeviceLogin): void {
    const refused = this.#refuse(device, login);
    refused.hash = slowHashSync(this.#entry(device).salt, login);
    this.#file.saveSync(() => this.#records());
  }

  clearFreeze(address: Pick<DeviceAddress, 'host' | 'port'>): void {
    const entry = this.#entries.get(deviceKey(address));
    if (entry === undefined || entry.refused.length === 0) return;
    entry.refused = [];
    this.#changed();
  }

  lockedUntil(device: string, username: string, now: number): number | undefined {
    const until = this.#entries.get(device)?.locked.get(userKey(device, username));
    return until !== undefined && until > now ? until : undefined;
  }

  lock(device: string, username: string, until: number): void {
    this.#entry(device).locked.set(userKey(device, username), until);
    this.#changed();
  }

  loginSucceeded(device: string, username: string): void {
    const entry = this.#entries.get(device);
    if (entry?.locked.delete(userKey(device, username))) this.#changed();
  }

  flush(): Promise<void> {
    return this.#file.flush();
  }

  #entry(device: string): Entry {
    const entry = this.#entries.get(device) ?? { salt: randomBytes(16), refused: [], locked: new Map<string, number>() };
    this.#entries.set(device, entry);
    return entry;
  }

  #changed(): void {
    this.#file.saveSoon(() => this.#records());
  }

  #refuse(device: string, login: DeviceLogin): Refused {
    const entry = this.#entry(device);
    const refused: Refused = { user: userKey(device, login.username), hash: undefined, compared: new WeakMap(), password: login.password };
    entry.refused = [...entry.refused.slice(1 - MAX_REFUSED), refused];
    return refused;
  }

  /** What can be said without scrypt, and which records need it. */
  #compare(device: string, login: DeviceLogin): { entry: Entry | undefined; open: Refused[]; frozen: boolean } {
    const entry = this.#entries.get(device);
    if (entry === undefined || entry.refused.length === 0) return { entry, open: [], frozen: false };
    const user = userKey(device, login.username);
    const candidates = entry.refused.filter((item) => item.user === user);
    const frozen = candidates.some((item) => item.password?.equals(login.password) || item.compared.get(login.password));
    return { entry, open: candidates.filter((item) => item.password === undefined && !item.compared.has(login.password)), frozen };
  }

  #records(): Map<string, DeviceRecord> {
    return new Map([...this.#entries].map(([device, entry]) => [device, recordOf(entry)]));
  }
}

function settle(open: readonly Refused[], login: DeviceLogin, hash: string): boolean {
  let frozen = false;
  for (const item of open) {
    const same = item.hash === hash;
    item.compared.set(login.password, same);
    if (same) item.password = login.password;
    frozen ||= same;
  }
  return frozen;
}

function entryOf(record: DeviceRecord): Entry {
  return {
    fingerprint: record.fingerprint,
    salt: record.salt === undefined ? randomBytes(16) : Buffer.from(record.salt, 'base64'),
    refused: (record.refused ?? []).map(({ user, hash }) => ({ user, hash, compared: new WeakMap() })),
    locked: new Map((record.locked ?? []).map(({ user, until }) => [user, until])),
  };
}

function recordOf(entry: Entry): DeviceRecord {
  const refused = entry.refused.flatMap(({ user, hash }) => (hash === undefined ? [] : [{ user, hash }]));
  const locked = [...entry.locked].map(([user, until]) => ({ user, until }));
  return {
    ...(entry.fingerprint === undefined ? {} : { fingerprint: entry.fingerprint }),
    ...(refused.length === 0 ? {} : { salt: entry.salt.toString('base64'), refused }),
    ...(locked.length === 0 ? {} : { locked }),
  };
}

/** User names do not belong in files either; one hash a device keeps them apart. */
function userKey(device: string, username: string): string {
  return createHash('sha256').update(`${device}\n${username}`).digest('base64url');
}

const HASH_BYTES = 32;

function hashInput(login: DeviceLogin): string {
  return `${login.username}\0${login.password.reveal()}`;
}

function slowHash(salt: Buffer, login: DeviceLogin): Promise<string> {
  return new Promise((resolve, reject) => {
    scrypt(hashInput(login), salt, HASH_BYTES, (error, hash) => (error ? reject(error) : resolve(hash.toString('base64'))));
  });
}

function slowHashSync(salt: Buffer, login: DeviceLogin): string {
  return scryptSync(hashInput(login), salt, HASH_BYTES).toString('base64');
}
