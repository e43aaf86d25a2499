import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { CameraEmailError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import type { Secret } from '../core/secret.ts';

export interface PolicyOptions {
  /** `login`: everybody has to log in; `network`: the address alone decides, and any login is taken. */
  auth: 'login' | 'network';
  users: ReadonlyMap<string, Secret>;
  /** Networks in CIDR form or single addresses. With `login`, an empty list means any address. */
  allow: readonly string[];
  now(): number;
}

interface Guesses {
  /** Digests of the wrong logins that were tried: a camera that repeats one and the same is no burglar. */
  tried: Set<string>;
  shutOutUntil: number;
}

/** Who may hand in mail. */
export class Policy {
  readonly #options: PolicyOptions;
  readonly #networks: BlockList;
  readonly #salt = randomBytes(16);
  readonly #guesses = new Map<string, Guesses>();
  readonly #connections = new Map<string, number>();
  #open = 0;

  /** Throws `bad-input` for a network that cannot be read. */
  constructor(options: PolicyOptions) {
    this.#options = options;
    this.#networks = networks(options.allow);
  }

  get needsLogin(): boolean {
    return this.#options.auth === 'login';
  }

  /** Takes a connection in: undefined, or the reply that turns it away. Every one taken in has to be given back by `left`. */
  enter(address: string): string | undefined {
    if (!this.#mayConnect(address)) return '554 5.7.1 This address may not send mail here';
    if ((this.#guesses.get(address)?.shutOutUntil ?? 0) > this.#options.now()) return '554 5.7.0 Too many wrong logins, try again later';
    const here = this.#connections.get(address) ?? 0;
    if (this.#open >= LIMITS.relay.connections || here >= LIMITS.relay.connectionsPerAddress) return '421 4.7.0 Too many connections';
    this.#open += 1;
    this.#connections.set(address, here + 1);
    return undefined;
  }

  left(address: string): void {
    const here = (this.#connections.get(address) ?? 1) - 1;
    if (here > 0) this.#connections.set(address, here);
    else this.#connections.delete(address);
    this.#open -= 1;
  }

  /** True for a right login. A wrong one says how long its answer has to wait, in milliseconds. */
  login(address: string, username: string, password: string): { ok: true } | { ok: false; waitMs: number; shutOut: boolean } {
    if (!this.needsLogin || this.#isRight(username, password)) {
      this.#guesses.delete(address);
      return { ok: true };
    }
    const guesses = this.#guesses.get(address) ?? { tried: new Set(), shutOutUntil: 0 };
    this.#guesses.delete(address);
    this.#guesses.set(address, guesses);
    const oldest = this.#guesses.keys().next();
    if (this.#guesses.size > LIMITS.relay.addresses && oldest.done !== true) this.#guesses.delete(oldest.value);
    guesses.tried.add(this.#digest(`${username}\0${password}`).toString('base64'));
    const shutOut = guesses.tried.size >= LIMITS.relay.guesses;
    const waitMs = LIMITS.relay.slowDownMs * guesses.tried.size;
    if (shutOut) {
      guesses.shutOutUntil = this.#options.now() + LIMITS.relay.shutOutMs;
      guesses.tried.clear();
    }
    return { ok: false, waitMs, shutOut };
  }

  #mayConnect(address: string): boolean {
    const { auth, allow } = this.#options;
    if (auth === 'login' && allow.length === 0) return true;
    return this.#networks.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  }

  #isRight(username: string, password: string): boolean {
    const known = this.#options.users.get(username);
    const right = timingSafeEqual(this.#digest(password), this.#digest(known?.reveal() ?? ''));
    return right && known !== undefined && !known.isEmpty;
  }

  #digest(text: string): Buffer {
    return createHash('sha256').update(this.#salt).update(text).digest();
  }
}

/** `::ffff:192.0.2.7` is an IPv4 client of a listener for both. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
}

function networks(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', prefix] = entry.trim().split('/');
    const version = isIP(address);
    const bits = prefix === undefined ? undefined : Number(prefix);
    if (
      version === 0 ||
      (bits !== undefined && !(Number.isInteger(bits) && prefix !== '' && bits >= 0 && bits <= (version === 6 ? 128 : 32)))
    )
      throw new CameraEmailError('bad-input', 'not a network', { params: { field: 'allow', value: entry.slice(0, 80) } });
    const family = version === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, bits, family);
  }
  return list;
}
