import type { IncomingMessage } from 'node:http';
import { withDeadline } from '../../core/deadline.ts';
import { CameraEmailError, isCameraEmailError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { RawEvent, StreamOpened } from '../../events/source.ts';
import { readBody } from '../../http/link.ts';
import { multipartParts } from '../../http/multipart-stream.ts';
import type { DeviceHttp, DeviceRequest } from '../../http/types.ts';
import type { Warning } from '../driver.ts';
import { isStreamSilenced, readAlert } from './events.ts';
import { type Isapi, PATHS, parseResponseStatus, statusError } from './isapi.ts';
import { fetchPicture } from './picture.ts';

const USER_CHECK = '/Security/userCheck';
const SUBSCRIPTION =
  '<?xml version="1.0" encoding="UTF-8"?><SubscribeEvent version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">' +
  '<heartbeat>30</heartbeat><eventMode>all</eventMode></SubscribeEvent>';

/** One connection to the events of an identified device. Rejects as DeviceHttp does, and with `forbidden` or `unsupported`. */
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

/** The alertStream, or the subscription that took its place on devices that say that they have one. */
async function openStream(http: DeviceHttp, isapi: Isapi, signal: AbortSignal): Promise<IncomingMessage> {
  const path = isapi.path(PATHS.alertStream);
  let refusal: CameraEmailError;
  try {
    return await openAt(http, isapi, { method: 'GET', path }, signal);
  } catch (error) {
    if (!isCameraEmailError(error, 'unsupported', 'forbidden')) throw error;
    if (error.code === 'forbidden' && !/notSupport/i.test(error.deviceSays ?? '')) throw error;
    refusal = error;
  }
  // Firmware is known that has the prefix everywhere but here.
  if (refusal.code === 'unsupported' && path !== PATHS.alertStream) {
    const plain = await unlessRefused(() => openAt(http, isapi, { method: 'GET', path: PATHS.alertStream }, signal));
    if (plain !== undefined) return plain;
  }
  const capabilities = await unlessRefused(() => isapi.get(PATHS.capabilities, signal));
  if (!/<isSupportSubscribeEvent>\s*true\s*</.test(capabilities?.body ?? '')) throw refusal;
  const headers = { 'Content-Type': 'application/xml' };
  const request = { method: 'POST' as const, path: isapi.path(PATHS.subscribeEvent), headers, body: SUBSCRIPTION };
  const subscribed = await unlessRefused(() => openAt(http, isapi, request, signal));
  if (subscribed === undefined) throw refusal;
  return subscribed;
}

async function unlessRefused<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isCameraEmailError(error, 'unsupported', 'forbidden', 'rejected', 'unreadable')) return undefined;
    throw error;
  }
}

async function openAt(http: DeviceHttp, isapi: Isapi, request: DeviceRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const message = await isapi.stream(request, signal);
  const { statusCode = 0 } = message;
  if (statusCode < 400) return message;
  const read = () => readBody(message, LIMITS.device.bodyBytes, http.host);
  const body = await withDeadline(LIMITS.device.requestMs, http.host, signal, read).finally(() => message.destroy());
  const status = parseResponseStatus(body.toString('latin1'));
  if (status !== undefined) throw statusError(status, statusCode);
  const code = statusCode === 403 ? 'forbidden' : statusCode === 404 ? 'unsupported' : 'busy';
  throw new CameraEmailError(code, `${http.host}: ${request.path}: HTTP ${statusCode}`, { deviceSays: `HTTP ${statusCode}` });
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
