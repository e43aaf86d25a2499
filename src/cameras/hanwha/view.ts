import type { IncomingMessage } from 'node:http';
import { withDeadline } from '../../core/deadline.ts';
import { CameraEmailError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { RawEvent, StreamOpened } from '../../events/source.ts';
import { readBody } from '../../http/link.ts';
import { multipartParts } from '../../http/multipart-stream.ts';
import type { DeviceHttp } from '../../http/types.ts';
import { jpegIn } from '../jpeg.ts';
import { readStatus } from './events.ts';
import { PATHS, parseAnswer, refuseStatus, Sunapi, sunapiPath } from './sunapi.ts';

const REFUSAL = /^\s*(NG\b|\{\s*"Response"\s*:\s*"Fail")/;

/** What the device sees: the half of the driver that has nothing to do with mail. */
export class HanwhaView {
  readonly #http: DeviceHttp;

  constructor(http: DeviceHttp) {
    this.#http = http;
  }

  /** The state at first, then each change of it. Rejects with what the device refused with. */
  async *events(signal: AbortSignal): AsyncGenerator<RawEvent, void, undefined> {
    const message = await this.#openStream(signal);
    yield this.#opening();
    let initial = true;
    for await (const part of multipartParts(message, this.#http.host)) {
      const occurrences = readStatus(part.latin1(), initial);
      if (occurrences.length > 0) initial = false;
      yield* occurrences;
    }
  }

  /** Errors come as text or JSON with status 200. */
  async snapshot(channel: number, signal: AbortSignal): Promise<Buffer> {
    const path = sunapiPath(PATHS.snapshot, 'view', [['Channel', String(channel - 1)]]);
    const response = await this.#http.request({ method: 'GET', path, maxBytes: LIMITS.device.snapshotBytes }, signal);
    refuseStatus(this.#http, response.status);
    const start = response.body.subarray(0, 1_000).toString('latin1');
    if (REFUSAL.test(start)) parseAnswer(start);
    return jpegIn(response, this.#http.host);
  }

  async #openStream(signal: AbortSignal): Promise<IncomingMessage> {
    const path = sunapiPath(PATHS.eventStatus, 'monitordiff');
    const message = await this.#http.stream({ method: 'GET', path, headers: { Accept: 'application/json' } }, signal);
    message.socket.setKeepAlive(true, LIMITS.events.keepAliveMs);
    const { statusCode = 0, headers } = message;
    if (statusCode < 400 && /^multipart\//i.test(headers['content-type'] ?? '')) return message;
    const { host } = this.#http;
    const read = () => readBody(message, LIMITS.device.bodyBytes, host);
    const body = await withDeadline(LIMITS.device.requestMs, host, signal, read).finally(() => message.destroy());
    refuseStatus(this.#http, statusCode);
    parseAnswer(body.toString('latin1'));
    throw new CameraEmailError('unreadable', `${host}: no stream of events`);
  }

  #opening(): StreamOpened {
    return {
      kind: 'open',
      silenceMs: LIMITS.events.hanwhaSilenceMs,
      probe: async (signal) => {
        await new Sunapi(this.#http).view(PATHS.deviceInfo, signal);
      },
    };
  }
}
