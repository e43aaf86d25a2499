import { LIMITS } from '../core/limits.ts';
import { deviceWords } from '../core/text.ts';
import { type CameraEvent, EVENT_TYPES } from '../events/vocabulary.ts';

/** A camera as messages name it. */
export interface CameraRef {
  /** The camera-device node. */
  nodeId?: string | undefined;
  name: string;
  host?: string | undefined;
  vendor?: string | undefined;
  model?: string | undefined;
  firmware?: string | undefined;
  serial?: string | undefined;
}

export interface MailProblem {
  code: string;
  message: string;
  advice?: string | undefined;
  deviceSays?: string | undefined;
}

/** What a message of another node means for Home Assistant. */
export type Observation =
  | { kind: 'event'; camera: CameraRef; event: CameraEvent }
  | { kind: 'picture'; camera: CameraRef; channel: number; image: Buffer }
  | { kind: 'connection'; camera: CameraRef; connected: boolean }
  /**
   * `problem`: null when there is none any more, undefined when that is not known. `by`: a test mail, what was written, or a look
   * at the settings, which says nothing about whether mail gets through.
   */
  | {
      kind: 'mail';
      of: { camera: CameraRef } | { account: string };
      by: 'test' | 'setup' | 'look';
      proven: boolean;
      problem: MailProblem | null | undefined;
    }
  | { kind: 'alerts'; camera: CameraRef; on: boolean }
  | { kind: 'queue'; account: string; waiting: number | undefined; left: number | undefined }
  | { kind: 'remove'; camera: string };

const LONGEST = LIMITS.homeAssistant.textChars;

type Fields = Readonly<Record<string, unknown>>;

/** Reads a message of any node of this package. Undefined: it is of none of them. */
export function observationsOf(message: Fields): Observation[] | undefined {
  const { payload } = message;
  // A mail that was sent keeps the payload it was made of: an event that has been seen elsewhere.
  if (isFields(message.email)) return queued(message.email);
  if (Buffer.isBuffer(payload)) return picture(message, payload);
  if (!isFields(payload)) return undefined;
  if (typeof payload.remove === 'string' && payload.remove !== '') return [{ kind: 'remove', camera: payload.remove }];
  if (Array.isArray(payload.results)) return payload.results.filter(isFields).flatMap((result) => reported(message, result) ?? []);
  return reported(message, payload);
}

function reported(message: Fields, payload: Fields): Observation[] | undefined {
  if (isFields(payload.queue)) return queued({ account: payload.account, queue: payload.queue });
  if (payload.via === 'server' && typeof payload.verdict === 'string') {
    const account = accountWords(message.topic);
    return account === '' ? [] : [{ kind: 'mail', of: { account }, ...tested(payload) }];
  }
  const camera = cameraRef(payload.camera);
  if (camera === undefined) return undefined;
  if (typeof payload.connected === 'boolean') return [{ kind: 'connection', camera, connected: payload.connected }];
  if (typeof payload.verdict === 'string') return [{ kind: 'mail', of: { camera }, ...tested(payload) }];
  if (typeof payload.outcome === 'string') return configured(message, payload, camera);
  return seen(message, payload, camera);
}

function seen(message: Fields, payload: Fields, camera: CameraRef): Observation[] | undefined {
  const type = EVENT_TYPES.find((one) => one === payload.type);
  const state = (['started', 'ended', 'pulse'] as const).find((one) => one === payload.state);
  if (type === undefined || state === undefined) return undefined;
  const channel = channelOf(payload.channel);
  const event: CameraEvent = { type, state, channel, at: words(payload.at, 40), vendorType: words(payload.vendorType, 80) };
  for (const key of ['target', 'region', 'rule'] as const) {
    const value = words(payload[key], 80);
    if (value !== '') event[key] = value;
  }
  const all: Observation[] = [{ kind: 'event', camera, event }];
  const image = attachedPicture(message.attachments);
  if (image !== undefined) all.push({ kind: 'picture', camera, channel, image });
  // It came through camera-mail-in: the camera can mail.
  if (isFields(message.mail)) all.push({ kind: 'mail', of: { camera }, by: 'test', proven: true, problem: null });
  return all;
}

/** A mail in the spam folder has arrived and is nothing to rely on. */
function tested({ ok, verdict, error }: Fields): { by: 'test'; proven: boolean; problem: MailProblem | null | undefined } {
  if (verdict === 'inconclusive') return { by: 'test', proven: false, problem: undefined };
  return { by: 'test', proven: verdict === 'arrived' && ok === true, problem: ok === true ? null : problemOf(error, 'not-arrived') };
}

/** Outcomes that say that the camera mails as it was told to; of those that say nothing about it, `mail` says nothing. */
function configured(message: Fields, payload: Fields, camera: CameraRef): Observation[] {
  const { outcome, test, error } = payload;
  const switched = typeof message.enabled === 'boolean';
  const good = outcome === 'applied' || outcome === 'unchanged' || outcome === 'verified';
  const all: Observation[] = [];
  const by = outcome === 'verified' || outcome === 'unchanged' ? 'look' : 'setup';
  const mail = { kind: 'mail', of: { camera }, by, proven: false } as const;
  if (outcome === 'failed' || outcome === 'rolled-back') all.push({ ...mail, problem: problemOf(error, outcome) });
  else if (outcome === 'drifted') all.push({ ...mail, problem: drift(payload.changes) });
  else if (isFields(test)) all.push({ kind: 'mail', of: { camera }, ...tested(test) });
  else if (good && !switched) all.push({ ...mail, problem: null });
  const on = alertsAfter(message, payload, good);
  if (on !== undefined) all.push({ kind: 'alerts', camera, on });
  if (all.length === 0) all.push({ ...mail, problem: undefined });
  return all;
}

/** Whether the camera mails now. Without `enabled` in the message, configure-camera-email means to have it on. */
function alertsAfter({ enabled }: Fields, { outcome, changes }: Fields, good: boolean): boolean | undefined {
  if (good) return typeof enabled === 'boolean' ? enabled : true;
  if (outcome !== 'drifted' && outcome !== 'planned') return undefined;
  const change = Array.isArray(changes) ? changes.filter(isFields).find(({ field }) => field === 'enabled') : undefined;
  return typeof change?.from === 'boolean' ? change.from : undefined;
}

function drift(changes: unknown): MailProblem {
  const fields = Array.isArray(changes) ? changes.filter(isFields).map(({ field }) => words(field, 20)) : [];
  return { code: 'drifted', message: words(`The camera's e-mail settings were changed: ${fields.join(', ') || 'unknown'}`, LONGEST) };
}

function problemOf(error: unknown, otherwise: string): MailProblem {
  if (!isFields(error)) return { code: otherwise, message: otherwise };
  const { code, message, advice, deviceSays } = error;
  return {
    code: words(code, 40) || otherwise,
    message: words(message, LONGEST),
    advice: words(advice, LONGEST),
    deviceSays: words(deviceSays, LONGEST),
  };
}

/** `email` of a delivered mail, or a report of the queue: `{account: {name} | name, queue: {waiting, sentToday?, dailyLimit?}}`. */
function queued({ account, queue }: Fields): Observation[] {
  const name = accountWords(isFields(account) ? (account.name ?? account.email) : account);
  if (name === '' || !isFields(queue)) return [];
  const { waiting, sentToday, dailyLimit } = queue;
  // A limit of 0 is none.
  const left = isCount(sentToday) && isCount(dailyLimit) && dailyLimit > 0 ? Math.max(0, dailyLimit - sentToday) : undefined;
  return [{ kind: 'queue', account: name, waiting: isCount(waiting) ? waiting : undefined, left }];
}

/** Of camera-snapshot, which names its camera in `msg.camera` or at the start of the topic. */
function picture({ camera, topic, channel }: Fields, image: Buffer): Observation[] | undefined {
  const ref = cameraRef(camera) ?? cameraRef(typeof topic === 'string' ? topic.split('/')[0] : undefined);
  if (ref === undefined || !isJpeg(image)) return undefined;
  return [{ kind: 'picture', camera: ref, channel: channelOf(channel), image }];
}

function attachedPicture(attachments: unknown): Buffer | undefined {
  const contents = Array.isArray(attachments) ? attachments.map((one) => (isFields(one) ? one.content : undefined)) : [];
  return contents.find((content): content is Buffer => Buffer.isBuffer(content) && isJpeg(content));
}

function cameraRef(camera: unknown): CameraRef | undefined {
  if (typeof camera === 'string') return camera === '' ? undefined : { name: camera };
  if (!isFields(camera)) return undefined;
  const field = (key: string) => (typeof camera[key] === 'string' && camera[key] !== '' ? String(camera[key]) : undefined);
  const name = field('name') ?? field('host') ?? field('id');
  if (name === undefined) return undefined;
  return {
    name,
    nodeId: field('id'),
    host: field('host'),
    vendor: field('vendor'),
    model: field('model'),
    firmware: field('firmware'),
    serial: field('serial'),
  };
}

function channelOf(channel: unknown): number {
  return typeof channel === 'number' && Number.isInteger(channel) && channel > 1 ? channel : 1;
}

function isJpeg(image: Buffer): boolean {
  return image.length > 3 && image[0] === 0xff && image[1] === 0xd8;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value);
}

/** An account's name as its device is called. */
export function accountWords(name: unknown): string {
  return words(name, 80);
}

function words(value: unknown, max: number): string {
  return typeof value === 'string' ? deviceWords(value, max) : '';
}
