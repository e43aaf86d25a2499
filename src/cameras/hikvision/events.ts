import type { Heartbeat, Occurrence } from '../../events/source.ts';
import type { EventType } from '../../events/vocabulary.ts';
import { child, children, childText, XmlDocument, type XmlElement } from '../../http/xml.ts';

/** What a part of the alertStream says. `pictureUrl` is where a recorder keeps the picture of the event. */
export type Alert = Heartbeat | (Occurrence & { pictureUrl?: string });

const TYPES: Readonly<Record<string, EventType>> = {
  vmd: 'motion',
  vmdhumanvehicle: 'motion',
  pir: 'motion',
  linedetection: 'line-crossing',
  fielddetection: 'intrusion',
  regionentrance: 'region-entrance',
  regionexiting: 'region-exit',
  loitering: 'loitering',
  facedetection: 'face',
  facesnap: 'face',
  unattendedbaggage: 'object-left',
  attendedbaggage: 'object-removed',
  tamperdetection: 'tamper',
  shelteralarm: 'tamper',
  scenechangedetection: 'scene-change',
  defocus: 'scene-change',
  audioexception: 'audio',
  io: 'alarm-input',
  softio: 'alarm-input',
  wlsensor: 'alarm-input',
  callhelp: 'alarm-input',
  videoloss: 'video-loss',
  badvideo: 'video-loss',
  videomismatch: 'video-loss',
  diskfull: 'storage',
  diskerror: 'storage',
  storagedetection: 'storage',
  recordingfailure: 'storage',
  nicbroken: 'network',
  ipconflict: 'network',
  illaccess: 'access',
  accesscontrollerevent: 'access',
};

/** Alarms of the device as a whole, whatever channel they name. */
const DEVICE_WIDE: ReadonlySet<EventType> = new Set(['storage', 'network', 'access']);

const TARGETS: Readonly<Record<string, string>> = { human: 'person', vehicle: 'vehicle', animal: 'animal' };

/** The text of one field; empty when there is none. */
type Fields = (name: FieldName) => string;
type FieldName =
  | 'eventType'
  | 'eventState'
  | 'channelID'
  | 'dynChannelID'
  | 'dateTime'
  | 'isDataRetransmission'
  | 'detectionTarget'
  | 'regionID'
  | 'inputIOPortID'
  | 'dynInputIOPortID'
  | 'detectionPictureTransType'
  | 'detectionPicturesNumber'
  | 'bkgUrl';

/** One part of the stream, one character per byte; undefined when it is no alert. Never throws. */
export function readAlert(document: string): Alert | undefined {
  if (document.startsWith('{')) return readJson(document);
  // Nearly all alerts are flat enough for slices; a parser takes ten times as long.
  const type = slice(document, '<eventType>');
  const state = slice(document, '<eventState>');
  if (type === '' || state === '' || type === 'duration') return readXml(document);
  return alertFrom(
    type,
    state,
    (name) => slice(document, OPEN_TAGS[name]),
    (text) => document.includes(text),
    () => objectOf(document),
  );
}

const OPEN_TAGS: Readonly<Record<FieldName, string>> = {
  eventType: '<eventType>',
  eventState: '<eventState>',
  channelID: '<channelID>',
  dynChannelID: '<dynChannelID>',
  dateTime: '<dateTime>',
  isDataRetransmission: '<isDataRetransmission>',
  detectionTarget: '<detectionTarget>',
  regionID: '<regionID>',
  inputIOPortID: '<inputIOPortID>',
  dynInputIOPortID: '<dynInputIOPortID>',
  detectionPictureTransType: '<detectionPictureTransType>',
  detectionPicturesNumber: '<detectionPicturesNumber>',
  bkgUrl: '<bkgUrl>',
};

function slice(document: string, open: string): string {
  const found = document.indexOf(open);
  if (found === -1) return '';
  const start = found + open.length;
  const end = document.indexOf('<', start);
  return end === -1 ? '' : document.slice(start, end).trim();
}

function alertFrom(vendorType: string, state: string, field: Fields, includes: (text: string) => boolean, raw: () => unknown): Alert {
  const name = vendorType.toLowerCase();
  const time = Date.parse(field('dateTime'));
  const at = Number.isNaN(time) ? {} : { at: time };
  // "No video loss" every ten seconds is how these devices say that they live.
  if (name === 'videoloss' && state !== 'active') return { kind: 'heartbeat', ...at };
  const type = TYPES[name] ?? 'other';
  const detail = includes('DetectionRegion') || includes('detection');
  const target = detail ? field('detectionTarget') : '';
  const region = detail ? field('regionID') : '';
  const port = type === 'alarm-input' ? field('inputIOPortID') || field('dynInputIOPortID') : '';
  const pictures = detail && field('detectionPictureTransType') !== 'url' ? Number(field('detectionPicturesNumber')) : 0;
  const pictureUrl = detail ? field('bkgUrl') : '';
  const channel = DEVICE_WIDE.has(type) ? undefined : channelOf(field, includes);
  return {
    kind: 'event',
    type,
    state: state === 'active' || state === 'inactive' ? state : 'pulse',
    vendorType,
    ...at,
    ...(channel === undefined ? {} : { channel }),
    ...(target === '' || target === 'others' ? {} : { target: TARGETS[target] ?? target }),
    ...(region === '' ? {} : { region }),
    ...(port === '' ? {} : { rule: port }),
    ...(field('isDataRetransmission') === 'true' ? { replayed: true } : {}),
    ...(pictures > 0 ? { pictures } : {}),
    ...(pictureUrl === '' ? {} : { pictureUrl: pictureUrl.replaceAll('&amp;', '&') }),
    raw,
  };
}

/** Recorders number in dynChannelID; either may be there and empty. In the old PSIA form IP channels count from 33. */
function channelOf(field: Fields, includes: (text: string) => boolean): number {
  for (const name of ['channelID', 'dynChannelID'] as const) {
    const text = field(name);
    if (!/^\d{1,5}$/.test(text) || text === '0') continue;
    const channel = Number(text);
    return channel > 32 && includes('urn:psialliance-org') ? channel - 32 : channel;
  }
  return 1;
}

function readXml(source: string): Alert | undefined {
  let root: XmlElement;
  try {
    ({ root } = XmlDocument.parse(source));
  } catch {
    return undefined;
  }
  const field: Fields = (name) => descendant(root, name)?.text.trim() ?? '';
  // The form that tells how long an event lasted names the event inside.
  const inner = childText(child(root, 'DurationList', 'Duration'), 'relationEvent') ?? '';
  const type = field('eventType').toLowerCase() === 'duration' && inner !== '' ? inner : field('eventType');
  if (type === '') return undefined;
  return alertFrom(
    type,
    field('eventState'),
    field,
    (text) => source.includes(text),
    () => objectOf(source),
  );
}

function descendant(element: XmlElement, name: string): XmlElement | undefined {
  for (const inner of element.children) {
    const found = inner.name === name ? inner : descendant(inner, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function readJson(source: string): Alert | undefined {
  const text = Buffer.from(source, 'latin1').toString('utf8');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const record = parsed as Record<string, unknown>;
  const field: Fields = (name) => {
    const value = record[name];
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
  };
  if (field('eventType') === '') return undefined;
  // Door stations report each card as one event that is "active" and never ends.
  const state = 'AccessControllerEvent' in record ? 'pulse' : field('eventState');
  return alertFrom(
    field('eventType'),
    state,
    field,
    (part) => text.includes(part),
    () => parsed,
  );
}

/** An XML document as an object; elements that occur several times become arrays. The text itself when it cannot be parsed. */
function objectOf(source: string): unknown {
  try {
    const { root } = XmlDocument.parse(source);
    return { [root.name]: contentOf(root) };
  } catch {
    return source;
  }
}

function contentOf(element: XmlElement): unknown {
  if (element.children.length === 0) return element.text.trim();
  const value: Record<string, unknown> = {};
  for (const { name } of element.children) {
    if (Object.hasOwn(value, name)) continue;
    const all = children(element, name).map(contentOf);
    Object.defineProperty(value, name, { value: all.length === 1 ? all[0] : all, enumerable: true, writable: true, configurable: true });
  }
  return value;
}

/** True when no trigger of the device notifies the surveillance center: then nothing ever comes on the alertStream. Throws `unreadable`. */
export function isStreamSilenced(triggers: string): boolean {
  const { root } = XmlDocument.parse(triggers);
  const list = root.name === 'EventTriggerList' ? root : child(root, 'EventTriggerList');
  const all = children(list, 'EventTrigger');
  const methods = all.flatMap((trigger) =>
    children(child(trigger, 'EventTriggerNotificationList'), 'EventTriggerNotification').map(
      (entry) => childText(entry, 'notificationMethod')?.toLowerCase() ?? '',
    ),
  );
  return all.length > 0 && !methods.includes('center');
}
