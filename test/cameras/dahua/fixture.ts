import { fitToDevice } from '../../../src/cameras/changes.ts';
import { dahua } from '../../../src/cameras/dahua/driver.ts';
import { DahuaSimulator, type DahuaSimulatorOptions } from '../../../src/cameras/dahua/simulator.ts';
import type { Camera, DeviceIdentity, EmailPlan, EmailReading, WantedEmail } from '../../../src/cameras/driver.ts';
import { Secret } from '../../../src/core/secret.ts';
import { createDeviceConnections, type DeviceConnections } from '../../../src/http/device-connections.ts';
import { memoryOnly } from '../../../src/http/device-memory.ts';
import type { DeviceAddress, DeviceHttp } from '../../../src/http/types.ts';
import type { CameraMail } from '../../../src/sandbox/camera-simulator.ts';

export const LOGIN = { username: 'admin', password: 'camera-secret' };
export const signal = () => AbortSignal.timeout(15_000);

export const gmail = (more: Partial<WantedEmail> = {}): WantedEmail => ({
  enabled: true,
  server: 'smtp.example.test',
  port: 465,
  security: 'tls',
  authentication: true,
  username: 'me@example.test',
  password: new Secret('abcdefghijklmnop'),
  writePassword: true,
  sender: 'me@example.test',
  recipients: ['me@example.test'],
  channel: 1,
  ...more,
});

/** What `identify` tells of each simulated device. */
export const DEVICES: Record<'camera' | 'recorder' | 'amcrest', DeviceIdentity> = {
  camera: { vendor: 'dahua', brand: 'Dahua', model: 'IPC-HDW5442TM-AS', firmware: '', serial: 'EX0000CAM0001', kind: 'camera' },
  recorder: { vendor: 'dahua', brand: 'Dahua', model: 'DH-NVR5232-4KS3/I', firmware: '', serial: 'EX0000NVR0001', kind: 'recorder' },
  amcrest: { vendor: 'dahua', brand: 'Dahua', model: 'IP4M-1041B', firmware: '', serial: 'EX0000AMC0001', kind: 'camera' },
};

export interface Bench {
  simulator: DahuaSimulator;
  /** What the simulated device sent. */
  mails: CameraMail[];
  http: DeviceHttp;
  camera: Camera;
  connections: DeviceConnections;
  open(address?: Partial<DeviceAddress>, password?: string): DeviceHttp;
}

export interface BenchSetup extends Partial<DahuaSimulatorOptions> {
  channel?: number;
  address?: Partial<DeviceAddress>;
  password?: string;
}

/** A simulated device on loopback and the driver connected to it; `close` of the returned set ends both. */
export class Benches {
  readonly #closers: (() => Promise<unknown>)[] = [];

  async start({ channel = 1, address, password, ...options }: BenchSetup = {}): Promise<Bench> {
    const mails: CameraMail[] = [];
    const sendMail = async (mail: CameraMail) => {
      mails.push(mail);
      return { ok: true, reply: '250 OK' };
    };
    const simulator = new DahuaSimulator({ login: LOGIN, sendMail, ...options });
    const port = await simulator.listen();
    const connections = createDeviceConnections({ memory: memoryOnly() });
    const open = (more: Partial<DeviceAddress> = {}, secret = LOGIN.password): DeviceHttp =>
      connections.open(
        { host: '127.0.0.1', port, protocol: 'http', trust: 'pin', ...more },
        { username: LOGIN.username, password: new Secret(secret) },
      );
    const http = open(address, password);
    this.#closers.push(async () => {
      await connections.close();
      await simulator.close();
    });
    return { simulator, mails, http, camera: dahua.open(http, channel, DEVICES[options.kind ?? 'camera']), connections, open };
  }

  async close(): Promise<void> {
    for (const closer of this.#closers.splice(0)) await closer();
  }
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
