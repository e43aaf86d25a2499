import { isObject } from './answer.ts';

/** Characters of a table: one an hour, Sunday first; `1` sends mail. */
const HOURS = 168;

/** Our event types by the names of the schedule's tables, in lower case. A table of another name is left alone. */
const TABLES: Readonly<Record<string, string>> = {
  md: 'motion',
  ai_people: 'person',
  ai_vehicle: 'vehicle',
  ai_dog_cat: 'animal',
  ai_face: 'face',
  ai_package: 'package',
  visitor: 'doorbell',
  vl: 'video-loss',
};

function typeOf(name: string): string | undefined {
  const key = name.toLowerCase();
  return Object.hasOwn(TABLES, key) ? TABLES[key] : undefined;
}

/** The tables of either form: by event name, or the one table of old firmware, which is motion's. */
function tablesOf(schedule: unknown): [name: string, hours: string][] | undefined {
  if (!isObject(schedule)) return undefined;
  const { table } = schedule;
  if (typeof table === 'string') return [['MD', table]];
  if (!isObject(table)) return undefined;
  return Object.entries(table).flatMap(([name, hours]): [string, string][] => (typeof hours === 'string' ? [[name, hours]] : []));
}

/** Event types that send mail at some hour of the week, and those that could; undefined where the device has no such schedule. */
export function linkedEvents(schedule: unknown): { linked: string[]; available: string[] } | undefined {
  const tables = tablesOf(schedule);
  if (tables === undefined) return undefined;
  const types = (list: [string, string][]) => [...new Set(list.flatMap(([name]) => typeOf(name) ?? []))].sort();
  return { linked: types(tables.filter(([, hours]) => hours.includes('1'))), available: types(tables) };
}

/** True when no event sends mail at any hour; undefined where the device has no such schedule. */
export function isEmptySchedule(schedule: unknown): boolean | undefined {
  return tablesOf(schedule)?.every(([, hours]) => !hours.includes('1'));
}

/** The whole schedule with exactly the wanted types in it. One that sends mail at some hours already keeps its hours. */
export function withEvents(schedule: unknown, wanted: readonly string[]): unknown {
  if (!isObject(schedule)) return schedule;
  const adjusted = (type: string | undefined, hours: unknown): unknown => {
    if (type === undefined || typeof hours !== 'string') return hours;
    if (!wanted.includes(type)) return hours.replaceAll('1', '0');
    return hours.includes('1') ? hours : '1'.repeat(hours.length || HOURS);
  };
  const { table } = schedule;
  if (!isObject(table)) return { ...schedule, table: adjusted('motion', table) };
  const tables = Object.entries(table).map(([name, hours]) => [name, adjusted(typeOf(name), hours)]);
  return { ...schedule, table: Object.fromEntries(tables) };
}
