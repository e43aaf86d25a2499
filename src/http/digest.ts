import { hash as digestOf, randomBytes } from 'node:crypto';
import type { DigestClient } from 'digest-fetch';
import type { Secret } from '../core/secret.ts';
import { chooseDigest, parseChallenges } from './challenge.ts';

/** The Digest login of one client with one device: one nonce at a time, each use of it counted. */
export interface DigestLogin {
  /** True once a challenge that can be answered has been taken up. */
  readonly hasAuth: boolean;
  readonly nonce: string;
  /** Takes up the best Digest challenge of a WWW-Authenticate header; `hasAuth` is false afterwards if there is none. */
  parseAuth(header: string | null | undefined): void;
  /** The same options with the Authorization header for the next request. Counts the nonce at once, so that no two requests share a count. */
  addAuth(url: string | URL, options: DigestRequest): DigestRequest & { headers: Record<string, string> };
  /** Forgets the nonce: the next request asks for a new one. */
  forget(): void;
}

export interface DigestRequest {
  method?: string;
  headers?: Record<string, string>;
  /** Needed for devices that insist on `qop=auth-int`. */
  body?: string | Buffer | undefined;
}

interface Answering {
  /** The algorithm parameter exactly as it came; undefined when there was none. */
  algorithm: string | undefined;
  hash: string;
  session: boolean;
  realm: string;
  nonce: string;
  qop: 'auth' | 'auth-int' | undefined;
  opaque: string | undefined;
  cnonce: string;
  nc: number;
  /** What is the same for every request: the hash of user, realm and password (`-sess`: and of the nonces), and the fields around it. */
  fixed: { ha1: string; before: string; after: string } | undefined;
}

type Constructor = new (username: string, password: Secret) => DigestLogin;
let loaded: Constructor | undefined;

/** A Digest login for a user (RFC 7616, and RFC 2069 for devices without qop). digest-fetch is loaded by the first call. */
export function createDigestLogin(username: string, password: Secret): DigestLogin {
  loaded ??= define((require('digest-fetch') as typeof import('digest-fetch')).DigestClient);
  return new loaded(username, password);
}

function define(Base: typeof DigestClient): Constructor {
  return class DeviceDigest extends Base implements DigestLogin {
    readonly #password: Secret;
    #answering: Answering | undefined;

    constructor(username: string, password: Secret) {
      super(binary(username), undefined);
      this.#password = password;
      this.hashFunc = (text: string) => digestOf(this.#answering?.hash ?? 'md5', Buffer.from(text, 'latin1'), 'hex');
    }

    get nonce(): string {
      return this.#answering?.nonce ?? '';
    }

    override makeNonce(): string {
      return randomBytes(16).toString('hex');
    }

    override parseAuth(header: string | null | undefined): void {
      this.lastAuth = header;
      const chosen = chooseDigest(parseChallenges(header));
      this.hasAuth = chosen !== undefined;
      if (chosen === undefined) return;
      const value = (name: string) => chosen.parameters.get(name)?.value;
      const algorithm = chosen.parameters.get('algorithm');
      const name = (algorithm?.value ?? 'MD5').toLowerCase();
      const nonce = value('nonce') ?? '';
      const qops = (value('qop') ?? '').toLowerCase().split(/[\s,]+/);
      const known = this.#answering?.nonce === nonce ? this.#answering : undefined;
      this.#answering = {
        algorithm: algorithm?.quoted ? quote(algorithm.value) : algorithm?.value,
        hash: name
          .replace(/-sess$/, '')
          .replace(/^sha-256$/, 'sha256')
          .replace(/^sha-512/, 'sha512'),
        session: name.endsWith('-sess'),
        realm: value('realm') ?? '',
        nonce,
        qop: qops.includes('auth') ? 'auth' : qops.includes('auth-int') ? 'auth-int' : undefined,
        opaque: value('opaque'),
        // A challenge repeated with the nonce already in use goes on counting; only a new nonce starts again.
        cnonce: known?.cnonce ?? this.makeNonce(),
        nc: known?.nc ?? 0,
        fixed: undefined,
      };
    }

    override addAuth(url: string | URL, options: DigestRequest): DigestRequest & { headers: Record<string, string> } {
      const login = this.#answering;
      if (login === undefined || !this.hasAuth) return { ...options, headers: { ...options.headers } };
      login.nc += 1;
      const nc = login.nc.toString(16).padStart(8, '0');
      const uri = requestTarget(url);
      const hash = (...parts: string[]): string => this.hashWithAlgorithm(parts.join(':'));

      login.fixed ??= this.#fixedOf(login, hash);
      const { ha1, before, after } = login.fixed;
      const entity = login.qop === 'auth-int' ? [hash(Buffer.from(options.body ?? '').toString('latin1'))] : [];
      const ha2 = hash((options.method ?? 'GET').toUpperCase(), uri, ...entity);
      const counted = login.qop === undefined ? [] : [nc, login.cnonce, login.qop];
      const response = hash(ha1, login.nonce, ...counted, ha2);
      const count = login.qop === undefined ? '' : `, nc=${nc}`;
      const Authorization = `${before}, uri=${quote(uri)}, response="${response}"${after}${count}`;
      return { ...options, headers: { ...options.headers, Authorization } };
    }

    #fixedOf(login: Answering, hash: (...parts: string[]) => string): NonNullable<Answering['fixed']> {
      const plain: string = this.computeHash(this.user, login.realm, binary(this.#password.reveal()));
      const after: string[] = [];
      if (login.algorithm !== undefined) after.push(`, algorithm=${login.algorithm}`);
      if (login.opaque !== undefined) after.push(`, opaque=${quote(login.opaque)}`);
      if (login.qop !== undefined) after.push(`, qop=${login.qop}`);
      if (login.qop !== undefined || login.session) after.push(`, cnonce="${login.cnonce}"`);
      return {
        ha1: login.session ? hash(plain, login.nonce, login.cnonce) : plain,
        before: `Digest username=${quote(this.user)}, realm=${quote(login.realm)}, nonce=${quote(login.nonce)}`,
        after: after.join(''),
      };
    }

    forget(): void {
      // The count stays: a device may offer the same nonce again.
      this.hasAuth = false;
    }
  };
}

/** What stands in the request line: path and query, without the fragment. */
export function requestTarget(url: string | URL): string {
  if (url instanceof URL) return url.pathname + url.search;
  if (url.startsWith('/') && !url.includes('#')) return url;
  const target = url.replace(/#.*$/s, '').replace(/^https?:\/\/[^/?]*/i, '');
  return target.startsWith('/') ? target : `/${target}`;
}

/** UTF-8 as one character per byte: the form in which Node writes headers and in which everything here is hashed. */
export function binary(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function quote(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}
