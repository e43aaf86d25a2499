import type { CameraDriver } from './driver.ts';
import { hikvision } from './hikvision/driver.ts';

/** Every vendor, one line each. The editor's list, the README table and the contract tests follow from it. */
export const DRIVERS: readonly CameraDriver[] = [hikvision];

export function driverFor(vendor: string): CameraDriver | undefined {
  return DRIVERS.find((driver) => driver.vendor === vendor);
}
