import { CameraEmailError } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import { isAddress, parseAddresses } from './addresses.ts';
import { checkAppPassword } from './app-password.ts';
import { GMAIL } from './gmail.ts';
import { type MailSecurity, type MailServer, type MailService, mailService } from './services.ts';

export { parseAddresses } from './addresses.ts';

export type { MailSecurity, MailServer } from './services.ts';

export interface MailTls {
  /** PEM. */
  ca?: string;
  cert?: string;
  key?: string;
  passphrase?: string;
  /** Name expected in the certificate; default: the server's host. */
  servername?: string;
  /** False only when the user's own tls-config node says so. */
  verify: boolean;
}

/** A login with access tokens in place of a password. */
export interface OAuth2Login {
  /** Where access tokens are fetched, always https. */
  tokenUrl: string;
  clientId: string;
  /** Undefined: a client without one, such as Microsoft's desktop apps. */
  clientSecret: Secret | undefined;
  refreshToken: Secret;
}

export interface MailAccount {
  id: string;
  name: string;
  email: string;
  service: string;
  smtp: MailServer;
  /** Undefined: no mailbox can be looked into. */
  imap: MailServer | undefined;
  username: string;
  /** Empty with OAuth2. */
  password: Secret;
  oauth2?: OAuth2Login | undefined;
  fromName: string;
  recipients: string[];
  /** Messages per rolling 24 hours, 0 = no limit. */
  dailyLimit: number;
  tls: MailTls;
}

type Text = string | undefined;
type Numeric = string | number | undefined;

/** A gmail-account node as it is saved; numbers may be strings. */
export interface AccountInput {
  id?: Text;
  name?: Text;
  email?: Text;
  service?: Text;
  security?: Text;
  host?: Text;
  port?: Numeric;
  imapHost?: Text;
  imapPort?: Numeric;
  imapSecurity?: Text;
  fromName?: Text;
  recipients?: Text;
  dailyLimit?: Numeric;
  authentication?: Text;
  tokenUrl?: Text;
  appPassword?: Text;
  clientId?: Text;
  clientSecret?: Text;
  refreshToken?: Text;
  tls?: Partial<MailTls> | undefined;
}

const SECURITIES: readonly string[] = ['tls', 'starttls', 'none'];
const DEFAULT_PORTS = { smtp: { tls: 465, starttls: 587, none: 25 }, imap: { tls: 993, starttls: 143, none: 143 } } as const;

/**
 * The account ready for use. Throws `bad-app-password` (params `problem`, `letters`) and `bad-input` (params `field`) for what
 * cannot work.
 */
export function mailAccount(input: AccountInput): MailAccount {
  const email = trimmed(input.email);
  const service = trimmed(input.service) || 'gmail';
  if (email === '') throw new CameraEmailError('bad-input', 'the account has no e-mail address', { params: { field: 'email' } });
  if (!isAddress(email) || (service === 'gmail' && !/@[^@]+\.[^@.]+$/.test(email))) throw badField('email', email);
  const tls = { ...input.tls, verify: input.tls?.verify ?? true };
  const preset = mailService(service);
  const oauth2 = trimmed(input.authentication) === 'oauth2' ? oauth2Login(input, preset) : undefined;
  if (oauth2 === undefined && preset?.password === 'none-works') throw badField('passwords', service);
  return {
    id: trimmed(input.id),
    name: trimmed(input.name) || email,
    email,
    service,
    ...(service === 'gmail' ? gmailServers(input) : preset ? presetServers(input, preset, oauth2) : customServers(input)),
    username: email,
    password: oauth2 === undefined ? appPassword(input.appPassword ?? '', service) : new Secret(''),
    ...(oauth2 === undefined ? {} : { oauth2 }),
    fromName: trimmed(input.fromName),
    recipients: parseAddresses(input.recipients ?? ''),
    dailyLimit: wholeNumber(input.dailyLimit, 'dailyLimit', GMAIL.personalDailyMessages, 0, 1_000_000),
    tls,
  };
}

type Servers = Pick<MailAccount, 'smtp' | 'imap'>;

function gmailServers(input: AccountInput): Servers {
  const security = securityOf(input.security, 'security');
  if (security === 'none') throw badField('security', security);
  const port = security === 'tls' ? GMAIL.tlsPort : GMAIL.starttlsPort;
  return {
    smtp: { host: GMAIL.smtpHost, port, security },
    imap: { host: GMAIL.imapHost, port: GMAIL.imapPort, security: 'tls' },
  };
}

function presetServers(input: AccountInput, preset: MailService, oauth2: OAuth2Login | undefined): Servers {
  const regional = preset.notes.includes('regional-host');
  const at = (server: MailServer, field: 'host' | 'imapHost') => {
    return { ...server, host: (regional && hostName(input[field], field)) || server.host };
  };
  const imap = (oauth2 && preset.oauth2?.imap) ?? preset.imap;
  return { smtp: at(preset.smtp, 'host'), imap: imap && at(imap, 'imapHost') };
}

function customServers(input: AccountInput): Servers {
  const host = hostName(input.host, 'host');
  if (host === '') throw badField('host', '');
  const security = securityOf(input.security, 'security');
  const imapHost = hostName(input.imapHost, 'imapHost');
  const imapSecurity = securityOf(input.imapSecurity, 'imapSecurity');
  return {
    smtp: { host, port: wholeNumber(input.port, 'port', DEFAULT_PORTS.smtp[security], 1, 65_535), security },
    imap:
      imapHost === ''
        ? undefined
        : {
            host: imapHost,
            port: wholeNumber(input.imapPort, 'imapPort', DEFAULT_PORTS.imap[imapSecurity], 1, 65_535),
            security: imapSecurity,
          },
  };
}

function oauth2Login(input: AccountInput, preset: MailService | undefined): OAuth2Login {
  const tokenUrl = trimmed(input.tokenUrl) || (preset?.oauth2?.tokenUrl ?? '');
  // The secrets travel in the request.
  if (!/^https:\/\/[^\s/@]+(\/\S*)?$/.test(tokenUrl) || !URL.canParse(tokenUrl)) throw badField('tokenUrl', tokenUrl);
  const clientId = trimmed(input.clientId);
  const clientSecret = trimmed(input.clientSecret);
  const refreshToken = trimmed(input.refreshToken);
  if (clientId === '') throw badField('clientId', '');
  if (refreshToken === '') throw badField('refreshToken', '');
  return {
    tokenUrl,
    clientId,
    clientSecret: clientSecret === '' ? undefined : new Secret(clientSecret),
    refreshToken: new Secret(refreshToken),
  };
}

/** All that the account logs in with, in clear: for hashing and comparing only. */
export function loginText({ username, password, oauth2 }: MailAccount): string {
  if (oauth2 === undefined) return `${username} ${password.reveal()}`;
  const { tokenUrl, clientId, clientSecret, refreshToken } = oauth2;
  return [username, tokenUrl, clientId, clientSecret?.reveal() ?? '', refreshToken.reveal()].join(' ');
}

/** The same server and login: open connections may go on. */
export function sameAccess(one: MailAccount, other: MailAccount): boolean {
  const place = ({ smtp, tls }: MailAccount) => JSON.stringify([smtp, tls]);
  return place(one) === place(other) && loginText(one) === loginText(other);
}

function appPassword(raw: string, service: string): Secret {
  const check = checkAppPassword(raw, service);
  if (check.ok) return new Secret(check.password);
  throw new CameraEmailError('bad-app-password', `the app password is not usable: ${check.problem}`, {
    params: { field: 'appPassword', problem: check.problem, letters: check.letters },
    link: mailService(service)?.link,
  });
}

function securityOf(value: Text, field: string): MailSecurity {
  const security = trimmed(value) || 'tls';
  if (!SECURITIES.includes(security)) throw badField(field, security);
  return security as MailSecurity;
}

function hostName(value: Text, field: string): string {
  const host = trimmed(value).replace(/^\[(.*)\]$/, '$1');
  // A pasted URL or "host:port" would only fail later, as an unknown host.
  if (/[\s/@"<>\\]/.test(host) || /^[^:]*:\d+$/.test(host)) throw badField(field, host);
  return host;
}

function wholeNumber(value: Numeric, field: string, fallback: number, min: number, max: number): number {
  const text = String(value ?? '').trim();
  if (text === '') return fallback;
  const number = Number(text);
  if (!Number.isInteger(number) || number < min || number > max) throw badField(field, text);
  return number;
}

function trimmed(value: Text): string {
  return (value ?? '').trim();
}

function badField(field: string, value: string): CameraEmailError {
  return new CameraEmailError('bad-input', `${field} cannot be used: "${value.slice(0, 80)}"`, {
    params: { field, value: value.slice(0, 80) },
  });
}
