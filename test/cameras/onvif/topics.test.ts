import assert from 'node:assert/strict';
import fc from 'fast-check';
import { notificationFrom, readNotification } from '../../../src/cameras/onvif-topics.ts';
import { XmlDocument } from '../../../src/http/xml.ts';

/** One message in the form that recorded devices send. */
function message(topic: string, data: Record<string, string>, source: Record<string, string> = {}, operation = 'Changed'): string {
  const items = (values: Record<string, string>) =>
    Object.entries(values)
      .map(([name, value]) => `<tt:SimpleItem Name="${name}" Value="${value}"/>`)
      .join('');
  return (
    `<wsnt:NotificationMessage><wsnt:Topic Dialect="x">\n  ${topic}\n</wsnt:Topic><wsnt:Message>` +
    `<tt:Message UtcTime="2026-05-18T18:21:00" PropertyOperation="${operation}"><tt:Source>${items(source)}</tt:Source>` +
    `<tt:Key/><tt:Data>${items(data)}</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>`
  );
}

const CHANNELS = new Map([
  ['VS_1', 1],
  ['VS_3', 3],
]);

function read(xml: string): Record<string, unknown> {
  const notification = notificationFrom(XmlDocument.parse(xml).root);
  assert.ok(notification);
  assert.equal(notification.at, Date.parse('2026-05-18T18:21:00Z'));
  const { raw, ...rest } = readNotification(notification, CHANNELS);
  assert.deepEqual(raw?.(), notification);
  return rest;
}

const on = { kind: 'event', state: 'active', endsItself: true };
const CASES: [string, string, Record<string, unknown>][] = [
  [
    'cell motion, with the rule and the channel',
    message('tns1:RuleEngine/CellMotionDetector/Motion', { IsMotion: 'true' }, { VideoSourceConfigurationToken: 'VS_3', Rule: 'R' }),
    { ...on, type: 'motion', vendorType: 'RuleEngine/CellMotionDetector/Motion', channel: 3, rule: 'R' },
  ],
  [
    'a token that nobody knows',
    message('tns1:VideoSource/MotionAlarm', { State: '0' }, { Source: '000' }),
    { ...on, type: 'motion', state: 'inactive', vendorType: 'VideoSource/MotionAlarm', channel: 1 },
  ],
  [
    'prefixes on every level',
    message('tns1:RuleEngine/tns1:TamperDetector/tns1:Tamper', { IsTamper: '1' }),
    { ...on, type: 'tamper', vendorType: 'RuleEngine/TamperDetector/Tamper' },
  ],
  [
    'a line, which is crossed in a moment',
    message('tns1:RuleEngine/LineDetector/Crossed', { ObjectId: '17' }),
    { kind: 'event', type: 'line-crossing', state: 'pulse', vendorType: 'RuleEngine/LineDetector/Crossed' },
  ],
  [
    'a person',
    message('tns1:RuleEngine/MyRuleDetector/PeopleDetect', { State: 'true' }),
    { ...on, type: 'person', vendorType: 'RuleEngine/MyRuleDetector/PeopleDetect' },
  ],
  [
    'a general rule that tells what it saw',
    message('tns1:RuleEngine/TPSmartEventDetector/TPSmartEvent', { IsVehicle: 'false', IsPet: 'true' }),
    { kind: 'event', type: 'animal', state: 'active', target: 'animal', vendorType: 'RuleEngine/TPSmartEventDetector/TPSmartEvent' },
  ],
  [
    'an object with its class',
    message('tns1:RuleEngine/ObjectDetection/Object', { ClassTypes: 'Human Vehicle' }),
    { kind: 'event', type: 'person', state: 'pulse', target: 'person', vendorType: 'RuleEngine/ObjectDetection/Object' },
  ],
  [
    'somebody in a field, with the class',
    message('tns1:RuleEngine/FieldDetector/ObjectsInside', { IsInside: 'true', ObjectType: 'Human' }),
    { ...on, type: 'intrusion', target: 'person', vendorType: 'RuleEngine/FieldDetector/ObjectsInside' },
  ],
  [
    'an alarm input with its number',
    message('tns1:Device/Trigger/DigitalInput', { LogicalState: 'true' }, { InputToken: '2' }),
    { ...on, type: 'alarm-input', vendorType: 'Device/Trigger/DigitalInput', rule: '2' },
  ],
  [
    'a relay, which is noise',
    message('tns1:Device/Trigger/Relay', { LogicalState: 'inactive' }, { RelayToken: '1' }),
    { ...on, type: 'other', state: 'inactive', vendorType: 'Device/Trigger/Relay', noise: true },
  ],
  [
    'a type that nobody knows',
    message('tns1:RuleEngine/tnsx:Smoke/Fire', { State: 'true' }),
    { ...on, type: 'other', vendorType: 'RuleEngine/Smoke/Fire' },
  ],
  [
    'a property that is deleted',
    message('tns1:RuleEngine/FieldDetector/ObjectsInside', { IsInside: 'true' }, {}, 'Deleted'),
    { ...on, type: 'intrusion', state: 'inactive', vendorType: 'RuleEngine/FieldDetector/ObjectsInside' },
  ],
];

describe('onvif topics', () => {
  for (const [name, xml, expected] of CASES) {
    it(`reads ${name}`, () => assert.deepEqual(read(xml), expected));
  }

  it('leaves a message without a topic out', () => {
    assert.equal(notificationFrom(XmlDocument.parse('<NotificationMessage><Topic/></NotificationMessage>').root), undefined);
  });

  it('never throws, whatever a message holds', () => {
    const items = fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('State', 'IsMotion', 'ClassTypes', 'Source')), fc.string());
    const topic = fc.oneof(fc.string(), fc.constantFrom('VideoSource/MotionAlarm', 'Device/Trigger/DigitalInput', 'Monitoring/X'));
    fc.assert(
      fc.property(topic, fc.string(), items, items, (one, operation, source, data) => {
        const { kind, vendorType } = readNotification({ topic: one, operation, source, key: {}, data }, CHANNELS);
        assert.deepEqual([kind, vendorType], ['event', one]);
      }),
    );
  });
});
