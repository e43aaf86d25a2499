import { type Clock, systemClock } from '../core/clock.ts';
import { cancelled } from '../core/deadline.ts';
import type { DeviceLogin } from '../http/types.ts';
import { type LinkState, stayConnected } from './reconnect.ts';
import type { EventSource, Occurrence, RawEvent } from './source.ts';
import { EventTracker, type Tracked } from './tracker.ts';

/** A device as the hub tells them apart: by its address, whatever the channel, and the login. */
export interface EventDevice {
  key: string;
  host: string;
  login: DeviceLogin;
}

export interface EventListener {
  /** Silence after which an event that the device does not end is over. */
  clearAfterMs: number;
  onEvent(tracked: Tracked): void;
  /** A picture from the stream, for an occurrence that came before. */
  onPicture(occurrence: Occurrence, image: Buffer): void;
  onLink(state: LinkState): void;
  /** Nobody needs this listener's source any longer: it has stopped, and so have those who shared its stream. Never rejects. */
  release?(): Promise<void>;
}

export interface EventHub {
  /** The first listener of a device connects it, with its source. The answer stops listening; the last one to stop disconnects. */
  listen(device: EventDevice, source: EventSource, listener: EventListener): () => Promise<void>;
}

interface Stream {
  login: DeviceLogin;
  /** Whose source it is, also after that one has left. */
  owner: EventListener;
  listeners: Set<Subscription>;
  controller: AbortController;
  running: Promise<void>;
  /** The connection's state as the listeners were told. */
  link: LinkState | undefined;
}

/** One stream per device, however many listen: devices allow few of them. */
export function createEventHub({ clock = systemClock, random = Math.random }: { clock?: Clock; random?: () => number } = {}): EventHub {
  const streams = new Map<string, Stream[]>();

  const open = (device: EventDevice, source: EventSource, owner: EventListener): Stream => {
    const stream: Stream = {
      login: device.login,
      owner,
      listeners: new Set(),
      controller: new AbortController(),
      running: Promise.resolve(),
      link: undefined,
    };
    const connection = {
      host: device.host,
      source,
      clock,
      random,
      onItem: (item: RawEvent) => {
        for (const listener of stream.listeners) listener.item(item);
      },
      onLink: (state: LinkState) => {
        stream.link = state;
        for (const listener of stream.listeners) listener.link(state);
      },
    };
    streams.set(device.key, [...(streams.get(device.key) ?? []), stream]);
    // The listener is added first.
    stream.running = Promise.resolve().then(() => stayConnected(connection, stream.controller.signal));
    // Ended by itself means a refused login: the next one to listen tries anew.
    void stream.running.then(() => drop(device.key, stream));
    return stream;
  };

  const drop = (key: string, stream: Stream) => {
    const rest = (streams.get(key) ?? []).filter((one) => one !== stream);
    if (rest.length === 0) streams.delete(key);
    else streams.set(key, rest);
  };

  return {
    listen(device, source, listener) {
      const { username, password } = device.login;
      const shared = streams.get(device.key)?.find(({ login }) => login.username === username && login.password.equals(password));
      const stream = shared ?? open(device, source, listener);
      const subscription = new Subscription(listener, clock);
      stream.listeners.add(subscription);
      if (stream.link !== undefined) subscription.link(stream.link);
      return async () => {
        subscription.close();
        if (!stream.listeners.delete(subscription)) return;
        const last = stream.listeners.size === 0;
        if (last) {
          drop(device.key, stream);
          stream.controller.abort(cancelled());
          await stream.running;
        }
        const unneeded = [...(last ? [stream.owner] : []), ...(listener === stream.owner ? [] : [listener])];
        await Promise.all(unneeded.map((one) => one.release?.()));
      };
    },
  };
}

/** What one listener makes of the stream: its own memory of what goes on, and the timer that ends it. */
class Subscription {
  readonly #listener: EventListener;
  readonly #clock: Clock;
  readonly #tracker: EventTracker;
  #last: Occurrence | undefined;
  #timer: AbortController | undefined;
  #wakeAt = Number.POSITIVE_INFINITY;

  constructor(listener: EventListener, clock: Clock) {
    this.#listener = listener;
    this.#clock = clock;
    this.#tracker = new EventTracker(listener.clearAfterMs);
  }

  item(item: RawEvent): void {
    const now = this.#clock.now();
    switch (item.kind) {
      case 'open':
        this.#tracker.opened();
        return;
      case 'picture':
        if (this.#last !== undefined) this.#listener.onPicture(this.#last, item.image);
        return;
      case 'heartbeat':
        this.#tell(this.#tracker.heartbeat(item, now));
        return;
      case 'event':
        this.#last = item;
        this.#tell(this.#tracker.take(item, now));
    }
  }

  link(state: LinkState): void {
    if (!state.connected) this.#tracker.lost(state.since);
    this.#listener.onLink(state);
    this.#arm();
  }

  close(): void {
    this.#timer?.abort();
  }

  #tell(tracked: readonly Tracked[]): void {
    for (const one of tracked) this.#listener.onEvent(one);
    this.#arm();
  }

  #arm(): void {
    const due = this.#tracker.nextDue;
    // Dues that move on are noticed when the timer fires: repeats come every second.
    if (due === undefined || this.#wakeAt <= due) return;
    this.#timer?.abort();
    const timer = new AbortController();
    this.#timer = timer;
    this.#wakeAt = due;
    const wake = () => {
      this.#wakeAt = Number.POSITIVE_INFINITY;
      this.#tell(this.#tracker.due(this.#clock.now()));
    };
    this.#clock.sleep(Math.max(0, due - this.#clock.now()), timer.signal).then(wake, () => undefined);
  }
}
