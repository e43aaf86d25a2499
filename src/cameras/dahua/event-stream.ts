import type { IncomingMessage } from 'node:http';
import { withDeadline } from '../../core/deadline.ts';
import { CameraEmailError, isCameraEmailError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { RawEvent, StreamOpened } from '../../events/source.ts';
import { readBody } from '../../http/link.ts';
import { multipartParts } from '../../http/multipart-stream.ts';
import type { DeviceHttp } from '../../http/types.ts';
import type { Warning } from '../driver.ts';
import type { Cgi } from './cgi.ts';
import { parseTable } from './config-table.ts';
import { readEvent } from './events.ts';
import { DETECTION_TABLES, detects } from './linkage.ts';

const { dahuaHeartbeatMs, dahuaSilenceMs, dahuaProbeMs, keepAliveMs } = LIMITS.events;
/** The brackets stay raw, as everywhere in this CGI. */
const ATTACH = '/cgi-bin/eventManager.cgi?action=attach&codes=[All]';

/** One connection to the event manager. Rejects as DeviceHttp does, and with `forbidden`, `unsupported` or `busy`. */
export async function* eventStream(
  http: DeviceHttp,
  cgi: Cgi,
  { doorbell }: { doorbell: boolean },
  signal: AbortSignal,
): AsyncGenerator<RawEvent, void, undefined> {
  const { message, silenceMs } = await attach(http, cgi, signal);
  try {
    message.socket.setKeepAlive(true, keepAliveMs);
    yield opening(cgi, silenceMs);
    for await (const part of multipartParts(message, http.host)) {
      const item = readEvent(part.body.toString('utf8'), doorbell);
      if (item !== undefined) yield item;
    }
  } finally {
    message.destroy();
  }
}

/** A camera whose detections are all switched off has nothing to tell. Empty when it does not say. */
export async function detectionWarnings(cgi: Cgi, signal: AbortSignal): Promise<Warning[]> {
  let told = false;
  for (const name of DETECTION_TABLES) {
    try {
      const on = detects(parseTable((await cgi.getConfig(name, signal)).body));
      if (on === true) return [];
      told ||= on === false;
    } catch (error) {
      if (!isCameraEmailError(error, 'unsupported', 'forbidden', 'unreadable')) throw error;
    }
  }
  const warnings: Warning[] = told ? [{ code: 'no-detection' }] : [];
  return warnings;
}

function opening(cgi: Cgi, silenceMs: number): StreamOpened {
  return {
    kind: 'open',
    silenceMs,
    // Whatever it answers, it lives; but a refused login is one.
    async probe(signal) {
      try {
        await cgi.info('getSoftwareVersion', signal);
      } catch (error) {
        if (!isCameraEmailError(error, 'unsupported', 'rejected', 'forbidden', 'unreadable')) throw error;
      }
    },
  };
}

/** Firmware that does not know heartbeats is asked without them. */
async function attach(http: DeviceHttp, cgi: Cgi, signal: AbortSignal): Promise<{ message: IncomingMessage; silenceMs: number }> {
  try {
    const message = await openAt(http, cgi, `${ATTACH}&heartbeat=${dahuaHeartbeatMs / 1000}`, signal);
    return { message, silenceMs: dahuaSilenceMs };
  } catch (error) {
    if (!isCameraEmailError(error, 'rejected')) throw error;
    return { message: await openAt(http, cgi, ATTACH, signal), silenceMs: dahuaProbeMs };
  }
}

async function openAt(http: DeviceHttp, cgi: Cgi, path: string, signal: AbortSignal): Promise<IncomingMessage> {
  const message = await cgi.stream(path, signal);
  const { statusCode = 0, headers } = message;
  // A refusal may come with status 200; it has an end, as the stream has not.
  const finite = headers['content-length'] !== undefined && !/^multipart\//i.test(headers['content-type'] ?? '');
  if (statusCode < 300 && !finite) return message;
  const read = () => readBody(message, LIMITS.device.bodyBytes, http.host);
  const body = await withDeadline(LIMITS.device.requestMs, http.host, signal, read).finally(() => message.destroy());
  const response = { status: statusCode, headers, body, text: () => body.toString('utf8') };
  const error = cgi.errorIn(response, 'eventManager');
  throw error ?? new CameraEmailError('unreadable', `${http.host}: the answer of the event manager is no stream`);
}
