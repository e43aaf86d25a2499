import type { DeviceHttp } from '../../http/types.ts';
import type { DeviceIdentity } from '../driver.ts';
import type { readCapabilities } from './email.ts';
import type { SensitiveFields } from './sensitive.ts';

type Told = ReturnType<typeof readCapabilities>;

const MOST_FIRMWARES = 1_000;
const toldByFirmware = new Map<string, Told>();

/** What the capabilities page says is the same for all devices of one model and firmware, so that a fleet asks once. */
export async function toldCapabilities({ model, firmware, kind }: DeviceIdentity, ask: () => Promise<Told>): Promise<Told> {
  const key = `${model}\n${firmware}\n${kind}`;
  const told = toldByFirmware.get(key) ?? (await ask());
  if (model !== '' && firmware !== '' && toldByFirmware.size < MOST_FIRMWARES) toldByFirmware.set(key, told);
  return told;
}

/** Of one device and login: the salt in them belongs to the device. */
export const sensitiveByDevice = new WeakMap<DeviceHttp, SensitiveFields>();
