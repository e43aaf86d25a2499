import { isIP } from 'node:net';
import { isCameraEmailError } from '../core/errors.ts';
import type { Camera, MailObstacle } from './driver.ts';

/**
 * What in a device's own network settings keeps it from reaching `server`. Undefined when nothing does, when the device does not tell,
 * and for a server that is given by its address, such as a listener of ours. Rejects only when the time is up.
 */
export async function findObstacle(camera: Camera, server: string | undefined, signal: AbortSignal): Promise<MailObstacle | undefined> {
  if (camera.mailObstacle === undefined || server === undefined || isIP(server) !== 0) return undefined;
  try {
    return await camera.mailObstacle(signal);
  } catch (error) {
    if (isCameraEmailError(error, 'cancelled')) throw error;
    return undefined;
  }
}
