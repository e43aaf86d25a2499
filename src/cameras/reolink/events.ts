import type { Occurrence } from '../../events/source.ts';
import type { EventType } from '../../events/vocabulary.ts';
import { isObject, type JsonObject } from './answer.ts';

const TYPES: Readonly<Record<string, EventType>> = {
  md: 'motion',
  people: 'person',
  vehicle: 'vehicle',
  dog_cat: 'animal',
  face: 'face',
  package: 'package',
  cry: 'audio',
  visitor: 'doorbell',
};

const TARGETS: Readonly<Record<string, string>> = { people: 'person', vehicle: 'vehicle', dog_cat: 'animal' };

/** What goes on by the answer to GetEvents. `channel` counts from 0, as the device does. */
export function activeInEvents(value: JsonObject, channel: number): Occurrence[] {
  const { ai, ...others } = value;
  return [...activeIn(others, channel, value), ...(isObject(ai) ? activeIn(ai, channel, value) : [])];
}

/** The same by the answer to GetAiState. */
export function activeInAiState(value: JsonObject, channel: number): Occurrence[] {
  return activeIn(value, channel, value);
}

/** The same by the answer to GetMdState. */
export function activeInMdState(value: JsonObject, channel: number): Occurrence[] {
  return activeIn({ md: value.state }, channel, value);
}

/** Firmware before 3.0.0-494 tells a plain number, later firmware whether the device can detect it at all as well. */
function activeIn(states: JsonObject, channel: number, value: JsonObject): Occurrence[] {
  const names = Object.keys(states).filter((name) => {
    const state = states[name];
    return isObject(state) ? state.alarm_state === 1 && state.support !== 0 : state === 1 && name !== 'channel';
  });
  return names.map((name) => ({
    kind: 'event',
    type: Object.hasOwn(TYPES, name) ? (TYPES[name] ?? 'other') : 'other',
    state: 'active',
    channel: channel + 1,
    vendorType: name,
    ...(Object.hasOwn(TARGETS, name) ? { target: TARGETS[name] } : {}),
    raw: () => value,
  }));
}

/**
 * The channels (from 0) that may be asked again and again: those without a battery. Undefined when the ability does not tell of any
 * channel.
 */
export function mainsChannels(ability: JsonObject): number[] | undefined {
  const { abilityChn: channels } = ability;
  if (!Array.isArray(channels) || channels.length === 0) return undefined;
  return [...channels.keys()].filter((index) => {
    const channel: unknown = channels[index];
    const battery = isObject(channel) ? channel.battery : undefined;
    return !(isObject(battery) && typeof battery.ver === 'number' && battery.ver > 0);
  });
}
