import { createSocket } from 'node:dgram';
import { isIP } from 'node:net';
import { withDeadline } from '../core/deadline.ts';
import { CameraEmailError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';

/**
 * This host's address as a camera sees it: the one from which this host would send to the camera. Nothing is sent. Rejects with
 * `unreachable` when there is no way to the camera.
 */
export async function addressToward(camera: string, signal?: AbortSignal): Promise<string> {
  const socket = createSocket({ type: isIP(camera) === 6 ? 'udp6' : 'udp4' });
  try {
    return await withDeadline(LIMITS.mail.dnsMs, camera, signal, async () => {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        // A UDP socket that is connected has only looked the route up. Port 9 is "discard".
        socket.connect(9, camera, resolve);
      });
      return socket.address().address;
    });
  } catch (cause) {
    throw new CameraEmailError('unreachable', `no way to ${camera}`, { params: { host: camera }, cause });
  } finally {
    socket.close();
  }
}
