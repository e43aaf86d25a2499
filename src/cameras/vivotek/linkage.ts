import { type Pairs, type Parameters, parseParameters } from './cgi.ts';

const EVENTS = [0, 1, 2] as const;

/** Triggers of the vendor's manual that have a place in our vocabulary. */
const TYPES: Readonly<Record<string, string>> = { motion: 'motion', di: 'alarm-input', visignal: 'video-loss' };

/** An event that somebody has set up on the device. */
interface EventRule {
  type: string;
  /** The parameter that has it send to our server slot. */
  key: string;
  linked: boolean;
  enabled: boolean;
  /** No day of the week is chosen. */
  neverDue: boolean;
}

function rulesIn(parameters: Parameters, slot: number): EventRule[] {
  return EVENTS.flatMap((index) => {
    const get = (name: string) => parameters.get(`event_i${index}_${name}`);
    const type = TYPES[get('trigger') ?? ''];
    const key = `action_server_i${slot}_enable`;
    if (type === undefined || (get('name') ?? '') === '' || get(key) === undefined) return [];
    const weekday = get('weekday');
    return [
      {
        type,
        key: `event_i${index}_${key}`,
        linked: get(key) === '1',
        enabled: get('enable') !== '0',
        neverDue: weekday !== undefined && Number(weekday) === 0,
      },
    ];
  });
}

export interface Linkage {
  /** Event types that mail. */
  linked: string[];
  /** Event types that are set up on the device. */
  available: string[];
  /** Types of which no event is switched on. */
  off: string[];
  /** Types whose events have an empty schedule. */
  neverDue: string[];
}

/** Which events send to a server slot. */
export function readLinkage(body: string, slot: number): Linkage {
  const rules = rulesIn(parseParameters(body), slot);
  const types = (condition: (rule: EventRule) => boolean) => [...new Set(rules.filter(condition).map(({ type }) => type))];
  const without = (list: string[]) => types(() => true).filter((type) => !list.includes(type));
  return {
    linked: types(({ linked }) => linked),
    available: types(() => true),
    off: without(types(({ enabled }) => enabled)),
    neverDue: without(types(({ neverDue }) => !neverDue)),
  };
}

/** The switches to write so that just these event types mail. Events of other kinds keep theirs. */
export function planLinkage(body: string, slot: number, wanted: readonly string[]): Pairs {
  const { linked } = readLinkage(body, slot);
  return rulesIn(parseParameters(body), slot)
    .filter((rule) => (wanted.includes(rule.type) ? !linked.includes(rule.type) : rule.linked))
    .map(({ key, type }) => [key, wanted.includes(type) ? '1' : '0'] as const);
}

/** The switches that differ from an earlier document. */
export function linkageToRestore(before: string, now: string): Pairs {
  const current = parseParameters(now);
  return [...parseParameters(before)].filter(
    ([key, value]) => /_action_server_i\d_enable$/.test(key) && current.has(key) && current.get(key) !== value,
  );
}
