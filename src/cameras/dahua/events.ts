import type { Heartbeat, Occurrence } from '../../events/source.ts';
import type { EventType } from '../../events/vocabulary.ts';

const TYPES: Readonly<Record<string, EventType>> = {
  VideoMotion: 'motion',
  SmartMotionHuman: 'person',
  SmartMotionVehicle: 'vehicle',
  FaceDetection: 'face',
  FaceRecognition: 'face',
  CrossLineDetection: 'line-crossing',
  CrossRegionDetection: 'intrusion',
  WanderDetection: 'loitering',
  LeftDetection: 'object-left',
  ObjectPlacementDetection: 'object-left',
  TakenAwayDetection: 'object-removed',
  ObjectRemovalDetection: 'object-removed',
  VideoBlind: 'tamper',
  VideoUnFocus: 'scene-change',
  VideoAbnormalDetection: 'scene-change',
  AudioMutation: 'audio',
  AudioAnomaly: 'audio',
  AlarmLocal: 'alarm-input',
  AlarmIPC: 'alarm-input',
  VideoLoss: 'video-loss',
  StorageNotExist: 'storage',
  StorageFailure: 'storage',
  StorageLowSpace: 'storage',
  NetAbort: 'network',
  IPConflict: 'network',
  MacConflict: 'network',
  LoginFailure: 'access',
  AccessControl: 'access',
  AccessCtl: 'access',
  DoorStatus: 'access',
  FingerPrintCheck: 'access',
  CallNoAnswered: 'doorbell',
  _CallNoAnswer_: 'doorbell',
  DoorBell: 'doorbell',
  RingBell: 'doorbell',
};

/** Reports of the device about itself and its clients, some of them every second. */
const NOISE: ReadonlySet<string> = new Set([
  'VideoMotionInfo',
  'MDResult',
  'TimeChange',
  'NTPAdjustTime',
  'NewFile',
  'IntelliFrame',
  'InterVideoAccess',
  'RtspSessionDisconnect',
  'HeatImagingTemper',
  'FireWarningInfo',
  'AlarmOutput',
  'KeepLightOn',
]);

/** Alarms of the device as a whole, whatever index they have. */
const DEVICE_WIDE: ReadonlySet<EventType> = new Set(['storage', 'network', 'access']);
/** Moments rather than states: not every firmware sends their Stop, and one that was never sent would hide all that follow. */
const MOMENTS: ReadonlySet<EventType> = new Set(['line-crossing', 'face']);
/** Rules of the device's analysis, which have names; what others call a name is the device's. */
const RULES: ReadonlySet<EventType> = new Set(['line-crossing', 'intrusion', 'loitering', 'object-left', 'object-removed', 'face']);

const TARGETS: Readonly<Record<string, string>> = { human: 'person', vehicle: 'vehicle', humanface: 'face', animal: 'animal' };
const TARGET_OF_TYPE: Readonly<Partial<Record<EventType, string>>> = { person: 'person', vehicle: 'vehicle' };

type Data = Readonly<Record<string, unknown>>;

/** One part of the stream; undefined when it is no event. `doorbell`: the device is one. Never throws. */
export function readEvent(text: string, doorbell = false): Heartbeat | Occurrence | undefined {
  if (/^\s*Heartbeat\s*$/.test(text)) return { kind: 'heartbeat' };
  const [, code, action = ''] = /^\s*Code=(\w+);action=(\w*)/.exec(text) ?? [];
  if (code === undefined) return undefined;
  // The data may hold anything, also what looks like a field.
  const cut = text.indexOf(';data=');
  const fields = cut === -1 ? text : text.slice(0, cut);
  const index = Number(/;index=(-?\d{1,5})/.exec(fields)?.[1] ?? -1);
  const read = () => (cut === -1 ? undefined : dataIn(text.slice(cut + 6)));
  const raw = () => {
    const data = read();
    return { Code: code, action, index, ...(data === undefined ? {} : { data }) };
  };
  if (NOISE.has(code)) return { kind: 'event', type: 'other', state: 'pulse', ...channelOf(index), vendorType: code, noise: true, raw };
  const parsed = read();
  const data: Data = isRecord(parsed) ? parsed : {};
  const type = typeOf(code, data, doorbell);
  const state = stateOf(type, action);
  const at = typeof data.RealUTC === 'number' && data.RealUTC > 0 ? data.RealUTC * 1000 : undefined;
  return {
    kind: 'event',
    type,
    state,
    // The index of an alarm input is its own number.
    ...(DEVICE_WIDE.has(type) || code === 'AlarmLocal' ? {} : channelOf(index)),
    vendorType: code,
    ...(at === undefined ? {} : { at }),
    ...detailsOf(type, data),
    ...(code === 'AlarmLocal' && index >= 0 ? { rule: String(index + 1) } : {}),
    ...(state === 'active' && !MOMENTS.has(type) ? { endsItself: true } : {}),
    ...(action === 'State' || isCallWithoutRing(code, type) ? { noise: true } : {}),
    raw,
  };
}

function typeOf(code: string, data: Data, doorbell: boolean): EventType {
  // Amcrest's doorbells tell of their button as of a remote alarm.
  if (code === 'AlarmIPC' && doorbell) return 'doorbell';
  if (code === '_DoTalkAction_') return data.Action === 'Invite' ? 'doorbell' : 'other';
  // 1 and 2 are ringing; 0 is the end of a call, 8 the opening of the door.
  if (code === 'BackKeyLight' || code === 'PhoneCallDetect') return /^[12]$/.test(String(data.State)) ? 'doorbell' : 'other';
  return Object.hasOwn(TYPES, code) ? (TYPES[code] ?? 'other') : 'other';
}

function isCallWithoutRing(code: string, type: EventType): boolean {
  return type === 'other' && /^(_DoTalkAction_|BackKeyLight|PhoneCallDetect)$/.test(code);
}

function stateOf(type: EventType, action: string): Occurrence['state'] {
  if (action === 'Stop') return 'inactive';
  // Whoever rings twice wants to be heard twice.
  return action === 'Start' && type !== 'doorbell' ? 'active' : 'pulse';
}

function channelOf(index: number): { channel?: number } {
  return index < 0 ? {} : { channel: index + 1 };
}

function detailsOf(type: EventType, data: Data): Pick<Occurrence, 'target' | 'region' | 'rule'> {
  const target = TARGET_OF_TYPE[type] ?? targetIn(data);
  const regions = Array.isArray(data.RegionName) ? data.RegionName.filter((name) => typeof name === 'string' && name !== '') : [];
  const rule = RULES.has(type) && typeof data.Name === 'string' ? data.Name : '';
  return {
    ...(target === undefined ? {} : { target }),
    ...(regions.length === 0 ? {} : { region: regions.join(', ') }),
    ...(rule === '' ? {} : { rule }),
  };
}

function targetIn({ Object: single, Objects: several }: Data): string | undefined {
  const object: unknown = Array.isArray(several) && single === undefined ? several[0] : single;
  const type = isRecord(object) && typeof object.ObjectType === 'string' ? object.ObjectType : '';
  return type === '' || type === 'Unknown' ? undefined : (TARGETS[type.toLowerCase()] ?? type);
}

/** The parsed JSON, or the text itself when it is none. */
function dataIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text.trim();
  }
}

function isRecord(value: unknown): value is Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
