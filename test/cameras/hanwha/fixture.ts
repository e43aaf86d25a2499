import type { DeviceIdentity } from '../../../src/cameras/driver.ts';
import { HanwhaSimulator, type HanwhaSimulatorOptions } from '../../../src/cameras/hanwha/simulator.ts';
import { useBench } from '../fixture.ts';

export const IDENTITY: DeviceIdentity = { vendor: 'hanwha', brand: 'Hanwha Vision', model: 'X', firmware: '', serial: '', kind: 'camera' };

/** For the top of a `describe`. */
export function hanwhaBench() {
  const bench = useBench();
  return { bench, camera: (options: Partial<HanwhaSimulatorOptions> = {}) => new HanwhaSimulator({ ...bench.options, ...options }) };
}
