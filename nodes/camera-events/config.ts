import { EVENT_TYPES, type EventType } from '../../src/events/vocabulary.ts';
import { flag, list, numberBetween, numberOr, type Saved, text, type Validators } from '../shared/properties.ts';

export { EVENT_TYPES } from '../../src/events/vocabulary.ts';

export const VERSION = 1;

const channel = numberBetween(1, 512);

export interface CameraEventsConfig {
  version: number;
  name: string;
  /** Id of the camera-device node. */
  camera: string;
  /** Empty: all but noise. */
  types: EventType[];
  /** From 1; empty: all. */
  channels: number[];
  picture: boolean;
  /** Seconds of silence that end an event which the camera does not end. */
  clearAfter: number;
  raw: boolean;
}

export const defaults = {
  version: VERSION,
  name: '',
  camera: '',
  types: [] as string[],
  channels: [] as number[],
  picture: false,
  clearAfter: 30,
  raw: false,
} as const;

export const validators = {
  types: (value) => list(value).every((type) => EVENT_TYPES.some((known) => known === type)) || 'unknown-choice',
  channels: (value, saved) => list(value).every((one) => channel(one, saved) === true) || 'not-a-whole-number',
  clearAfter: numberBetween(1, 3600),
} satisfies Validators;

/** Fills what older releases did not save and turns text into numbers, flags and lists. */
export function migrate(saved: Saved): CameraEventsConfig {
  return {
    version: VERSION,
    name: text(saved.name),
    camera: text(saved.camera),
    types: EVENT_TYPES.filter((type) => list(saved.types).includes(type)),
    channels: list(saved.channels)
      .map(Number)
      .filter((one) => Number.isInteger(one) && one > 0),
    picture: flag(saved.picture, defaults.picture),
    clearAfter: Math.max(1, numberOr(saved.clearAfter, defaults.clearAfter)),
    raw: flag(saved.raw, defaults.raw),
  };
}
