import { child, type XmlElement } from '../../http/xml.ts';
import type { Rule } from './entities.ts';
import { encodeText, openAnswer } from './soap.ts';

/** Topics without prefixes, and our event types. Several applications of the vendor report motion. */
const TYPES: readonly (readonly [string, RegExp])[] = [
  [
    'motion',
    /^(CameraApplicationPlatform\/(VMD|ObjectAnalytics)|RuleEngine\/VMD3|VideoAnalytics\/MotionDetection|VideoSource\/MotionAlarm)(\/|$)/,
  ],
  ['tamper', /^VideoSource\/Tampering(\/|$)/],
  ['audio', /^AudioSource\/TriggerLevel(\/|$)/],
  ['alarm-input', /^Device\/IO\/(Port|SupervisedPort)(\/|$)/],
  ['storage', /^Storage\/Disruption(\/|$)/],
  ['network', /^Device\/Network\/Lost(\/|$)/],
];

interface Offer {
  type: string;
  topic: (channel: number) => string;
  /** The data item that is 1 while the event lasts; undefined for events without a state. */
  item?: string;
}

/** Events that a new rule can be made for, best first. */
const OFFERS: readonly Offer[] = [
  { type: 'motion', topic: (channel) => `tnsaxis:CameraApplicationPlatform/VMD/Camera${channel}ProfileANY`, item: 'active' },
  { type: 'motion', topic: (channel) => `tnsaxis:CameraApplicationPlatform/ObjectAnalytics/Device${channel}ScenarioANY`, item: 'active' },
  { type: 'tamper', topic: () => 'tns1:VideoSource/tnsaxis:Tampering' },
];

const plainTopic = (topic: string) =>
  topic
    .replace(/\w+:/g, '')
    .replace(/\/\/\.$/, '')
    .trim();

/** The event type of a rule on this channel; undefined for schedules, other channels and whatever else we have no word for. */
export function typeOf({ filters }: Rule, channel: number): string | undefined {
  for (const { topic } of filters) {
    const plain = plainTopic(topic);
    const other = /\/(?:Camera|Device)(\d+)(?:Profile|Scenario)/.exec(plain)?.[1];
    if (other !== undefined && Number(other) !== channel) continue;
    const type = TYPES.find(([, pattern]) => pattern.test(plain))?.[0];
    if (type !== undefined) return type;
  }
  return undefined;
}

export interface NewTrigger {
  type: string;
  body: string;
  namespaces: string;
}

const NAMESPACES = [
  'xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"',
  'xmlns:tns1="http://www.onvif.org/ver10/topics"',
  'xmlns:tnsaxis="http://www.axis.com/2009/event/topics"',
].join(' ');

/** Events for which a rule can be made on this device, each type once, from the answer to GetEventInstances. */
export function availableTriggers(body: string, channel: number): NewTrigger[] {
  const { answer } = openAnswer(body, 'GetEventInstances');
  const topics = child(answer, 'TopicSet');
  const found: NewTrigger[] = [];
  for (const { type, topic, item } of OFFERS) {
    const name = topic(channel);
    if (found.some((one) => one.type === type) || !hasTopic(topics, plainTopic(name))) continue;
    found.push({ type, ...startEvent(name, item === undefined ? [] : [[item, '1']]) });
  }
  return found;
}

function hasTopic(topics: XmlElement | undefined, path: string): boolean {
  return child(topics, ...path.split('/')) !== undefined;
}

/** The start event of a new rule: a topic, and items that must have these values. */
export function startEvent(topic: string, items: readonly (readonly [string, string])[]): { body: string; namespaces: string } {
  const expression = `<wsnt:TopicExpression Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">${topic}</wsnt:TopicExpression>`;
  const filter = items.map(([name, value]) => `boolean(//SimpleItem[@Name="${name}" and @Value="${value}"])`).join(' and ');
  const content =
    filter === ''
      ? ''
      : `<wsnt:MessageContent Dialect="http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter">${encodeText(filter)}</wsnt:MessageContent>`;
  return { body: `<StartEvent>${expression}${content}</StartEvent>`, namespaces: NAMESPACES };
}

const VIRTUAL_INPUT = 'tns1:Device/tnsaxis:IO/tnsaxis:VirtualInput';

/** The start event for a virtual input that becomes active. */
export const virtualInputEvent = (port: number) =>
  startEvent(VIRTUAL_INPUT, [
    ['port', String(port)],
    ['active', '1'],
  ]);

/** Virtual inputs that rules listen to; undefined when one listens to all of them. */
export function virtualInputsInUse(rules: readonly Rule[]): Set<number> | undefined {
  const used = new Set<number>();
  for (const { topic, content } of rules.flatMap(({ filters }) => filters)) {
    const isInput = plainTopic(VIRTUAL_INPUT).startsWith(plainTopic(topic).replace(/\/+\.?$/, ''));
    if (!isInput) continue;
    const port = /@Name="port" and @Value="(\d+)"/.exec(content)?.[1];
    if (port === undefined) return undefined;
    used.add(Number(port));
  }
  return used;
}
