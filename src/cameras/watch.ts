import { CameraEmailError, isCameraEmailError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import type { EventSource, RawEvent } from '../events/source.ts';
import type { DeviceHttp } from '../http/types.ts';
import type { Camera, Warning } from './driver.ts';
import { identifyDevice } from './identify.ts';
import type { CameraTarget } from './target.ts';

/** A camera as far as its pictures and events are concerned. */
export interface WatchedCamera {
  /** The driver's name once the device has answered; until then what the user chose. */
  readonly vendor: string;
  events: EventSource;
  /** Why nothing may come from the device although it is connected. */
  eventWarnings(signal: AbortSignal): Promise<Warning[]>;
  /** A whole JPEG of the channel (1-based). Rejects with `unsupported` when the driver has no pictures. */
  snapshot(channel: number, signal: AbortSignal): Promise<Buffer>;
  /** Gives the device its session back, where there is one. Never rejects. */
  close(): Promise<void>;
}

/** Opens nothing yet. Every connection to the events identifies the device anew: after a restart it may have other firmware. */
export function watchCamera(target: CameraTarget, connect: (target: CameraTarget) => DeviceHttp): WatchedCamera {
  let camera: Camera | undefined;
  let vendor = target.vendor;
  const open = async (signal: AbortSignal): Promise<Camera> => {
    const http = connect(target);
    const { driver, identity } = await identifyDevice(http, target.vendor, signal);
    vendor = driver.vendor;
    await leave();
    camera = driver.open(http, target.channel, identity);
    return camera;
  };
  const leave = async () => {
    await camera?.close?.(AbortSignal.timeout(LIMITS.device.logoutMs)).catch(() => undefined);
  };
  const { host } = target.address;
  const unsupported = (field: Watched) =>
    new CameraEmailError('unsupported', `${host}: no ${field} from this brand`, { params: { host, field } });
  return {
    get vendor() {
      return vendor;
    },
    async *events(signal: AbortSignal): AsyncGenerator<RawEvent, void, undefined> {
      const opened = await open(signal);
      if (opened.events === undefined) throw unsupported('events');
      try {
        yield* opened.events(signal);
      } catch (error) {
        throw about('events', host, error);
      }
    },
    async eventWarnings(signal) {
      const opened = camera ?? (await open(signal));
      return (await opened.eventWarnings?.(signal)) ?? [];
    },
    async snapshot(channel, signal) {
      const opened = camera ?? (await open(signal));
      if (opened.snapshot === undefined) throw unsupported('pictures');
      return opened.snapshot(channel, signal).catch((error: unknown) => {
        throw about('pictures', host, error);
      });
    },
    close: leave,
  };
}

type Watched = 'events' | 'pictures';

/** A refusal with the texts for what was asked: another right is missing, or another function, than for settings. */
function about(field: Watched, host: string, error: unknown): unknown {
  if (!isCameraEmailError(error, 'forbidden', 'unsupported') || error.params.field !== undefined) return error;
  const { code, message, deviceSays, retryAt, params } = error;
  return new CameraEmailError(code, message, {
    params: { host, ...params, field },
    ...(deviceSays === undefined ? {} : { deviceSays }),
    ...(retryAt === undefined ? {} : { retryAt }),
    cause: error,
  });
}
