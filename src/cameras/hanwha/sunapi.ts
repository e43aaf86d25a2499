import { CameraEmailError } from '../../core/errors.ts';
import { deviceWords } from '../../core/text.ts';
import type { DeviceHttp, DeviceRequest, DeviceResponse } from '../../http/types.ts';
import { optional } from '../optional.ts';

/** SUNAPI requests without `action`, which every one of them needs. */
export const PATHS = {
  status: '/init-cgi/pw_init.cgi?msubmenu=statuscheck',
  deviceInfo: '/stw-cgi/system.cgi?msubmenu=deviceinfo',
  smtp: '/stw-cgi/transfer.cgi?msubmenu=smtp',
  users: '/stw-cgi/transfer.cgi?msubmenu=smtpusers',
  groups: '/stw-cgi/transfer.cgi?msubmenu=smtpgroups',
  rsa: '/stw-cgi/security.cgi?msubmenu=rsa',
  eventRules: '/stw-cgi/eventrules.cgi?msubmenu=rules',
  complexActions: '/stw-cgi/eventactions.cgi?msubmenu=complexaction',
  eventStatus: '/stw-cgi/eventstatus.cgi?msubmenu=eventstatus',
  snapshot: '/stw-cgi/video.cgi?msubmenu=snapshot',
  attributes: '/stw-cgi/attributes.cgi/attributes/transfer/Limit/SMTP.MaxRecipients',
} as const;

export type SunapiRecord = Readonly<Record<string, unknown>>;

/** `action` on a path of PATHS, with parameters in the given order. Commas in values separate list items and stay as they are. */
export function sunapiPath(path: string, action: string, parameters: readonly (readonly [string, string])[] = []): string {
  const encode = (value: string) => encodeURIComponent(value).replaceAll('%2C', ',');
  return [`${path}&action=${action}`, ...parameters.map(([key, value]) => `${key}=${encode(value)}`)].join('&');
}

/**
 * The first record of an answer, and all of them: text answers repeat their keys for each item of a list. `body` has one character
 * per byte. Throws what the device refused with, and `unreadable` for anything but JSON or `key=value` lines.
 */
export function parseAnswer(body: string): { record: SunapiRecord; records: SunapiRecord[] } {
  const text = Buffer.from(body, 'latin1').toString('utf8').trim();
  if (/^NG\b/.test(text))
    throw refusal(Number(/Error Code:\s*(\d+)/i.exec(text)?.[1]), /Error Details:\s*([\s\S]*)$/i.exec(text)?.[1] ?? text);
  const records = text.startsWith('{') ? [jsonRecord(text)] : textRecords(text);
  const record = records[0];
  if (record === undefined) throw new CameraEmailError('unreadable', 'SUNAPI: neither JSON nor key=value lines');
  if (record.Response === 'Fail') {
    const { Code, Details } = isRecord(record.Error) ? record.Error : {};
    throw refusal(Number(Code), String(Details ?? 'Fail'));
  }
  return { record, records };
}

function jsonRecord(text: string): SunapiRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CameraEmailError('unreadable', 'SUNAPI: damaged JSON', { cause: error });
  }
  if (!isRecord(value)) throw new CameraEmailError('unreadable', 'SUNAPI: not an object');
  return value;
}

function textRecords(text: string): SunapiRecord[] {
  const records: Record<string, string>[] = [];
  for (const line of text.split(/\r?\n/)) {
    const [, key, value] = /^\s*([\w.]+)=(.*?)\s*$/.exec(line) ?? [];
    if (key === undefined || value === undefined) continue;
    const last = records.at(-1);
    if (last === undefined || Object.hasOwn(last, key)) records.push({ [key]: value });
    else last[key] = value;
  }
  return records;
}

export function isRecord(value: unknown): value is SunapiRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The error numbers of the vendor's "SUNAPI Introduction", chapter 1.8. */
function refusal(code: number, details: string): CameraEmailError {
  const deviceSays = deviceWords(Number.isNaN(code) ? details : `${code} ${details}`);
  const message = `the device refused: ${deviceSays}`;
  if ([600, 601, 608, 700].includes(code)) return new CameraEmailError('unsupported', message, { deviceSays });
  if (code === 609) return new CameraEmailError('forbidden', message, { deviceSays });
  if (code === 610 || code === 614) return new CameraEmailError('busy', message, { deviceSays });
  return new CameraEmailError('rejected', message, { deviceSays });
}

/** A document without its passwords: newer firmware returns them empty or encrypted, older ones in clear. */
export function withoutPasswords(body: string): string {
  return body.replace(/("\w*Password"\s*:\s*)"(?:[^"\\]|\\.)*"/gi, '$1""').replace(/^(\s*\w*Password=)[^\r\n]*/gim, '$1');
}

/** Requests of one device, as JSON where the firmware has it. */
export class Sunapi {
  constructor(readonly http: DeviceHttp) {}

  /** The body of a view, one character per byte. Rejects with what the device refused with. */
  async view(path: string, signal: AbortSignal): Promise<{ path: string; contentType: string | undefined; body: string }> {
    const target = sunapiPath(path, 'view');
    const response = await this.#ask({ method: 'GET', path: target }, signal);
    const body = response.body.toString('latin1');
    parseAnswer(body);
    return { path: target, contentType: response.headers['content-type'], body };
  }

  /** A page that is no SUNAPI record (attributes are XML), as text. */
  async page(path: string, signal: AbortSignal): Promise<string> {
    return (await this.#ask({ method: 'GET', path }, signal)).text();
  }

  /** A write; resolves when the device says OK. */
  async send(request: Pick<DeviceRequest, 'method' | 'path' | 'body'>, signal: AbortSignal): Promise<void> {
    const text = (await this.#ask(request, signal)).body.toString('latin1');
    if (/^\s*OK\b/.test(text)) return;
    const { record } = parseAnswer(text);
    if (record.Response !== 'Success' && record.Status !== 'Success') {
      throw new CameraEmailError('unreadable', 'SUNAPI: neither OK nor NG', { deviceSays: deviceWords(text, 200) });
    }
  }

  /** The `Status` of the mail test: `Success`, `Fail`, `Trying`, or words of the firmware's own. */
  async test(signal: AbortSignal): Promise<string> {
    const response = await this.#ask({ method: 'GET', path: sunapiPath(PATHS.smtp, 'test') }, signal);
    const { record } = parseAnswer(response.body.toString('latin1'));
    const status = record.Status ?? record.status;
    if (typeof status !== 'string') throw new CameraEmailError('unreadable', 'SUNAPI: a test without status');
    return deviceWords(status);
  }

  /** The initialization state, asked without a login; undefined where the page does not exist (SUNAPI before 2.5.5, other makes). */
  async status(signal: AbortSignal): Promise<SunapiRecord | undefined> {
    const request = { method: 'GET', path: sunapiPath(PATHS.status, 'view'), authenticate: false } as const;
    const response = await this.http.request({ ...request, headers: { Accept: 'application/json' } }, signal);
    if (response.status !== 200) return undefined;
    const answer = await optional(async () => parseAnswer(response.body.toString('latin1')));
    return answer?.record.Initialized === undefined ? undefined : answer.record;
  }

  async #ask(request: Pick<DeviceRequest, 'method' | 'path' | 'body'>, signal: AbortSignal): Promise<DeviceResponse> {
    const response = await this.http.request({ ...request, headers: { Accept: 'application/json' } }, signal);
    refuseStatus(this.http, response.status);
    return response;
  }
}

/** Throws what a status stands for when it is a refusal. */
export function refuseStatus(http: DeviceHttp, status: number): void {
  const deviceSays = `HTTP ${status}`;
  // The vendor's own number for an account blocked after five wrong passwords; it does not say for how long.
  if (status === 490) throw http.deviceLocked(undefined, deviceSays);
  if (status === 403 || status === 491) throw new CameraEmailError('forbidden', deviceSays, { deviceSays });
  if (status === 404 || status === 405 || status === 501) throw new CameraEmailError('unsupported', deviceSays, { deviceSays });
  if (status === 503) throw new CameraEmailError('busy', deviceSays, { deviceSays });
  if (status >= 400) throw new CameraEmailError('rejected', deviceSays, { deviceSays });
}
