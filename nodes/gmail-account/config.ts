import { checkAppPassword } from '../../src/mail/app-password.ts';
import {
  addresses,
  choice,
  hostProblem,
  isAddress,
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
export const SERVICES = ['gmail', 'custom'] as const;
export const SECURITIES = ['tls', 'starttls', 'none'] as const;

export type Service = (typeof SERVICES)[number];
export type Security = (typeof SECURITIES)[number];

export interface GmailAccountConfig {
  version: number;
  name: string;
  email: string;
  service: Service;
  /** Of the SMTP connection. `none` only with a custom service. */
  security: Security;
  host: string;
  /** Undefined: the security's usual port. */
  port: number | undefined;
  imapHost: string;
  imapPort: number | undefined;
  imapSecurity: Security;
  /** Id of a core tls-config node, or empty. */
  tls: string;
  fromName: string;
  /** Comma-separated: the default recipients of everything that mails. */
  recipients: string;
  /** Messages per rolling 24 h; 0: no limit. */
  dailyLimit: number;
}

export const defaults = {
  version: VERSION,
  name: '',
  email: '',
  service: 'gmail',
  security: 'tls',
  host: '',
  port: '',
  imapHost: '',
  imapPort: '',
  imapSecurity: 'tls',
  tls: '',
  fromName: '',
  recipients: '',
  dailyLimit: 500,
} as const;

const isCustom = (saved: Saved) => saved.service === 'custom';

export const validators = {
  email: (value) => {
    const address = text(value);
    if (address === '') return 'address-missing';
    return isEnvironmentVariable(address) || isAddress(address) || 'not-an-address';
  },
  service: choice(SERVICES),
  security: (value, saved) => {
    if (value === 'none' && !isCustom(saved)) return 'gmail-needs-encryption';
    return choice(SECURITIES)(value, saved);
  },
  host: (value, saved) => {
    if (!isCustom(saved)) return true;
    return text(value) === '' ? 'host-missing' : hostProblem(text(value));
  },
  port: (value, saved) => !isCustom(saved) || port(value, saved),
  imapHost: (value, saved) => !isCustom(saved) || text(value) === '' || hostProblem(text(value)),
  imapPort: (value, saved) => !isCustom(saved) || port(value, saved),
  imapSecurity: choice(SECURITIES),
  recipients: addresses(),
  dailyLimit: numberBetween(0, 1_000_000),
} satisfies Validators;

/** What Node-RED's editor shows in place of a stored password. */
const STORED_PASSWORD = '__PWRD__';

/** `letters`: how many are left after white space is removed. */
export function appPasswordVerdict(value: string, service: string): { verdict: true | string; letters: number } {
  if (value === STORED_PASSWORD || isEnvironmentVariable(value)) return { verdict: true, letters: 0 };
  const check = checkAppPassword(value, service);
  if (!check.ok && check.letters === 15 && check.problem === 'too-short') return { verdict: 'password-one-missing', letters: 15 };
  return check.ok ? { verdict: true, letters: check.password.length } : { verdict: `password-${check.problem}`, letters: check.letters };
}

/** Fills what older releases did not save and turns text into numbers and lists. */
export function migrate(saved: Saved): GmailAccountConfig {
  const service = oneOf(saved.service, SERVICES, defaults.service);
  const security = oneOf(saved.security, SECURITIES, defaults.security);
  return {
    version: VERSION,
    name: text(saved.name),
    email: text(saved.email),
    service,
    security: service === 'gmail' && security === 'none' ? 'tls' : security,
    host: text(saved.host),
    port: numberOr(saved.port, undefined),
    imapHost: text(saved.imapHost),
    imapPort: numberOr(saved.imapPort, undefined),
    imapSecurity: oneOf(saved.imapSecurity, SECURITIES, defaults.imapSecurity),
    tls: text(saved.tls),
    fromName: text(saved.fromName),
    recipients: text(saved.recipients),
    dailyLimit: numberOr(saved.dailyLimit, defaults.dailyLimit),
  };
}
