import type { CameraEmailError } from '../../core/errors.ts';
import type { DigestCount } from './envelope.ts';

/** What every event says about its mail. Times in epoch milliseconds. */
export interface MailFacts {
  id: string;
  messageId: string;
  topic: string;
  subject: string;
  owner: string | undefined;
  reference: string | undefined;
  queuedAt: number;
  attempts: number;
  /** Accepted by an earlier process. */
  restored: boolean;
  digest: DigestCount | undefined;
  /** Tells of expired mails. */
  summary: boolean;
}

export type OutboxEvent =
  | {
      kind: 'delivered';
      mail: MailFacts;
      accepted: string[];
      rejected: { address: string; error: CameraEmailError }[];
      /** The server's last reply. */
      response: string;
      deliveredAt: number;
    }
  /** Refused for good or expired; the mail is kept in `file`. */
  | { kind: 'failed'; mail: MailFacts; error: CameraEmailError; expired: boolean; file: string }
  /** The login was refused: nothing is sent until the account is edited or verified. Once, not for each mail. */
  | { kind: 'stopped'; error: CameraEmailError }
  /** `damaged`: moved aside to `file`. `disk`: what was to be written is not; what is known holds until the process ends. */
  | { kind: 'problem'; problem: 'damaged' | 'disk'; file: string; cause?: unknown }
  /** The state has changed. */
  | { kind: 'changed' };
