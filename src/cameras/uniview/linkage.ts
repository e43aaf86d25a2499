import { CameraEmailError } from '../../core/errors.ts';
import { isObject, type JsonObject, parseAnswer } from './lapi.ts';

/** Event types whose linkage the vendor's page offers e-mail for, with the resource of the first channel or input. */
export const LINKAGES = [
  { type: 'motion', path: '/LAPI/V1.0/Channels/0/Alarm/MotionDetection/LinkageActions' },
  { type: 'audio', path: '/LAPI/V1.0/Channels/0/Alarm/AudioDetection/LinkageActions' },
  { type: 'tamper', path: '/LAPI/V1.0/Channels/0/Alarm/TamperDetection/LinkageActions' },
  { type: 'alarm-input', path: '/LAPI/V1.0/IO/InputSwitches/1/LinkageActions' },
] as const;

/** One of the two forms of a list of actions: how it is counted, and which action mails. */
interface Form {
  count: 'Num' | 'ActNum';
  list: 'Actions' | 'AlarmActCfg';
  mails(action: JsonObject): boolean;
  /** An action as the vendor's page adds it. */
  mail: JsonObject;
  /** What remains of an action that mails and does something else, too. */
  withoutMail(action: JsonObject): JsonObject | undefined;
}

/** SmartAlarmAct of the vendor's ComScript.js. */
const TO_FTP = 11;
const TO_EMAIL = 12;
const TO_BOTH = 13;
/** AlarmActCommand of the same file. */
const COMMAND_TO_EMAIL = 105;

const NEW_FORM: Form = {
  count: 'Num',
  list: 'Actions',
  mails: ({ ActID }) => Number(ActID) === TO_EMAIL || Number(ActID) === TO_BOTH,
  mail: { ActID: TO_EMAIL },
  withoutMail: (action) => (Number(action.ActID) === TO_BOTH ? { ...action, ActID: TO_FTP } : undefined),
};
const OLD_FORM: Form = {
  count: 'ActNum',
  list: 'AlarmActCfg',
  mails: ({ ActCmd }) => Number(ActCmd) === COMMAND_TO_EMAIL,
  mail: { ActCmd: COMMAND_TO_EMAIL, ActID: COMMAND_TO_EMAIL },
  withoutMail: () => undefined,
};

/** True when the event mails. Throws `unreadable`. */
export function isLinked(body: string): boolean {
  const { actions, form } = openLinkage(body);
  return actions.some((action) => isObject(action) && form.mails(action));
}

/** The body that links or unlinks an event, other actions as they are; undefined when nothing has to change. */
export function planLinkage(body: string, wanted: boolean): string | undefined {
  const { data, actions, form } = openLinkage(body);
  if (isLinked(body) === wanted) return undefined;
  const changed = wanted
    ? [...actions, form.mail]
    : actions.flatMap((action) => (isObject(action) && form.mails(action) ? (form.withoutMail(action) ?? []) : [action]));
  return `${JSON.stringify({ ...data, [form.count]: changed.length, [form.list]: changed })}\r\n`;
}

/** The body that brings an earlier linkage back; undefined when it is still in place. */
export function linkageToRestore(before: string, now: string): string | undefined {
  const earlier = JSON.stringify(openLinkage(before).data);
  return earlier === JSON.stringify(openLinkage(now).data) ? undefined : `${earlier}\r\n`;
}

function openLinkage(body: string): { data: JsonObject; actions: unknown[]; form: Form } {
  const data = parseAnswer(body)?.data;
  const form = isObject(data) ? [NEW_FORM, OLD_FORM].find(({ count, list }) => list in data || count in data) : undefined;
  if (!isObject(data) || form === undefined) throw new CameraEmailError('unreadable', 'LAPI: linkage without a list of actions');
  const list = data[form.list];
  return { data, actions: Array.isArray(list) ? list : [], form };
}
