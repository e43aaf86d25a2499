import type { SecurityChoice } from '../cameras/changes.ts';
import type { ConfigureOrder } from '../cameras/configure.ts';
import type { Attachment, MailSecurity } from '../cameras/driver.ts';
import { CameraEmailError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import { type MailAccount, parseAddresses } from '../mail/account.ts';
import { GMAIL } from '../mail/gmail.ts';

/** What the user set in the node, before it is known which camera it is for. */
export interface EmailWishes {
  /** Comma-separated; empty: the account's recipients; `keep`: those of the camera. */
  recipients: string;
  /** `{camera}` stands for the camera's name. Empty: as the camera has it. */
  senderName: string;
  attachment: Attachment | 'keep';
  /** Seconds; undefined: as the camera has it. */
  minInterval: number | undefined;
  /** Empty: as the camera has it. */
  events: readonly string[];
}

/** The settings that make a camera mail through the account. Throws `bad-input` for addresses that are none. */
export function wantedFor(account: MailAccount, wishes: EmailWishes, cameraName: string): NonNullable<ConfigureOrder['wanted']> {
  return {
    enabled: true,
    server: account.smtp.host,
    port: account.smtp.port,
    security: account.smtp.security,
    authentication: true,
    username: account.username,
    password: account.password,
    sender: account.email,
    senderName:
      wishes.senderName === ''
        ? undefined
        : wishes.senderName
            .replaceAll('{camera}', () => cameraName)
            .replace(/[\u0000-\u001f\u007f]+/g, ' ')
            .trim(),
    recipients: wishes.recipients === 'keep' ? undefined : recipientsOf(account, wishes.recipients),
    attachment: wishes.attachment === 'keep' ? undefined : wishes.attachment,
    minInterval: wishes.minInterval,
    events: wishes.events.length === 0 ? undefined : [...wishes.events],
  };
}

/** Throws `bad-input` (params `field`: `oauth2`): cameras know passwords only. */
export function assertCamerasCanLogIn({ oauth2 }: MailAccount): void {
  if (oauth2 !== undefined) throw new CameraEmailError('bad-input', 'cameras cannot log in with OAuth2', { params: { field: 'oauth2' } });
}

/** Another mail server for the cameras than the account's own: a listener of ours that passes their mail on. */
export interface MailRelay {
  /** As the camera sees it. */
  host: string;
  port: number;
  /** The best first. */
  securities: readonly MailSecurity[];
  authentication: boolean;
  username: string;
  password: Secret;
}

type Wanted = NonNullable<ConfigureOrder['wanted']>;

/** The same settings, with the camera pointed at the relay. */
export function throughRelay(wanted: Wanted, relay: MailRelay): { wanted: Wanted; choices: SecurityChoice[] } {
  const { host: server, port, authentication, username, password, securities } = relay;
  const [security = 'none'] = securities;
  const choices = securities.map((one) => ({ security: one, port }));
  return { wanted: { ...wanted, server, port, security, authentication, username, password }, choices };
}

/** The given recipients, else the account's, else the account itself. */
export function recipientsOf(account: MailAccount, text: string): string[] {
  const given = parseAddresses(text);
  if (given.length > 0) return given;
  return account.recipients.length > 0 ? account.recipients : [account.email];
}

/** The encryptions that the account's server is known to offer, the account's own first. */
export function securityChoices({ service, smtp }: MailAccount): SecurityChoice[] {
  if (service !== 'gmail') return [smtp];
  const all: SecurityChoice[] = [
    { security: 'tls', port: GMAIL.tlsPort },
    { security: 'starttls', port: GMAIL.starttlsPort },
  ];
  return all.sort((one) => (one.security === smtp.security ? -1 : 1));
}
