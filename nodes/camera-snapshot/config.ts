import { numberBetween, numberOr, type Saved, text, type Validators } from '../shared/properties.ts';

export const VERSION = 1;

export interface CameraSnapshotConfig {
  version: number;
  name: string;
  /** Id of the camera-device node. */
  camera: string;
  /** From 1; undefined: the camera's own. */
  channel: number | undefined;
}

export const defaults = { version: VERSION, name: '', camera: '', channel: '' } as const;

export const validators = { channel: numberBetween(1, 512, { optional: true }) } satisfies Validators;

/** Fills what older releases did not save and turns text into numbers. */
export function migrate(saved: Saved): CameraSnapshotConfig {
  return { version: VERSION, name: text(saved.name), camera: text(saved.camera), channel: numberOr(saved.channel, undefined) };
}
