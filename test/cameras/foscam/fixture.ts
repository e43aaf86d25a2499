import type { Camera, DeviceIdentity, WantedEmail } from '../../../src/cameras/driver.ts';
import { foscam } from '../../../src/cameras/foscam/driver.ts';
import { FoscamSimulator, type FoscamSimulatorOptions } from '../../../src/cameras/foscam/simulator.ts';
import { type Bench, type Started, useBench, wantedEmail } from '../fixture.ts';

export const IDENTITY: DeviceIdentity = { vendor: 'foscam', brand: 'Foscam', model: '', firmware: '', serial: '', kind: 'unknown' };

export interface FoscamBench extends Started<FoscamSimulator>, Pick<Bench, 'mails'> {
  simulator: FoscamSimulator;
  camera(): Camera;
}

/** For the top of a `describe`: starts a device, which is closed after the test. */
export function foscamStarter() {
  const bench = useBench();
  return async (options: Partial<FoscamSimulatorOptions> = {}, mailResult = bench.mailResult): Promise<FoscamBench> => {
    bench.mailResult = mailResult;
    const simulator = new FoscamSimulator({ ...bench.options, ...options });
    const protocol = options.certificate === undefined ? 'http' : 'https';
    const started = await bench.start(simulator, { protocol, trust: 'any' });
    const { http } = started;
    return { ...started, simulator, mails: bench.mails, camera: () => foscam.open(http, 1, IDENTITY) };
  };
}

export const wanted = (more: Partial<WantedEmail> = {}): WantedEmail =>
  wantedEmail({ server: 'smtp.gmail.com', username: 'owner@example.test', sender: 'owner@example.test', ...more });
