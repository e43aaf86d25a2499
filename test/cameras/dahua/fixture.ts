import { fitToDevice } from '../../../src/cameras/changes.ts';
import { dahua } from '../../../src/cameras/dahua/driver.ts';
import { DahuaSimulator, type DahuaSimulatorOptions } from '../../../src/cameras/dahua/simulator.ts';
import type { Camera, DeviceIdentity, EmailPlan, EmailReading, WantedEmail } from '../../../src/cameras/driver.ts';
import type { DeviceAddress } from '../../../src/http/types.ts';
import { type Bench, type Started, signal, useBench, wantedEmail } from '../fixture.ts';

export const gmail = (more: Partial<WantedEmail> = {}): WantedEmail => wantedEmail({ recipients: ['me@example.test'], ...more });

/** What `identify` tells of each simulated device. */
export const DEVICES: Record<'camera' | 'recorder' | 'amcrest', DeviceIdentity> = {
  camera: { vendor: 'dahua', brand: 'Dahua', model: 'IPC-HDW5442TM-AS', firmware: '', serial: 'EX0000CAM0001', kind: 'camera' },
  recorder: { vendor: 'dahua', brand: 'Dahua', model: 'DH-NVR5232-4KS3/I', firmware: '', serial: 'EX0000NVR0001', kind: 'recorder' },
  amcrest: { vendor: 'dahua', brand: 'Dahua', model: 'IP4M-1041B', firmware: '', serial: 'EX0000AMC0001', kind: 'camera' },
};

export interface DahuaBench extends Omit<Started<DahuaSimulator>, 'device'>, Pick<Bench, 'mails'> {
  simulator: DahuaSimulator;
  camera: Camera;
}

export interface DahuaSetup extends Partial<DahuaSimulatorOptions> {
  channel?: number;
  address?: Partial<DeviceAddress>;
  password?: string;
}

/** For the top of a `describe`: starts a device with the driver connected to it, and closes both after the test. */
export function dahuaStarter() {
  const bench = useBench();
  return async ({ channel = 1, address, password, ...options }: DahuaSetup = {}): Promise<DahuaBench> => {
    const simulator = new DahuaSimulator({ ...bench.options, ...options });
    const { http, connect } = await bench.start(simulator, address, { password });
    return { simulator, mails: bench.mails, http, camera: dahua.open(http, channel, DEVICES[options.kind ?? 'camera']), connect };
  };
}

/** Reads and plans as configure.ts does. */
export async function planFor(
  camera: Camera,
  wanted: WantedEmail,
): Promise<{ reading: EmailReading; plan: EmailPlan; fitted: WantedEmail }> {
  const reading = await camera.read({ events: wanted.events !== undefined }, signal());
  const capabilities = await camera.capabilities(signal());
  const fit = fitToDevice(wanted, [{ security: 'starttls', port: 587 }], reading.settings, capabilities);
  return { reading, plan: camera.plan(reading, fit.wanted, capabilities), fitted: fit.wanted };
}

/** The lines that differ, as `key: old -> new`. */
export function differences(before: string, after: string): string[] {
  const lines = (text: string) =>
    new Map(
      text
        .split('\r\n')
        .filter(Boolean)
        .map((line) => splitOnce(line)),
    );
  const old = lines(before);
  const found: string[] = [];
  for (const [key, value] of lines(after)) if (old.get(key) !== value) found.push(`${key}: ${old.get(key)} -> ${value}`);
  return found;
}

function splitOnce(line: string): [string, string] {
  const at = line.indexOf('=');
  return [line.slice(0, at).replace('table.', ''), line.slice(at + 1)];
}
