import type { LoginOutcome } from './accounts.ts';

export interface SmtpLogin {
  method: string;
  user: string;
  /** `scripted`: a failure rule answered. `unreadable`: no login could be made out of what was sent. */
  outcome: LoginOutcome | 'scripted' | 'unreadable';
}

export interface SmtpTransaction {
  from: string;
  to: string[];
  /** Size of the content in bytes. */
  bytes: number;
  /** In the mailboxes (or lost on purpose), whatever the client was told. */
  delivered: boolean;
}

/** What happened on one connection. Grows while it is open; holds no password. */
export interface SmtpSession {
  tls: 'implicit' | 'starttls' | 'none';
  tlsVersion?: string;
  /** The argument of the last EHLO or HELO. */
  ehlo?: string;
  logins: SmtpLogin[];
  transactions: SmtpTransaction[];
  /** Verbs in the order they came. */
  commands: string[];
  /** Reply codes in the order they were sent, the greeting first. */
  codes: number[];
  protocolErrors: string[];
  closed: boolean;
}

export interface ImapSession {
  logins: { user: string; outcome: SmtpLogin['outcome'] }[];
  /** Command names in the order they came, `UID FETCH` as one. */
  commands: string[];
  protocolErrors: string[];
  closed: boolean;
}
