import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface DigestGuardOptions {
  realm: string;
  users: Readonly<Record<string, string>>;
  algorithm?: 'MD5' | 'SHA-256';
  /** False: the old form without qop, nonce counts and cnonce. */
  qop?: boolean;
  /** Refused logins after which the account is locked; 0: never. */
  lockAfter?: number;
  /** A nonce is worth this many requests, then it is stale. */
  requestsPerNonce?: number;
}

/** What the guard saw, for tests to count. */
export interface DigestCounts {
  challenges: number;
  refused: number;
  accepted: number;
}

/** Digest authentication as strict devices do it: nonce counts must rise, the URI must be the request line's, locked means locked. */
export class DigestGuard {
  readonly counts: DigestCounts = { challenges: 0, refused: 0, accepted: 0 };
  locked = false;
  readonly #nonces = new Map<string, number>();

  constructor(readonly options: DigestGuardOptions) {}

  /** The user name, or undefined after the 401 has been written (`body` is what the device puts into it). */
  admit(request: IncomingMessage, response: ServerResponse, body: (locked: boolean, refused: boolean) => string): string | undefined {
    const verdict = this.#judge(request);
    if (verdict.user !== undefined && !this.locked) {
      this.counts.accepted += 1;
      return verdict.user;
    }
    if (verdict.refused) {
      this.counts.refused += 1;
      const { lockAfter = 0 } = this.options;
      if (lockAfter > 0 && this.counts.refused >= lockAfter) this.locked = true;
    } else this.counts.challenges += 1;
    request.resume();
    response.writeHead(401, { 'WWW-Authenticate': this.#challenge(verdict.stale === true), 'Content-Type': 'application/xml' });
    response.end(body(this.locked, verdict.refused === true));
    return undefined;
  }

  #challenge(stale: boolean): string {
    const { realm, algorithm, qop = true } = this.options;
    const nonce = randomBytes(16).toString('hex');
    this.#nonces.set(nonce, 0);
    const parts = [`realm="${realm}"`, `nonce="${nonce}"`, `stale="${stale ? 'TRUE' : 'FALSE'}"`, 'opaque="5ccc"'];
    if (qop) parts.push('qop="auth"');
    if (algorithm !== undefined) parts.push(`algorithm="${algorithm}"`);
    return `Digest ${parts.join(', ')}`;
  }

  #judge(request: IncomingMessage): { user?: string; refused?: boolean; stale?: boolean } {
    const header = request.headers.authorization ?? '';
    if (!/^digest /i.test(header)) return {};
    const fields = new Map<string, string>();
    for (const [, name, quoted, token] of header.slice(7).matchAll(/(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g)) {
      if (name !== undefined) fields.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? token ?? '');
    }
    const { algorithm = 'MD5', qop = true, realm, users, requestsPerNonce = Number.POSITIVE_INFINITY } = this.options;
    const nonce = fields.get('nonce') ?? '';
    const used = this.#nonces.get(nonce);
    if (used === undefined) return { stale: true };
    const hash = (text: string) =>
      createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
        .update(text, 'utf8')
        .digest('hex');
    const user = fields.get('username') ?? '';
    const password = Object.hasOwn(users, user) ? users[user] : undefined;
    const ha1 = hash(`${user}:${realm}:${password}`);
    const ha2 = hash(`${request.method}:${request.url}`);
    const nc = fields.get('nc') ?? '';
    const middle = qop ? `${nc}:${fields.get('cnonce')}:auth:` : '';
    const right =
      fields.get('uri') === request.url &&
      fields.get('realm') === realm &&
      fields.get('response') === hash(`${ha1}:${nonce}:${middle}${ha2}`);
    if (!right || password === undefined) return { refused: true };
    if (qop) {
      const count = /^[0-9a-f]{8}$/i.test(nc) ? Number.parseInt(nc, 16) : 0;
      if (count <= used || count > requestsPerNonce) return { stale: true };
      this.#nonces.set(nonce, count);
    } else if (fields.has('nc') || fields.has('cnonce')) return { refused: true };
    return { user };
  }
}
