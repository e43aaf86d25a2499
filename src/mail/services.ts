import type { MailServer } from './account.ts';

/** Facts about mail services, as pure data. The browser half imports this file too, so it imports only types. */
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
  /** What a user has to know or do first. One text each in the locale. */
  notes: readonly ServiceNote[];
}

export type ServiceNote =
  /** App passwords exist only with two-factor login. */
  | 'two-factor-needed'
  /** SMTP and IMAP are off until they are switched on in the web mail. */
  | 'switch-on'
  /** The host depends on where the account was opened. */
  | 'regional-host'
  /** The administrator has to allow this computer or this login first. */
  | 'administrator'
  /** No password is taken any more: this service cannot be used with a password. */
  | 'no-passwords'
  /** Passwords are still taken, but the service has announced the end of that. */
  | 'passwords-end-2026';

const tls = (host: string, port = 465): MailServer => ({ host, port, security: 'tls' });
const starttls = (host: string): MailServer => ({ host, port: 587, security: 'starttls' });
const imaps = (host: string): MailServer => tls(host, 993);

/**
 * Hosts as in nodemailer's list of well-known services (10.6.0). Microsoft as announced until January 2026: Outlook.com takes no
 * passwords since September 2024; Microsoft 365 takes them unchanged until the end of December 2026, then only where an administrator
 * turns them on again, and tells in the second half of 2027 when that ends (550 5.7.30).
 */
export const MAIL_SERVICES: readonly MailService[] = [
  {
    id: 'gmail',
    label: 'Gmail',
    smtp: tls('smtp.gmail.com'),
    imap: imaps('imap.gmail.com'),
    password: 'app-password',
    pattern: /^[a-z]{16}$/,
    link: 'https://myaccount.google.com/apppasswords',
    notes: ['two-factor-needed'],
  },
  {
    id: 'workspace-relay',
    label: 'Google Workspace SMTP relay',
    smtp: tls('smtp-relay.gmail.com'),
    imap: imaps('imap.gmail.com'),
    password: 'app-password',
    pattern: /^[a-z]{16}$/,
    link: 'https://myaccount.google.com/apppasswords',
    notes: ['administrator', 'two-factor-needed'],
  },
  {
    id: 'fastmail',
    label: 'Fastmail',
    smtp: tls('smtp.fastmail.com'),
    imap: imaps('imap.fastmail.com'),
    password: 'app-password',
    notes: [],
  },
  {
    id: 'yahoo',
    label: 'Yahoo Mail',
    smtp: tls('smtp.mail.yahoo.com'),
    imap: imaps('imap.mail.yahoo.com'),
    password: 'app-password',
    notes: [],
  },
  {
    id: 'icloud',
    label: 'iCloud Mail',
    smtp: starttls('smtp.mail.me.com'),
    imap: imaps('imap.mail.me.com'),
    password: 'app-password',
    notes: ['two-factor-needed'],
  },
  {
    id: 'zoho',
    label: 'Zoho Mail',
    smtp: tls('smtp.zoho.com'),
    imap: imaps('imap.zoho.com'),
    password: 'app-password',
    notes: ['regional-host'],
  },
  {
    id: 'gmx',
    label: 'GMX',
    smtp: starttls('mail.gmx.com'),
    imap: imaps('imap.gmx.com'),
    password: 'account-password',
    notes: ['switch-on', 'regional-host'],
  },
  {
    id: 'outlook',
    label: 'Outlook.com, Hotmail',
    smtp: starttls('smtp-mail.outlook.com'),
    password: 'none-works',
    notes: ['no-passwords'],
  },
  {
    id: 'microsoft-365',
    label: 'Microsoft 365',
    smtp: starttls('smtp.office365.com'),
    password: 'account-password',
    notes: ['administrator', 'passwords-end-2026'],
  },
  {
    id: 'postfix',
    label: 'Postfix or another server of your own',
    smtp: starttls('localhost'),
    password: 'account-password',
    notes: ['administrator'],
  },
];

export function mailService(id: string): MailService | undefined {
  return MAIL_SERVICES.find((service) => service.id === id);
}
