import { CameraEmailError } from '../../core/errors.ts';
import { deviceWords } from '../../core/text.ts';
import type { DeviceHttp, DeviceRequest, DeviceResponse } from '../../http/types.ts';
import { refuseStatus } from '../http-status.ts';

/** The first folder below /cgi-bin is the right that a page asks for. */
export const PATHS = {
  info: '/cgi-bin/viewer/getparam.cgi?system_info_modelname&system_info_serialnumber&system_info_firmwareversion',
  servers: '/cgi-bin/admin/getparam.cgi?server_i0&server_i1&server_i2&server_i3&server_i4',
  events: '/cgi-bin/admin/getparam.cgi?event_i0&event_i1&event_i2',
  write: '/cgi-bin/admin/setparam.cgi',
  test: '/cgi-bin/admin/testserver.cgi',
  picture: '/cgi-bin/viewer/video.jpg',
} as const;

/** Parameters by name, in the device's order. */
export type Parameters = ReadonlyMap<string, string>;
export type Pairs = readonly (readonly [string, string])[];

/** Reads lines `key='value'`, one character per byte; other lines are left out. */
export function parseParameters(body: string): Parameters {
  const lines = Buffer.from(body, 'latin1').toString('utf8').split(/\r?\n/);
  const pairs = lines.map((line) => /^(\w+)='(.*)'\s*$/.exec(line)).filter((match) => match !== null);
  return new Map(pairs.map(([, key = '', value = '']) => [key, value]));
}

/** A form or query, each value percent-encoded; `shown` values go in as they are. */
export function encodePairs(pairs: Pairs, shown: readonly string[] = []): string {
  return pairs.map(([key, value]) => `${key}=${shown.includes(value) ? value : encodeURIComponent(value)}`).join('&');
}

/** A document without passwords, of whatever kind of server. */
export function withoutPasswords(body: string): string {
  return body.replace(/^(\w*passw(?:or)?d=)'.*'/gm, "$1''");
}

/** Requests of one device. */
export class VivotekCgi {
  constructor(readonly http: DeviceHttp) {}

  /** A page as the device sends it to somebody without a login. */
  probe(path: string, signal: AbortSignal): Promise<DeviceResponse> {
    return this.http.request({ method: 'GET', path, authenticate: false }, signal);
  }

  /** Parameters of a page. Rejects with `unsupported` when the device knows none of them. */
  async read(path: string, signal: AbortSignal): Promise<{ contentType: string | undefined; body: string; parameters: Parameters }> {
    const response = await this.#ask({ method: 'GET', path }, signal);
    const body = response.body.toString('latin1');
    const parameters = parseParameters(body);
    if (parameters.size === 0) throw refusal(response, 'unsupported');
    return { contentType: response.headers['content-type'], body, parameters };
  }

  /** A write. The device echoes what it took, and says ERROR with status 200. */
  async write(form: string, signal: AbortSignal): Promise<void> {
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const response = await this.#ask({ method: 'POST', path: PATHS.write, headers, body: form }, signal);
    if (errorIn(response) !== undefined || parseParameters(response.body.toString('latin1')).size === 0)
      throw refusal(response, 'rejected');
  }

  /** What the mail test says, as text. `timeoutMs` for the whole test. */
  async test(query: string, timeoutMs: number, signal: AbortSignal): Promise<string> {
    const response = await this.#ask({ method: 'GET', path: `${PATHS.test}?${query}`, timeoutMs }, signal);
    const error = errorIn(response);
    if (error !== undefined) throw refusal(response, 'unsupported');
    return deviceWords(response.text().replace(/<[^>]*>/g, ' '));
  }

  async #ask(request: DeviceRequest, signal: AbortSignal): Promise<DeviceResponse> {
    const response = await this.http.request(request, signal);
    refuseStatus(response.status);
    return response;
  }
}

function errorIn(response: DeviceResponse): string | undefined {
  return /^\s*ERROR:[^\r\n]*/m.exec(response.text())?.[0];
}

/** The device's own ERROR with the given code; without one, nothing that can be understood. */
function refusal(response: DeviceResponse, code: 'unsupported' | 'rejected'): CameraEmailError {
  const error = errorIn(response);
  const deviceSays = deviceWords(error ?? response.text().replace(/<[^>]*>/g, ' '), 200);
  if (error === undefined) return new CameraEmailError('unreadable', 'an answer without parameters', { deviceSays });
  return new CameraEmailError(code, `the device refused: ${deviceSays}`, { deviceSays });
}
