import { type ConfigTable, type Entry, flagOf } from './config-table.ts';

/** Tables by name. */
export type ConfigTables = ReadonlyMap<string, ConfigTable>;

const RULES = 'VideoAnalyseRule';
const SMART = 'SmartMotionDetect';
const MOTION = 'MotionDetect';

interface EventTable {
  /** Undefined: each element says its type itself (rules), or the table has no linkage of its own. */
  type?: string;
  /** The first index is the video channel; else the table belongs to the device as a whole. */
  perChannel: boolean;
}

/**
 * The tables whose EventHandler decides about mail, in the order in which they are written: several Amcrest firmwares reset
 * SmartMotionDetect and MotionDetect when VideoAnalyseRule is written.
 */
const EVENT_TABLES: Readonly<Record<string, EventTable>> = {
  [RULES]: { perChannel: true },
  BlindDetect: { type: 'tamper', perChannel: true },
  LossDetect: { type: 'video-loss', perChannel: true },
  MovedDetect: { type: 'scene-change', perChannel: true },
  AudioDetect: { type: 'audio', perChannel: true },
  Alarm: { type: 'alarm-input', perChannel: false },
  StorageNotExist: { type: 'storage', perChannel: false },
  StorageFailure: { type: 'storage', perChannel: false },
  StorageLowSpace: { type: 'storage', perChannel: false },
  NetAbort: { type: 'network', perChannel: false },
  IPConflict: { type: 'network', perChannel: false },
  MacConflict: { type: 'network', perChannel: false },
  LoginFailureAlarm: { type: 'access', perChannel: false },
  [SMART]: { perChannel: true },
  [MOTION]: { type: 'motion', perChannel: true },
};

/** Where detections are switched on; the one that nearly always is comes first. */
export const DETECTION_TABLES: readonly string[] = [MOTION, 'BlindDetect', 'AudioDetect', 'MovedDetect', RULES];

/** Whether a detection of one of these tables is on; undefined when the table does not say. */
export function detects(table: ConfigTable): boolean | undefined {
  const switches = [...table].filter(([key]) => /^\w+(?:\[\d+\]){0,2}\.Enable$/.test(key));
  return switches.length === 0 ? undefined : switches.some(([, value]) => value === 'true');
}

/** Our types by the `Type` of a rule. */
const RULE_TYPES: Readonly<Record<string, string>> = {
  CrossLineDetection: 'line-crossing',
  CrossRegionDetection: 'intrusion',
  WanderDetection: 'loitering',
  LeftDetection: 'object-left',
  TakenAwayDetection: 'object-removed',
  FaceDetection: 'face',
};

/** Types that belong to the device, whichever channel is being set up; the inputs of a recorder come on top. */
export const DEVICE_WIDE = ['storage', 'network', 'access'];

/** Switches that keep every event from doing anything while they are on. */
export const MUTES = ['DisableLinkage', 'DisableEventNotify'] as const;

/** Everything to read for the linkage. Devices lack some of it. */
export const LINKAGE_TABLES: readonly string[] = [...Object.keys(EVENT_TABLES), ...MUTES];

/** One element of an event table: a channel's motion detection, one tripwire, one alarm input. */
interface Link {
  table: string;
  /** `MotionDetect[0]` */
  prefix: string;
  type: string;
  mail: boolean;
  enabled: boolean | undefined;
  /** False when no period of its schedule is on. */
  scheduled: boolean;
}

function readLinks(tables: ConfigTables, channel: number): Link[] {
  return Object.keys(EVENT_TABLES).flatMap((name) => {
    const table = tables.get(name);
    return table === undefined ? [] : linksOf(name, table, channel);
  });
}

function linksOf(name: string, table: ConfigTable, channel: number): Link[] {
  const { type, perChannel } = EVENT_TABLES[name] ?? { perChannel: true };
  const schedules = schedulesOf(table);
  return [...table.keys()].flatMap((key) => {
    const prefix = /^(.+)\.EventHandler\.MailEnable$/.exec(key)?.[1];
    if (prefix === undefined || (perChannel && !isOfChannel(prefix, channel))) return [];
    const found = type ?? RULE_TYPES[table.get(`${prefix}.Type`) ?? ''];
    if (found === undefined) return [];
    const mail = flagOf(table, key) === true;
    return [
      { table: name, prefix, type: found, mail, enabled: flagOf(table, `${prefix}.Enable`), scheduled: schedules.get(prefix) ?? true },
    ];
  });
}

/** Indices count from 0; a camera may leave them out. */
function isOfChannel(key: string, channel: number): boolean {
  const index = /^\w+\[(\d+)\]/.exec(key)?.[1];
  return index === undefined || Number(index) === channel - 1;
}

/** By prefix, whether any `TimeSection[day][period]` has a mask other than 0. */
function schedulesOf(table: ConfigTable): Map<string, boolean> {
  const schedules = new Map<string, boolean>();
  for (const [key, value] of table) {
    const prefix = /^(.+)\.EventHandler\.TimeSection\[\d+\]\[\d+\]$/.exec(key)?.[1];
    if (prefix !== undefined) schedules.set(prefix, schedules.get(prefix) === true || !/^\s*0\s/.test(value));
  }
  return schedules;
}

/** Event types of this channel and of the device as a whole that send mail, and those that could. */
export function readLinkage(tables: ConfigTables, channel: number): { linked: string[]; available: string[] } {
  const links = readLinks(tables, channel);
  const types = (list: Link[]) => [...new Set(list.map(({ type }) => type))].sort();
  return { linked: types(links.filter(({ mail }) => mail)), available: types(links) };
}

/** What keeps these linked events from mailing: types whose every detection is off, types without a schedule, a device disarmed. */
export function linkageFaults(tables: ConfigTables, channel: number, linked: readonly string[]) {
  const links = readLinks(tables, channel);
  const of = (type: string) => links.filter((link) => link.type === type);
  const present = linked.filter((type) => of(type).length > 0);
  return {
    off: present.filter((type) => of(type).every(({ enabled }) => enabled === false)),
    unscheduled: present.filter((type) => of(type).every(({ scheduled }) => !scheduled)),
    disarmed: MUTES.some((name) => [...(tables.get(name) ?? [])].some(([key, value]) => isMute(key, channel) && value === 'true')),
  };
}

/** `DisableLinkage.Enable` or `DisableLinkage[0].Enable`. */
function isMute(key: string, channel: number): boolean {
  return /^\w+(?:\[\d+\])?\.Enable$/.test(key) && isOfChannel(key, channel);
}

/**
 * The writes, one a table, after which exactly the wanted types send mail. Of several elements of one type all are linked when none
 * was; a choice somebody made among them stays. `snapshot`: the mails shall have a picture, which each event has to take.
 */
export function planLinkage(tables: ConfigTables, channel: number, wanted: readonly string[], snapshot: boolean): Entry[][] {
  const links = readLinks(tables, channel);
  const target = new Map<string, Entry[]>();
  const set = ({ table, prefix }: Link, key: string, value: boolean) => {
    const name = `${prefix}.EventHandler.${key}`;
    const stored = tables.get(table)?.get(name);
    if (stored === undefined || stored === String(value)) return;
    target.set(table, [...(target.get(table) ?? []), [name, String(value)]]);
  };
  for (const link of links) {
    const chosen = links.some(({ type, mail }) => type === link.type && mail) ? link.mail : true;
    const mails = chosen && wanted.includes(link.type);
    set(link, 'MailEnable', mails);
    if (mails && snapshot) set(link, 'SnapshotEnable', true);
  }
  return inOrder(target, tables, channel);
}

/** The writes that bring the linkage of this channel and of the device as a whole back to an earlier state. */
export function linkageToRestore(before: ConfigTables, now: ConfigTables, channel: number): Entry[][] {
  const target = new Map<string, Entry[]>();
  for (const { table, prefix } of readLinks(before, channel)) {
    for (const key of ['MailEnable', 'SnapshotEnable']) {
      const name = `${prefix}.EventHandler.${key}`;
      const old = before.get(table)?.get(name);
      const current = now.get(table)?.get(name);
      if (old === undefined || current === undefined || old === current) continue;
      target.set(table, [...(target.get(table) ?? []), [name, old]]);
    }
  }
  return inOrder(target, before, channel);
}

/** After a write of the rules, motion detection is written again as it was (`tables`), because some firmware has just reset it. */
function inOrder(target: Map<string, Entry[]>, tables: ConfigTables, channel: number): Entry[][] {
  if (target.has(RULES)) {
    for (const name of [SMART, MOTION]) {
      const changed = new Map(target.get(name));
      const kept = [...(tables.get(name) ?? [])].filter(([key]) => isOfChannel(key, channel) && (name === SMART || isMotionSwitch(key)));
      const entries = kept.map(([key, value]): Entry => [key, changed.get(key) ?? value]);
      if (entries.length > 0) target.set(name, entries);
    }
  }
  return Object.keys(EVENT_TABLES).flatMap((name) => {
    const entries = target.get(name);
    return entries === undefined ? [] : [entries];
  });
}

/** Newer cameras take Enable only together with DetectVersion. */
function isMotionSwitch(key: string): boolean {
  return /^\w+(?:\[\d+\])?\.(?:Enable|DetectVersion|EventHandler\.MailEnable|EventHandler\.SnapshotEnable)$/.test(key);
}
