import type { Clock } from '../core/clock.ts';
import { cancelled } from '../core/deadline.ts';
import { LIMITS } from '../core/limits.ts';
import type { Occurrence } from './source.ts';

export type TakeSnapshot = (channel: number, signal: AbortSignal) => Promise<Buffer>;

/** Finds the picture of an event: the one in the stream, else the one that the device kept, else a snapshot. */
export class Pictures {
  readonly #snapshot: TakeSnapshot;
  readonly #clock: Clock;
  readonly #awaited = new WeakMap<Occurrence, (image: Buffer) => void>();
  /** Under way, by channel: events of one moment share a snapshot. */
  readonly #snapshots = new Map<number, Promise<Buffer>>();

  constructor(snapshot: TakeSnapshot, clock: Clock) {
    this.#snapshot = snapshot;
    this.#clock = clock;
  }

  /** A picture that came with the stream. */
  arrived(occurrence: Occurrence, image: Buffer): void {
    this.#awaited.get(occurrence)?.(image);
  }

  /** Undefined when there is none within LIMITS.events.pictureMs, whatever the reason. Never rejects. */
  async of(occurrence: Occurrence, signal: AbortSignal): Promise<Buffer | undefined> {
    const controller = new AbortController();
    const onAbort = () => controller.abort(cancelled());
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    const late = this.#clock.sleep(LIMITS.events.pictureMs, controller.signal);
    const picture = this.#find(occurrence, controller.signal);
    try {
      return (await Promise.race([picture, late])) ?? undefined;
    } catch {
      return undefined;
    } finally {
      picture.catch(() => undefined);
      late.catch(() => undefined);
      signal.removeEventListener('abort', onAbort);
      controller.abort(cancelled());
    }
  }

  async #find(occurrence: Occurrence, signal: AbortSignal): Promise<Buffer> {
    const { channel = 1, pictures = 0, fetchPicture } = occurrence;
    if (pictures > 0) return new Promise((resolve) => this.#awaited.set(occurrence, resolve));
    if (fetchPicture !== undefined) return fetchPicture(signal);
    const shared = this.#snapshots.get(channel);
    if (shared !== undefined) return shared;
    const taken = this.#snapshot(channel, signal);
    this.#snapshots.set(channel, taken);
    return taken.finally(() => this.#snapshots.delete(channel));
  }
}
