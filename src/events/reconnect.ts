import type { Clock } from '../core/clock.ts';
import { asCameraEmailError, CameraEmailError, type ErrorCode } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import type { EventSource, RawEvent, StreamOpened } from './source.ts';

const { retryMinMs, retryMaxMs, stableMs } = LIMITS.events;

/** Trying again would lock the account, or cannot help until somebody edits the node. */
const FINAL: readonly ErrorCode[] = ['unauthorized', 'bad-input'];

export interface LinkState {
  connected: boolean;
  /** Epoch ms. */
  since: number;
  /** Why not. */
  error?: CameraEmailError;
  /** Until the next attempt; undefined while connected, and when there will be none. */
  retryInMs?: number;
}

export interface Connection {
  host: string;
  source: EventSource;
  clock: Clock;
  /** 0 ≤ x < 1. */
  random: () => number;
  onItem(item: RawEvent): void;
  /** Once per change, however many attempts fail in between. */
  onLink(state: LinkState): void;
}

/** Keeps a source connected until the signal aborts or its login is refused. Never rejects. */
export async function stayConnected(connection: Connection, signal: AbortSignal): Promise<void> {
  const { clock, random, onLink } = connection;
  let connected: boolean | undefined;
  let failures = 0;
  while (!signal.aborted) {
    let openedAt: number | undefined;
    const onItem = (item: RawEvent) => {
      if (item.kind === 'open') {
        openedAt = clock.now();
        if (connected !== true) onLink({ connected: true, since: openedAt });
        connected = true;
      }
      connection.onItem(item);
    };
    const error = await attempt({ ...connection, onItem }, signal);
    if (signal.aborted) return;
    const now = clock.now();
    if (openedAt !== undefined && now - openedAt >= stableMs) failures = 0;
    const final = FINAL.includes(error.code);
    const pause = Math.min(retryMaxMs, retryMinMs * 2 ** Math.min(failures, 16)) * (1 + random() / 2);
    const retryInMs = Math.round(Math.max(pause, (error.retryAt ?? now) - now));
    failures += 1;
    if (connected !== false || final) onLink({ connected: false, since: now, error, ...(final ? {} : { retryInMs }) });
    connected = false;
    if (final) return;
    await clock.sleep(retryInMs, signal).catch(() => undefined);
  }
}

/** One connection, from its first byte to the error that ended it. */
async function attempt({ host, source, clock, onItem }: Connection, parent: AbortSignal): Promise<CameraEmailError> {
  const controller = new AbortController();
  const { signal } = controller;
  const onAbort = () => controller.abort(parent.reason);
  parent.addEventListener('abort', onAbort, { once: true });
  // A source that does not listen to its signal is left behind.
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  const heard: Heard = { at: clock.now(), heartbeat: false };
  const pump = async (): Promise<never> => {
    for await (const item of source(signal)) {
      if (signal.aborted) break;
      heard.at = clock.now();
      if (item.kind === 'heartbeat') heard.heartbeat = true;
      if (item.kind === 'open') watchSilence(item, heard, clock, signal).catch((error) => controller.abort(error));
      onItem(item);
    }
    throw new CameraEmailError('connection-lost', `${host}: the device ended the event stream`, { params: { host } });
  };
  const pumping = pump();
  try {
    return await Promise.race([pumping, aborted]);
  } catch (error) {
    if (parent.aborted) await settled(pumping, clock);
    return asCameraEmailError(error);
  } finally {
    parent.removeEventListener('abort', onAbort);
    controller.abort(new CameraEmailError('cancelled', 'the connection is over'));
    aborted.catch(() => undefined);
  }
}

/** Lets a source that is stopped give its subscription or session back, for as long as a logout may take: devices have few of them. */
async function settled(pumping: Promise<never>, clock: Clock): Promise<void> {
  const waiting = new AbortController();
  const late = clock.sleep(LIMITS.device.logoutMs, waiting.signal);
  late.catch(() => undefined);
  await Promise.race([pumping.catch(() => undefined), late]);
  waiting.abort();
}

interface Heard {
  at: number;
  heartbeat: boolean;
}

/**
 * Rejects when the stream has been silent for too long: after a device's restart the connection stays open with nobody at the other
 * end. Devices that send no heartbeats at all are asked before that is believed.
 */
async function watchSilence({ silenceMs, probe }: StreamOpened, heard: Heard, clock: Clock, signal: AbortSignal): Promise<void> {
  if (silenceMs === undefined) return;
  for (;;) {
    const rest = heard.at + silenceMs - clock.now();
    if (rest > 0) await clock.sleep(rest, signal);
    else if (probe === undefined || heard.heartbeat) {
      throw new CameraEmailError('timeout', `nothing heard for ${silenceMs} ms`, { params: { seconds: Math.ceil(silenceMs / 1000) } });
    } else {
      await probe(signal);
      heard.at = clock.now();
    }
  }
}
