import type { Occurrence } from '../../events/source.ts';
import type { EventType } from '../../events/vocabulary.ts';
import type { Parameters } from './cgi.ts';

const TYPES: Readonly<Record<string, EventType>> = {
  motionDetectAlarm: 'motion',
  soundAlarm: 'audio',
  IOAlarm: 'alarm-input',
};

/** 1 is a detection that sees nothing. */
const OFF = '0';
const ALARM = '2';

/** True when the answer to getDevState says of each detection that it is switched off. */
export function isBlind(values: Parameters): boolean {
  const states = [...values].filter(([name]) => Object.hasOwn(TYPES, name)).map(([, value]) => value);
  return states.length > 0 && states.every((value) => value === OFF);
}

/** What goes on by the answer to getDevState, which has many other states as well. */
export function activeIn(values: Parameters): Occurrence[] {
  const alarms = [...values].filter(([name, value]) => name.endsWith('Alarm') && value === ALARM);
  return alarms.map(([name]) => {
    const type = Object.hasOwn(TYPES, name) ? (TYPES[name] ?? 'other') : 'other';
    return {
      kind: 'event',
      type,
      state: 'active',
      channel: 1,
      vendorType: name,
      ...(type === 'alarm-input' ? { rule: '1' } : {}),
      raw: () => Object.fromEntries(values),
    };
  });
}
