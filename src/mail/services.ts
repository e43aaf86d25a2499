// Facts about mail services, as pure data. The browser half imports this file too, so it imports nothing.

export type MailSecurity = 'tls' | 'starttls' | 'none';

export interface MailServer {
  host: string;
  port: number;
  security: MailSecurity;
}

export interface MailService {
  id: string;
  label: string;
  smtp: MailServer;
  imap?: MailServer;
  /** What has to be entered as the password. */
  password: 'app-password' | 'account-password' | 'none-works';
  /** Form of an app password where the service has one; white space that the page shows in it is left out. */
  pattern?: RegExp;
  /** Where an app password is made. */
  link?: string;
  /** Where access tokens come from, and the mailbox where it takes nothing else. */
  oauth2?: { tokenUrl: string; imap?: MailServer };
  /** What a user has to know or do first. One text each in the locale. */
  notes: readonly ServiceNote[];
}

export type ServiceNote =
  /** App passwords exist only with two-factor login. */
  | 'two-factor-needed'
  /** With two-factor login the service takes an app password only, without it the account's own. */
  | 'two-factor-changes-it'
  /** SMTP and IMAP are off until they are switched on in the web mail. */
  | 'switch-on'
  /** The host depends on where the account was opened. */
  | 'regional-host'
  /** The administrator has to allow this computer or this login first. */
  | 'administrator'
  /** The mailbox cannot be opened with a password, so arrival cannot be proven. */
  | 'no-mailbox'
  /** No password is taken any more: this service cannot be used with a password. */
  | 'no-passwords'
  /** Passwords are still taken, but the service has announced the end of that. */
  | 'passwords-end-2026';

const tls = (host: string, port = 465): MailServer => ({ host, port, security: 'tls' });
const starttls = (host: string): MailServer => ({ host, port: 587, security: 'starttls' });
const imaps = (host: string): MailServer => tls(host, 993);

const GOOGLE = {
  password: 'app-password',
  pattern: /^[a-z]{16}$/,
  link: 'https://myaccount.google.com/apppasswords',
  imap: imaps('imap.gmail.com'),
  oauth2: { tokenUrl: 'https://oauth2.googleapis.com/token' },
} as const;
const MICROSOFT = {
  tokenUrl: 'https://login.microsoftonline.com/common/oauth2/v2.0/token',
  imap: imaps('outlook.office365.com'),
} as const;

/**
 * Hosts as in nodemailer's list of well-known services (10.6.0). Microsoft as announced until January 2026: Outlook.com takes no
 * passwords since September 2024; Microsoft 365 takes them unchanged until the end of December 2026, then only where an administrator
 * turns them on again, and tells in the second half of 2027 when that ends (550 5.7.30). Its mailboxes take none since 2023.
 */
export const MAIL_SERVICES: readonly MailService[] = [
  { id: 'gmail', label: 'Gmail', smtp: tls('smtp.gmail.com'), ...GOOGLE, notes: ['two-factor-needed'] },
  {
    id: 'workspace-relay',
    label: 'Google Workspace SMTP relay',
    smtp: tls('smtp-relay.gmail.com'),
    ...GOOGLE,
    notes: ['administrator', 'two-factor-needed'],
  },
  {
    id: 'fastmail',
    label: 'Fastmail',
    smtp: tls('smtp.fastmail.com'),
    imap: imaps('imap.fastmail.com'),
    password: 'app-password',
    link: 'https://app.fastmail.com/settings/security',
    notes: [],
  },
  {
    id: 'yahoo',
    label: 'Yahoo Mail',
    smtp: tls('smtp.mail.yahoo.com'),
    imap: imaps('imap.mail.yahoo.com'),
    password: 'app-password',
    pattern: /^[a-z]{16}$/,
    link: 'https://login.yahoo.com/account/security',
    notes: ['two-factor-needed'],
  },
  {
    id: 'icloud',
    label: 'iCloud Mail',
    smtp: starttls('smtp.mail.me.com'),
    imap: imaps('imap.mail.me.com'),
    password: 'app-password',
    // Apple shows it with hyphens.
    pattern: /^[a-z]{4}(-?[a-z]{4}){3}$/,
    link: 'https://account.apple.com/account/manage',
    notes: ['two-factor-needed'],
  },
  {
    id: 'zoho',
    label: 'Zoho Mail',
    smtp: tls('smtp.zoho.com'),
    imap: imaps('imap.zoho.com'),
    password: 'app-password',
    link: 'https://accounts.zoho.com/home#security/app_password',
    notes: ['regional-host', 'switch-on', 'two-factor-changes-it'],
  },
  {
    id: 'gmx',
    label: 'GMX',
    smtp: starttls('mail.gmx.com'),
    imap: imaps('imap.gmx.com'),
    password: 'account-password',
    notes: ['regional-host', 'switch-on', 'two-factor-changes-it'],
  },
  {
    id: 'outlook',
    label: 'Outlook.com, Hotmail',
    smtp: starttls('smtp-mail.outlook.com'),
    password: 'none-works',
    oauth2: MICROSOFT,
    notes: ['no-passwords'],
  },
  {
    id: 'microsoft-365',
    label: 'Microsoft 365',
    smtp: starttls('smtp.office365.com'),
    password: 'account-password',
    oauth2: MICROSOFT,
    notes: ['administrator', 'passwords-end-2026', 'no-mailbox'],
  },
];

/** Undefined for servers of one's own. */
export function mailService(id: string): MailService | undefined {
  return MAIL_SERVICES.find((service) => service.id === id);
}
