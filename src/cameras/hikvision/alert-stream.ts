import type { IncomingMessage } from 'node:http';
import { systemClock } from '../../core/clock.ts';
import { withDeadline } from '../../core/deadline.ts';
import { CameraEmailError, isCameraEmailError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { RawEvent, StreamOpened } from '../../events/source.ts';
import { readBody } from '../../http/link.ts';
import { multipartParts } from '../../http/multipart-stream.ts';
import type { DeviceHttp, DeviceResponse } from '../../http/types.ts';
import type { Warning } from '../driver.ts';
import { isStreamSilenced, readAlert } from './events.ts';
import { type Isapi, PATHS, parseResponseStatus, statusError } from './isapi.ts';
import { fetchPicture } from './picture.ts';

const ALERT_STREAM = '/Event/notification/alertStream';
const USER_CHECK = '/Security/userCheck';

/** One connection to the alertStream of an identified device. Rejects as DeviceHttp does, and with `forbidden` or `unsupported`. */
export async function* alertStream(http: DeviceHttp, isapi: Isapi, signal: AbortSignal): AsyncGenerator<RawEvent, void, undefined> {
  const message = await openStream(http, isapi, signal);
  message.socket.setKeepAlive(true, LIMITS.events.keepAliveMs);
  let opened = /^multipart\//i.test(message.headers['content-type'] ?? '');
  if (opened) yield opening(isapi);
  for await (const part of multipartParts(message, http.host)) {
    if (part.firstByte === 0xff) {
      yield { kind: 'picture', image: part.body };
      continue;
    }
    const document = part.latin1();
    const alert = readAlert(document);
    if (alert === undefined) {
      const refusal = parseResponseStatus(document);
      if (refusal !== undefined && refusal.statusCode > 1) throw statusError(refusal, message.statusCode ?? 0);
      continue;
    }
    if (!opened) yield opening(isapi);
    opened = true;
    if (alert.kind === 'event' && alert.pictureUrl !== undefined) {
      const { pictureUrl, ...occurrence } = alert;
      yield { ...occurrence, fetchPicture: (limited) => fetchPicture(http, pictureUrl, limited) };
    } else yield alert;
  }
}

function opening(isapi: Isapi): StreamOpened {
  return {
    kind: 'open',
    silenceMs: LIMITS.events.hikvisionSilenceMs,
    // Cameras that cannot lose their video send no heartbeats.
    async probe(signal) {
      await isapi.ask({ method: 'GET', resource: USER_CHECK }, signal);
    },
  };
}

async function openStream(http: DeviceHttp, isapi: Isapi, signal: AbortSignal): Promise<IncomingMessage> {
  const path = isapi.path(ALERT_STREAM);
  const open = (at: string) => http.stream({ method: 'GET', path: at, judgeRefusal: lockedOut }, signal);
  let message = await open(path);
  if (message.statusCode === 404 && path !== ALERT_STREAM) {
    message.destroy();
    message = await open(ALERT_STREAM);
  }
  const { statusCode = 0 } = message;
  if (statusCode < 400) return message;
  const read = () => readBody(message, LIMITS.device.bodyBytes, http.host);
  const body = await withDeadline(LIMITS.device.requestMs, http.host, signal, read).finally(() => message.destroy());
  const status = parseResponseStatus(body.toString('latin1'));
  if (status !== undefined) throw statusError(status, statusCode);
  const code = statusCode === 403 ? 'forbidden' : statusCode === 404 ? 'unsupported' : 'busy';
  throw new CameraEmailError(code, `${http.host}: alertStream: HTTP ${statusCode}`, { deviceSays: `HTTP ${statusCode}` });
}

/** A 401 that says that the account is locked, and for how long. */
function lockedOut(response: DeviceResponse): CameraEmailError | undefined {
  const status = parseResponseStatus(response.body.toString('latin1'));
  if (status?.locked !== true) return undefined;
  const lockMs = status.unlockSeconds === undefined ? LIMITS.device.lockMs : status.unlockSeconds * 1000;
  return new CameraEmailError('locked-out', 'the device has locked this account', {
    deviceSays: status.words,
    retryAt: systemClock.now() + lockMs,
  });
}

/** Nothing comes on the stream while no event is linked to "Notify surveillance center", although mails are sent and clips recorded. */
export async function alertStreamWarnings(isapi: Isapi, signal: AbortSignal): Promise<Warning[]> {
  try {
    const { body } = await isapi.get(PATHS.triggers, signal);
    const warnings: Warning[] = isStreamSilenced(body) ? [{ code: 'center-not-notified' }] : [];
    return warnings;
  } catch (error) {
    if (isCameraEmailError(error, 'unsupported', 'forbidden', 'rejected', 'unreadable', 'busy')) return [];
    throw error;
  }
}
