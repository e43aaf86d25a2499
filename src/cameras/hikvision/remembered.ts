import type { DeviceHttp } from '../../http/types.ts';
import type { readCapabilities } from './email.ts';
import type { SensitiveFields } from './sensitive.ts';

/** What a device told once and will not change while its connection is known: planning and then applying asks it only once. */
export const capabilitiesByDevice = new WeakMap<DeviceHttp, ReturnType<typeof readCapabilities>>();

/** Of one device and login: the salt in them belongs to the device. */
export const sensitiveByDevice = new WeakMap<DeviceHttp, SensitiveFields>();
