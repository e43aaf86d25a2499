import type { Occurrence } from '../events/source.ts';
import type { EventType } from '../events/vocabulary.ts';
import { child, children, childText, type XmlElement } from '../http/xml.ts';
import { timeOf } from './onvif-soap.ts';

type Items = Readonly<Record<string, string>>;

/** One message of an event service. */
export interface Notification {
  /** Without prefixes and white space. */
  topic: string;
  /** `Initialized`, `Changed`, `Deleted`, or empty for events without a state. */
  operation: string;
  /** The device's clock, epoch ms. */
  at?: number;
  source: Items;
  key: Items;
  data: Items;
}

/** Undefined for a message without a topic. */
export function notificationFrom(element: XmlElement): Notification | undefined {
  const topic = plainTopic(childText(element, 'Topic') ?? '');
  if (topic === '') return undefined;
  const message = child(element, 'Message', 'Message');
  const at = timeOf(message?.attributes.UtcTime);
  const items = (name: string) => {
    const simple = children(child(message, name), 'SimpleItem');
    return Object.fromEntries(simple.map(({ attributes: { Name = '', Value = '' } }) => [Name, Value.trim()]));
  };
  const operation = message?.attributes.PropertyOperation ?? '';
  return { topic, operation, ...(at === undefined ? {} : { at }), source: items('Source'), key: items('Key'), data: items('Data') };
}

export function plainTopic(topic: string): string {
  return topic
    .replace(/[\w.-]+:/g, '')
    .replace(/\/{2}\.?$/, '')
    .trim();
}

/** The topics in a TopicSet: what a device could tell. */
export function topicsIn(topicSet: XmlElement | undefined, above = ''): string[] {
  return (topicSet?.children ?? []).flatMap((element) => {
    if (/^Message(Description|Instance)$/.test(element.name)) return [];
    const path = above + element.name;
    const isTopic = Object.entries(element.attributes).some(([name, value]) => /(^|:)topic$/.test(name) && TRUE.test(value));
    return [...(isTopic ? [path] : []), ...topicsIn(element, `${path}/`)];
  });
}

/** False for what a device tells of itself: its inputs, its storage, its configuration. */
export function isOfDetection(topic: string): boolean {
  return !/^(Device|Storage|UserAlarm)\//.test(topic) && !NOISE.test(topic);
}

const TYPES: readonly (readonly [EventType, RegExp])[] = [
  ['person', /^RuleEngine\/(MyRuleDetector\/PeopleDetect|(PeopleDetector|CellMotionDetector)\/People$)/],
  ['vehicle', /^RuleEngine\/(MyRuleDetector\/VehicleDetect|Recognition\/LicensePlate)/],
  ['animal', /^RuleEngine\/MyRuleDetector\/DogCatDetect/],
  ['package', /^RuleEngine\/MyRuleDetector\/Package/],
  ['face', /^RuleEngine\/(MyRuleDetector\/FaceDetect|Recognition\/Face)/],
  ['doorbell', /^RuleEngine\/MyRuleDetector\/Visitor/],
  ['line-crossing', /^RuleEngine\/(LineDetector\/|(LineCrossDetector|CellMotionDetector)\/LineCross$)/],
  ['intrusion', /^RuleEngine\/(FieldDetector\/|(IntrusionDetector|CellMotionDetector)\/Intrusion$)/],
  ['loitering', /^RuleEngine\/Loitering/],
  ['tamper', /^(RuleEngine\/(TamperDetector\/|CellMotionDetector\/Tamper$)|VideoSource\/Tamper)/],
  ['motion', /^(RuleEngine\/(CellMotionDetector|MotionRegionDetector|TPSmartEventDetector|ObjectDetection)\/|VideoSource\/MotionAlarm)/],
  ['scene-change', /^VideoSource\/(GlobalSceneChange|ImageToo(Dark|Bright|Blurry))(\/|$)/],
  ['video-loss', /^VideoSource\/Signal(Loss|Lost)/],
  ['audio', /^(AudioAnalytics|AudioSource|RuleEngine\/BabyCryDetector)\//],
  ['alarm-input', /^Device\/Trigger\/DigitalInput/],
  ['storage', /^Device\/HardwareFailure\/StorageFailure/],
];

/** Housekeeping that devices report all day. */
const NOISE =
  /^(Monitoring|Media|MediaControl|Media2Configuration|Configuration|RecordingConfig|RecordingHistory|PTZController|Device\/(Trigger\/Relay|OperationMode)|RuleEngine\/CountAggregation)(\/|$)/;

/** One value may tell what a general rule has seen. */
const SEEN: readonly (readonly [RegExp, EventType])[] = [
  [/^(IsPeople|IsPerson|IsHuman)$/i, 'person'],
  [/^IsVehicle$/i, 'vehicle'],
  [/^(IsPet|IsAnimal)$/i, 'animal'],
  [/^IsPackage$/i, 'package'],
];
const CLASSES: readonly (readonly [RegExp, EventType])[] = [
  [/\b(human|person|people|pedestrian)/i, 'person'],
  [/\b(vehicle|car|truck|bus|bike|bicycle|motorcycle)/i, 'vehicle'],
  [/\b(animal|dog|cat|pet)\b/i, 'animal'],
];

const TRUE = /^(true|1|on|yes|high|active)$/i;
const FALSE = /^(false|0|off|no|low|inactive|)$/i;
const STATE_NAME = /^(Is[A-Z]\w*|\w*State|active|triggered|disruption|lost)$/i;

/** An ONVIF message in our words. `channels` tells the channel (from 1) of the device's tokens. */
export function readNotification(notification: Notification, channels: ReadonlyMap<string, number>): Occurrence {
  const { topic, operation, source, data } = notification;
  const named = TYPES.find(([, pattern]) => pattern.test(topic))?.[0] ?? 'other';
  const { state, seen } = stateIn(data);
  const target = targetIn(data) ?? seen;
  const type = named === 'motion' && (target === 'person' || target === 'vehicle' || target === 'animal') ? target : (seen ?? named);
  const token = ['VideoSourceConfigurationToken', 'VideoSourceToken', 'VideoSource', 'Source'].map((name) => source[name]).find(Boolean);
  const rule = type === 'alarm-input' ? (source.InputToken ?? Object.values(source)[0]) : (source.Rule ?? source.RuleName);
  return {
    kind: 'event',
    type,
    state: operation === 'Deleted' ? 'inactive' : (state ?? 'pulse'),
    vendorType: topic,
    ...(token === undefined ? {} : { channel: channels.get(token) ?? 1 }),
    ...(target === undefined ? {} : { target }),
    ...(rule === undefined || rule === '' ? {} : { rule }),
    // One rule for all kinds of object: some firmware never takes it back.
    ...(state === undefined || topic.includes('TPSmartEvent') ? {} : { endsItself: true }),
    ...(named === 'other' && NOISE.test(topic) ? { noise: true } : {}),
    raw: () => notification,
  };
}

/** The state among the data items, and what the item that tells it is about. */
function stateIn(data: Items): { state?: 'active' | 'inactive'; seen?: EventType } {
  const states = Object.entries(data).filter(([name, value]) => STATE_NAME.test(name) && (TRUE.test(value) || FALSE.test(value)));
  const seenIn = (name: string) => SEEN.find(([pattern]) => pattern.test(name))?.[1];
  const on = states.filter(([, value]) => TRUE.test(value));
  const seen = on.map(([name]) => seenIn(name)).find((type) => type !== undefined);
  if (states.length === 0) return {};
  return { state: on.length > 0 ? 'active' : 'inactive', ...(seen === undefined ? {} : { seen }) };
}

function targetIn(data: Items): string | undefined {
  const text = ['ClassTypes', 'classTypes', 'ClassType', 'ObjectType', 'Class'].map((name) => data[name]).find(Boolean);
  return text === undefined ? undefined : (CLASSES.find(([pattern]) => pattern.test(text))?.[1] ?? text);
}
