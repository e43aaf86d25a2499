import type { Clock } from '../core/clock.ts';
import { isCameraEmailError } from '../core/errors.ts';
import type { Occurrence, RawEvent } from './source.ts';

export interface Polling {
  clock: Clock;
  /** Milliseconds from one answer to the next question. */
  intervalMs: number;
  /** Asks the device once for what goes on now. */
  ask(signal: AbortSignal): Promise<readonly Occurrence[]>;
}

/**
 * The events of a device that only answers questions: what began and what ended between two answers. What goes on at the first answer
 * is marked as initial. Rejects with the error of `ask`; a device that is busy or hangs up once is asked again when its time comes.
 */
export async function* pollEvents({ clock, intervalMs, ask }: Polling, signal: AbortSignal): AsyncGenerator<RawEvent, void, undefined> {
  let before = byName(await ask(signal));
  yield { kind: 'open' };
  for (const occurrence of before.values()) yield { ...occurrence, endsItself: true, initial: true };
  let missed = false;
  for (;;) {
    await clock.sleep(intervalMs, signal);
    let now: typeof before;
    try {
      now = byName(await ask(signal));
      missed = false;
    } catch (error) {
      if (missed || !isCameraEmailError(error, 'busy', 'connection-lost')) throw error;
      missed = true;
      continue;
    }
    for (const [name, occurrence] of before) if (!now.has(name)) yield { ...occurrence, state: 'inactive' };
    for (const [name, occurrence] of now) if (!before.has(name)) yield { ...occurrence, endsItself: true };
    before = now;
  }
}

function byName(active: readonly Occurrence[]): Map<string, Occurrence> {
  return new Map(active.map((occurrence) => [`${occurrence.channel ?? 0}|${occurrence.vendorType}`, occurrence]));
}
