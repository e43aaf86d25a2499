import assert from 'node:assert/strict';
import type { CameraDriver, DeviceIdentity } from '../../src/cameras/driver.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import { LIMITS } from '../../src/core/limits.ts';
import type { SimulatedCamera } from '../../src/sandbox/camera-simulator.ts';
import { answerAll, failsWith, forever, planFor, type Started } from './fixture.ts';

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

export interface HostileSetup {
  driver: CameraDriver;
  identity: DeviceIdentity;
  start: () => Promise<Started<SimulatedCamera>>;
  /** What a flood of bytes is made of. */
  filler: string;
  /** The error of each HTTP status. */
  statuses: readonly (readonly [status: number, code: ErrorCode])[];
}

/** Tests of what a driver with mail settings makes of answers that no device should give. */
export function itSurvivesHostileAnswers({ driver, identity, start, filler, statuses }: HostileSetup): void {
  for (const [name, body] of GARBAGE) {
    it(`are unreadable: ${name}`, async () => {
      const { device, http } = await start();
      const { camera, plan } = await planFor(driver, http);
      answerAll(device, 200, body);
      assert.equal(await driver.identify(http, forever), undefined);
      await assert.rejects(camera.read({ events: true }, forever), failsWith('unreadable'));
      await assert.rejects(camera.apply(plan, forever), failsWith('unreadable'));
    });
  }

  for (const [status, code] of statuses) {
    it(`give ${code} for HTTP ${status}`, async () => {
      const { device, http } = await start();
      answerAll(device, status, 'no');
      await assert.rejects(driver.open(http, 1, identity).read({ events: false }, forever), failsWith(code, `HTTP ${status}`));
    });
  }

  it('are not taken in when they are a flood', async () => {
    const { device, http } = await start();
    answerAll(device, 200, Buffer.alloc(LIMITS.device.bodyBytes + 1, filler));
    await assert.rejects(driver.open(http, 1, identity).read({ events: false }, forever), failsWith('unreadable'));
  });
}
