import { LIMITS } from '../core/limits.ts';

const { replayMs, clockToleranceMs } = LIMITS.events;

/** What is known about a device's clock, so that a stamp of it tells something. All values in milliseconds. */
export class DeviceClock {
  /** How far our clock is ahead of the device's. */
  #ahead: number | undefined;
  /** A heartbeat of this connection has told the time. */
  #told = false;
  #heartbeats = false;

  /** The device tells its time by itself. */
  get tells(): boolean {
    return this.#heartbeats;
  }

  /** A new connection: the device may have been restarted with another time. */
  opened(): void {
    this.#told = false;
  }

  heartbeat(at: number, now: number): void {
    this.#ahead = now - at;
    this.#told = this.#heartbeats = true;
  }

  /** An event that is known to be new. */
  learn(at: number, now: number): void {
    this.#ahead = now - at;
  }

  /** `replayed`: older than a network ever is. `doubtful`: it seems so, but the device has not told its time since it connected. */
  judge(at: number, now: number): 'live' | 'replayed' | 'doubtful' {
    const age = now - at - (this.#ahead ?? 0);
    if (age > replayMs) return this.#told ? 'replayed' : 'doubtful';
    // Nothing comes from the future: the device's clock was put forward.
    if (age < -replayMs) this.learn(at, now);
    return 'live';
  }

  /** A stamp of the device as our time: unchanged where its clock is right. */
  toOurs(at: number): number {
    const ahead = this.#ahead ?? 0;
    return Math.abs(ahead) <= clockToleranceMs ? at : at + ahead;
  }
}
