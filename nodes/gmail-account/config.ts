import { checkAppPassword, hasGooglePasswords } from '../../src/mail/app-password.ts';
import { MAIL_SERVICES, type MailService, mailService, type ServiceNote } from '../../src/mail/services.ts';
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
export const SERVICES: readonly string[] = [...MAIL_SERVICES.map(({ id }) => id), 'custom'];
export const SECURITIES = ['tls', 'starttls', 'none'] as const;
export const AUTHENTICATIONS = ['password', 'oauth2'] as const;

export type Security = (typeof SECURITIES)[number];

export interface GmailAccountConfig {
  version: number;
  name: string;
  email: string;
  /** `gmail`, `custom`, or the id of another service with known servers. */
  service: string;
  /** `oauth2`: with access tokens, for accounts that may not have app passwords. */
  authentication: (typeof AUTHENTICATIONS)[number];
  /** Where access tokens come from; empty: the service's own. */
  tokenUrl: string;
  /** Of the SMTP connection. `none` only with a custom service; services other than these two have their own. */
  security: Security;
  /** Of a custom service, or of one whose host depends on the region (empty: the usual). */
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

const ABOUT_PASSWORDS: readonly string[] = [
  'two-factor-needed',
  'two-factor-changes-it',
  'no-mailbox',
  'no-passwords',
  'passwords-end-2026',
] satisfies ServiceNote[];

export const defaults = {
  version: VERSION,
  name: '',
  email: '',
  service: 'gmail',
  authentication: 'password',
  tokenUrl: '',
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

/** The service with known servers that is chosen; undefined for `custom`. */
export function presetOf(saved: Saved): MailService | undefined {
  return mailService(text(saved.service));
}

/** What to tell about the chosen service and login, by the keys of the locale. The guide tells it for Gmail. */
export function notesOf(saved: Saved): readonly string[] {
  const notes: readonly string[] = presetOf(saved)?.notes ?? ['own-server'];
  if (saved.authentication === 'oauth2') return [...notes.filter((note) => !ABOUT_PASSWORDS.includes(note)), 'oauth2'];
  return saved.service === 'gmail' ? [] : notes;
}

/** The user may enter hosts: of a server of one's own, or of another region than the usual. */
export function hasHosts(saved: Saved): boolean {
  return isCustom(saved) || presetOf(saved)?.notes.includes('regional-host') === true;
}

export const validators = {
  email: (value) => {
    const address = text(value);
    if (address === '') return 'address-missing';
    return isEnvironmentVariable(address) || isAddress(address) || 'not-an-address';
  },
  service: choice(SERVICES),
  authentication: (value, saved) => {
    if (value !== 'oauth2' && presetOf(saved)?.password === 'none-works') return 'passwords-not-taken';
    return value === undefined || choice(AUTHENTICATIONS)(value, saved);
  },
  tokenUrl: (value, saved) => {
    const url = text(value);
    if (saved.authentication !== 'oauth2' || isEnvironmentVariable(url)) return true;
    if (url === '') return presetOf(saved)?.oauth2 !== undefined || 'link-missing';
    return /^https:\/\/[^\s/@]+(\/\S*)?$/.test(url) || 'not-a-secure-link';
  },
  security: (value, saved) => {
    if (value === 'none' && saved.service === 'gmail') return 'gmail-needs-encryption';
    return choice(SECURITIES)(value, saved);
  },
  host: (value, saved) => {
    if (!hasHosts(saved)) return true;
    if (text(value) === '') return !isCustom(saved) || 'host-missing';
    return hostProblem(text(value));
  },
  port: (value, saved) => !isCustom(saved) || port(value, saved),
  imapHost: (value, saved) => !hasHosts(saved) || text(value) === '' || hostProblem(text(value)),
  imapPort: (value, saved) => !isCustom(saved) || port(value, saved),
  imapSecurity: choice(SECURITIES),
  recipients: addresses(),
  dailyLimit: numberBetween(0, 1_000_000),
} satisfies Validators;

/** What Node-RED's editor shows in place of a stored password. */
const STORED_PASSWORD = '__PWRD__';

export interface PasswordVerdict {
  verdict: true | string;
  /** How many are left after white space is removed. */
  letters: number;
  /** How it compares with the service's app passwords, where their form is known and it is not refused. */
  form?: 'complete' | 'unusual';
}

export function appPasswordVerdict(value: string, service: string): PasswordVerdict {
  if (value === STORED_PASSWORD || isEnvironmentVariable(value)) return { verdict: true, letters: 0 };
  const check = checkAppPassword(value, service);
  if (check.ok) {
    const known = presetOf({ service })?.pattern !== undefined;
    return { verdict: true, letters: check.password.length, ...(known ? { form: check.unusual ? 'unusual' : 'complete' } : {}) };
  }
  const { problem, letters } = check;
  if (problem === 'empty' && !hasGooglePasswords(service)) return { verdict: 'own-password-empty', letters };
  if (letters === 15 && problem === 'too-short') return { verdict: 'password-one-missing', letters };
  return { verdict: `password-${problem}`, letters };
}

/** `true`, or what is missing for OAuth2. Services of Microsoft have clients without a secret. */
export function oauth2Verdict(name: 'clientId' | 'refreshToken', value: string, saved: Saved): true | string {
  if (saved.authentication !== 'oauth2' || value.trim() !== '') return true;
  return name === 'clientId' ? 'client-missing' : 'token-missing';
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
    authentication: oneOf(saved.authentication, AUTHENTICATIONS, defaults.authentication),
    tokenUrl: text(saved.tokenUrl),
    security: service !== 'custom' && security === 'none' ? 'tls' : security,
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
