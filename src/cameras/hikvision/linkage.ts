import { child, children, childText, XmlDocument, type XmlElement } from '../../http/xml.ts';
import { standalone } from './email.ts';

/** Our event types and the vendor's triggers (eventType in lower case) whose notification list decides about mail. */
const TRIGGERS: Readonly<Record<string, readonly string[]>> = {
  motion: ['vmd'],
  'line-crossing': ['linedetection'],
  intrusion: ['fielddetection'],
  'region-entrance': ['regionentrance'],
  'region-exit': ['regionexiting'],
  face: ['facedetection', 'facesnap'],
  'object-left': ['unattendedbaggage'],
  'object-removed': ['attendedbaggage'],
  tamper: ['tamperdetection', 'shelteralarm'],
  'scene-change': ['scenechangedetection'],
  audio: ['audioexception'],
  'alarm-input': ['io'],
  'video-loss': ['videoloss'],
  storage: ['diskfull', 'diskerror'],
  network: ['nicbroken', 'ipconflict'],
  access: ['illaccess'],
};

/** Alarms of the device as a whole: switched on when wanted, never switched off on behalf of one channel. */
export const DEVICE_WIDE: ReadonlySet<string> = new Set(['storage', 'network', 'access']);

interface Trigger {
  element: XmlElement;
  id: string;
  type: string;
  mail: boolean;
}

function readTriggers(document: XmlDocument, channel: number): Trigger[] {
  const list = document.root.name === 'EventTriggerList' ? document.root : child(document.root, 'EventTriggerList');
  const found: Trigger[] = [];
  for (const element of children(list, 'EventTrigger')) {
    const id = childText(element, 'id') ?? '';
    const eventType = (childText(element, 'eventType') ?? '').toLowerCase();
    const type = Object.keys(TRIGGERS).find((name) => TRIGGERS[name]?.includes(eventType));
    if (type === undefined || id === '') continue;
    if (!DEVICE_WIDE.has(type) && channelOf(element, id) !== channel) continue;
    found.push({ element, id, type, mail: mailEntry(element) !== undefined });
  }
  return found;
}

/** Recorders number IP channels in dynVideoInputChannelID, cameras in videoInputChannelID; the id's suffix is the last resort. */
function channelOf(trigger: XmlElement, id: string): number {
  for (const name of ['dynVideoInputChannelID', 'videoInputChannelID', 'inputIOPortID', 'dynInputIOPortID']) {
    const value = childText(trigger, name);
    if (value !== undefined && /^\d+$/.test(value)) return Number(value);
  }
  return Number(/-(\d+)$/.exec(id)?.[1] ?? 1);
}

function mailEntry(trigger: XmlElement): XmlElement | undefined {
  return children(child(trigger, 'EventTriggerNotificationList'), 'EventTriggerNotification').find(
    (entry) => (childText(entry, 'notificationMethod') ?? '').toLowerCase() === 'email',
  );
}

/** Event types of this channel that send mail, and those that could. Throws `unreadable`. */
export function readLinkage(body: string, channel: number): { linked: string[]; available: string[] } {
  const triggers = readTriggers(XmlDocument.parse(body), channel);
  const available = [...new Set(triggers.map((trigger) => trigger.type))].sort();
  // Two of the vendor's triggers may make one of our types: it mails when both do.
  const linked = available.filter((type) => triggers.every((trigger) => trigger.type !== type || trigger.mail));
  return { linked, available };
}

export interface TriggerWrite {
  id: string;
  body: string;
}

/** The triggers to write so that exactly the wanted types of this channel send mail. Every other notification of a trigger stays. */
export function planLinkage(body: string, channel: number, wanted: readonly string[]): TriggerWrite[] {
  const document = XmlDocument.parse(body);
  // Cameras say when a notification recurs, recorders do not: the device's own entries show which kind it is.
  const recurs = body.includes('notificationRecurrence');
  const writes: TriggerWrite[] = [];
  const { linked } = readLinkage(body, channel);
  for (const trigger of readTriggers(document, channel)) {
    const want = wanted.includes(trigger.type);
    if (want === trigger.mail || (!want && (DEVICE_WIDE.has(trigger.type) || !linked.includes(trigger.type)))) continue;
    writes.push({ id: trigger.id, body: want ? withMail(document, trigger, recurs) : withoutMail(document, trigger) });
  }
  return writes;
}

function withMail(document: XmlDocument, trigger: Trigger, recurs: boolean): string {
  const edited = XmlDocument.parse(standalone(document, trigger.element));
  const recurrence = recurs ? '<notificationRecurrence>beginning</notificationRecurrence>' : '';
  const entry = `<EventTriggerNotification><id>email</id><notificationMethod>email</notificationMethod>${recurrence}</EventTriggerNotification>`;
  const list = child(edited.root, 'EventTriggerNotificationList');
  if (list === undefined) edited.append(edited.root, `<EventTriggerNotificationList>${entry}</EventTriggerNotificationList>`);
  else edited.append(list, entry);
  return edited.toString();
}

function withoutMail(document: XmlDocument, trigger: Trigger): string {
  const edited = XmlDocument.parse(standalone(document, trigger.element));
  const entry = mailEntry(edited.root);
  if (entry !== undefined) edited.remove(entry);
  return edited.toString();
}

/** Triggers whose notifications differ from an earlier list, as they were then. */
export function linkageToRestore(before: string, now: string): TriggerWrite[] {
  const old = XmlDocument.parse(before);
  const current = XmlDocument.parse(now);
  const all = (document: XmlDocument) =>
    children(document.root.name === 'EventTriggerList' ? document.root : child(document.root, 'EventTriggerList'), 'EventTrigger');
  return all(old).flatMap((trigger) => {
    const id = childText(trigger, 'id') ?? '';
    const same = all(current).find((candidate) => childText(candidate, 'id') === id);
    if (same === undefined || current.sourceOf(same) === old.sourceOf(trigger)) return [];
    return [{ id, body: standalone(old, trigger) }];
  });
}
