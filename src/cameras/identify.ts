import type { Clock } from '../core/clock.ts';
import { CameraEmailError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { deviceWords } from '../core/text.ts';
import type { DeviceHttp } from '../http/types.ts';
import type { CameraDriver, DeviceIdentity } from './driver.ts';
import { DRIVERS, driverFor } from './registry.ts';

export interface Identified {
  driver: CameraDriver;
  identity: DeviceIdentity;
}

/**
 * The driver of a device: the named one, or with `auto` the first that recognizes it. A refused login ends the search at once, so
 * that no account is locked by guessing. Rejects with `unsupported` when nobody knows the device; `deviceSays` is what it shows.
 */
export async function identifyDevice(http: DeviceHttp, vendor: string, signal: AbortSignal): Promise<Identified> {
  const named = vendor === 'auto' ? undefined : driverFor(vendor);
  if (vendor !== 'auto' && named === undefined) {
    throw new CameraEmailError('bad-input', `unknown vendor ${vendor}`, { params: { field: 'vendor', value: vendor } });
  }
  for (const driver of named === undefined ? DRIVERS : [named]) {
    const identity = await driver.identify(http, signal);
    if (identity !== undefined) return { driver, identity };
  }
  const field = named === undefined ? 'auto' : 'vendor';
  const deviceSays = await firstPage(http, signal);
  throw new CameraEmailError('unsupported', `no driver recognizes ${http.host}`, { deviceSays, params: { host: http.host, field } });
}

/** What anybody sees who opens the device's address in a browser: the server's name, what the login is for, the title of the page. */
async function firstPage(http: DeviceHttp, signal: AbortSignal): Promise<string> {
  try {
    const response = await http.request({ method: 'GET', path: '/', authenticate: false }, signal);
    const { status, headers } = response;
    const realm = /realm="([^"]+)"/i.exec(headers['www-authenticate'] ?? '')?.[1];
    const title = /<title>([^<]+)/i.exec(response.text().slice(0, 4096))?.[1]?.trim();
    const seen = [`HTTP ${status}`, headers.server, realm && `login "${realm}"`, title && `"${title}"`];
    return deviceWords(seen.filter((part) => part !== undefined && part !== '').join(', '), 200);
  } catch (error) {
    if (signal.aborted) throw error;
    return '';
  }
}

/** What a job learned about a device, and when (epoch milliseconds). */
export interface RecalledDevice extends Identified {
  vendor: string;
  at: number;
}

const known = new WeakMap<DeviceHttp, RecalledDevice>();

/** What a job learned about the same device a few minutes ago: planning and then applying asks it only once. */
export function recallDevice(http: DeviceHttp, vendor: string, clock: Clock): RecalledDevice | undefined {
  const device = known.get(http);
  return device !== undefined && device.vendor === vendor && clock.now() - device.at < LIMITS.device.idleClientMs ? device : undefined;
}

/** `undefined` forgets: after a failure it may be another device. */
export function rememberDevice(http: DeviceHttp, device: RecalledDevice | undefined): void {
  if (device === undefined) known.delete(http);
  else known.set(http, device);
}
