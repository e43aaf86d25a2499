import { type Saved, text, type Validators } from '../shared/properties.ts';

export const VERSION = 1;

export interface CameraHomeAssistantConfig {
  version: number;
  name: string;
  /** Home Assistant's discovery prefix. */
  prefix: string;
  /** The first level of our own topics. Each Node-RED on a broker needs its own. */
  base: string;
}

export const defaults = {
  version: VERSION,
  name: '',
  prefix: 'homeassistant',
  base: 'camera_email',
} as const;

export const validators = {} satisfies Validators;

/** Fills what older releases did not save. Characters that topics must not have are left out. */
export function migrate(saved: Saved): CameraHomeAssistantConfig {
  return {
    version: VERSION,
    name: text(saved.name),
    prefix: topic(saved.prefix) || defaults.prefix,
    base: topic(saved.base) || defaults.base,
  };
}

function topic(value: unknown): string {
  const levels = text(value)
    .replace(/[^\p{L}\p{N}/_.-]/gu, '')
    .split('/');
  return levels.filter((level) => level !== '').join('/');
}
