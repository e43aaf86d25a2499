import type { RawEvent } from '../../events/source.ts';
import type { DeviceHttp } from '../../http/types.ts';
import type { Warning } from '../driver.ts';
import { alertStream, alertStreamWarnings } from './alert-stream.ts';
import { Isapi } from './isapi.ts';
import { takePicture } from './picture.ts';

/** What the device sees: the half of the driver that has nothing to do with mail. */
export class HikvisionView {
  readonly #http: DeviceHttp;

  constructor(http: DeviceHttp) {
    this.#http = http;
  }

  events(signal: AbortSignal): AsyncIterable<RawEvent> {
    return alertStream(this.#http, Isapi.of(this.#http), signal);
  }

  eventWarnings(signal: AbortSignal): Promise<Warning[]> {
    return alertStreamWarnings(Isapi.of(this.#http), signal);
  }

  snapshot(channel: number, signal: AbortSignal): Promise<Buffer> {
    return takePicture(this.#http, Isapi.of(this.#http), channel, signal);
  }
}
