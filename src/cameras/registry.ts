import { axis } from './axis/driver.ts';
import { dahua } from './dahua/driver.ts';
import type { CameraDriver } from './driver.ts';
import { foscam } from './foscam/driver.ts';
import { hanwha } from './hanwha/driver.ts';
import { hikvision } from './hikvision/driver.ts';
import { onvif } from './onvif/driver.ts';
import { reolink } from './reolink/driver.ts';
import { uniview } from './uniview/driver.ts';
import { vivotek } from './vivotek/driver.ts';

/**
 * Every vendor, one line each. The editor's list, the README table and the contract tests follow from it. ONVIF comes last: most brands
 * speak it beside their own protocol, and it cannot set mail up.
 */
export const DRIVERS: readonly CameraDriver[] = [hikvision, dahua, reolink, axis, hanwha, foscam, uniview, vivotek, onvif];

export function driverFor(vendor: string): CameraDriver | undefined {
  return DRIVERS.find((driver) => driver.vendor === vendor);
}
