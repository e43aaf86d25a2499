import { fitToDevice } from '../../../src/cameras/changes.ts';
import type { Camera, CameraDriver, EmailPlan, EmailReading, WantedEmail } from '../../../src/cameras/driver.ts';
import { isCameraEmailError } from '../../../src/core/errors.ts';
import { Secret } from '../../../src/core/secret.ts';
import { createDeviceConnections } from '../../../src/http/device-connections.ts';
import { memoryOnly } from '../../../src/http/device-memory.ts';
import type { DeviceAddress, DeviceHttp } from '../../../src/http/types.ts';
import type { CameraMail, SimulatedCamera, SimulatorOptions } from '../../../src/sandbox/camera-simulator.ts';

export const LOGIN = { username: 'admin', password: 'Camera-secret-1' };
export const APP_PASSWORD = 'abcdefghijklmnop';
export const forever = new AbortController().signal;

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
    login: Partial<typeof LOGIN> = {},
  ): Promise<{ device: T; http: DeviceHttp }> {
    const { username, password } = { ...LOGIN, ...login };
    const port = await device.listen();
    this.#devices.push(device);
    const http = this.#connections.open(
      { host: '127.0.0.1', port, protocol: 'http', trust: 'pin', ...address },
      { username, password: new Secret(password) },
    );
    return { device, http };
  }

  async close(): Promise<void> {
    await this.#connections.close();
    for (const device of this.#devices) await device.close();
  }
}

/** Identifies, reads, fits and plans as configure does. */
export async function planFor(
  driver: CameraDriver,
  http: DeviceHttp,
  wish: Partial<WantedEmail> = {},
): Promise<{ camera: Camera; reading: EmailReading; plan: EmailPlan }> {
  const identity = await driver.identify(http, forever);
  if (identity === undefined) throw new Error('not identified');
  const wanted = { ...WANTED, ...wish };
  const camera = driver.open(http, wanted.channel, identity);
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

export const warned = ({ warnings }: EmailPlan): string[] => warnings.map(({ code }) => code);

/** For assert.rejects: one of our errors with this code, and the device's words when given. */
export const failsWith = (code: Parameters<typeof isCameraEmailError>[1], deviceSays?: string) => (error: unknown) =>
  isCameraEmailError(error, ...(code === undefined ? [] : [code])) && (deviceSays === undefined || error.deviceSays === deviceSays);

/** Answers every request from now on with this, whatever it asks. */
export function answerAll(device: SimulatedCamera, status: number, body: string | Buffer, headers: Record<string, string> = {}): void {
  device.server.intercept = (request, response) => {
    request.resume();
    response.on('error', () => undefined);
    response.writeHead(status, headers).end(body);
    return true;
  };
}

/** Bodies that no device should send, each with a name. */
export const GARBAGE: readonly (readonly [string, string])[] = [
  ['nothing', ''],
  ['a web page', '<!DOCTYPE html><html><body>Login</body></html>'],
  ['half an object', '{"Response": {"StatusCode": 0, "Da'],
  ['half a document', '<?xml version="1.0"?><Envelope><Body>'],
  ['a list', '[1, 2]'],
  ['null', 'null'],
  ['bytes', '\u0000\u0001\u0002ÿ'],
];
