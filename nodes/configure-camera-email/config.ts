import { addresses, choice, flag, list, numberBetween, numberOr, oneOf, type Saved, text, type Validators } from '../shared/properties.ts';

export const VERSION = 1;
export const ACTIONS = ['plan', 'apply', 'verify', 'restore'] as const;
export const ATTACHMENTS = ['keep', 'none', 'snapshot', 'clip'] as const;
export const TESTS = ['none', 'camera', 'arrival'] as const;
/** The event types worth a mail, in the order of the dialog. */
export const MAIL_EVENTS = [
  'motion',
  'person',
  'vehicle',
  'animal',
  'package',
  'face',
  'doorbell',
  'line-crossing',
  'intrusion',
  'region-entrance',
  'region-exit',
  'loitering',
  'object-left',
  'object-removed',
  'tamper',
  'scene-change',
  'audio',
  'alarm-input',
  'video-loss',
  'storage',
  'access',
] as const;

export type Action = (typeof ACTIONS)[number];
export type AttachmentChoice = (typeof ATTACHMENTS)[number];
export type TestChoice = (typeof TESTS)[number];

export interface ConfigureCameraEmailConfig {
  version: number;
  name: string;
  /** Id of the gmail-account node. */
  account: string;
  /** Ids of camera-device nodes. */
  cameras: string[];
  action: Action;
  /** Comma-separated; empty: the account's recipients; `keep`: what the camera has. */
  recipients: string;
  /** Template; `{camera}` stands for the camera's name. Empty: as the camera has it. */
  senderName: string;
  attachment: AttachmentChoice;
  /** Seconds; undefined: as the camera has it. */
  minInterval: number | undefined;
  /** Event types that shall send mail; empty: as the camera has it. */
  events: string[];
  /** Id of a camera-mail-in node that the cameras shall mail to, or empty for the account's server. */
  relay: string;
  test: TestChoice;
  rollback: boolean;
  canary: boolean;
  /** Cameras at a time. */
  concurrency: number;
}

export const defaults = {
  version: VERSION,
  name: '',
  account: '',
  cameras: [] as string[],
  action: 'plan',
  recipients: '',
  senderName: '',
  attachment: 'keep',
  minInterval: '',
  events: [] as string[],
  relay: '',
  test: 'none',
  rollback: true,
  canary: false,
  concurrency: 16,
} as const;

export const validators = {
  action: choice(ACTIONS),
  recipients: addresses('keep'),
  attachment: choice(ATTACHMENTS),
  minInterval: numberBetween(0, 86_400, { optional: true }),
  events: (value) => list(value).every((type) => MAIL_EVENTS.some((known) => known === type)) || 'unknown-choice',
  test: choice(TESTS),
  concurrency: numberBetween(1, 64),
} satisfies Validators;

/** Fills what older releases did not save and turns text into numbers, flags and lists. */
export function migrate(saved: Saved): ConfigureCameraEmailConfig {
  return {
    version: VERSION,
    name: text(saved.name),
    account: text(saved.account),
    cameras: list(saved.cameras),
    action: oneOf(saved.action, ACTIONS, defaults.action),
    recipients: text(saved.recipients),
    senderName: text(saved.senderName),
    attachment: oneOf(saved.attachment, ATTACHMENTS, defaults.attachment),
    minInterval: numberOr(saved.minInterval, undefined),
    events: list(saved.events),
    relay: text(saved.relay),
    test: oneOf(saved.test, TESTS, defaults.test),
    rollback: flag(saved.rollback, defaults.rollback),
    canary: flag(saved.canary, defaults.canary),
    concurrency: numberOr(saved.concurrency, defaults.concurrency),
  };
}
