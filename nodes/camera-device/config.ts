import {
  choice,
  flag,
  hostProblem,
  isEnvironmentVariable,
  numberBetween,
  numberOr,
  oneOf,
  port,
  type Saved,
  text,
  type Validators,
} from '../shared/properties.ts';

export const VERSION = 1;
export const PROTOCOLS = ['auto', 'https', 'http'] as const;
export const TRUSTS = ['pin', 'ca', 'any'] as const;

export type Protocol = (typeof PROTOCOLS)[number];
export type Trust = (typeof TRUSTS)[number];

export interface CameraDeviceConfig {
  version: number;
  name: string;
  /** `auto`, or the name of a driver. */
  vendor: string;
  host: string;
  /** Undefined: the protocol's own. */
  port: number | undefined;
  protocol: Protocol;
  trust: Trust;
  /** SHA-256 of the pinned certificate, `AA:BB:…`; empty: the first one seen. */
  fingerprint: string;
  legacyTls: boolean;
  /** From 1. */
  channel: number;
}

export const defaults = {
  version: VERSION,
  name: '',
  vendor: 'auto',
  host: '',
  port: '',
  protocol: 'auto',
  trust: 'pin',
  fingerprint: '',
  legacyTls: false,
  channel: 1,
} as const;

export const validators = {
  vendor: (value) => isEnvironmentVariable(value) || /^[a-z][a-z0-9-]*$/.test(text(value)) || 'unknown-choice',
  host: (value) => (text(value) === '' ? 'host-missing' : hostProblem(text(value))),
  port,
  protocol: choice(PROTOCOLS),
  trust: choice(TRUSTS),
  fingerprint: (value) => {
    const print = text(value);
    return print === '' || isEnvironmentVariable(print) || /^([0-9a-f]{2}:){31}[0-9a-f]{2}$/i.test(print) || 'not-a-fingerprint';
  },
  channel: numberBetween(1, 512),
} satisfies Validators;

/** Fills what older releases did not save and turns text into numbers and flags. */
export function migrate(saved: Saved): CameraDeviceConfig {
  return {
    version: VERSION,
    name: text(saved.name),
    vendor: text(saved.vendor) || defaults.vendor,
    host: text(saved.host).replace(/^\[(.*)\]$/, '$1'),
    port: numberOr(saved.port, undefined),
    protocol: oneOf(saved.protocol, PROTOCOLS, defaults.protocol),
    trust: oneOf(saved.trust, TRUSTS, defaults.trust),
    fingerprint: text(saved.fingerprint).toUpperCase(),
    legacyTls: flag(saved.legacyTls, defaults.legacyTls),
    channel: numberOr(saved.channel, defaults.channel),
  };
}
