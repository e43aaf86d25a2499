import { type Clock, systemClock } from '../../core/clock.ts';
import { LIMITS } from '../../core/limits.ts';
import { pollEvents } from '../../events/polling.ts';
import type { RawEvent } from '../../events/source.ts';
import type { Cgi } from './cgi.ts';
import { activeIn } from './events.ts';

export const STATE = 'getDevState';

/** The alarms of the camera, asked for every two seconds. Rejects as Cgi does; `forbidden` when the user is no administrator. */
export function alarmChanges(cgi: Cgi, signal: AbortSignal, clock: Clock = systemClock): AsyncGenerator<RawEvent, void, undefined> {
  const ask = async (limited: AbortSignal) => activeIn((await cgi.get(STATE, limited)).values);
  return pollEvents({ clock, intervalMs: LIMITS.events.foscamPollMs, ask }, signal);
}
