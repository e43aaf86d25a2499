import { CameraEmailError, isCameraEmailError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { Secret } from '../../core/secret.ts';
import { deviceWords } from '../../core/text.ts';
import type { RawEvent } from '../../events/source.ts';
import type { DeviceHttp } from '../../http/types.ts';
import { changesTo } from '../changes.ts';
import type {
  Camera,
  CameraDriver,
  DeviceDocument,
  DeviceIdentity,
  DeviceWrite,
  EmailCapabilities,
  EmailPlan,
  EmailReading,
  TestAnswer,
  WantedEmail,
  Warning,
} from '../driver.ts';
import { answerError, Cgi, commandOf, isNotKnown, type Parameters, parametersOf, parseAnswer, targetOf } from './cgi.ts';
import {
  characterCodes,
  DOCUMENTED_LIMITS,
  hasPlus,
  passwordIn,
  readSmtpConfig,
  restoreParameters,
  smtpParameters,
  testParameters,
  testVerdict,
} from './email.ts';
import { isBlind } from './events.ts';
import { ALARMS, alarmTypeOf, isDetecting, sendsMail, withMail } from './linkage.ts';
import { alarmChanges, STATE } from './state-polling.ts';

const VENDOR = 'foscam';
const MASK = '•';
const READ_MAIL = 'getSMTPConfig';
const WRITE_MAIL = 'setSMTPConfig';
const TEST_MAIL = 'smtpTest';
/** Newer firmware has the same commands with this ending, which take the password as character codes. */
const NEW = 'New';

export const foscam: CameraDriver<typeof VENDOR> = {
  vendor: VENDOR,
  label: 'Foscam',
  brands: ['Foscam'],
  evidence: 'vendor document',
  async identify(http, signal) {
    const cgi = new Cgi(http);
    return (await isFoscam(cgi, signal)) ? readIdentity(cgi, signal) : undefined;
  },
  open: (http, _channel, identity) => new FoscamCamera(http, identity),
};

async function isFoscam(cgi: Cgi, signal: AbortSignal): Promise<boolean> {
  try {
    return await cgi.isSpoken(signal);
  } catch (error) {
    if (isCameraEmailError(error, 'rejected', 'unreadable')) return false;
    throw error;
  }
}

async function readIdentity(cgi: Cgi, signal: AbortSignal): Promise<DeviceIdentity> {
  const { values } = await cgi.get('getDevInfo', signal);
  const text = (name: string) => values.get(name) ?? '';
  return {
    vendor: VENDOR,
    brand: foscam.label,
    model: text('productName'),
    firmware: text('firmwareVer'),
    serial: text('serialNo'),
    name: text('devName') || undefined,
    mac: text('mac') || undefined,
    kind: /NVR/i.test(text('productName')) ? 'recorder' : 'camera',
  };
}

/** What `plan` needs to know; travels in EmailCapabilities.private. */
interface Knowledge {
  plain: boolean;
  /** This firmware is known to want the password as character codes. */
  codes: boolean;
}

class FoscamCamera implements Camera {
  readonly #cgi: Cgi;
  #codes = false;
  #hidesPassword = false;
  #passwordBefore: string | undefined;
  #events: string[] | undefined;

  constructor(
    private readonly http: DeviceHttp,
    private readonly known: DeviceIdentity,
  ) {
    this.#cgi = new Cgi(http);
  }

  identity(): Promise<DeviceIdentity> {
    return Promise.resolve(this.known);
  }

  async capabilities(): Promise<EmailCapabilities> {
    const knowledge: Knowledge = { plain: !this.http.secure, codes: this.#codes };
    return { ...DOCUMENTED_LIMITS, securities: ['none', 'tls', 'starttls'], events: this.#events, private: knowledge };
  }

  async read(scope: { events: boolean }, signal: AbortSignal): Promise<EmailReading> {
    const { values, document } = await this.#cgi.get(READ_MAIL, signal);
    const settings = readSmtpConfig(values);
    this.#passwordBefore = settings.password?.reveal();
    if (this.#hidesPassword) settings.password = undefined;
    const reading: EmailReading = { settings, documents: [document] };
    if (!scope.events) return reading;
    const alarms = await this.#readAlarms(signal);
    reading.documents.push(...alarms);
    const types = (chosen: DeviceDocument[]) => chosen.flatMap(({ path }) => alarmTypeOf(commandOf(path)) ?? []);
    this.#events = alarms.length === 0 ? undefined : types(alarms);
    settings.events = alarms.length === 0 ? undefined : types(alarms.filter((alarm) => sendsMail(valuesOf(alarm))));
    return reading;
  }

  plan(reading: EmailReading, wanted: WantedEmail, capabilities: EmailCapabilities): EmailPlan {
    const { plain, codes } = (capabilities.private ?? { plain: false, codes: false }) as Knowledge;
    const changes = changesTo(reading.settings, wanted);
    const warnings: Warning[] = plain ? [{ code: 'plain-http' }] : [];
    const plus = hasPlus(wanted);
    if (plus !== undefined) warnings.push({ code: 'plus-address', params: { value: plus } });
    const plan: EmailPlan = { changes, writes: [], warnings };
    const changed = new Set(changes.map(({ field }) => field));
    if (changes.some(({ field }) => field !== 'events')) {
      const { password: held } = reading.settings;
      const password = wanted.authentication ? wanted.password.reveal() : (held?.reveal() ?? '');
      const write = (text: string) => smtpParameters(valuesOf(documentAt(reading, READ_MAIL)), wanted, changed, text);
      plan.writes.push(mailWrite(codes ? withCodes(write(password)) : write(password), write(password === '' ? '' : MASK), codes));
    }
    if (wanted.events !== undefined) this.#planEvents(reading, wanted.events, wanted.enabled, plan);
    return plan;
  }

  /** A mail write that the firmware does not take, or takes for something else, is made once more in the newer form. */
  async apply(plan: EmailPlan, signal: AbortSignal): Promise<Warning[]> {
    for (const { path } of plan.writes) {
      if (commandOf(path) === WRITE_MAIL) await this.#writeMail(path, signal);
      else await this.#write(path, signal);
    }
    return [];
  }

  async restore(reading: EmailReading, password: Secret | undefined, signal: AbortSignal): Promise<void> {
    const before = valuesOf(documentAt(reading, READ_MAIL));
    const current = await this.#cgi.get(READ_MAIL, signal);
    const held = passwordIn(current.values);
    const wanted = password ?? reading.settings.password;
    const same = current.document.body === documentAt(reading, READ_MAIL).body && (wanted === undefined || held?.equals(wanted) === true);
    if (!same) {
      const parameters = restoreParameters(before, wanted ?? held);
      await (this.#codes
        ? this.#write(targetOf(WRITE_MAIL + NEW, withCodes(parameters)), signal)
        : this.#writeMail(targetOf(WRITE_MAIL, parameters), signal));
    }
    for (const alarm of reading.documents) {
      const cmd = commandOf(alarm.path);
      if (alarmTypeOf(cmd) === undefined) continue;
      const { document } = await this.#cgi.get(cmd, signal);
      if (document.body !== alarm.body) await this.#write(targetOf(writing(cmd), valuesOf(alarm)), signal);
    }
  }

  /** The device tests what it is given, but sends to the recipients that it has saved. */
  async sendTestEmail(wanted: WantedEmail, signal: AbortSignal): Promise<TestAnswer> {
    const parameters = testParameters(wanted);
    let refusal = '';
    for (const codes of this.#codes ? [true] : [false, true]) {
      const target = codes ? targetOf(TEST_MAIL + NEW, withCodes(parameters)) : targetOf(TEST_MAIL, parameters);
      const answer = await this.#cgi.send(target, LIMITS.device.testMs, signal);
      const verdict = answer.result === 0 ? testVerdict(answer.values) : undefined;
      if (!isNotKnown(answer)) return { accepted: verdict?.accepted, deviceSays: deviceWords(verdict?.words ?? answer.words) };
      refusal ||= answer.words;
    }
    return { accepted: undefined, deviceSays: refusal };
  }

  events(signal: AbortSignal): AsyncIterable<RawEvent> {
    return alarmChanges(this.#cgi, signal);
  }

  async eventWarnings(signal: AbortSignal): Promise<Warning[]> {
    const { values } = await this.#cgi.get(STATE, signal);
    const warnings: Warning[] = isBlind(values) ? [{ code: 'no-detection' }] : [];
    return warnings;
  }

  async snapshot(channel: number, signal: AbortSignal): Promise<Buffer> {
    if (channel !== 1) throw new CameraEmailError('bad-input', 'the camera has one channel', { params: { field: 'channel' } });
    return this.#cgi.picture(signal);
  }

  #planEvents(reading: EmailReading, wanted: readonly string[], enabled: boolean, plan: EmailPlan): void {
    const alarms = reading.documents.filter(({ path }) => alarmTypeOf(commandOf(path)) !== undefined);
    for (const alarm of alarms) {
      const cmd = commandOf(alarm.path);
      const type = alarmTypeOf(cmd) ?? '';
      const on = wanted.includes(type);
      const values = valuesOf(alarm);
      if (on && !isDetecting(values)) plan.warnings.push({ code: 'detection-off', params: { value: type } });
      const parameters = withMail(values, on);
      if (parameters === undefined) continue;
      const path = targetOf(writing(cmd), parameters);
      plan.writes.push({ method: 'GET', path, shown: { path } });
    }
    if (enabled && alarms.length > 0 && !alarms.some(({ path }) => wanted.includes(alarmTypeOf(commandOf(path)) ?? ''))) {
      plan.warnings.push({ code: 'not-linked' });
    }
  }

  async #readAlarms(signal: AbortSignal): Promise<DeviceDocument[]> {
    const found: DeviceDocument[] = [];
    for (const commands of Object.values(ALARMS)) {
      for (const cmd of commands) {
        const answer = await this.#cgi.send(targetOf(cmd), undefined, signal);
        if (answer.result === 0 && sendsMail(answer.values) !== undefined) {
          found.push(answer.document);
          break;
        }
        if (answer.result !== 0 && !isNotKnown(answer)) throw answerError(cmd, answer);
      }
    }
    return found;
  }

  async #writeMail(path: string, signal: AbortSignal): Promise<void> {
    const parameters = parametersOf(path);
    const password = parameters.get('password') ?? '';
    const isOurs = (told: string | undefined) => password === '' || told === undefined || told === password;
    const answer = await this.#cgi.send(path, undefined, signal);
    if (answer.result !== 0 && !isNotKnown(answer)) throw answerError(WRITE_MAIL, answer);
    if (answer.result === 0 && isOurs(await this.#toldPassword(signal))) return;
    const again = await this.#cgi.send(targetOf(WRITE_MAIL + NEW, withCodes(parameters)), undefined, signal);
    if (answer.result !== 0 && again.result !== 0) throw answerError(WRITE_MAIL, answer);
    this.#codes = again.result === 0;
    const told = await this.#toldPassword(signal);
    // Neither what it was given nor what it told before: that is no password in clear.
    this.#hidesPassword = !isOurs(told) && told !== this.#passwordBefore;
  }

  async #toldPassword(signal: AbortSignal): Promise<string | undefined> {
    return passwordIn((await this.#cgi.get(READ_MAIL, signal)).values)?.reveal();
  }

  async #write(path: string, signal: AbortSignal): Promise<void> {
    const answer = await this.#cgi.send(path, undefined, signal);
    if (answer.result !== 0) throw answerError(commandOf(path), answer);
  }
}

function writing(cmd: string): string {
  return cmd.replace(/^get/, 'set');
}

function valuesOf(document: DeviceDocument): Parameters {
  return parseAnswer(document.body)?.values ?? new Map();
}

function documentAt(reading: EmailReading, cmd: string): DeviceDocument {
  const document = reading.documents.find(({ path }) => commandOf(path) === cmd);
  if (document === undefined) throw new CameraEmailError('unreadable', 'no e-mail settings in this reading');
  return document;
}

function withCodes(parameters: ReadonlyMap<string, string>): Map<string, string> {
  const password = parameters.get('password');
  const result = new Map(parameters);
  if (password !== undefined) result.set('password', characterCodes(password));
  return result;
}

function mailWrite(parameters: Parameters, shown: Parameters, codes: boolean): DeviceWrite {
  const cmd = codes ? WRITE_MAIL + NEW : WRITE_MAIL;
  // A bullet in an address would be percent-encoded, and nobody would know it for one.
  const path = targetOf(cmd, shown).replaceAll(encodeURIComponent(MASK), MASK);
  return { method: 'GET', path: targetOf(cmd, parameters), shown: { path } };
}
