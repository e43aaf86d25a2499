import { addresses, choice, numberBetween, numberOr, oneOf, type Saved, text, type Validators } from '../shared/properties.ts';

export const VERSION = 1;
export const DELIVERIES = ['queue', 'direct'] as const;

export type Delivery = (typeof DELIVERIES)[number];

export interface GmailAppSmtpConfig {
  version: number;
  name: string;
  /** Id of the gmail-account node. */
  account: string;
  /** Comma-separated; empty: the account's recipients. */
  to: string;
  /** Empty: `msg.topic`. */
  subject: string;
  delivery: Delivery;
  /** Seconds between mails of the same topic; 0: each is sent. */
  minInterval: number;
}

export const defaults = {
  version: VERSION,
  name: '',
  account: '',
  to: '',
  subject: '',
  delivery: 'queue',
  minInterval: 0,
} as const;

export const validators = {
  to: addresses(),
  delivery: choice(DELIVERIES),
  minInterval: numberBetween(0, 86_400, { optional: true, whole: false }),
} satisfies Validators;

/** Fills what older releases did not save and turns text into numbers. */
export function migrate(saved: Saved): GmailAppSmtpConfig {
  return {
    version: VERSION,
    name: text(saved.name),
    account: text(saved.account),
    to: text(saved.to),
    subject: text(saved.subject),
    delivery: oneOf(saved.delivery, DELIVERIES, defaults.delivery),
    minInterval: numberOr(saved.minInterval, defaults.minInterval),
  };
}
