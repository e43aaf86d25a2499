import { CameraEmailError, isCameraEmailError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { isWholeJpeg } from '../../http/multipart-stream.ts';
import type { DeviceHttp } from '../../http/types.ts';
import type { Cgi } from './cgi.ts';

const SNAPSHOT = '/cgi-bin/snapshot.cgi';

/** A JPEG of the channel. Rejects with the code of the device's answer, which may come as text with HTTP 200. */
export async function takePicture(http: DeviceHttp, cgi: Cgi, channel: number, signal: AbortSignal): Promise<Buffer> {
  try {
    return await pictureAt(http, cgi, `${SNAPSHOT}?channel=${channel}`, signal);
  } catch (error) {
    // Doorbells and some cameras with a single lens know no channels.
    if (channel !== 1 || !isCameraEmailError(error, 'rejected', 'unsupported')) throw error;
    return pictureAt(http, cgi, SNAPSHOT, signal);
  }
}

async function pictureAt(http: DeviceHttp, cgi: Cgi, path: string, signal: AbortSignal): Promise<Buffer> {
  const response = await cgi.ask(path, LIMITS.device.snapshotBytes, signal);
  const { body, status } = response;
  if (status < 300 && isWholeJpeg(body)) return body;
  const refusal = body[0] === 0xff ? undefined : cgi.errorIn(response, 'snapshot');
  throw refusal ?? new CameraEmailError('unreadable', `${http.host}: not a whole JPEG`, { deviceSays: `HTTP ${status}` });
}
