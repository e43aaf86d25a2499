import type { Occurrence } from '../../events/source.ts';
import type { EventType } from '../../events/vocabulary.ts';
import type { Parameters } from './cgi.ts';

const TYPES: Readonly<Record<string, EventType>> = {
  motionDetectAlarm: 'motion',
  soundAlarm: 'audio',
  IOAlarm: 'alarm-input',
};

/** 0 is a detection that is switched off, 1 one that sees nothing. */
const ALARM = '2';

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
