import { LIMITS } from '../core/limits.ts';
import { DeviceClock } from './device-clock.ts';
import type { Heartbeat, Occurrence } from './source.ts';
import type { CameraEvent, EventState } from './vocabulary.ts';

const { replayMs, holdMs } = LIMITS.events;
/** Recorders send some dozens of old events at once. */
const MOST_HELD = 256;

/** An event for the user, and what the device said. */
export interface Tracked {
  event: CameraEvent;
  occurrence: Occurrence;
}

interface Active {
  occurrence: Occurrence;
  /** When silence ends it, epoch ms; undefined: the device will say so. */
  until: number | undefined;
  /** It went on already when we came: neither its start nor its end is news. */
  silent: boolean;
}

/**
 * Turns what one device says into starts, ends and pulses: repeats are swallowed, ends that the device does not tell are made up
 * after `clearAfterMs` of silence, and what it kept from earlier is dropped. Pure: the time is given, epoch ms.
 */
export class EventTracker {
  readonly #clearAfterMs: number;
  readonly #clock = new DeviceClock();
  readonly #active = new Map<string, Active>();
  /** Events that look old, until the device's clock is known. */
  #held: { occurrence: Occurrence; at: number; receivedAt: number }[] = [];
  #connections = 0;

  constructor(clearAfterMs: number) {
    this.#clearAfterMs = clearAfterMs;
  }

  opened(): void {
    this.#connections += 1;
    this.#clock.opened();
  }

  /** Whatever goes on may end unheard from now on. */
  lost(now: number): void {
    for (const active of this.#active.values()) active.until ??= now + this.#clearAfterMs;
  }

  heartbeat({ at }: Heartbeat, now: number): Tracked[] {
    if (at === undefined) return [];
    this.#clock.heartbeat(at, now);
    return this.#release(now);
  }

  take(occurrence: Occurrence, now: number): Tracked[] {
    const { at, replayed } = occurrence;
    if (replayed === true) return [];
    const verdict = at === undefined ? 'live' : this.#clock.judge(at, now);
    if (verdict === 'replayed') return [];
    if (verdict === 'live' || at === undefined) return this.#apply(occurrence, now);
    this.#held.push({ occurrence, at, receivedAt: now });
    if (this.#held.length > MOST_HELD) this.#held.shift();
    return [];
  }

  /** When `due` has something to do next, epoch ms. */
  get nextDue(): number | undefined {
    let next = this.#heldUntil;
    for (const { until } of this.#active.values()) if (until !== undefined && until < (next ?? Number.POSITIVE_INFINITY)) next = until;
    return next;
  }

  due(now: number): Tracked[] {
    const tracked: Tracked[] = [];
    const heldUntil = this.#heldUntil;
    if (heldUntil !== undefined && heldUntil <= now) tracked.push(...this.#believe(now));
    for (const [key, active] of this.#active) {
      if (active.until === undefined || active.until > now) continue;
      this.#active.delete(key);
      if (!active.silent) tracked.push(this.#tell(active.occurrence, 'ended', undefined, active.until));
    }
    return tracked;
  }

  /** A device with heartbeats tells the time sooner or later; for others there is a deadline. */
  get #heldUntil(): number | undefined {
    const [first] = this.#held;
    return first === undefined || this.#clock.tells ? undefined : first.receivedAt + holdMs;
  }

  #release(now: number): Tracked[] {
    const held = this.#held;
    this.#held = [];
    return held
      .filter(({ at, receivedAt }) => this.#clock.judge(at, receivedAt) === 'live')
      .flatMap(({ occurrence }) => this.#apply(occurrence, now));
  }

  /** Nobody told the time: the newest of the events that look old is taken for new, because losing all would be worse. */
  #believe(now: number): Tracked[] {
    const held = this.#held;
    this.#held = [];
    const [first, ...rest] = held;
    if (first === undefined) return [];
    const newest = rest.reduce((one, other) => (other.at > one.at ? other : one), first);
    this.#clock.learn(newest.at, newest.receivedAt);
    return held.filter(({ at }) => newest.at - at <= replayMs).flatMap(({ occurrence }) => this.#apply(occurrence, now));
  }

  #apply(occurrence: Occurrence, now: number): Tracked[] {
    const { state, at } = occurrence;
    if (state === 'pulse') return [this.#tell(occurrence, 'pulse', at, now)];
    if (state === 'inactive') return this.#end(occurrence, now);
    const key = keyOf(occurrence);
    const until = occurrence.endsItself === true ? undefined : now + this.#clearAfterMs;
    const active = this.#active.get(key);
    if (active !== undefined) {
      active.until = until;
      return [];
    }
    // After a reconnection the state tells what we missed; at first it tells nothing new.
    const silent = occurrence.initial === true && this.#connections <= 1;
    this.#active.set(key, { occurrence, until, silent });
    return silent ? [] : [this.#tell(occurrence, 'started', at, now)];
  }

  /** Ends name the vendor's type, but often not the target that made the start a type of its own. */
  #end(occurrence: Occurrence, now: number): Tracked[] {
    const tracked: Tracked[] = [];
    const key = keyOf(occurrence);
    for (const [other, active] of this.#active) {
      const { channel, vendorType } = active.occurrence;
      const named = channel === occurrence.channel && vendorType === occurrence.vendorType && active.occurrence.rule === occurrence.rule;
      if (other !== key && !named) continue;
      this.#active.delete(other);
      if (!active.silent) tracked.push(this.#tell(active.occurrence, 'ended', occurrence.at, now));
    }
    return tracked;
  }

  /** `at` is the device's clock, `now` ours. */
  #tell(occurrence: Occurrence, state: EventState, at: number | undefined, now: number): Tracked {
    const { type, channel = 1, target, region, rule, vendorType } = occurrence;
    const event: CameraEvent = {
      type,
      state,
      channel,
      at: new Date(at === undefined ? now : this.#clock.toOurs(at)).toISOString(),
      ...(target === undefined ? {} : { target }),
      ...(region === undefined ? {} : { region }),
      ...(rule === undefined ? {} : { rule }),
      vendorType,
    };
    return { event, occurrence };
  }
}

/** One state for each channel and type; what has no type of its own is told apart by the vendor's, alarm inputs by their number. */
function keyOf({ channel, type, vendorType, rule }: Occurrence): string {
  const detail = type === 'other' ? vendorType : type === 'alarm-input' ? (rule ?? '') : '';
  return `${channel ?? 0}|${type}|${detail}`;
}
