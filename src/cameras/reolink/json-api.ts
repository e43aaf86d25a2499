import { randomBytes } from 'node:crypto';
import { CameraEmailError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { Secret } from '../../core/secret.ts';
import { deviceWords } from '../../core/text.ts';
import { isWholeJpeg } from '../../http/multipart-stream.ts';
import type { DeviceHttp, DeviceResponse } from '../../http/types.ts';
import { type Answers, type ApiAnswer, answerError, isObject, type JsonObject, parseAnswers } from './answer.ts';

const PATH = '/cgi-bin/api.cgi';

/** The vendor's default when logins are locked (GetSysCfg `LockTime`, seconds). */
const LOCK_MS = 300_000;
/** How long a token lives when the device does not say. */
const LEASE_MS = 3_600_000;
/** A token is renewed when it has less than this left, so that it does not end between two steps of a job. */
const RENEW_MS = 300_000;

const NO_SESSION_LEFT = new Set([-5, -507]);
const UNKNOWN_COMMAND = new Set([-9, -24]);
const NOT_LOGGED_IN = new Set([-6, -21]);
const LOGIN_REFUSED = new Set([-7, -27, -502]);
const LOGIN_LOCKED = new Set([-506, -105]);
/** What battery cameras answer while they wake up: the one case in which a command is repeated. */
const WAKING = new Set([-12, -13, -17]);

/** Path and literal body of a command; the session's credentials join the query when it is sent. */
export function command(cmd: string, param: JsonObject, action: 0 | 1 = 0): { cmd: string; path: string; body: string } {
  return { cmd, path: pathOf(cmd), body: JSON.stringify([{ cmd, action, param }]) };
}

export function pathOf(cmd: string): string {
  return `${PATH}?cmd=${cmd}`;
}

export function commandOf(path: string): string {
  return /[?&]cmd=(\w+)/.exec(path)?.[1] ?? '';
}

interface Session {
  /** What goes into every request's query. */
  query: Secret;
  /** A token is given back; a short session carries the login in each request and leaves nothing open. */
  token: boolean;
  /** Epoch milliseconds; it is renewed a while before it ends. */
  renewAt: number;
  endsAt: number;
  /** Why there is no token, until the first answer shows that the short session works. */
  insteadOf?: ApiAnswer | undefined;
}

/** The HTTP API of one device: logs in at the first command, by token or else by short session. `close` gives the token back. */
export class JsonApi {
  #session: Promise<Session> | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    readonly http: DeviceHttp,
    private readonly now: () => number = Date.now,
  ) {}

  /** Asks without a login: this vendor answers in its own envelope, whatever it answers. */
  async isSpoken(signal: AbortSignal): Promise<boolean> {
    const { body } = command('GetDevInfo', {});
    const response = await this.#exchange(pathOf('GetDevInfo'), body, undefined, signal);
    return parseAnswers(response) !== undefined;
  }

  /** A command's good answer; a refusal rejects with the code that fits. */
  async get(cmd: string, param: JsonObject, action: 0 | 1, signal: AbortSignal): Promise<ApiAnswer> {
    const answer = await this.send(command(cmd, param, action), undefined, signal);
    if (!answer.ok) throw answerError(cmd, answer);
    return answer;
  }

  /** Any answer to a command; rejects when the device gives none, or refuses the login. */
  async send({ cmd, body }: { cmd: string; body: string }, timeoutMs: number | undefined, signal: AbortSignal): Promise<ApiAnswer> {
    const ask = () => this.#inSession((query) => this.#post(cmd, body, query, timeoutMs, signal), firstOf, signal);
    const [answer] = await ask();
    return WAKING.has(answer.rspCode) ? firstOf(await ask()) : answer;
  }

  /** One command for several channels (from 0) in one request, the answers in the same order. Rejects as `send`. */
  async sendForChannels(cmd: string, channels: readonly number[], signal: AbortSignal): Promise<Answers> {
    const body = JSON.stringify(channels.map((channel) => ({ cmd, action: 0, param: { channel } })));
    const answers = await this.#inSession((query) => this.#post(cmd, body, query, undefined, signal), firstOf, signal);
    if (answers.length === channels.length) return answers;
    throw new CameraEmailError('unreadable', `${cmd}: ${answers.length} answers to ${channels.length} commands`);
  }

  /** A whole JPEG of the channel (from 0); what comes in its place rejects with the code that fits. */
  async picture(channel: number, signal: AbortSignal): Promise<Buffer> {
    const result = await this.#inSession(
      (query) => this.#snap(channel, query, signal),
      (given) => (Buffer.isBuffer(given) ? undefined : given),
      signal,
    );
    if (Buffer.isBuffer(result)) return result;
    throw answerError('Snap', result);
  }

  /** Logs out. Safe to call twice, and after errors; resolves when a logout under way has ended. */
  async close(signal: AbortSignal): Promise<void> {
    const opening = this.#session;
    if (opening === undefined) return this.#closing;
    this.#session = undefined;
    const closing = this.#logOut(opening, signal);
    this.#closing = closing.catch(() => undefined);
    return closing;
  }

  async #logOut(opening: Promise<Session>, signal: AbortSignal): Promise<void> {
    const session = await opening.catch(() => undefined);
    // Logout with a dead token makes some firmware refuse every later one.
    if (session === undefined || !session.token || this.now() >= session.endsAt) return;
    const { cmd, body } = command('Logout', {});
    await this.#post(cmd, body, session.query, undefined, signal);
  }

  /** `answerOf` tells what the device says about the session, if it says anything. */
  async #inSession<T>(
    exchange: (query: Secret) => Promise<T>,
    answerOf: (result: T) => ApiAnswer | undefined,
    signal: AbortSignal,
  ): Promise<T> {
    const session = await this.#open(signal);
    const result = await exchange(session.query);
    const answer = answerOf(result);
    if (session.insteadOf !== undefined) this.#judgeShortSession(session, answer);
    if (!session.token || answer === undefined || !NOT_LOGGED_IN.has(answer.rspCode)) return result;
    // The device forgot the token, as after a restart. The login itself was good: it is made once more.
    await this.#forget(session);
    const fresh = await this.#open(signal);
    const second = await exchange(fresh.query);
    if (NOT_LOGGED_IN.has(answerOf(second)?.rspCode ?? 0)) await this.#forget(fresh);
    return second;
  }

  /** A picture and the states may be asked for at the same time: whoever is late must not drop the session that the other has opened. */
  async #forget(session: Session): Promise<void> {
    const held = this.#session;
    const same = (await held?.catch(() => undefined)) === session;
    if (same && this.#session === held) this.#session = undefined;
  }

  async #open(signal: AbortSignal): Promise<Session> {
    if (this.#session !== undefined) {
      const session = await this.#session;
      if (this.now() < session.renewAt) return session;
      await this.close(signal);
    }
    this.#session ??= this.#logIn(signal).catch((error: unknown) => {
      this.#session = undefined;
      throw error;
    });
    return this.#session;
  }

  async #logIn(signal: AbortSignal): Promise<Session> {
    const { http } = this;
    // Whether the connection is encrypted is known only after a first exchange.
    if (http.origin === undefined) await this.isSpoken(signal);
    if (!http.secure && !http.plainChosen) {
      throw new CameraEmailError('plain-http', 'the login would cross the network in clear', { params: { host: http.host } });
    }
    http.assertLoginAllowed();
    const { username: userName, password } = http.login;
    const { body } = command('Login', { User: { Version: '0', userName, password: password.reveal() } });
    const [answer] = await this.#post('Login', body, new Secret('token=null'), undefined, signal);
    if (!answer.ok) return this.#withoutToken(answer);
    const token = isObject(answer.value.Token) ? answer.value.Token : {};
    if (typeof token.name !== 'string' || token.name === '') throw new CameraEmailError('unreadable', 'Login: no token in the answer');
    const lease = typeof token.leaseTime === 'number' && token.leaseTime > 0 ? token.leaseTime * 1000 : LEASE_MS;
    const now = this.now();
    const query = new Secret(`token=${encodeURIComponent(token.name)}`);
    return { query, token: true, renewAt: now + Math.max(lease / 2, lease - RENEW_MS), endsAt: now + lease };
  }

  /** A short session where there is no token to be had; the fitting error where the login itself was refused. */
  #withoutToken(answer: ApiAnswer): Session {
    const { rspCode } = answer;
    if (!NO_SESSION_LEFT.has(rspCode) && !UNKNOWN_COMMAND.has(rspCode)) throw this.#loginError('Login', answer);
    const { username, password } = this.http.login;
    return {
      query: new Secret(`user=${encodeURIComponent(username)}&password=${encodeURIComponent(password.reveal())}`),
      token: false,
      renewAt: Number.POSITIVE_INFINITY,
      endsAt: Number.POSITIVE_INFINITY,
      insteadOf: answer,
    };
  }

  /** The first answer in a short session tells whether the device takes such sessions, and this login. */
  #judgeShortSession(session: Session, answer: ApiAnswer | undefined): void {
    const { insteadOf } = session;
    session.insteadOf = undefined;
    if (answer === undefined) return;
    const { rspCode } = answer;
    if (NOT_LOGGED_IN.has(rspCode) || LOGIN_REFUSED.has(rspCode) || LOGIN_LOCKED.has(rspCode)) this.#session = undefined;
    else return;
    // Newer firmware takes tokens only and has none left; that says nothing about the password.
    if (NOT_LOGGED_IN.has(rspCode) && insteadOf !== undefined && NO_SESSION_LEFT.has(insteadOf.rspCode))
      throw answerError('Login', insteadOf);
    throw NOT_LOGGED_IN.has(rspCode) ? this.http.loginRefused(answer.words) : this.#loginError('Login', answer);
  }

  #loginError(cmd: string, answer: ApiAnswer): CameraEmailError {
    const { rspCode, words } = answer;
    if (LOGIN_LOCKED.has(rspCode) || /\block/i.test(words)) return this.http.deviceLocked(this.now() + LOCK_MS, words);
    if (LOGIN_REFUSED.has(rspCode) || /invalid user|login failed|password (wrong|err)/i.test(words)) return this.http.loginRefused(words);
    return answerError(cmd, answer);
  }

  async #post(cmd: string, body: string, query: Secret, timeoutMs: number | undefined, signal: AbortSignal): Promise<Answers> {
    return answersIn(cmd, await this.#exchange(`${pathOf(cmd)}&${query.reveal()}`, body, timeoutMs, signal));
  }

  async #snap(channel: number, query: Secret, signal: AbortSignal): Promise<Buffer | ApiAnswer> {
    // Without a new number each time some firmware gives the picture before.
    const path = `${pathOf('Snap')}&channel=${channel}&rs=${randomBytes(8).toString('hex')}&${query.reveal()}`;
    const request = { method: 'GET' as const, path, authenticate: false, maxBytes: LIMITS.device.snapshotBytes };
    const response = await this.http.request(request, signal);
    return isWholeJpeg(response.body) ? response.body : firstOf(answersIn('Snap', response));
  }

  #exchange(path: string, body: string, timeoutMs: number | undefined, signal: AbortSignal): Promise<DeviceResponse> {
    const headers = { 'Content-Type': 'application/json' };
    const request = { method: 'POST' as const, path, headers, body, authenticate: false, timeoutMs: timeoutMs ?? LIMITS.device.requestMs };
    return this.http.request(request, signal);
  }
}

const firstOf = ([first]: Answers): ApiAnswer => first;

function answersIn(cmd: string, response: DeviceResponse): Answers {
  const answers = parseAnswers(response);
  if (answers !== undefined) return answers;
  if (response.status >= 300) throw httpError(cmd, response.status);
  // Half a picture has no words.
  const deviceSays = response.body[0] === 0xff ? '' : deviceWords(response.text(), 200);
  throw new CameraEmailError('unreadable', `${cmd}: not an answer of this API`, { deviceSays });
}

function httpError(cmd: string, status: number): CameraEmailError {
  const details = { deviceSays: `HTTP ${status}` };
  // 300 is how these devices say that they want https.
  if (status < 400) return new CameraEmailError('wrong-security', `${cmd}: HTTP ${status}`, details);
  // The API answers 404 and 502 while the device restarts.
  if (status === 404 || status === 502 || status === 503) return new CameraEmailError('busy', `${cmd}: HTTP ${status}`, details);
  return new CameraEmailError('rejected', `${cmd}: HTTP ${status}`, details);
}
