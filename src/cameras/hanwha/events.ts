import type { Occurrence } from '../../events/source.ts';
import type { EventType } from '../../events/vocabulary.ts';
import { isRecord } from './sunapi.ts';

const TYPES: readonly (readonly [RegExp, EventType])[] = [
  [/^MotionDetection$/, 'motion'],
  [/^Tampering(Detection)?$/, 'tamper'],
  [/^(Defocus|Fog)Detection$/, 'scene-change'],
  [/^Audio(Detection|Analytics\b)/, 'audio'],
  [/^FaceDetection$/, 'face'],
  [/^VideoAnaly(tics|sis)\.Passing$/, 'line-crossing'],
  [/^VideoAnaly(tics|sis)\.Entering$/, 'region-entrance'],
  [/^VideoAnaly(tics|sis)\.Exiting$/, 'region-exit'],
  [/^VideoAnaly(tics|sis)\.Appearing$/, 'object-left'],
  // The vendor's spelling.
  [/^VideoAnaly(tics|sis)\.Disapp\w*ing$/, 'object-removed'],
  [/^VideoAnaly(tics|sis)\.Loitering$/, 'loitering'],
  [/^VideoAnaly(tics|sis)(\.Intrusion)?$/, 'intrusion'],
  [/^ObjectDetection\.Person$/, 'person'],
  [/^ObjectDetection\.(Vehicle|Car|Bus|Truck)$/, 'vehicle'],
  [/^VideoLoss$/i, 'video-loss'],
  [/^AlarmInput$/, 'alarm-input'],
  [/^NetworkDisconnection$/, 'network'],
  [/^(SystemEvent\.)?(SD|HDD|NAS|RAID)(Fail|Full|Error)$/, 'storage'],
];

/** What the device does itself, and its housekeeping. */
const NOISE = /^(AlarmOutput|AudioOutput|Timer|SystemEvent\.(?!(SD|HDD|NAS|RAID)(Fail|Full|Error)$))/;

/** Details of an event that has a line of its own. */
const DETAIL = /(\.RegionID\b|Regions\b|\.Level$|\.RegionID\.\d+)/;

/**
 * What a part of the stream says, one character per byte; empty when it is nothing of ours. `initial`: it is the state at the start.
 * Never throws.
 */
export function readStatus(document: string, initial: boolean): Occurrence[] {
  const text = Buffer.from(document, 'latin1').toString('utf8').trim();
  const mark = initial ? { initial: true } : {};
  if (!text.startsWith('{')) return linesOf(text).flatMap(([key, value]) => occurrenceOf(key, value, text, mark));
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return [];
  }
  if (!isRecord(parsed)) return [];
  if (Array.isArray(parsed.EventStatus)) return parsed.EventStatus.flatMap((one) => readSchemaBased(one, mark));
  return flat(parsed).flatMap(([key, value]) => occurrenceOf(key, value, parsed, mark));
}

function linesOf(text: string): [string, boolean][] {
  return [...text.matchAll(/^[ \t]*([\w.]+)=(true|false)[ \t]*\r?$/gim)].map(([, key = '', value = '']) => [key, /^t/i.test(value)]);
}

/** The JSON form as the keys of the text form. */
function flat(record: Readonly<Record<string, unknown>>, prefix = ''): [string, boolean][] {
  return Object.entries(record).flatMap(([key, value]): [string, boolean][] => {
    if (typeof value === 'boolean') return [[prefix + key, value]];
    if (key === 'ChannelEvent' && Array.isArray(value)) {
      return value.filter(isRecord).flatMap((one) => flat(one, `Channel.${Number(one.Channel ?? 0)}.`));
    }
    return isRecord(value) ? flat(value, `${prefix}${key}.`) : [];
  });
}

/** `Channel.0.VideoAnalytics.Passing`, `AlarmInput.1`, `SystemEvent.SDFail`. */
function occurrenceOf(key: string, on: boolean, raw: unknown, mark: { initial?: true } | object): Occurrence[] {
  if (DETAIL.test(key)) return [];
  const [, index, inChannel] = /^Channel\.(\d+)\.(.+)$/.exec(key) ?? [];
  const [, name = '', number] = /^(.+?)(?:\.(\d+))?$/.exec(inChannel ?? key) ?? [];
  return [
    {
      ...named(name),
      state: on ? 'active' : 'inactive',
      ...(index === undefined ? {} : { channel: Number(index) + 1 }),
      ...(number === undefined ? {} : { rule: number }),
      endsItself: true,
      ...mark,
      raw: () => raw,
    },
  ];
}

/** The form that newer firmware has when it is asked for its schema. */
function readSchemaBased(event: unknown, mark: object): Occurrence[] {
  if (!isRecord(event) || typeof event.EventName !== 'string') return [];
  const source = isRecord(event.Source) ? event.Source : {};
  const data = isRecord(event.Data) ? event.Data : {};
  const state = [data.State, ...Object.values(data)].find((value) => typeof value === 'boolean');
  if (state === undefined && 'initial' in mark) return [];
  const at = Date.parse(String(event.Time ?? ''));
  const rule = source.AlarmInput ?? source.Index;
  return [
    {
      ...named(event.EventName),
      state: state === undefined ? 'pulse' : state ? 'active' : 'inactive',
      ...(typeof source.Channel === 'number' ? { channel: source.Channel + 1 } : {}),
      ...(typeof rule === 'number' || typeof rule === 'string' ? { rule: String(rule) } : {}),
      // The state at the start may be hours old.
      ...(Number.isNaN(at) || 'initial' in mark ? {} : { at }),
      ...(state === undefined ? {} : { endsItself: true }),
      ...mark,
      raw: () => event,
    },
  ];
}

function named(vendorType: string): Pick<Occurrence, 'kind' | 'type' | 'vendorType' | 'noise'> {
  const type = TYPES.find(([pattern]) => pattern.test(vendorType))?.[1] ?? 'other';
  return { kind: 'event', type, vendorType, ...(NOISE.test(vendorType) ? { noise: true } : {}) };
}
