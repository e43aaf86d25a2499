import type { IncomingMessage } from 'node:http';
import { withDeadline } from '../../core/deadline.ts';
import { CameraEmailError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { RawEvent } from '../../events/source.ts';
import { isWholeJpeg, multipartParts } from '../../http/multipart-stream.ts';
import type { DeviceResponse } from '../../http/types.ts';
import { readAlert } from './events.ts';
import { type Isapi, parseResponseStatus, statusError } from './isapi.ts';

const ALERT_STREAM = '/Event/notification/alertStream';
const USER_CHECK = '/Security/userCheck';

/** One connection to the alertStream. The tree's prefix has to be settled. Rejects as DeviceHttp does, and with `forbidden` or `unsupported`. */
export async function* alertStream(isapi: Isapi, signal: AbortSignal): AsyncGenerator<RawEvent, void, undefined> {
  const message = await openStream(isapi, signal);
  message.socket.setKeepAlive(true, LIMITS.events.keepAliveMs);
  let opened = false;
  let pictures = false;
  for await (const part of multipartParts(message)) {
    if (part.firstByte === 0xff) {
      const image = part.body;
      if (pictures && isWholeJpeg(image)) yield { kind: 'picture', image };
      continue;
    }
    const document = part.latin1();
    const alert = readAlert(document);
    if (alert === undefined) {
      // A refusal in place of the stream.
      const status = opened ? undefined : parseResponseStatus(document);
      if (status !== undefined && status.statusCode > 1) throw statusError(status, message.statusCode ?? 0);
      continue;
    }
    if (!opened) yield opening(isapi);
    opened = true;
    if (alert.kind === 'heartbeat') {
      yield alert;
      continue;
    }
    pictures = (alert.pictures ?? 0) > 0;
    const { pictureUrl, ...occurrence } = alert;
    if (pictureUrl !== undefined) occurrence.fetchPicture = (limited) => fetchPicture(isapi, pictureUrl, limited);
    yield occurrence;
  }
}
