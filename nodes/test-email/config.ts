import { addresses, choice, flag, list, numberBetween, numberOr, oneOf, type Saved, text, type Validators } from '../shared/properties.ts';

export const VERSION = 1;
export const VIAS = ['server', 'camera', 'both'] as const;

export type Via = (typeof VIAS)[number];

export interface TestEmailConfig {
  version: number;
  name: string;
  /** Id of the gmail-account node. */
  account: string;
  via: Via;
  /** Ids of camera-device nodes; used unless `via` is `server`. */
  cameras: string[];
  /** Comma-separated; empty: the account's recipients. */
  to: string;
  proveArrival: boolean;
  /** Seconds. */
  timeout: number;
}

export const defaults = {
  version: VERSION,
  name: '',
  account: '',
  via: 'server',
  cameras: [] as string[],
  to: '',
  proveArrival: true,
  timeout: 60,
} as const;

export const validators = {
  via: choice(VIAS),
  to: addresses(),
  timeout: numberBetween(5, 3600),
} satisfies Validators;

/** Fills what older releases did not save and turns text into numbers, flags and lists. */
export function migrate(saved: Saved): TestEmailConfig {
  return {
    version: VERSION,
    name: text(saved.name),
    account: text(saved.account),
    via: oneOf(saved.via, VIAS, defaults.via),
    cameras: list(saved.cameras),
    to: text(saved.to),
    proveArrival: flag(saved.proveArrival, defaults.proveArrival),
    timeout: numberOr(saved.timeout, defaults.timeout),
  };
}
