import { createHmac, randomBytes } from 'node:crypto';
import { request } from 'node:https';
import { rootCertificates } from 'node:tls';
import { systemClock } from '../core/clock.ts';
import { withDeadline } from '../core/deadline.ts';
import { CameraEmailError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { Secret } from '../core/secret.ts';
import { deviceWords } from '../core/text.ts';
import type { MailAccount, MailServer, OAuth2Login } from './account.ts';
import { networkError } from './mail-error.ts';

export interface AccessToken {
  token: Secret;
  /** Asked for just now: when it is refused, another one would be too. */
  fresh: boolean;
}

interface Login {
  token: Secret | undefined;
  /** Epoch milliseconds. */
  until: number;
  /** Some services replace it with every access token. */
  refreshToken: Secret;
  pending: Promise<Secret> | undefined;
  refusal: CameraEmailError | undefined;
}

interface Answer {
  status: number;
  body: Record<string, unknown> | undefined;
}

/** By login, so that SMTP, IMAP and the accounts of every deploy share them. */
const logins = new Map<string, Login>();
const salt = randomBytes(32);

/**
 * The access token of an account, fetched when there is none for the next minute; whoever asks meanwhile waits for the same request.
 * `refused` is one that the mail server does not take any more. Rejects with `oauth2-refused`, which is remembered until
 * forgetRefusedToken, or with what kept the token server from answering.
 */
export async function accessToken(account: MailAccount, oauth2: OAuth2Login, signal?: AbortSignal, refused?: Secret): Promise<AccessToken> {
  const login = loginOf(oauth2);
  if (login.refusal !== undefined) throw login.refusal;
  if (refused !== undefined && login.token?.equals(refused)) login.token = undefined;
  if (login.token !== undefined && systemClock.now() < login.until) return { token: login.token, fresh: false };
  login.pending ??= renew(login, account, oauth2).finally(() => {
    login.pending = undefined;
  });
  const { pending } = login;
  return { token: await withDeadline(LIMITS.mail.tokenMs + 1_000, 'the access token', signal, () => pending), fresh: true };
}

/** The user has asked for another attempt. */
export function forgetRefusedToken(oauth2: OAuth2Login): void {
  const login = loginOf(oauth2);
  login.refusal = undefined;
  // What was refused may be the newer one; the user's own is worth a try.
  login.refreshToken = oauth2.refreshToken;
}

/** The initial response of XOAUTH2, in base64. */
export function xoauth2(username: string, token: Secret): string {
  return Buffer.from(`user=${username}\u0001auth=Bearer ${token.reveal()}\u0001\u0001`, 'utf8').toString('base64');
}

function loginOf({ tokenUrl, clientId, clientSecret, refreshToken }: OAuth2Login): Login {
  const secrets = JSON.stringify([tokenUrl, clientId, clientSecret?.reveal(), refreshToken.reveal()]);
  const key = createHmac('sha256', salt).update(secrets).digest('base64');
  const login = logins.get(key) ?? { token: undefined, until: 0, refreshToken, pending: undefined, refusal: undefined };
  logins.set(key, login);
  return login;
}

async function renew(login: Login, account: MailAccount, oauth2: OAuth2Login): Promise<Secret> {
  const { hostname, port } = new URL(oauth2.tokenUrl);
  const server: MailServer = { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || 443), security: 'tls' };
  let answer: Answer;
  try {
    answer = await withDeadline(LIMITS.mail.tokenMs, 'the access token', undefined, (signal) => ask(login, account, oauth2, signal));
  } catch (error) {
    throw networkError(error, server, 'login', 'oauth2');
  }
  const { access_token: token, expires_in: seconds, refresh_token: refreshToken } = answer.body ?? {};
  if (answer.status !== 200 || typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) throw refusalOf(login, answer, server);
  if (typeof refreshToken === 'string' && refreshToken !== '') login.refreshToken = new Secret(refreshToken);
  login.token = new Secret(token);
  login.until = systemClock.now() + Math.max(0, Number(seconds) || 0) * 1_000 - LIMITS.mail.tokenMarginMs;
  return login.token;
}

/** Only an answer in the words of OAuth2 is a refusal: proxies and busy servers answer with pages of their own. */
function refusalOf(login: Login, { status, body }: Answer, { host, port }: MailServer): CameraEmailError {
  const { error, error_description: description } = body ?? {};
  const refused = status >= 400 && status < 500 && status !== 429 && typeof error === 'string' && error !== 'temporarily_unavailable';
  const says = typeof error === 'string' ? [error, description].filter((part) => typeof part === 'string').join(': ') : `HTTP ${status}`;
  const failure = new CameraEmailError(refused ? 'oauth2-refused' : 'server-busy', `oauth2 ${host}:${port}, login: ${deviceWords(says)}`, {
    params: { host, port, protocol: 'oauth2', stage: 'login' },
    deviceSays: deviceWords(says),
  });
  if (refused) login.refusal = failure;
  return failure;
}

function ask({ refreshToken }: Login, account: MailAccount, oauth2: OAuth2Login, signal: AbortSignal): Promise<Answer> {
  const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: oauth2.clientId, refresh_token: refreshToken.reveal() });
  if (oauth2.clientSecret !== undefined) form.set('client_secret', oauth2.clientSecret.reveal());
  const { ca } = account.tls;
  return new Promise((resolve, reject) => {
    const asked = request(
      oauth2.tokenUrl,
      {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        agent: false,
        signal,
        // Beside the known authorities: the mail server may have a private one and the token server not.
        ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
      },
      (response) => {
        const parts: Buffer[] = [];
        let bytes = 0;
        response.on('data', (part: Buffer) => {
          bytes += part.length;
          if (bytes > LIMITS.mail.tokenBytes) response.destroy(new Error('the answer is too long'));
          else parts.push(part);
        });
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: parse(Buffer.concat(parts).toString('utf8')) }));
      },
    );
    asked.on('error', reject);
    asked.end(form.toString());
  });
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
