import { CameraEmailError } from '../../core/errors.ts';
import type { Attachment, EmailCapabilities, EmailSettings, MailSecurity, SettingField, WantedEmail } from '../driver.ts';
import { isObject, type JsonObject } from './answer.ts';
import { linkedEvents, withEvents } from './schedule.ts';

/** An answer to GetEmail or GetEmailV20. Which keys there are depends on the firmware; only those are ever written. */
export interface EmailDocument {
  value: JsonObject;
  /** What the device says of its limits (action 1); empty when it says nothing. */
  range: JsonObject;
}

/** The limits of the vendor's guide, for devices that tell none. Some firmware takes longer passwords. */
const DOCUMENTED_LIMITS = { server: 127, username: 127, password: 31, senderName: 127, recipient: 127 };
const DOCUMENTED_INTERVALS = ['30 Seconds', '1 Minute', '5 Minutes', '10 Minutes', '30 Minutes'];

/** `textType` has never been seen documented, so that nothing here sets it. */
const ATTACHMENT_TYPES: readonly Attachment[] = ['none', 'snapshot', 'clip'];
/** The guide itself writes the word for "none" in three ways; the device's range decides. */
const ATTACHMENT_WORDS: Readonly<Record<Attachment, readonly string[]>> = {
  none: ['no', '0', 'O'],
  snapshot: ['picture', 'onlyPicture'],
  clip: ['video'],
};

/** The e-mail object of an answer, from its bytes. Throws `unreadable`. */
export function readEmailDocument(body: string): EmailDocument {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(body, 'latin1').toString('utf8'));
  } catch {
    throw new CameraEmailError('unreadable', 'e-mail settings: not JSON');
  }
  const answer: unknown = Array.isArray(parsed) ? parsed[0] : undefined;
  const part = (name: string): JsonObject | undefined => {
    const holder = isObject(answer) ? answer[name] : undefined;
    const email = isObject(holder) ? holder.Email : undefined;
    return isObject(email) ? email : undefined;
  };
  const value = part('value');
  if (value === undefined || typeof value.smtpServer !== 'string') {
    throw new CameraEmailError('unreadable', 'e-mail settings: no Email object with a server');
  }
  return { value, range: part('range') ?? {} };
}

/** The same bytes with every password emptied, whether a mask or not. */
export function withoutPassword(body: string): string {
  return body.replace(/("password"\s*:\s*)"(?:[^"\\]|\\.)*"/g, '$1""');
}

/** What the device's one SSL switch means: with it, port 587 is STARTTLS and any other port speaks TLS at once. */
export function securityOf(ssl: boolean, port: number | undefined): MailSecurity {
  if (!ssl) return 'none';
  return port === 587 ? 'starttls' : 'tls';
}

export function settingsOf({ value }: EmailDocument): EmailSettings {
  const port = typeof value.smtpPort === 'number' ? value.smtpPort : undefined;
  return {
    enabled: enabledOf(value),
    server: text(value.smtpServer),
    port,
    security: value.ssl === undefined ? undefined : securityOf(isOn(value.ssl), port),
    username: text(value.userName),
    senderName: text(value.nickName),
    recipients: addressKeys(value)
      .map((key) => text(value[key])?.trim() ?? '')
      .filter((address) => address !== ''),
    attachment: attachmentOf(value),
    minInterval: secondsOf(value.interval),
  };
}

/** Mail is on when the master switch and, where there is one, the channel's switch are on. Old firmware has it in the schedule. */
function enabledOf(value: JsonObject): boolean | undefined {
  const switches = [value.enable, value.scheduleEnable, isObject(value.schedule) ? value.schedule.enable : undefined];
  const present = switches.filter((one) => one !== undefined);
  return present.length === 0 ? undefined : present.every(isOn);
}

export function capabilitiesOf({ value, range }: EmailDocument, emailVersion: number): EmailCapabilities {
  const longest = (key: string): number | undefined => {
    const limit = range[key];
    return isObject(limit) && typeof limit.maxLen === 'number' && limit.maxLen > 0 ? limit.maxLen : undefined;
  };
  const told = {
    server: longest('smtpServer'),
    username: longest('userName'),
    password: longest('password'),
    senderName: longest('nickName'),
    recipient: longest('addr1'),
  };
  const limitsFromDevice = Object.values(told).some((limit) => limit !== undefined);
  return {
    securities: ['none', 'tls', 'starttls'],
    limitsFromDevice,
    maxLength: limitsFromDevice ? told : DOCUMENTED_LIMITS,
    maxRecipients: addressKeys(value).length,
    intervals: intervalWords(range).flatMap((word) => secondsOf(word) ?? []),
    attachments: attachmentsOf(value, range, emailVersion),
  };
}

function attachmentsOf(value: JsonObject, range: JsonObject, emailVersion: number): readonly Attachment[] {
  if (typeof value.attachmentType === 'number') {
    const video = value.supportVideo === undefined ? emailVersion >= 2 : isOn(value.supportVideo);
    return video ? ATTACHMENT_TYPES : ['none', 'snapshot'];
  }
  const words = strings(range.attachment);
  if (words.length === 0) return ['none', 'snapshot'];
  return ATTACHMENT_TYPES.filter((type) => ATTACHMENT_WORDS[type].some((word) => words.includes(word)));
}

/** The device's e-mail object with the wanted fields in it; keys that it does not have stay away. */
export function wantedValue({ value, range }: EmailDocument, wanted: WantedEmail, fields: ReadonlySet<SettingField>): JsonObject {
  const result: JsonObject = { ...value };
  const set = (key: string, content: unknown) => {
    if (key in value) result[key] = content;
  };
  if (fields.has('server')) set('smtpServer', wanted.server);
  if (fields.has('port')) set('smtpPort', wanted.port);
  if (fields.has('security')) set('ssl', flagLike(value.ssl, wanted.security !== 'none'));
  if (fields.has('username')) set('userName', wanted.username);
  if (fields.has('senderName')) set('nickName', wanted.senderName);
  if (fields.has('recipients')) Object.assign(result, recipientSlots(value, wanted.recipients ?? []));
  if (fields.has('attachment') && wanted.attachment !== undefined) setAttachment(result, range, wanted.attachment);
  if (fields.has('minInterval')) {
    const word = intervalWords(range).find((one) => secondsOf(one) === wanted.minInterval);
    if (word !== undefined) set('interval', word);
  }
  if (fields.has('enabled')) setEnabled(result, wanted.enabled);
  if (fields.has('events') && wanted.events !== undefined) set('schedule', withEvents(result.schedule, wanted.events));
  return result;
}

/** Off means off for this channel: the master switch of a recorder stays on for the others. */
function setEnabled(value: JsonObject, on: boolean): void {
  const perChannel = 'scheduleEnable' in value;
  if ('enable' in value && (on || !perChannel)) value.enable = flagLike(value.enable, on);
  if (perChannel) value.scheduleEnable = flagLike(value.scheduleEnable, on);
  const { schedule } = value;
  if (isObject(schedule) && 'enable' in schedule) value.schedule = { ...schedule, enable: flagLike(schedule.enable, on) };
}

function setAttachment(value: JsonObject, range: JsonObject, attachment: Attachment): void {
  if (typeof value.attachmentType === 'number') value.attachmentType = ATTACHMENT_TYPES.indexOf(attachment);
  else if ('attachment' in value) {
    const words = ATTACHMENT_WORDS[attachment];
    value.attachment = words.find((word) => strings(range.attachment).includes(word)) ?? words[0];
  }
}

/** Addresses that stay keep their slot, new ones take the free slots in order. */
function recipientSlots(value: JsonObject, wanted: readonly string[]): JsonObject {
  const keys = addressKeys(value);
  const same = (one: string, other: string) => one.trim().toLowerCase() === other.trim().toLowerCase();
  const missing = wanted.filter((address) => !keys.some((key) => same(address, text(value[key]) ?? '')));
  const slots: JsonObject = {};
  for (const key of keys) {
    const held = text(value[key]) ?? '';
    slots[key] = held !== '' && wanted.some((address) => same(address, held)) ? held : (missing.shift() ?? '');
  }
  return slots;
}

/**
 * The keys to write so that `from` becomes `to`, whole values each: a shortened schedule would clear what it leaves out.
 * `index` is the channel, counted from 0.
 */
export function emailUpdate(from: JsonObject, to: JsonObject, index: number): JsonObject {
  const update: JsonObject = {};
  for (const [key, content] of Object.entries(to)) {
    // Passwords are never written back, and what the device supports is not ours to say.
    if (key === 'password' || key.startsWith('support')) continue;
    if (JSON.stringify(content) !== JSON.stringify(from[key])) update[key] = content;
  }
  // The switch of one channel says which channel only through the schedule.
  if ('scheduleEnable' in update && isObject(to.schedule)) update.schedule = to.schedule;
  if (isObject(update.schedule) && index > 0) update.schedule = { ...update.schedule, channel: index };
  return update;
}

/** The parameters of TestEmail: what is wanted, and the device's own value where nothing is. Nothing of it is saved. */
export function testParameters({ value }: EmailDocument, wanted: WantedEmail): JsonObject {
  const target = wantedValue({ value, range: {} }, wanted, new Set<SettingField>(['server', 'port', 'security', 'username']));
  if (wanted.senderName !== undefined && 'nickName' in target) target.nickName = wanted.senderName;
  if (wanted.recipients !== undefined) Object.assign(target, recipientSlots(value, wanted.recipients));
  const parameters: JsonObject = {};
  for (const key of [...addressKeys(value), 'interval', 'nickName', 'smtpPort', 'smtpServer', 'ssl', 'userName']) {
    if (target[key] !== undefined) parameters[key] = target[key];
  }
  if (wanted.authentication) parameters.password = wanted.password.reveal();
  return parameters;
}

export function eventsOf({ value }: EmailDocument): { linked: string[]; available: string[] } | undefined {
  return linkedEvents(value.schedule);
}

export function addressKeys(value: JsonObject): string[] {
  return Object.keys(value)
    .filter((key) => /^addr\d+$/.test(key))
    .sort();
}

function attachmentOf(value: JsonObject): Attachment | undefined {
  if (typeof value.attachmentType === 'number') return ATTACHMENT_TYPES[value.attachmentType];
  const word = text(value.attachment);
  return word === undefined ? undefined : ATTACHMENT_TYPES.find((type) => ATTACHMENT_WORDS[type].includes(word));
}

function intervalWords(range: JsonObject): readonly string[] {
  const words = strings(range.interval);
  return words.length === 0 ? DOCUMENTED_INTERVALS : words;
}

/** `5 Minutes` in seconds. */
function secondsOf(word: unknown): number | undefined {
  const match = typeof word === 'string' ? /^(\d+) (second|minute|hour)s?$/i.exec(word.trim()) : null;
  const unit = { second: 1, minute: 60, hour: 3600 }[match?.[2]?.toLowerCase() ?? ''];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}

function isOn(flag: unknown): boolean {
  return flag === 1 || flag === true;
}

/** A switch in the type that the device uses for it. */
function flagLike(sample: unknown, on: boolean): unknown {
  if (typeof sample === 'boolean') return on;
  return on ? 1 : 0;
}

function strings(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((item) => typeof item === 'string') : [];
}

function text(content: unknown): string | undefined {
  return typeof content === 'string' ? content : undefined;
}
