import type { Parameters } from './cgi.ts';

/** Our event types and the commands that read their alarm; firmware has one of each row. Writing has `set` for `get`. */
export const ALARMS: Readonly<Record<string, readonly string[]>> = {
  motion: ['getMotionDetectConfig', 'getMotionDetectConfig1'],
  audio: ['getAudioAlarmConfig', 'getAudioAlarmConfig1'],
  'alarm-input': ['getIOAlarmConfig'],
};

/** The bit of `linkage` that sends mail; the others ring, record, push and so on, and stay as they are. */
const MAIL = 2;

export function alarmTypeOf(cmd: string): string | undefined {
  return Object.keys(ALARMS).find((type) => ALARMS[type]?.includes(cmd));
}

/** Undefined when this answer has no linkage, and so is no alarm that could send mail. */
export function sendsMail(values: Parameters): boolean | undefined {
  const linkage = linkageIn(values);
  return linkage === undefined ? undefined : (linkage & MAIL) !== 0;
}

export function isDetecting(values: Parameters): boolean {
  return values.get('isEnable') !== '0';
}

/** All parameters of the alarm, as it loses what a write leaves out; undefined when nothing is to change. */
export function withMail(values: Parameters, on: boolean): Parameters | undefined {
  const linkage = linkageIn(values);
  if (linkage === undefined || ((linkage & MAIL) !== 0) === on) return undefined;
  return new Map(values).set('linkage', String(on ? linkage | MAIL : linkage & ~MAIL));
}

function linkageIn(values: Parameters): number | undefined {
  const text = values.get('linkage') ?? '';
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
