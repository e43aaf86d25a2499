import { CameraEmailError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { deviceWords } from '../../core/text.ts';
import { Credentials } from '../../http/credentials.ts';
import type { DeviceHttp, DeviceRequest, DeviceResponse } from '../../http/types.ts';
import { refuseStatus } from '../http-status.ts';
import { jpegIn } from '../jpeg.ts';

/** LAPI resources. The path of the mail settings differs between generations of firmware. */
export const PATHS = {
  deviceBasicInfo: '/LAPI/V1.0/System/DeviceBasicInfo',
  deviceInfo: '/LAPI/V1.0/System/DeviceInfo',
  rsa: '/LAPI/V1.0/System/Security/RSA',
  emails: ['/LAPI/V1.0/Channel/0/NetWork/Email', '/LAPI/V1.0/Channels/0/NetWork/Email'],
  emailTest: '/LAPI/V1.0/NetWork/Email/Test',
} as const;

/** Codes of the vendor's own page (ComScript.js, ResultCode and ResponseCode). */
export const STATUS = { ok: 0, locked: 364, notSupported: 487, rsaKeyChanged: 801 } as const;
const NOT_AUTHORIZED = 3;

export type JsonObject = Record<string, unknown>;

/** The envelope of every answer. `words` are the device's own, with its number. */
export interface LapiAnswer {
  responseCode: number;
  statusCode: number;
  words: string;
  data: unknown;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads an answer, one character per byte; undefined for anything but a LAPI envelope. */
export function parseAnswer(body: string): LapiAnswer | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(body, 'latin1').toString('utf8'));
  } catch {
    return undefined;
  }
  const response = isObject(parsed) ? parsed.Response : undefined;
  if (!isObject(response) || (response.ResponseCode === undefined && response.StatusCode === undefined)) return undefined;
  const { ResponseCode = 0, StatusCode = 0, ResponseString = '', StatusString = '', Data } = response;
  const responseCode = Number(ResponseCode);
  const statusCode = Number(StatusCode);
  const code = statusCode === STATUS.ok ? responseCode : statusCode;
  return { responseCode, statusCode, words: deviceWords(`${code} ${StatusString || ResponseString}`), data: Data };
}

/** Requests of one device. */
export class Lapi {
  static readonly #byDevice = new WeakMap<DeviceHttp, Lapi>();
  /** Set for firmware that asks for the login in an answer with status 200. */
  #login: Credentials | undefined;
  #freshNonce = false;

  private constructor(private readonly http: DeviceHttp) {}

  /** One for each device, so that its way of asking for the login is found out once. */
  static of(http: DeviceHttp): Lapi {
    const lapi = Lapi.#byDevice.get(http) ?? new Lapi(http);
    Lapi.#byDevice.set(http, lapi);
    return lapi;
  }

  /** Asks for a path without a login. `lapi`: the answer is one of LAPI; `login`: only a login tells. Learns how the device wants it. */
  async probe(path: string, signal: AbortSignal): Promise<'lapi' | 'login' | 'unknown'> {
    const response = await this.http.request({ method: 'GET', path, authenticate: false }, signal);
    const answer = parseAnswer(response.body.toString('latin1'));
    const challenge = response.headers['www-authenticate'];
    if (response.status === 200 && answer?.responseCode === NOT_AUTHORIZED && challenge !== undefined) {
      this.#login = new Credentials(this.http.login);
      this.#freshNonce = true;
      if (this.#login.take(challenge, false) !== 'digest') {
        this.#login = undefined;
        throw new CameraEmailError('unsupported', 'the device offers no Digest login', { params: { host: this.http.host } });
      }
      return 'lapi';
    }
    if (answer !== undefined) return 'lapi';
    // Not every firmware wraps its 401.
    return response.status === 401 ? 'login' : 'unknown';
  }

  /** A document, byte for byte, and its Data. Rejects with what the device refused with. */
  async get(path: string, signal: AbortSignal): Promise<{ path: string; contentType: string | undefined; body: string; data: unknown }> {
    const response = await this.#exchange({ method: 'GET', path }, signal);
    const { data } = this.accept(this.#judge(response));
    return { path, contentType: response.headers['content-type'], body: response.body.toString('latin1'), data };
  }

  /** The JPEG at a path. Errors come in the usual envelope, mostly with status 200. */
  async picture(path: string, signal: AbortSignal): Promise<Buffer> {
    const response = await this.#exchange({ method: 'GET', path, maxBytes: LIMITS.device.snapshotBytes }, signal);
    const answer = parseAnswer(response.body.subarray(0, LIMITS.device.headerBytes).toString('latin1'));
    if (answer !== undefined) this.accept(this.#judge(response));
    return jpegIn(response, this.http.host);
  }

  /** A write. Rejects with what the device refused with. */
  async put(path: string, body: string, signal: AbortSignal): Promise<void> {
    this.accept(await this.ask(path, body, signal));
  }

  /** A PUT, with the device's verdict whatever it is. Rejects only when there is none. */
  async ask(path: string, body: string, signal: AbortSignal, timeoutMs?: number): Promise<LapiAnswer> {
    const request = { method: 'PUT', path, body, headers: { 'Content-Type': 'application/json; charset=UTF-8' }, timeoutMs } as const;
    const response = await this.#exchange(request, signal);
    if (response.status !== 500 || !/method not implemented/i.test(response.text())) return this.#judge(response);
    // Now and then a kept connection refuses every PUT (seen by others): end it and ask once more on a new one.
    await this.#exchange({ method: 'GET', path: PATHS.deviceBasicInfo, headers: { Connection: 'close' } }, signal);
    return this.#judge(await this.#exchange(request, signal));
  }

  async #exchange(request: DeviceRequest, signal: AbortSignal): Promise<DeviceResponse> {
    const login = this.#login;
    if (login === undefined) return this.http.request({ ...request, judgeRefusal: (response) => this.#judgeRefusal(response) }, signal);
    for (let logins = 1; ; logins += 1) {
      this.http.assertLoginAllowed();
      const headers = { ...request.headers, ...login.authorization(request.method, request.path, request.body) };
      const response = await this.http.request({ ...request, headers, authenticate: false }, signal);
      const answer = parseAnswer(response.body.toString('latin1'));
      const challenge = response.headers['www-authenticate'];
      if (challenge === undefined || (response.status !== 401 && answer?.responseCode !== NOT_AUTHORIZED)) {
        this.#freshNonce = false;
        return response;
      }
      if (answer?.statusCode === STATUS.locked) throw this.http.deviceLocked(undefined, answer.words);
      if (!login.renew(challenge, this.#freshNonce) || logins > 1) throw this.http.loginRefused(answer?.words);
      this.#freshNonce = true;
    }
  }

  #judgeRefusal(response: DeviceResponse): CameraEmailError | undefined {
    const answer = parseAnswer(response.body.toString('latin1'));
    return answer?.statusCode === STATUS.locked ? this.http.deviceLocked(undefined, answer.words) : undefined;
  }

  #judge(response: DeviceResponse): LapiAnswer {
    const answer = parseAnswer(response.body.toString('latin1'));
    if (answer !== undefined) {
      if (answer.statusCode === STATUS.locked) throw this.http.deviceLocked(undefined, answer.words);
      return answer;
    }
    refuseStatus(response.status);
    throw new CameraEmailError('unreadable', 'LAPI: an answer without Response', {
      deviceSays: deviceWords(response.text().replace(/<[^>]*>/g, ' '), 200),
    });
  }

  /** The answer itself when it is OK; throws what the device refused with. */
  accept(answer: LapiAnswer): LapiAnswer {
    const { responseCode, statusCode, words } = answer;
    if (responseCode === 0 && statusCode === STATUS.ok) return answer;
    const details = { deviceSays: words };
    if (responseCode === NOT_AUTHORIZED) throw new CameraEmailError('forbidden', 'the user lacks a right', details);
    if (statusCode === STATUS.notSupported) throw new CameraEmailError('unsupported', 'the device does not know this request', details);
    throw new CameraEmailError('rejected', `the device refused: ${words}`, details);
  }
}
