import { isStale, offersBasic, parseChallenges } from './challenge.ts';
import { createDigestLogin, type DigestLogin } from './digest.ts';
import type { DeviceLogin } from './types.ts';

/** What a 401 offers: a scheme that was taken up, or why none could be. */
export type Offer = 'digest' | 'basic' | 'basic-in-clear' | 'unknown';

/** The state of one login on one connection: which scheme, which nonce. */
export class Credentials {
  readonly #login: DeviceLogin;
  #digest: DigestLogin | undefined;
  #basic = false;

  constructor(login: DeviceLogin) {
    this.#login = login;
  }

  /** True when the next request will carry a login. */
  get ready(): boolean {
    return this.#basic || this.#digest?.hasAuth === true;
  }

  get isBasic(): boolean {
    return this.#basic;
  }

  /** The Authorization header of the next request, if there is one yet. Every call counts the nonce. */
  authorization(method: string, target: string, body: string | Buffer | undefined): Record<string, string> {
    if (this.#basic) {
      const pair = Buffer.from(`${this.#login.username}:${this.#login.password.reveal()}`, 'utf8');
      return { authorization: `Basic ${pair.toString('base64')}` };
    }
    const authorization = this.#digest?.addAuth(target, { method, body }).headers.Authorization;
    return authorization === undefined ? {} : { authorization };
  }

  /** Takes up the best scheme offered: Digest whenever it is there, Basic only where it may be sent. */
  take(header: string | undefined, basicAllowed: boolean): Offer {
    const challenges = parseChallenges(header);
    this.#digest ??= createDigestLogin(this.#login.username, this.#login.password);
    this.#digest.parseAuth(header);
    this.#basic = false;
    if (this.#digest.hasAuth) return 'digest';
    if (!offersBasic(challenges)) return 'unknown';
    this.#basic = basicAllowed;
    return basicAllowed ? 'basic' : 'basic-in-clear';
  }

  /**
   * After a 401 to a request with a login: takes up the new nonce and says true if the login deserves another try,
   * because the nonce was too old or was not of this exchange. A device is never followed from Digest down to Basic.
   */
  renew(header: string | undefined, freshNonce: boolean): boolean {
    const digest = this.#digest;
    if (this.#basic || digest === undefined) return false;
    const before = digest.nonce;
    digest.parseAuth(header);
    return digest.hasAuth && (isStale(parseChallenges(header)) || (!freshNonce && digest.nonce !== before));
  }

  /** The next request goes without a login and asks for a new challenge. */
  forget(): void {
    this.#basic = false;
    this.#digest?.forget();
  }
}
