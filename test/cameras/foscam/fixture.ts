import type { Camera, DeviceIdentity, WantedEmail } from '../../../src/cameras/driver.ts';
import { foscam } from '../../../src/cameras/foscam/driver.ts';
import { FoscamSimulator, type FoscamSimulatorOptions } from '../../../src/cameras/foscam/simulator.ts';
import { Secret } from '../../../src/core/secret.ts';
import { createDeviceConnections } from '../../../src/http/device-connections.ts';
import { type DeviceMemory, memoryOnly } from '../../../src/http/device-memory.ts';
import type { DeviceAddress, DeviceHttp } from '../../../src/http/types.ts';
import type { CameraMail } from '../../../src/sandbox/camera-simulator.ts';

export const signal = () => AbortSignal.timeout(15_000);
export const APP_PASSWORD = 'abcdefghijklmnop';
export const IDENTITY: DeviceIdentity = { vendor: 'foscam', brand: 'Foscam', model: '', firmware: '', serial: '', kind: 'unknown' };

export interface Bench {
  simulator: FoscamSimulator;
  http: DeviceHttp;
  /** Mails the device sent with what was written into it. */
  mails: CameraMail[];
  camera(): Camera;
  /** Another login of the same device, with the same memory. */
  connect(password: string, more?: Partial<DeviceAddress>): DeviceHttp;
  close(): Promise<void>;
}

export async function bench(
  options: Partial<FoscamSimulatorOptions> = {},
  mailReply: { ok: boolean; reply: string } = { ok: true, reply: '250 OK' },
  memory: DeviceMemory = memoryOnly(),
): Promise<Bench> {
  const mails: CameraMail[] = [];
  const simulator = new FoscamSimulator({
    login: { username: 'admin', password: 'camera-secret' },
    sendMail: async (mail) => {
      mails.push(mail);
      return mailReply;
    },
    ...options,
  });
  const port = await simulator.listen();
  const connections = createDeviceConnections({ memory });
  const connect = (password: string, more: Partial<DeviceAddress> = {}) =>
    connections.open(
      { host: '127.0.0.1', port, protocol: options.certificate === undefined ? 'http' : 'https', trust: 'any', ...more },
      { username: 'admin', password: new Secret(password) },
    );
  const http = connect('camera-secret');
  return {
    simulator,
    http,
    mails,
    connect,
    camera() {
      return foscam.open(http, 1, IDENTITY);
    },
    async close() {
      await connections.close();
      await simulator.close();
    },
  };
}

export function wanted(more: Partial<WantedEmail> = {}): WantedEmail {
  return {
    enabled: true,
    server: 'smtp.gmail.com',
    port: 465,
    security: 'tls',
    authentication: true,
    username: 'owner@example.test',
    password: new Secret(APP_PASSWORD),
    writePassword: true,
    sender: 'owner@example.test',
    channel: 1,
    ...more,
  };
}

/** read, capabilities, plan, apply and read again: what a job does with a camera. */
export async function configure(camera: Camera, want: WantedEmail) {
  const scope = { events: want.events !== undefined };
  const before = await camera.read(scope, signal());
  const capabilities = await camera.capabilities(signal());
  const plan = camera.plan(before, want, capabilities);
  const warnings = await camera.apply(plan, signal());
  return { before, capabilities, plan, warnings, after: await camera.read(scope, signal()) };
}
