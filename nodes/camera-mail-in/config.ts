import {
  addresses,
  choice,
  flag,
  hostProblem,
  isEnvironmentVariable,
  list,
  numberBetween,
  numberOr,
  oneOf,
  type Saved,
  text,
  type Validators,
} from '../shared/properties.ts';

export const VERSION = 1;
export const AUTHS = ['login', 'network'] as const;

export type Auth = (typeof AUTHS)[number];

export interface CameraMailInConfig {
  version: number;
  name: string;
  /** The address of this computer to listen on; `0.0.0.0`: all of them. */
  host: string;
  port: number;
  auth: Auth;
  /** Networks (CIDR) or addresses that may connect. */
  allow: string[];
  /** Id of a core tls-config node, or empty: certificates of the listener's own. */
  tls: string;
  implicitTls: boolean;
  legacyTls: boolean;
  /** MiB. */
  maxSize: number;
  /** Id of a gmail-account node that every mail is sent on through, or empty. */
  account: string;
  /** Comma-separated; empty: the account's recipients. */
  relayTo: string;
  /** Ids of camera-device nodes; empty: all there are. */
  cameras: string[];
}

export const defaults = {
  version: VERSION,
  name: '',
  host: '0.0.0.0',
  port: 2525,
  auth: 'login',
  allow: [] as string[],
  tls: '',
  implicitTls: false,
  legacyTls: false,
  maxSize: 25,
  account: '',
  relayTo: '',
  cameras: [] as string[],
} as const;

export const validators = {
  host: (value) => text(value) === '' || hostProblem(text(value)),
  port: numberBetween(1, 65_535),
  auth: choice(AUTHS),
  allow: (value, saved) => {
    const entries = list(value);
    if (entries.length === 0) return saved.auth !== 'network' || 'network-missing';
    return entries.every((entry) => isEnvironmentVariable(entry) || isNetwork(entry)) || 'not-a-network';
  },
  maxSize: numberBetween(1, 100),
  relayTo: addresses(),
} satisfies Validators;

/** What Node-RED's editor shows in place of stored credentials. */
const STORED = '__PWRD__';

/** For the credential `users`: JSON `{name: password}`. */
export function usersVerdict(value: string, auth: string): true | string {
  if (value === STORED || isEnvironmentVariable(value)) return true;
  if (value.trim() === '') return auth === 'network' || 'users-missing';
  return parseUsers(value) !== undefined || 'not-users';
}

/** Undefined when it is not JSON of the form `{name: password}`. */
export function parseUsers(value: string): Map<string, string> | undefined {
  try {
    const users: unknown = JSON.parse(value);
    if (typeof users !== 'object' || users === null || Array.isArray(users)) return undefined;
    const entries = Object.entries(users).filter(([, password]) => typeof password === 'string' && password !== '');
    return entries.length > 0 && entries.length === Object.keys(users).length ? new Map(entries) : undefined;
  } catch {
    return undefined;
  }
}

/** Fills what older releases did not save and turns text into numbers, flags and lists. */
export function migrate(saved: Saved): CameraMailInConfig {
  return {
    version: VERSION,
    name: text(saved.name),
    host: text(saved.host).replace(/^\[(.*)\]$/, '$1') || defaults.host,
    port: numberOr(saved.port, defaults.port),
    auth: oneOf(saved.auth, AUTHS, defaults.auth),
    allow: list(saved.allow),
    tls: text(saved.tls),
    implicitTls: flag(saved.implicitTls, defaults.implicitTls),
    legacyTls: flag(saved.legacyTls, defaults.legacyTls),
    maxSize: numberOr(saved.maxSize, defaults.maxSize),
    account: text(saved.account),
    relayTo: text(saved.relayTo),
    cameras: list(saved.cameras),
  };
}

/** An IPv4 or IPv6 address, with or without a prefix length. The listener reads it again, exactly. */
function isNetwork(value: string): boolean {
  const v4 = /^(?:\d{1,3}\.){3}\d{1,3}(?:\/(?:[0-9]|[12][0-9]|3[0-2]))?$/;
  const v6 = /^[0-9a-f]*:[0-9a-f:.]+(?:\/(?:[0-9]|[1-9][0-9]|1[01][0-9]|12[0-8]))?$/i;
  return (v4.test(value) && value.split(/[./]/, 4).every((part) => Number(part) <= 255)) || v6.test(value);
}
