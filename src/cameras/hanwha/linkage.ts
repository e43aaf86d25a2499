import type { Parameters } from './email.ts';
import { isRecord, PATHS, parseAnswer, type SunapiRecord, sunapiPath } from './sunapi.ts';

/** Our event types and the vendor's event sources. VideoAnalysis holds virtual lines and areas in one rule. */
const SOURCES: Readonly<Record<string, readonly string[]>> = {
  motion: ['MotionDetection'],
  intrusion: ['VideoAnalysis', 'VideoAnalytics'],
  tamper: ['TamperingDetection'],
  audio: ['AudioDetection'],
  face: ['FaceDetection'],
  'alarm-input': ['AlarmInput'],
};

const MAIL = 'SMTP';

interface Rule {
  type: string;
  actions: readonly string[];
  /** False only where the device says that the event itself is off. */
  enabled: boolean;
  /** The update request without its list of actions. */
  path: (parameters: Parameters) => string;
  key: string;
  settings: SunapiRecord;
}

/** The rules of one channel (1-based); those without a channel belong to every channel of a camera, and to no channel of a recorder. */
function readRules(body: string, channel: number, kind: string): Rule[] {
  const { record } = parseAnswer(body);
  const rules = [...eventRules(record.EventRules), ...complexActions(record.ComplexActions)];
  return rules.filter((rule) => rule.channel === channel || (rule.channel === undefined && kind !== 'recorder'));
}

type RuleOfChannel = Rule & { channel: number | undefined };

function eventRules(list: unknown): RuleOfChannel[] {
  return records(list).flatMap((settings) => {
    const { RuleIndex, EventSource } = settings;
    const [type, source] = [typeOf(EventSource), String(EventSource)];
    if (type === undefined || RuleIndex === undefined) return [];
    const index = String(RuleIndex);
    const path = (rest: Parameters) => sunapiPath(PATHS.eventRules, 'update', [['RuleIndex', index], ['EventSource', source], ...rest]);
    return [{ ...common(type, settings, settings.EventAction), path, key: index, channel: channelOf(settings.Channel) }];
  });
}

/** The newer form; its `EventType` carries the channel, as in `Channel.0.MotionDetection`. */
function complexActions(list: unknown): RuleOfChannel[] {
  return records(list).flatMap(({ EventType, Actions }) => {
    const [, channel, source] = /^(?:Channel\.(\d+)\.)?(.+)$/.exec(String(EventType ?? '')) ?? [];
    const settings = records(Actions)[0];
    const type = typeOf(source);
    if (type === undefined || settings === undefined) return [];
    const path = (rest: Parameters) => sunapiPath(PATHS.complexActions, 'set', [['EventType', String(EventType)], ...rest]);
    return [{ ...common(type, settings, settings.EventActions), path, key: String(EventType), channel: channelOf(channel) }];
  });
}

function common(type: string, settings: SunapiRecord, actions: unknown) {
  const list = Array.isArray(actions) ? actions.map(String) : String(actions ?? '').split(',');
  const enabled = settings.Enable !== false && settings.Enable !== 'False';
  return { type, enabled, settings, actions: list.map((action) => action.trim()).filter((action) => action !== '') };
}

function records(list: unknown): SunapiRecord[] {
  return Array.isArray(list) ? list.filter(isRecord) : [];
}

function typeOf(source: unknown): string | undefined {
  const name = String(source ?? '').replace(/\.\d+$/, '');
  return Object.keys(SOURCES).find((type) => SOURCES[type]?.includes(name));
}

/** The device counts channels from 0. */
function channelOf(value: unknown): number | undefined {
  const channel = value === undefined || value === '' ? Number.NaN : Number(value);
  return Number.isInteger(channel) ? channel + 1 : undefined;
}

/** Event types that send mail, those that could, and those whose detection is off. Throws `unreadable`. */
export function readLinkage(body: string, channel: number, kind: string): { linked: string[]; available: string[]; off: string[] } {
  const rules = readRules(body, channel, kind);
  const types = (list: Rule[]) => [...new Set(list.map(({ type }) => type))].sort();
  return {
    linked: types(rules.filter(({ actions }) => actions.includes(MAIL))),
    available: types(rules),
    off: types(rules.filter(({ enabled }) => !enabled)),
  };
}

/** The request targets that make exactly the wanted types send mail. Each resends its rule's whole list, as the device demands. */
export function planLinkage(body: string, channel: number, kind: string, wanted: readonly string[]): string[] {
  const rules = readRules(body, channel, kind);
  const linked = new Set(rules.filter(({ actions }) => actions.includes(MAIL)).map(({ type }) => type));
  return rules.flatMap((rule) => {
    if (wanted.includes(rule.type)) return linked.has(rule.type) ? [] : [update(rule, [...rule.actions, MAIL])];
    return rule.actions.includes(MAIL)
      ? [
          update(
            rule,
            rule.actions.filter((action) => action !== MAIL),
          ),
        ]
      : [];
  });
}

/** The request targets that bring the actions of an earlier document back. */
export function linkageToRestore(before: string, now: string): string[] {
  const all = (body: string) => {
    const { record } = parseAnswer(body);
    return [...eventRules(record.EventRules), ...complexActions(record.ComplexActions)];
  };
  const current = all(now);
  return all(before).flatMap((rule) => {
    const same = current.find(({ key }) => key === rule.key);
    return same === undefined || same.actions.join() === rule.actions.join() ? [] : [update(rule, rule.actions)];
  });
}

/** Durations, the preset and the kind of schedule go along: the vendor's page always sends them with the list. */
function update(rule: Rule, actions: readonly string[]): string {
  const parameters: (readonly [string, string])[] = [['EventAction', actions.join(',')]];
  for (const { AlarmOutput, Duration } of records(rule.settings.AlarmOutputs)) {
    const name = `AlarmOutput.${AlarmOutput}`;
    if (actions.includes(name) && Duration !== undefined) parameters.push([`${name}.Duration`, String(Duration)]);
  }
  const { PresetNumber, ScheduleType } = rule.settings;
  if (actions.includes('GoToPreset') && PresetNumber !== undefined) parameters.push(['PresetNumber', String(PresetNumber)]);
  if (ScheduleType !== undefined) parameters.push(['ScheduleType', String(ScheduleType)]);
  return rule.path(parameters);
}
