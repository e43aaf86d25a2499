import { fitToDevice } from '../../../src/cameras/changes.ts';
import type { Camera, CameraDriver, EmailPlan, EmailReading, WantedEmail } from '../../../src/cameras/driver.ts';
import { Secret } from '../../../src/core/secret.ts';
import { createDeviceConnections } from '../../../src/http/device-connections.ts';
import { memoryOnly } from '../../../src/http/device-memory.ts';
import type { DeviceAddress, DeviceHttp } from '../../../src/http/types.ts';
import type { CameraMail, SimulatedCamera, SimulatorOptions } from '../../../src/sandbox/camera-simulator.ts';

export const LOGIN = { username: 'admin', password: 'Camera-secret-1' };
export const APP_PASSWORD = 'abcdefghijklmnop';

export const WANTED: WantedEmail = {
  enabled: true,
  server: 'smtp.example.test',
  port: 465,
  security: 'tls',
  authentication: true,
  username: 'me@example.test',
  password: new Secret(APP_PASSWORD),
  writePassword: true,
  sender: 'me@example.test',
  recipients: ['first@example.test'],
  channel: 1,
};

export const forever = new AbortController().signal;

/** Simulated devices with their connections; `close` ends both. */
export class Bench {
  readonly mails: CameraMail[] = [];
  mailResult = { ok: true, reply: '250 ok' };
  readonly #connections = createDeviceConnections({ memory: memoryOnly() });
  readonly #devices: SimulatedCamera[] = [];

  readonly options: SimulatorOptions = {
    login: LOGIN,
    sendMail: async (mail) => {
      this.mails.push(mail);
      return this.mailResult;
    },
  };

  async start<T extends SimulatedCamera>(
    device: T,
    address: Partial<DeviceAddress> = {},
    password = LOGIN.password,
  ): Promise<{ device: T; http: DeviceHttp }> {
    const port = await device.listen();
    this.#devices.push(device);
    const http = this.#connections.open(
      { host: '127.0.0.1', port, protocol: 'http', trust: 'pin', ...address },
      { username: LOGIN.username, password: new Secret(password) },
    );
    return { device, http };
  }

  async close(): Promise<void> {
    await this.#connections.close();
    for (const device of this.#devices) await device.close();
  }
}

export interface Session {
  camera: Camera;
  reading: EmailReading;
  plan: EmailPlan;
}

/** Reads and plans as configure does. */
export async function planFor(driver: CameraDriver, http: DeviceHttp, wish: Partial<WantedEmail> = {}, channel = 1): Promise<Session> {
  const identity = await driver.identify(http, forever);
  if (identity === undefined) throw new Error('not identified');
  const camera = driver.open(http, channel, identity);
  const wanted = { ...WANTED, ...wish, channel };
  const reading = await camera.read({ events: wanted.events !== undefined }, forever);
  const capabilities = await camera.capabilities(forever);
  const fit = fitToDevice(wanted, [{ security: 'tls', port: 465 }], reading.settings, capabilities);
  const plan = camera.plan(reading, fit.wanted, capabilities);
  return {
    camera,
    reading,
    plan: { ...plan, warnings: [...fit.warnings, ...plan.warnings], impossible: fit.impossible ?? plan.impossible },
  };
}

export const codes = (list: readonly { code: string }[]): string[] => list.map(({ code }) => code);
