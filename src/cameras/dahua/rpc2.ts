import { createHash } from 'node:crypto';
import { CameraEmailError, isCameraEmailError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { deviceWords } from '../../core/text.ts';
import type { DeviceHttp, DeviceResponse } from '../../http/types.ts';

/** The error codes that mean something to us, from public clients of the protocol. */
const CODES = {
  challenge: [268632079, 401],
  wrongLogin: [268632085, 268632070, 268632071, 400],
  locked: [268632081],
  busy: [268632075, 268632074, 486],
  blocked: [268632073],
  notActivated: [268632086],
  /** No such method or interface on this firmware, or not in this form. */
  notUnderstood: [268894210, 268632064, 268894209, 268894211],
  /** Two sources disagree about its last digit. */
  sessionInvalid: [287637504, 28763750],
} as const;

/** One answer; `result` is true, false, or an object id. */
export interface RpcAnswer {
  result: unknown;
  code: number | undefined;
  /** The device's words and what it tells about further attempts. */
  words: string;
  params: Readonly<Record<string, unknown>>;
  session: string | number | undefined;
}

/** The device did not try: it does not know the request, or no longer knows the session. */
export function isNotUnderstood({ code }: RpcAnswer): boolean {
  return [...CODES.notUnderstood, ...CODES.sessionInvalid].some((one) => one === code);
}

/** A session of the JSON interface behind the web page. The device counts sessions: log out, whatever happens. */
export class Rpc2Session {
  #open = true;

  private constructor(
    private readonly rpc: Rpc2,
    private readonly session: string | number,
  ) {}

  /**
   * Logs in with the challenge. Errors: unauthorized (the login is frozen then), locked-out, busy, forbidden, not-activated,
   * unsupported (an encryption of the password that is not known), unreadable, and those of DeviceHttp.
   */
  static async login(http: DeviceHttp, signal: AbortSignal): Promise<Rpc2Session> {
    http.assertLoginAllowed();
    const rpc = new Rpc2(http);
    const { username, password } = http.login;
    const form = { userName: username, password: '', clientType: 'Web3.0', loginType: 'Direct' };
    const challenge = await rpc.post('/RPC2_Login', { method: 'global.login', params: form }, signal);
    if (!is(challenge, CODES.challenge)) throw loginError(http, challenge);
    const { encryption, random, realm } = challenge.params;
    // Nothing weaker is answered: a device in the middle could ask for the password in clear.
    if (encryption !== 'Default' || typeof random !== 'string' || typeof realm !== 'string') {
      throw new CameraEmailError('unsupported', 'RPC2_Login: an unknown kind of challenge', {
        deviceSays: deviceWords(String(encryption), 50),
      });
    }
    const answer = loginAnswer(username, password.reveal(), realm, random);
    const params = { ...form, password: answer, authorityType: 'Default', passwordType: 'Default' };
    const accepted = await rpc.post('/RPC2_Login', { method: 'global.login', params, session: challenge.session }, signal);
    // Recorders give another session in the second answer; the first is of no use then.
    const session = accepted.session ?? challenge.session;
    if (accepted.result !== true || session === undefined) throw loginError(http, accepted);
    rpc.carry(username, session);
    return new Rpc2Session(rpc, session);
  }

  call(method: string, signal: AbortSignal, options: { object?: unknown; timeoutMs?: number } = {}): Promise<RpcAnswer> {
    const { object, timeoutMs } = options;
    const request = { method, params: null, ...(object === undefined ? {} : { object }), session: this.session };
    return this.rpc.post('/RPC2', request, signal, timeoutMs);
  }

  /** Ends the session. Safe to call twice; a failed attempt may be repeated. */
  async logout(signal: AbortSignal): Promise<void> {
    if (!this.#open) return;
    await this.call('global.logout', signal);
    this.#open = false;
  }
}

/** The digest that the device expects in place of the password. */
export function loginAnswer(username: string, password: string, realm: string, random: string): string {
  const md5 = (text: string) => createHash('md5').update(text, 'utf8').digest('hex').toUpperCase();
  return md5(`${username}:${random}:${md5(`${username}:${realm}:${password}`)}`);
}

/** Posts JSON, counts the requests and carries the cookies. */
class Rpc2 {
  readonly #cookies = new Map<string, string>();
  #id = 0;

  constructor(private readonly http: DeviceHttp) {}

  async post(path: string, request: Record<string, unknown>, signal: AbortSignal, timeoutMs?: number): Promise<RpcAnswer> {
    this.#id += 1;
    const cookies = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await this.http.request(
      {
        method: 'POST',
        path,
        headers: { 'Content-Type': 'application/json', ...(cookies === '' ? {} : { Cookie: cookies }) },
        body: JSON.stringify({ ...request, id: this.#id }),
        authenticate: false,
        timeoutMs: timeoutMs ?? LIMITS.device.requestMs,
      },
      signal,
    );
    for (const line of response.headers['set-cookie'] ?? []) {
      const [, name, value] = /^\s*([\w-]+)=([\x21\x23-\x2b\x2d-\x3a\x3c-\x7e]*)/.exec(line) ?? [];
      if (name !== undefined && value !== undefined) this.#cookies.set(name, value);
    }
    return readAnswer(response, path);
  }

  /** The cookies of the web page: which one a firmware looks at differs. */
  carry(username: string, session: string | number): void {
    const names = ['WebClientSessionID', 'DWebClientSessionID', 'DhWebClientSessionID'];
    for (const name of names) this.#cookies.set(name, encodeURIComponent(String(session)));
    this.#cookies.set('username', encodeURIComponent(username));
  }
}

function readAnswer(response: DeviceResponse, path: string): RpcAnswer {
  const deviceSays = deviceWords(response.text().replace(/<[^>]*>/g, ' '), 200) || `HTTP ${response.status}`;
  let parsed: unknown;
  try {
    parsed = JSON.parse(response.text());
  } catch {
    const absent = response.status === 404 || response.status === 405 || response.status === 501;
    throw new CameraEmailError(absent ? 'unsupported' : 'unreadable', `${path}: HTTP ${response.status} without JSON`, { deviceSays });
  }
  if (!isRecord(parsed)) throw new CameraEmailError('unreadable', `${path}: not an answer`, { deviceSays });
  const { result, session } = parsed;
  const error = isRecord(parsed.error) ? parsed.error : {};
  const params = isRecord(parsed.params) ? parsed.params : {};
  const message = [error.message, error.code].find((word) => word !== undefined && word !== '');
  const left = typeof params.remainLoginTimes === 'number' ? ` (remainLoginTimes ${params.remainLoginTimes})` : '';
  return {
    result,
    code: typeof error.code === 'number' ? error.code : undefined,
    words: deviceWords(`${message ?? (result === true ? 'OK' : `result ${JSON.stringify(result)}`)}${left}`, 200),
    params,
    session: typeof session === 'string' || typeof session === 'number' ? session : undefined,
  };
}

function loginError(http: DeviceHttp, answer: RpcAnswer): CameraEmailError {
  const details = { deviceSays: answer.words };
  const { remainLockSecond, remainLoginTimes } = answer.params;
  const seconds = Number.isSafeInteger(remainLockSecond) ? Number(remainLockSecond) : 0;
  if (seconds > 0 || is(answer, CODES.locked)) {
    return http.deviceLocked(seconds > 0 ? Date.now() + seconds * 1000 : undefined, answer.words);
  }
  if (is(answer, CODES.busy)) return new CameraEmailError('busy', 'RPC2_Login: all sessions are taken', details);
  if (is(answer, CODES.blocked)) return new CameraEmailError('forbidden', 'RPC2_Login: this address is blocked', details);
  if (is(answer, CODES.notActivated)) return new CameraEmailError('not-activated', 'the device has no password yet', details);
  // A device that counts the attempts left has counted this one, whatever its code.
  const counted = remainLoginTimes !== undefined || is(answer, CODES.challenge);
  if (counted || is(answer, CODES.wrongLogin)) return http.loginRefused(answer.words);
  return new CameraEmailError('rejected', `RPC2_Login: ${answer.words}`, details);
}

/** True for a login that failed without a verdict about the password: the device may still be asked by other means. */
export function isNoVerdict(error: unknown): error is CameraEmailError {
  return isCameraEmailError(error, 'unsupported', 'unreadable', 'busy', 'forbidden', 'rejected');
}

function is({ code }: RpcAnswer, codes: readonly number[]): boolean {
  return code !== undefined && codes.includes(code);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
