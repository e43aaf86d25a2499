import assert from 'node:assert/strict';
import { fitToDevice } from '../../src/cameras/changes.ts';
import type { Camera, CameraDriver, EmailPlan, EmailReading, WantedEmail } from '../../src/cameras/driver.ts';
import { type ErrorCode, isCameraEmailError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import type { RawEvent } from '../../src/events/source.ts';
import { createDeviceConnections } from '../../src/http/device-connections.ts';
import { memoryOnly } from '../../src/http/device-memory.ts';
import type { DeviceAddress, DeviceHttp } from '../../src/http/types.ts';
import type { CameraMail, SimulatedCamera, SimulatorOptions } from '../../src/sandbox/camera-simulator.ts';
import { Listener } from './listener.ts';

export const LOGIN = { username: 'admin', password: 'camera-secret' };
export const APP_PASSWORD = 'abcdefghijklmnop';
const ACCEPTED = { ok: true, reply: '250 OK' };
export const forever = new AbortController().signal;
export const signal = () => AbortSignal.timeout(15_000);

/** What a user wants who leaves the recipients to the device. */
export function wantedEmail(more: Partial<WantedEmail> = {}): WantedEmail {
  return {
    enabled: true,
    server: 'smtp.example.test',
    port: 465,
    security: 'tls',
    authentication: true,
    username: 'me@example.test',
    password: new Secret(APP_PASSWORD),
    writePassword: true,
    sender: 'me@example.test',
    channel: 1,
    ...more,
  };
}

export const WANTED = wantedEmail({ recipients: ['first@example.test'] });

/** A simulated device that listens, and a connection to it. */
export interface Started<T extends SimulatedCamera> {
  device: T;
  http: DeviceHttp;
  /** Another login of the same device, with the same memory. */
  connect(password: string, address?: Partial<DeviceAddress>): DeviceHttp;
}

/** Simulated devices on loopback with their connections, and what listens to them. Everything ends with the test. */
export class Bench {
  /** Mails that the devices sent with what was written into them. */
  readonly mails: CameraMail[] = [];
  mailResult = ACCEPTED;
  readonly options: SimulatorOptions = {
    login: LOGIN,
    sendMail: async (mail) => {
      this.mails.push(mail);
      return this.mailResult;
    },
  };
  #connections = createDeviceConnections({ memory: memoryOnly() });
  readonly #devices: SimulatedCamera[] = [];
  readonly #cameras: Camera[] = [];
  readonly #listeners: Listener[] = [];

  async start<T extends SimulatedCamera>(
    device: T,
    address: Partial<DeviceAddress> = {},
    login: { username?: string; password?: string | undefined } = {},
  ): Promise<Started<T>> {
    const port = await device.listen();
    this.#devices.push(device);
    const connect: Started<T>['connect'] = (password, more = {}) =>
      this.#connections.open(
        { host: '127.0.0.1', port, protocol: 'http', trust: 'pin', ...address, ...more },
        { username: login.username ?? LOGIN.username, password: new Secret(password) },
      );
    return { device, http: connect(login.password ?? LOGIN.password), connect };
  }

  /** Closes this camera with the bench. */
  keep(camera: Camera): Camera {
    this.#cameras.push(camera);
    return camera;
  }

  /** Hears the events of this source until the bench is closed. */
  listen(source: (signal: AbortSignal) => AsyncIterable<RawEvent> | undefined): Listener {
    const listener = new Listener((stop) => source(stop) ?? assert.fail('the camera has no events'));
    this.#listeners.push(listener);
    return listener;
  }

  /** Ends everything that was started; the next test finds the bench as new. */
  async close(): Promise<void> {
    for (const listener of this.#listeners.splice(0)) await listener.stop();
    for (const camera of this.#cameras.splice(0)) await camera.close?.(signal()).catch(() => undefined);
    await this.#connections.close();
    for (const device of this.#devices.splice(0)) await device.close();
    this.#connections = createDeviceConnections({ memory: memoryOnly() });
    this.mails.length = 0;
    this.mailResult = ACCEPTED;
  }
}

/** The bench of a `describe`, closed after each of its tests. */
export function useBench(): Bench {
  const bench = new Bench();
  afterEach(() => bench.close());
  return bench;
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

/** read, capabilities, plan, apply and read again: what a job does with a camera. */
export async function configure(camera: Camera, want: WantedEmail) {
  const scope = { events: want.events !== undefined };
  const before = await camera.read(scope, signal());
  const capabilities = await camera.capabilities(signal());
  const plan = camera.plan(before, want, capabilities);
  const warnings = await camera.apply(plan, signal());
  return { before, capabilities, plan, warnings, after: await camera.read(scope, signal()) };
}

export const codes = (list: readonly { code: string }[]): string[] => list.map(({ code }) => code);

/** For assert.rejects: one of our errors with this code, and the device's words when given. */
export const failsWith = (code?: ErrorCode, deviceSays?: string) => (error: unknown) =>
  isCameraEmailError(error, ...(code === undefined ? [] : [code])) && (deviceSays === undefined || error.deviceSays === deviceSays);

/** The work must end with an error of one of these codes; any other error is thrown on as it is. */
export async function rejects(work: Promise<unknown> | undefined, ...expected: ErrorCode[]): Promise<void> {
  await assert.rejects(work ?? Promise.resolve(), (error) => {
    if (isCameraEmailError(error, ...expected)) return true;
    throw error;
  });
}

/** Answers every request from now on with this, whatever it asks. */
export function answerAll(device: SimulatedCamera, status: number, body: string | Buffer, headers: Record<string, string> = {}): void {
  device.server.intercept = (request, response) => {
    request.resume();
    response.on('error', () => undefined);
    response.writeHead(status, headers).end(body);
    return true;
  };
}
