import { CameraEmailError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { isWholeJpeg } from '../../http/multipart-stream.ts';
import type { DeviceHttp } from '../../http/types.ts';
import { type Isapi, parseResponseStatus, type ResponseStatus, statusError } from './isapi.ts';

/** Encoders that are busy say "Device Error" and have a picture a moment later. */
const ATTEMPTS = 3;

/** A JPEG of the channel's main stream. Rejects with the code of the device's answer, which may come as XML with HTTP 200. */
export async function takePicture(http: DeviceHttp, isapi: Isapi, channel: number, signal: AbortSignal): Promise<Buffer> {
  // Firmware without the prefix counts channels, newer firmware streams of channels.
  const old = isapi.path('') === '';
  const paths = old
    ? [`/Streaming/channels/${channel}/picture`]
    : [`/Streaming/channels/${channel}01/picture`, `/ContentMgmt/StreamingProxy/channels/${channel}01/picture`];
  let refusal: ResponseStatus | undefined;
  let httpStatus = 0;
  for (const resource of paths) {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const response = await isapi.ask({ method: 'GET', resource, maxBytes: LIMITS.device.snapshotBytes }, signal);
      const { status, body } = response;
      if (isWholeJpeg(body)) return body;
      refusal = parseResponseStatus(body.toString('latin1'));
      httpStatus = status;
      if (refusal?.statusCode !== 3) break;
    }
    // Recorders have the pictures of their network cameras in another place.
    if (refusal !== undefined && refusal.statusCode !== 6 && refusal.statusCode !== 4) break;
  }
  if (refusal !== undefined) throw statusError(refusal, httpStatus);
  if (httpStatus === 404) throw new CameraEmailError('unsupported', `${http.host}: no pictures`, { deviceSays: 'HTTP 404' });
  throw new CameraEmailError('unreadable', `${http.host}: not a whole JPEG`, { deviceSays: `HTTP ${httpStatus}` });
}

/** The picture at a URL that a recorder gave with an event. Only its path counts: the login never goes to another host. */
export async function fetchPicture(http: DeviceHttp, url: string, signal: AbortSignal): Promise<Buffer> {
  const path = /^https?:\/\/[^/]+(\/[^\s#]*)/i.exec(url)?.[1] ?? (url.startsWith('/') ? url : undefined);
  if (path === undefined) throw new CameraEmailError('unreadable', `${http.host}: not the URL of a picture`);
  const { body } = await http.request({ method: 'GET', path, maxBytes: LIMITS.events.imageBytes }, signal);
  if (!isWholeJpeg(body)) throw new CameraEmailError('unreadable', `${http.host}: not a whole JPEG`);
  return body;
}
