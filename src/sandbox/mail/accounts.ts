export interface SandboxUser {
  email: string;
  /** As Google shows it, spaces allowed; logins have to send it without. */
  appPassword: string;
  /** The password of the Google account itself, which SMTP and IMAP refuse in a way of their own. */
  accountPassword?: string;
  /** What the token server takes for an access token. */
  oauth2?: { clientId: string; clientSecret: string; refreshToken: string };
}

export type LoginOutcome = 'accepted' | 'refused' | 'app-password-required' | 'too-many';

/** Google tells neither number; an account is shut for a minute after the fifth refusal within one. */
export const REFUSALS_BEFORE_LOCK = 5;
const REFUSAL_MEMORY_MS = 60_000;

/** Who may log in. */
export class Accounts {
  readonly #users: ReadonlyMap<string, SandboxUser>;
  readonly #refusals = new Map<string, number[]>();

  constructor(users: readonly SandboxUser[]) {
    this.#users = new Map(users.map((user) => [user.email.toLowerCase(), user]));
  }

  get emails(): string[] {
    return [...this.#users.keys()];
  }

  check(user: string, password: string): Exclude<LoginOutcome, 'too-many'> {
    const account = this.#users.get(user.toLowerCase());
    if (account === undefined) return 'refused';
    if (password === account.appPassword.replace(/\s/g, '')) return 'accepted';
    return account.accountPassword !== undefined && password === account.accountPassword ? 'app-password-required' : 'refused';
  }

  /** As `check`, but after five refusals in a minute even the right password has to wait. */
  checkCounting(user: string, password: string, now: number): LoginOutcome {
    const name = user.toLowerCase();
    const refusals = (this.#refusals.get(name) ?? []).filter((at) => at > now - REFUSAL_MEMORY_MS);
    if (refusals.length >= REFUSALS_BEFORE_LOCK) return 'too-many';
    const outcome = this.check(user, password);
    if (outcome === 'accepted') this.#refusals.delete(name);
    else this.#refusals.set(name, [...refusals, now]);
    return outcome;
  }
}
