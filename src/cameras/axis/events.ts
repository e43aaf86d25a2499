import type { Occurrence } from '../../events/source.ts';
import type { EventType } from '../../events/vocabulary.ts';
import { type Notification, readNotification } from '../onvif-topics.ts';

/** Topics of the vendor's own, without prefixes. The others are ONVIF's. */
const TYPES: readonly (readonly [EventType, RegExp])[] = [
  ['line-crossing', /^CameraApplicationPlatform\/FenceGuard\//],
  ['loitering', /^CameraApplicationPlatform\/LoiteringGuard\//],
  ['motion', /^(CameraApplicationPlatform\/(VMD|ObjectAnalytics|MotionGuard)|RuleEngine\/VMD3|VideoAnalytics\/MotionDetection)(\/|$)/],
  ['motion', /^Device\/Sensor\/PIR/],
  ['tamper', /^VideoSource\/Tampering/],
  ['audio', /^AudioSource\/TriggerLevel/],
  ['alarm-input', /^Device\/IO\/(Port|SupervisedPort)(\/|$)/],
  ['storage', /^Storage\/(Disruption|Alert)/],
  ['network', /^Device\/Network\/Lost/],
];

/** Applications report each of their profiles and all of them together, at the same moment. */
const PROFILE = /^CameraApplicationPlatform\/\w+\/(?:Camera|Device)(\d+)(?:Profile|Scenario)(ANY|\w+)$/;

const NOISE =
  /^(Light|Device\/(Status|Configuration|Heartbeat|IO\/(Virtual\w+|OutputPort))|VideoSource\/(DayNightVision|LiveStreamAccessed)|UserAlarm|Schedule|CameraApplicationPlatform\/\w+\/x)/i;

/** True for what tells of something in front of the camera. Tampering is always there. */
export function isOfDetection(topic: string): boolean {
  return (
    /^(RuleEngine|VideoAnalytics|CameraApplicationPlatform|Device\/Sensor\/PIR|VideoSource\/MotionAlarm)(\/|$)/.test(topic) &&
    !NOISE.test(topic)
  );
}

/** An event of the device in our words. */
export function readAxis(notification: Notification, channels: ReadonlyMap<string, number>): Occurrence {
  const { topic, source } = notification;
  const { noise, rule: _rule, ...read } = readNotification(notification, channels);
  const own = TYPES.find(([, pattern]) => pattern.test(topic))?.[0];
  const [, camera, profile = ''] = PROFILE.exec(topic) ?? [];
  const seen =
    own === 'motion' && (read.target === 'person' || read.target === 'vehicle' || read.target === 'animal') ? read.target : undefined;
  // The one for all profiles tells when motion ends; single ones count where they tell what was seen.
  const single = camera !== undefined && profile !== 'ANY' && seen === undefined;
  const type = single ? 'other' : (seen ?? own ?? read.type);
  const channel = camera ?? (/^[1-9]\d{0,3}$/.test(source.channel ?? '') ? source.channel : undefined);
  return {
    ...read,
    type,
    ...(channel === undefined ? {} : { channel: Number(channel) }),
    ...(type === 'alarm-input' && source.port !== undefined ? { rule: source.port } : {}),
    ...(single || noise === true || (own === undefined && NOISE.test(topic)) ? { noise: true } : {}),
  };
}
