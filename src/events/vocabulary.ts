/** The words for what cameras see, the same for every brand. */
export const EVENT_TYPES = [
  'motion',
  'person',
  'vehicle',
  'animal',
  'package',
  'face',
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
  'doorbell',
  'video-loss',
  'storage',
  'network',
  'access',
  'other',
] as const;

export type EventType = (typeof EVENT_TYPES)[number];
export type EventState = 'started' | 'ended' | 'pulse';

/** One event as users get it. */
export interface CameraEvent {
  type: EventType;
  state: EventState;
  /** From 1. Events of the device as a whole have channel 1. */
  channel: number;
  /** ISO 8601 in UTC: the device's time where its clock is right, else corrected to ours. */
  at: string;
  /** What was recognized: `person`, `vehicle`, `animal` or the device's own word. */
  target?: string;
  region?: string;
  rule?: string;
  /** The device's own name of the event. */
  vendorType: string;
}
