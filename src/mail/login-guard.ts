import { createHmac, randomBytes } from 'node:crypto';
import { type Clock, systemClock } from '../core/clock.ts';
import { CameraEmailError } from '../core/errors.ts';
import { loginText, type MailAccount } from './account.ts';
import type { MailProtocol } from './mail-error.ts';
import { forgetRefusedToken } from './oauth2.ts';

const FIRST_HOLD_MS = 15 * 60_000;
const LONGEST_HOLD_MS = 4 * 60 * 60_000;

interface Hold {
  error: CameraEmailError;
  until: number;
  lengthMs: number;
}

/** Repeating a refused login leads to 454 for the whole account, so the answer is remembered until the password changes or the user asks. */
const refusals = new Map<string, CameraEmailError>();
/** A login limit counts for the account, whatever the password. */
const holds = new Map<string, Hold>();
const accepted = new Set<string>();
const attempts = new Map<string, Promise<void>>();

const salt = randomBytes(32);

/** Throws the remembered refusal (same code, without asking the server), or `too-many-logins` until its time has passed. */
export function assertMailLoginAllowed(account: MailAccount, protocol: MailProtocol, clock: Clock = systemClock): void {
  const refused = refusals.get(credential(account, protocol));
  if (refused !== undefined) throw again(refused);
  const hold = holds.get(login(account, protocol));
  if (hold !== undefined && clock.now() < hold.until) throw again(hold.error);
}

/** Remembers what the server answered to a login, if it was a refusal or a limit. Returns the error to throw, with `retryAt` for a limit. */
export function rememberRefusedLogin(
  account: MailAccount,
  protocol: MailProtocol,
  error: CameraEmailError,
  clock: Clock = systemClock,
): CameraEmailError {
  if (error.code === 'too-many-logins') {
    const key = login(account, protocol);
    const lengthMs = Math.min((holds.get(key)?.lengthMs ?? FIRST_HOLD_MS / 2) * 2, LONGEST_HOLD_MS);
    const held = copy(error, error.message, clock.now() + lengthMs);
    holds.set(key, { error: held, until: clock.now() + lengthMs, lengthMs });
    return held;
  }
  if (!error.retryable && error.params.stage === 'login' && error.deviceSays !== undefined)
    refusals.set(credential(account, protocol), error);
  return error;
}

/** Forgets refusals and holds of both protocols: the user has asked for a new attempt. */
export function forgetRefusedLogin(account: MailAccount): void {
  if (account.oauth2 !== undefined) forgetRefusedToken(account.oauth2);
  for (const protocol of ['smtp', 'imap'] as const) {
    refusals.delete(credential(account, protocol));
    holds.delete(login(account, protocol));
  }
}

/**
 * Logs in unless a refusal is remembered. Until a password has been accepted once, one attempt is made at a time, so that a burst of
 * connections cannot turn one wrong password into many refused logins. `attempt` rejects with a CameraEmailError of stage `login`.
 */
export async function loginOnce<T>(account: MailAccount, protocol: MailProtocol, attempt: () => Promise<T>): Promise<T> {
  const key = credential(account, protocol);
  for (;;) {
    assertMailLoginAllowed(account, protocol);
    const earlier = accepted.has(key) ? undefined : attempts.get(key);
    if (earlier === undefined) break;
    await earlier;
  }
  const running = attempt();
  const settled = running.then(
    () => undefined,
    () => undefined,
  );
  attempts.set(key, settled);
  try {
    const result = await running;
    accepted.add(key);
    holds.delete(login(account, protocol));
    return result;
  } catch (error) {
    accepted.delete(key);
    throw error instanceof CameraEmailError ? rememberRefusedLogin(account, protocol, error) : error;
  } finally {
    if (attempts.get(key) === settled) attempts.delete(key);
  }
}

function again(error: CameraEmailError): CameraEmailError {
  return copy(error, `not tried again: ${error.message.replace(/^(not tried again: )+/, '')}`, error.retryAt);
}

function copy(error: CameraEmailError, message: string, retryAt: number | undefined): CameraEmailError {
  return new CameraEmailError(error.code, message, {
    retryable: error.retryable,
    params: { ...error.params },
    ...(error.deviceSays === undefined ? {} : { deviceSays: error.deviceSays }),
    ...(error.link === undefined ? {} : { link: error.link }),
    ...(retryAt === undefined ? {} : { retryAt }),
  });
}

function login(account: MailAccount, protocol: MailProtocol): string {
  const server = protocol === 'imap' ? account.imap : account.smtp;
  return `${protocol} ${server?.host}:${server?.port} ${account.username}`;
}

/** The password or token is in the key only as a keyed hash, so that no copy of it outlives the account. */
function credential(account: MailAccount, protocol: MailProtocol): string {
  return `${login(account, protocol)} ${createHmac('sha256', salt).update(loginText(account)).digest('base64')}`;
}
