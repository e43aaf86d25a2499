import type { EventType } from './vocabulary.ts';

/** The device has accepted the subscription; the first item of every connection. */
export interface StreamOpened {
  kind: 'open';
  /** Milliseconds without any item after which the stream counts as dead. Undefined: the source notices that itself. */
  silenceMs?: number;
  /** Asks the device for a sign of life over another connection. Decides for devices that have not sent any heartbeat. */
  probe?: (signal: AbortSignal) => Promise<void>;
}

/** Nothing happened, and the device is alive. */
export interface Heartbeat {
  kind: 'heartbeat';
  /** The device's clock, epoch ms. */
  at?: number;
}

/** Something happened, or goes on, or is over. */
export interface Occurrence {
  kind: 'event';
  type: EventType;
  state: 'active' | 'inactive' | 'pulse';
  /** From 1; undefined: the device as a whole. */
  channel?: number;
  /** The device's own name of the event. */
  vendorType: string;
  /** The device's clock, epoch ms. */
  at?: number;
  /** `person`, `vehicle`, `animal` or the device's own word. */
  target?: string;
  region?: string;
  rule?: string;
  /** The device says when it is over. Otherwise it repeats itself while it goes on, and silence ends it. */
  endsItself?: boolean;
  /** The state at the time of the subscription, not a change. */
  initial?: boolean;
  /** The device marks it as sent again. */
  replayed?: boolean;
  /** Of no use to most: left out unless its type was asked for. */
  noise?: boolean;
  /** Pictures that follow in the stream. */
  pictures?: number;
  /** Fetches the picture that the device keeps for this event. */
  fetchPicture?: (signal: AbortSignal) => Promise<Buffer>;
  /** The device's own document as an object; made when asked for. */
  raw?: () => unknown;
}

/** A JPEG that belongs to the occurrence before it. */
export interface StreamedPicture {
  kind: 'picture';
  image: Buffer;
}

/**
 * What a vendor's `events()` yields. The iteration is one connection: it throws a CameraEmailError when it fails, ends when the
 * device ends it, and stops at its signal. It neither retries nor remembers: reconnect.ts and tracker.ts do.
 */
export type RawEvent = StreamOpened | Heartbeat | Occurrence | StreamedPicture;

export type EventSource = (signal: AbortSignal) => AsyncIterable<RawEvent>;
