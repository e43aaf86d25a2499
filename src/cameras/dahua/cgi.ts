import type { IncomingMessage } from 'node:http';
import { CameraEmailError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { deviceWords } from '../../core/text.ts';
import type { DeviceHttp, DeviceResponse } from '../../http/types.ts';
import type { DeviceDocument } from '../driver.ts';
import { getConfigPath, parseInfo, parseTable } from './config-table.ts';

export type InfoAction = 'getSystemInfo' | 'getSoftwareVersion' | 'getMachineName' | 'getVendor';

/** Realms of the Digest challenge: today's firmware has the serial number behind the words, the vendor's document shows `DH_` and the MAC. */
const REALM = /realm="?(?:Login to |DH_)/i;

/** The key=value CGI of one device. Answers are judged by their words first, because `Error` may come with status 200. */
export class Cgi {
  constructor(private readonly http: DeviceHttp) {}

  /** Whether the device is of this make, without a login: its challenge tells. */
  async recognizes(signal: AbortSignal): Promise<boolean> {
    const response = await this.http.request({ method: 'GET', path: infoPath('getSystemInfo'), authenticate: false }, signal);
    if (response.status === 401) return REALM.test(response.headers['www-authenticate'] ?? '');
    const error = this.errorIn(response, 'getSystemInfo');
    if (error?.code === 'locked-out') throw error;
    return false;
  }

  async info(action: InfoAction, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    return parseInfo((await this.#read(infoPath(action), action, signal)).text());
  }

  /** A configuration table, byte for byte. `unsupported` when the device has none of that name. */
  async getConfig(name: string, signal: AbortSignal): Promise<DeviceDocument> {
    const path = getConfigPath(name);
    const response = await this.#read(path, name, signal);
    const body = response.body.toString('latin1');
    parseTable(body);
    return { path, contentType: response.headers['content-type'], body };
  }

  /** Performs a write; resolves when the device says OK. */
  async setConfig(path: string, signal: AbortSignal): Promise<void> {
    const response = await this.ask(path, LIMITS.device.tableBytes, signal);
    const error = this.errorIn(response, 'setConfig');
    if (error !== undefined) throw error;
    if (response.text().trim().toLowerCase() === 'ok') return;
    throw new CameraEmailError('unreadable', 'setConfig: neither OK nor Error', { deviceSays: wordsOf(response) });
  }

  /** The device answers 400 or `Error` to a read of something that it does not have. */
  async #read(path: string, what: string, signal: AbortSignal): Promise<DeviceResponse> {
    const response = await this.ask(path, LIMITS.device.tableBytes, signal);
    const error = this.errorIn(response, what);
    if (error === undefined) return response;
    if (error.code !== 'rejected' || response.status >= 500 || response.status === 401) throw error;
    throw new CameraEmailError('unsupported', `the device has no ${what}`, { deviceSays: error.deviceSays });
  }

  /** Any answer but a refused login; `errorIn` tells what it means. */
  ask(path: string, maxBytes: number, signal: AbortSignal): Promise<DeviceResponse> {
    const judgeRefusal = (response: DeviceResponse) => this.#judgeRefusal(response);
    return this.http.request({ method: 'GET', path, maxBytes, judgeRefusal }, signal);
  }

  /** The same with an open end. */
  stream(path: string, signal: AbortSignal): Promise<IncomingMessage> {
    return this.http.stream({ method: 'GET', path, judgeRefusal: (response) => this.#judgeRefusal(response) }, signal);
  }

  /** A 401 also comes when the account is locked or all connections are taken: neither says that the password is wrong. */
  #judgeRefusal(response: DeviceResponse): CameraEmailError | undefined {
    const text = response.text();
    const deviceSays = wordsOf(response);
    if (isLockNotice(text)) {
      return new CameraEmailError('locked-out', 'the device has locked this account', { deviceSays, retryAt: lockedUntil(text) });
    }
    if (/maximum number of connections/i.test(text)) {
      return new CameraEmailError('busy', 'all connections of the device are taken', { deviceSays });
    }
    return undefined;
  }

  /** What the device's words stand for; undefined when it complains of nothing. */
  errorIn(response: DeviceResponse, what: string): CameraEmailError | undefined {
    const { status } = response;
    const text = response.text();
    const deviceSays = wordsOf(response);
    const failed = status >= 300 || /^\s*error/i.test(text);
    if (!failed) return undefined;
    if (isLockNotice(text)) return this.http.deviceLocked(lockedUntil(text), deviceSays);
    if (status === 403 || /invalid authority/i.test(text)) {
      return new CameraEmailError('forbidden', `${what}: the user lacks a right`, { deviceSays });
    }
    if (status === 404 || status === 405 || status === 501) {
      return new CameraEmailError('unsupported', `${what}: HTTP ${status}`, { deviceSays });
    }
    if (status === 503) return new CameraEmailError('busy', `${what}: HTTP 503`, { deviceSays });
    return new CameraEmailError('rejected', `${what}: ${deviceSays}`, { deviceSays });
  }
}

function infoPath(action: InfoAction): string {
  return `/cgi-bin/magicBox.cgi?action=${action}`;
}

function isLockNotice(text: string): boolean {
  return /user locked/i.test(text);
}

function lockedUntil(notice: string): number {
  const minutes = Number(/(\d+)\s*minute/i.exec(notice)?.[1] ?? Number.NaN);
  return Date.now() + (minutes > 0 ? minutes * 60_000 : LIMITS.device.lockMs);
}

function wordsOf(response: DeviceResponse): string {
  return deviceWords(response.text().replace(/<[^>]*>/g, ' '), 200) || `HTTP ${response.status}`;
}
