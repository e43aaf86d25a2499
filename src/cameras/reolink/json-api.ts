import { CameraEmailError, type ErrorCode } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { Secret } from '../../core/secret.ts';
import { deviceWords } from '../../core/text.ts';
import type { DeviceHttp, DeviceResponse } from '../../http/types.ts';

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

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

const CODES: Readonly<Record<number, ErrorCode>> = {
  [-2]: 'busy',
  [-5]: 'busy',
  [-6]: 'busy',
  [-8]: 'busy',
  [-9]: 'unsupported',
  [-12]: 'busy',
  [-14]: 'busy',
  [-17]: 'busy',
  [-21]: 'busy',
  [-24]: 'unsupported',
  [-26]: 'forbidden',
  [-31]: 'busy',
  [-49]: 'bad-input',
  [-503]: 'forbidden',
  [-507]: 'busy',
};

/** What the vendor's guide calls the codes of a failed mail test (v9, chapter 4.1); the `detail` of an answer often says less. */
const MAIL_TEST_CODES: Readonly<Record<number, string>> = {
  [-100]: 'test failed',
  [-480]: 'email undefined',
  [-481]: 'email connect failed',
  [-482]: 'email auth failed',
  [-483]: 'email network error',
  [-484]: 'email server error',
  [-485]: 'email memory error',
};

/** The answer to one command. */
export interface ApiAnswer {
  ok: boolean;
  /** 200 when it is OK, else negative. */
  rspCode: number;
  /** The device's own words with their code, such as `not support (-9)`. */
  words: string;
  value: JsonObject;
  contentType: string | undefined;
  /** The whole answer, each character one byte. */
  body: string;
}

/** True when this code says that the mail test was made and failed, or that a value of it is too long. */
export function isTestFailure(rspCode: number): boolean {
  return rspCode in MAIL_TEST_CODES || rspCode === -22;
}

/** The error that a refusal stands for, in our codes. */
export function answerError(cmd: string, { rspCode, words }: ApiAnswer): CameraEmailError {
  const code = CODES[rspCode] ?? 'rejected';
  const params = code === 'bad-input' ? { params: { field: 'channel' } } : {};
  return new CameraEmailError(code, `${cmd}: ${words}`, { deviceSays: words, ...params });
}

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

/** One command's answer out of an HTTP body; undefined when it is not this vendor's envelope. An unknown command comes back under another name. */
function parseAnswer(response: DeviceResponse): ApiAnswer | undefined {
  let parsed: unknown;
  try {
    // Devices send JSON as text/html.
    parsed = JSON.parse(response.text());
  } catch {
    return undefined;
  }
  const first: unknown = Array.isArray(parsed) ? parsed[0] : undefined;
  if (!isObject(first) || typeof first.cmd !== 'string' || typeof first.code !== 'number') return undefined;
  const value = isObject(first.value) ? first.value : {};
  const error = isObject(first.error) ? first.error : undefined;
  const told = Number(error?.rspCode ?? value.rspCode ?? Number.NaN);
  // The guide prints errors with code 0, devices send 1.
  const ok = first.code === 0 && error === undefined && (Number.isNaN(told) || told === 200);
  const rspCode = ok ? 200 : Number.isNaN(told) ? first.code : told;
  const meaning = MAIL_TEST_CODES[rspCode];
  const detail = typeof error?.detail === 'string' ? error.detail : '';
  const words = deviceWords(`${detail} (${rspCode}${meaning === undefined ? '' : ` ${meaning}`})`);
  const body = response.body.toString('latin1');
  return { ok, rspCode, words, value, contentType: response.headers['content-type'], body };
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

  constructor(
    readonly http: DeviceHttp,
    private readonly now: () => number = Date.now,
  ) {}

  /** Asks without a login: this vendor answers in its own envelope, whatever it answers. */
  async isSpoken(signal: AbortSignal): Promise<boolean> {
    const { body } = command('GetDevInfo', {});
    const response = await this.#exchange(pathOf('GetDevInfo'), body, undefined, signal);
    return parseAnswer(response) !== undefined;
  }

  /** A command's good answer; a refusal rejects with the code that fits. */
  async get(cmd: string, param: JsonObject, action: 0 | 1, signal: AbortSignal): Promise<ApiAnswer> {
    const answer = await this.send(command(cmd, param, action), undefined, signal);
    if (!answer.ok) throw answerError(cmd, answer);
    return answer;
  }

  /** Any answer to a command; rejects when the device gives none, or refuses the login. */
  async send(what: { cmd: string; body: string }, timeoutMs: number | undefined, signal: AbortSignal): Promise<ApiAnswer> {
    const answer = await this.#inSession(what, timeoutMs, signal);
    return WAKING.has(answer.rspCode) ? this.#inSession(what, timeoutMs, signal) : answer;
  }

  /** Logs out. Safe to call twice, and after errors. */
  async close(signal: AbortSignal): Promise<void> {
    const opening = this.#session;
    this.#session = undefined;
    const session = await opening?.catch(() => undefined);
    // Logout with a dead token makes some firmware refuse every later one.
    if (session === undefined || !session.token || this.now() >= session.endsAt) return;
    const { cmd, body } = command('Logout', {});
    await this.#post(cmd, body, session.query, undefined, signal);
  }

  async #inSession({ cmd, body }: { cmd: string; body: string }, timeoutMs: number | undefined, signal: AbortSignal): Promise<ApiAnswer> {
    const session = await this.#open(signal);
    const answer = await this.#post(cmd, body, session.query, timeoutMs, signal);
    if (session.insteadOf !== undefined) this.#judgeShortSession(session, answer);
    if (!session.token || !NOT_LOGGED_IN.has(answer.rspCode)) return answer;
    // The device forgot the token, as after a restart. The login itself was good: it is made once more.
    this.#session = undefined;
    const fresh = await this.#open(signal);
    const second = await this.#post(cmd, body, fresh.query, timeoutMs, signal);
    if (NOT_LOGGED_IN.has(second.rspCode)) this.#session = undefined;
    return second;
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
    const answer = await this.#post('Login', body, new Secret('token=null'), undefined, signal);
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
  #judgeShortSession(session: Session, answer: ApiAnswer): void {
    const { insteadOf } = session;
    session.insteadOf = undefined;
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

  async #post(cmd: string, body: string, query: Secret, timeoutMs: number | undefined, signal: AbortSignal): Promise<ApiAnswer> {
    const response = await this.#exchange(`${pathOf(cmd)}&${query.reveal()}`, body, timeoutMs, signal);
    const answer = parseAnswer(response);
    if (answer !== undefined) return answer;
    if (response.status >= 300) throw httpError(cmd, response.status);
    throw new CameraEmailError('unreadable', `${cmd}: not an answer of this API`, { deviceSays: deviceWords(response.text(), 200) });
  }

  #exchange(path: string, body: string, timeoutMs: number | undefined, signal: AbortSignal): Promise<DeviceResponse> {
    const headers = { 'Content-Type': 'application/json' };
    const request = { method: 'POST' as const, path, headers, body, authenticate: false, timeoutMs: timeoutMs ?? LIMITS.device.requestMs };
    return this.http.request(request, signal);
  }
}

function httpError(cmd: string, status: number): CameraEmailError {
  const details = { deviceSays: `HTTP ${status}` };
  // 300 is how these devices say that they want https.
  if (status < 400) return new CameraEmailError('wrong-security', `${cmd}: HTTP ${status}`, details);
  // The API answers 404 and 502 while the device restarts.
  if (status === 404 || status === 502 || status === 503) return new CameraEmailError('busy', `${cmd}: HTTP ${status}`, details);
  return new CameraEmailError('rejected', `${cmd}: HTTP ${status}`, details);
}
