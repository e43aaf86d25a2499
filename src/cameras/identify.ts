import type { Clock } from '../core/clock.ts';
import { CameraEmailError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import type { DeviceHttp } from '../http/types.ts';
import type { CameraDriver, DeviceIdentity } from './driver.ts';
import { DRIVERS, driverFor } from './registry.ts';

export interface Identified {
  driver: CameraDriver;
  identity: DeviceIdentity;
}

/**
 * The driver of a device: the named one, or with `auto` the first that recognizes it. A refused login ends the search at once, so
 * that no account is locked by guessing. Rejects with `unsupported` when nobody knows the device.
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
  throw new CameraEmailError('unsupported', `no driver recognizes ${http.host}`, { params: { host: http.host, field } });
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
