import { CameraEmailError, isCameraEmailError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { Secret } from '../../core/secret.ts';
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
import { answerError, isObject, isTestFailure, type JsonObject } from './answer.ts';
import {
  addressKeys,
  capabilitiesOf,
  emailUpdate,
  eventsOf,
  readEmailDocument,
  securityOf,
  settingsOf,
  testParameters,
  wantedValue,
  withoutPassword,
} from './email.ts';
import { mainsChannels } from './events.ts';
import { command, commandOf, JsonApi, pathOf } from './json-api.ts';
import { isEmptySchedule } from './schedule.ts';
import { stateChanges } from './state-polling.ts';

const VENDOR = 'reolink';
const MASK = '•';

/** Reading and writing commands that belong together; the newer pair has a schedule for each kind of event. */
const COMMANDS = [
  { get: 'GetEmailV20', set: 'SetEmailV20' },
  { get: 'GetEmail', set: 'SetEmail' },
] as const;

export const reolink: CameraDriver<typeof VENDOR> = {
  vendor: VENDOR,
  label: 'Reolink',
  brands: ['Reolink'],
  evidence: 'vendor document',
  async identify(http, signal) {
    const api = new JsonApi(http);
    if (!(await isReolink(api, signal))) return undefined;
    try {
      return await readIdentity(api, signal);
    } finally {
      await api.close(AbortSignal.timeout(LIMITS.device.logoutMs)).catch(() => undefined);
    }
  },
  open: (http, channel, identity) => new ReolinkCamera(http, channel, identity),
};

async function isReolink(api: JsonApi, signal: AbortSignal): Promise<boolean> {
  try {
    return await api.isSpoken(signal);
  } catch (error) {
    if (isCameraEmailError(error, 'rejected', 'unreadable')) return false;
    throw error;
  }
}

async function readIdentity(api: JsonApi, signal: AbortSignal): Promise<DeviceIdentity> {
  const { value } = await api.get('GetDevInfo', {}, 0, signal);
  const { DevInfo: info } = value;
  if (!isObject(info)) throw new CameraEmailError('unreadable', 'GetDevInfo: no DevInfo in the answer');
  const text = (name: string) => (typeof info[name] === 'string' ? info[name] : '');
  const type = `${text('type')} ${text('exactType')}`.toUpperCase();
  const doorbell = /doorbell/i.test(text('model'));
  return {
    vendor: VENDOR,
    brand: reolink.label,
    model: text('model'),
    firmware: text('firmVer'),
    // Most devices fill it with zeros.
    serial: /^0*$/.test(text('serial')) ? '' : text('serial'),
    name: text('name') || undefined,
    kind: /NVR|HOMEHUB/.test(type) ? 'recorder' : doorbell ? 'doorbell' : /IPC/.test(type) ? 'camera' : 'unknown',
  };
}

/** What `plan` needs to know about the transport; travels in EmailCapabilities.private. */
interface Transport {
  plain: boolean;
}

class ReolinkCamera implements Camera {
  readonly #api: JsonApi;
  /** Counted from 0 by the device. */
  readonly #index: number;
  #ability: Promise<JsonObject> | undefined;
  #document: DeviceDocument | undefined;

  constructor(
    private readonly http: DeviceHttp,
    channel: number,
    private readonly known: DeviceIdentity,
  ) {
    this.#api = new JsonApi(http);
    this.#index = channel - 1;
  }

  identity(): Promise<DeviceIdentity> {
    return Promise.resolve(this.known);
  }

  async capabilities(signal: AbortSignal): Promise<EmailCapabilities> {
    const document = readEmailDocument((this.#document ?? (await this.#readDocument(signal))).body);
    const ability = await this.#abilities(signal);
    const transport: Transport = { plain: !this.http.secure };
    return {
      ...capabilitiesOf(document, versionIn(ability, 'email') ?? 0),
      events: eventsOf(document)?.available,
      private: transport,
    };
  }

  async read(scope: { events: boolean }, signal: AbortSignal): Promise<EmailReading> {
    const document = await this.#readDocument(signal);
    const email = readEmailDocument(document.body);
    const settings = settingsOf(email);
    if (scope.events) settings.events = eventsOf(email)?.linked;
    return { settings, documents: [document] };
  }

  plan(reading: EmailReading, wanted: WantedEmail, capabilities: EmailCapabilities): EmailPlan {
    const changes = changesTo(reading.settings, wanted);
    const warnings: Warning[] = [];
    const plan: EmailPlan = { changes, writes: [], warnings };
    if ((capabilities.private as Transport | undefined)?.plain) warnings.push({ code: 'plain-http' });
    // The login name is the sender's address as well: there is no field for another.
    if (wanted.sender.toLowerCase() !== wanted.username.toLowerCase()) {
      warnings.push({ code: 'sender-is-username', params: { value: wanted.username } });
    }
    if (securityOf(wanted.security !== 'none', wanted.port) !== wanted.security) {
      plan.impossible = { field: 'security', code: 'security-unsupported', params: { value: wanted.security } };
    }
    const document = emailDocumentOf(reading);
    const email = readEmailDocument(document.body);
    const value = wantedValue(email, wanted, new Set(changes.map(({ field }) => field)));
    if (wanted.enabled && isEmptySchedule(value.schedule)) warnings.push({ code: 'schedule-empty' });
    if (changes.length === 0) return plan;
    const update = emailUpdate(email.value, value, this.#index);
    const withPassword = wanted.authentication && changes.some(({ field }) => field !== 'events' && field !== 'enabled');
    const secret = wanted.password.reveal();
    plan.writes.push(
      emailWrite(document, withPassword ? { ...update, password: secret } : update, withPassword ? { ...update, password: MASK } : update),
    );
    return plan;
  }

  async apply(plan: EmailPlan, signal: AbortSignal): Promise<Warning[]> {
    for (const { path, body = '' } of plan.writes) await this.#write(commandOf(path), body, signal);
    return [];
  }

  async restore(reading: EmailReading, password: Secret | undefined, signal: AbortSignal): Promise<void> {
    const document = emailDocumentOf(reading);
    const current = await this.#get(commandOf(document.path), signal);
    const update = emailUpdate(readEmailDocument(current.body).value, readEmailDocument(document.body).value, this.#index);
    if (password !== undefined) update.password = password.reveal();
    if (Object.keys(update).length === 0) return;
    const { path, body = '' } = emailWrite(document, update, {});
    await this.#write(commandOf(path), body, signal);
  }

  /** The device tests what it is given and saves nothing of it, so that this works before a write as well as after. */
  async sendTestEmail(wanted: WantedEmail, signal: AbortSignal): Promise<TestAnswer> {
    const parameters = testParameters(readEmailDocument((await this.#readDocument(signal)).body), wanted);
    if (addressKeys(parameters).every((key) => parameters[key] === '')) {
      throw new CameraEmailError('bad-input', 'TestEmail: nobody to send the mail to', { params: { field: 'recipients' } });
    }
    const answer = await this.#api.send(command('TestEmail', { Email: parameters }), LIMITS.device.testMs, signal);
    if (answer.ok) return { accepted: true, deviceSays: answer.words };
    return { accepted: isTestFailure(answer.rspCode) ? false : undefined, deviceSays: answer.words };
  }

  events(signal: AbortSignal): AsyncIterable<RawEvent> {
    return stateChanges(this.#api, () => this.#mainsChannels(signal), signal);
  }

  async eventWarnings(signal: AbortSignal): Promise<Warning[]> {
    const warnings: Warning[] = (await this.#mainsChannels(signal)).includes(this.#index) ? [] : [{ code: 'battery-not-polled' }];
    return warnings;
  }

  snapshot(channel: number, signal: AbortSignal): Promise<Buffer> {
    return this.#api.picture(channel - 1, signal);
  }

  close(signal: AbortSignal): Promise<void> {
    return this.#api.close(signal);
  }

  /** The ability says which commands there are, but some firmware has only the other ones. */
  async #readDocument(signal: AbortSignal): Promise<DeviceDocument> {
    const version = versionIn(await this.#abilities(signal), 'scheduleVersion');
    const [newer, older] = COMMANDS;
    let refusal: unknown;
    for (const { get } of version === 0 ? [older, newer] : [newer, older]) {
      try {
        this.#document = await this.#get(get, signal);
        return this.#document;
      } catch (error) {
        if (!isCameraEmailError(error, 'unsupported')) throw error;
        refusal ??= error;
      }
    }
    throw refusal;
  }

  async #get(cmd: string, signal: AbortSignal): Promise<DeviceDocument> {
    const { contentType, body } = await this.#api.get(cmd, { channel: this.#index }, 1, signal);
    readEmailDocument(body);
    return { path: pathOf(cmd), contentType, body: withoutPassword(body) };
  }

  async #write(cmd: string, body: string, signal: AbortSignal): Promise<void> {
    const answer = await this.#api.send({ cmd, body }, undefined, signal);
    if (!answer.ok) throw answerError(cmd, answer);
  }

  async #mainsChannels(signal: AbortSignal): Promise<number[]> {
    return mainsChannels(await this.#abilities(signal)) ?? [this.#index];
  }

  #abilities(signal: AbortSignal): Promise<JsonObject> {
    this.#ability ??= this.#readAbilities(signal);
    this.#ability.catch(() => {
      this.#ability = undefined;
    });
    return this.#ability;
  }

  async #readAbilities(signal: AbortSignal): Promise<JsonObject> {
    try {
      const { value } = await this.#api.get('GetAbility', { User: { userName: this.http.login.username } }, 0, signal);
      return isObject(value.Ability) ? value.Ability : {};
    } catch (error) {
      if (isCameraEmailError(error, 'unsupported', 'rejected', 'forbidden')) return {};
      throw error;
    }
  }
}

function versionIn(ability: JsonObject, name: string): number | undefined {
  const entry = ability[name];
  return isObject(entry) && typeof entry.ver === 'number' ? entry.ver : undefined;
}

function emailDocumentOf(reading: EmailReading): DeviceDocument {
  const document = reading.documents.find(({ path }) => COMMANDS.some(({ get }) => get === commandOf(path)));
  if (document === undefined) throw new CameraEmailError('unreadable', 'no e-mail settings in this reading');
  return document;
}

/** The write that belongs to the command that read `document`. */
function emailWrite(document: DeviceDocument, update: JsonObject, shown: JsonObject): DeviceWrite {
  const set = COMMANDS.find(({ get }) => get === commandOf(document.path))?.set ?? 'SetEmail';
  const { path, body } = command(set, { Email: update });
  return { method: 'POST', path, contentType: 'application/json', body, shown: { path, body: command(set, { Email: shown }).body } };
}
