import type { Clock } from '../../core/clock.ts';
import type { MailAccount } from '../account.ts';
import type { MailTimeouts } from '../connect.ts';
import type { Say, TimeStyle } from '../mail-texts.ts';
import type { Hold } from './account-state.ts';
import type { DigestRequest } from './digests.ts';
import type { OutboxEvent } from './outbox-event.ts';
import type { SpoolFiles } from './spool-files.ts';

export interface OutboxCaps {
  mails: number;
  bytes: number;
  ageMs: number;
}

export interface OutboxOptions {
  /** Of this account only; created when missing. */
  directory: string;
  account: MailAccount;
  say: Say;
  time?: TimeStyle;
  tell?: (event: OutboxEvent) => void;
  caps?: Partial<OutboxCaps>;
  clock?: Clock;
  random?: () => number;
  timeouts?: MailTimeouts;
  files?: SpoolFiles;
}

export interface MailOrder {
  /** Mails of one topic are sent in their order; '' has none. */
  topic: string;
  subject?: string | undefined;
  owner?: string | undefined;
  reference?: string | undefined;
  /** Merge it with others of its key when they come too fast. */
  digest?: DigestRequest | undefined;
}

export interface Receipt {
  id: string;
  /** Merged into a digest that is sent when the interval is over; `id` is the digest's. */
  held: boolean;
  queuedAt: number;
}

export interface OutboxState {
  waiting: number;
  bytes: number;
  sending: number;
  /** Mails merged into digests that wait for the end of their interval. */
  held: number;
  hold: Hold | undefined;
  /** False while another process sends from the same folder. */
  owner: boolean;
  sentToday: number;
  possibleDuplicates: number;
}
