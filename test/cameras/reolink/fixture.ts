import type { Camera, DeviceIdentity, WantedEmail } from '../../../src/cameras/driver.ts';
import { reolink } from '../../../src/cameras/reolink/driver.ts';
import { ReolinkSimulator, type ReolinkSimulatorOptions } from '../../../src/cameras/reolink/simulator.ts';
import { type Bench, type Started, useBench, wantedEmail } from '../fixture.ts';

export const IDENTITY: DeviceIdentity = { vendor: 'reolink', brand: 'Reolink', model: '', firmware: '', serial: '', kind: 'unknown' };

export interface ReolinkBench extends Started<ReolinkSimulator>, Pick<Bench, 'mails'> {
  simulator: ReolinkSimulator;
  camera(channel?: number): Camera;
}

/** For the top of a `describe`: starts a device, which is closed after the test. */
export function reolinkStarter() {
  const bench = useBench();
  return async (options: Partial<ReolinkSimulatorOptions> = {}, mailResult = bench.mailResult): Promise<ReolinkBench> => {
    bench.mailResult = mailResult;
    const simulator = new ReolinkSimulator({ ...bench.options, ...options });
    const protocol = options.certificate === undefined ? 'http' : 'https';
    const started = await bench.start(simulator, { protocol, trust: 'any' });
    const { http } = started;
    return { ...started, simulator, mails: bench.mails, camera: (channel = 1) => bench.keep(reolink.open(http, channel, IDENTITY)) };
  };
}

export const wanted = (more: Partial<WantedEmail> = {}): WantedEmail =>
  wantedEmail({ server: 'smtp.gmail.com', username: 'owner@example.test', sender: 'owner@example.test', ...more });
