import { randomBytes, scryptSync } from 'node:crypto';
import { join } from 'node:path';
import { CameraEmailError, ERROR_CODES, type ErrorCode } from '../../core/errors.ts';
import { loginText, type MailAccount } from '../account.ts';
import type { SpoolFiles } from './spool-files.ts';

/** Why nothing is sent at the moment. */
export interface Hold {
  error: CameraEmailError;
  /** Epoch milliseconds; undefined: until the account is edited or verified. */
  until: number | undefined;
}

interface Saved {
  code?: unknown;
  message?: unknown;
  deviceSays?: unknown;
  link?: unknown;
  until?: unknown;
  salt?: unknown;
  login?: unknown;
}

/** Remembers over restarts that a login was refused, and for how long Gmail takes no more mail. */
export class AccountState {
  readonly #file: string;
  readonly #files: SpoolFiles;

  constructor(directory: string, files: SpoolFiles) {
    this.#file = join(directory, 'account.json');
    this.#files = files;
  }

  /** Undefined when there is none, when it is over, or when the account's login is another one by now. */
  async load(account: MailAccount, now: number): Promise<Hold | undefined> {
    const saved = await this.#files.read(this.#file).then(
      (content) => parse(content.toString('utf8')),
      () => undefined,
    );
    const { code, message, deviceSays, link, until, salt, login } = saved ?? {};
    if (typeof code !== 'string' || !Object.hasOwn(ERROR_CODES, code)) return undefined;
    if (typeof until === 'number' && until <= now) return undefined;
    if (until === undefined && (typeof salt !== 'string' || login !== fingerprint(account, salt))) return undefined;
    const error = new CameraEmailError(code as ErrorCode, String(message ?? code), {
      params: { host: account.smtp.host, port: account.smtp.port },
      ...(typeof deviceSays === 'string' ? { deviceSays } : {}),
      ...(typeof link === 'string' ? { link } : {}),
    });
    return { error, until: typeof until === 'number' ? until : undefined };
  }

  clear(): Promise<void> {
    return this.#files.remove(this.#file);
  }

  async save(account: MailAccount, hold: Hold): Promise<void> {
    const { code, message, deviceSays, link } = hold.error;
    const salt = randomBytes(16).toString('hex');
    const stop = hold.until === undefined ? { salt, login: fingerprint(account, salt) } : { until: hold.until };
    await this.#files.replace(this.#file, `${JSON.stringify({ code, message, deviceSays, link, ...stop }, null, 1)}\n`);
  }
}

/** Tells an edited login from the refused one. Slow on purpose: passwords of other services than Gmail can be weak. */
function fingerprint(account: MailAccount, salt: string): string {
  const { host, port } = account.smtp;
  return scryptSync(`${host}:${port} ${loginText(account)}`, salt, 32).toString('hex');
}

function parse(text: string): Saved | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
