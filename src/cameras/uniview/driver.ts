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
  SettingField,
  TestAnswer,
  WantedEmail,
  Warning,
} from '../driver.ts';
import { OnvifDevice } from '../onvif-device.ts';
import { optional } from '../optional.ts';
import { pullEvents, topicWarnings } from '../pull-point.ts';
import { DOCUMENTED_LIMITS, emailOf, readEmail, recipientSlots, requestBody, withoutPasswords, writeEmail } from './email.ts';
import { isObject, type JsonObject, Lapi, type LapiAnswer, PATHS, STATUS } from './lapi.ts';
import { isLinked, LINKAGES, linkageToRestore, planLinkage } from './linkage.ts';
import { encryptPin, type RsaKey, rsaKeyFrom } from './password.ts';

const VENDOR = 'uniview';
const MASK = '•';
const JSON_TYPE = 'application/json; charset=UTF-8';

/** What the vendor's page says for each code of the mail test. */
const TEST_FAILURES: Readonly<Record<number, string>> = {
  767: 'mail server error',
  768: 'the mail server refused the login',
  769: 'sending failed',
  770: 'encryption failed',
  771: 'the mail server’s answer was not understood',
};

export const uniview: CameraDriver<typeof VENDOR> = {
  vendor: VENDOR,
  label: 'Uniview',
  brands: ['Uniview', 'UNV'],
  evidence: 'public code',
  experimentalTest: true,
  async identify(http, signal) {
    const lapi = Lapi.of(http);
    for (const path of [PATHS.deviceBasicInfo, PATHS.deviceInfo]) {
      const known = await lapi.probe(path, signal);
      if (known === 'unknown') continue;
      try {
        return identityFrom((await lapi.get(path, signal)).data);
      } catch (error) {
        if (!isCameraEmailError(error, 'unsupported', 'unreadable', 'rejected', 'forbidden', 'plain-http')) throw error;
        if (known === 'login') return undefined;
      }
    }
    return undefined;
  },
  open: (http, _channel, identity) => new UniviewCamera(http, identity),
};

function identityFrom(data: unknown): DeviceIdentity {
  const info = isObject(data) ? data : {};
  const text = (key: string) => (typeof info[key] === 'string' ? info[key].trim() : '');
  const model = text('DeviceModel');
  if (model === '') throw new CameraEmailError('unreadable', 'LAPI: device information without DeviceModel');
  return {
    vendor: VENDOR,
    brand: text('Manufacturer') || uniview.label,
    model,
    firmware: text('FirmwareVersion'),
    serial: text('SerialNumber'),
    name: text('DeviceName') || undefined,
    mac: text('MAC') || undefined,
    kind: /^[NXD]VR/i.test(model) ? 'recorder' : /^IPC/i.test(model) ? 'camera' : 'unknown',
  };
}

/** A write of the mail settings keeps the password, in case the device has a new key by then. */
interface PinWrite extends DeviceWrite {
  password?: Secret;
}

class UniviewCamera implements Camera {
  readonly #lapi: Lapi;
  #email: DeviceDocument | undefined;
  #key: RsaKey | undefined;
  #linkable: string[] | undefined;

  constructor(
    private readonly http: DeviceHttp,
    private readonly device: DeviceIdentity,
  ) {
    this.#lapi = Lapi.of(http);
  }

  /** By ONVIF: LAPI's own way has the device connect to us. */
  events(signal: AbortSignal): AsyncIterable<RawEvent> {
    return pullEvents(OnvifDevice.guest(this.http), {}, signal);
  }

  eventWarnings(signal: AbortSignal): Promise<Warning[]> {
    return topicWarnings(OnvifDevice.guest(this.http), signal);
  }

  /** Cameras count from 0, recorders from 1. */
  snapshot(channel: number, signal: AbortSignal): Promise<Buffer> {
    const index = this.device.kind === 'recorder' ? channel : channel - 1;
    return this.#lapi.picture(`/LAPI/V1.0/Channels/${index}/Media/Video/Streams/0/Snapshot`, signal);
  }

  async identity(signal: AbortSignal): Promise<DeviceIdentity> {
    const info = (await optional(() => this.#lapi.get(PATHS.deviceBasicInfo, signal))) ?? (await this.#lapi.get(PATHS.deviceInfo, signal));
    return identityFrom(info.data);
  }

  async capabilities(signal: AbortSignal): Promise<EmailCapabilities> {
    const { body } = this.#email ?? (await this.#readEmail(signal));
    this.#key = await optional(() => this.#fetchKey(signal));
    return {
      securities: ['none', 'tls'],
      maxLength: DOCUMENTED_LIMITS.maxLength,
      maxRecipients: recipientSlots(body),
      intervals: DOCUMENTED_LIMITS.intervals,
      attachments: ['none', 'snapshot'],
      events: this.#linkable,
      private: this.#key,
    };
  }

  async read(scope: { events: boolean }, signal: AbortSignal): Promise<EmailReading> {
    const email = await this.#readEmail(signal);
    const reading: EmailReading = { settings: readEmail(email.body), documents: [email] };
    if (!scope.events || this.device.kind === 'recorder') return reading;
    const linkable: string[] = [];
    for (const { type, path } of LINKAGES) {
      const linkage = await optional(async () => {
        const document = await this.#document(path, signal);
        return { document, linked: isLinked(document.body) };
      });
      if (linkage === undefined) continue;
      reading.documents.push(linkage.document);
      reading.settings.events ??= [];
      linkable.push(type);
      if (linkage.linked) reading.settings.events.push(type);
    }
    this.#linkable = linkable;
    return reading;
  }

  plan(reading: EmailReading, wanted: WantedEmail, capabilities: EmailCapabilities): EmailPlan {
    const changes = changesTo(reading.settings, wanted);
    const plan: EmailPlan = { changes, writes: [], warnings: [] };
    const key = capabilities.private as RsaKey | undefined;
    const changed = (...fields: SettingField[]) => changes.some(({ field }) => fields.includes(field));
    const email = reading.documents.find(({ path }) => isEmailPath(path));
    if (email !== undefined && changes.some(({ field }) => field !== 'events')) {
      const withPassword = wanted.authentication && changed('password', 'username', 'server', 'authentication');
      if (withPassword && key === undefined) plan.impossible = { field: 'password', code: 'no-password-key' };
      const secret = withPassword && key !== undefined ? { password: wanted.password, key } : undefined;
      plan.writes.push(emailWrite(email.path, writeEmail(email.body, wanted), secret));
      if (secret !== undefined) plan.warnings.push({ code: 'encrypted-write-doubt' });
    }
    if (wanted.events !== undefined && reading.settings.events !== undefined) {
      plan.writes.push(...eventWrites(reading, wanted.events));
      if (wanted.events.length === 0) plan.warnings.push({ code: 'not-linked' });
    }
    return plan;
  }

  async apply(plan: EmailPlan, signal: AbortSignal): Promise<Warning[]> {
    for (const write of plan.writes as PinWrite[]) await this.#write(write, signal);
    return [];
  }

  async restore(reading: EmailReading, password: Secret | undefined, signal: AbortSignal): Promise<void> {
    for (const { path, body } of reading.documents) {
      if (isEmailPath(path)) {
        const withPassword = password !== undefined && reading.settings.authentication !== false;
        const key = withPassword ? await optional(() => this.#fetchKey(signal)) : undefined;
        await this.#write(emailWrite(path, emailOf(body), withPassword && key !== undefined ? { password, key } : undefined), signal);
        continue;
      }
      const linkage = linkageToRestore(body, (await this.#lapi.get(path, signal)).body);
      if (linkage !== undefined) await this.#lapi.put(path, linkage, signal);
    }
  }

  /** The device tests what it is sent: its own settings with the password. It answers with a code for what went wrong. */
  async sendTestEmail(wanted: WantedEmail, signal: AbortSignal): Promise<TestAnswer> {
    const { body } = this.#email ?? (await this.#readEmail(signal));
    try {
      const key = wanted.authentication ? (this.#key ?? (await optional(() => this.#fetchKey(signal)))) : undefined;
      const secret = key === undefined ? undefined : { password: wanted.password, key };
      const { statusCode, responseCode, words } = await this.#ask(emailWrite(PATHS.emailTest, emailOf(body), secret), signal);
      if (statusCode === STATUS.ok && responseCode === 0) return { accepted: true, deviceSays: words };
      const meaning = TEST_FAILURES[statusCode];
      return meaning === undefined ? { accepted: undefined, deviceSays: words } : { accepted: false, deviceSays: `${words} (${meaning})` };
    } catch (error) {
      if (!isCameraEmailError(error, 'unsupported', 'forbidden', 'busy', 'rejected', 'unreadable')) throw error;
      return { accepted: undefined, deviceSays: error.deviceSays ?? '' };
    }
  }

  async #readEmail(signal: AbortSignal): Promise<DeviceDocument> {
    let refusal: unknown;
    for (const path of PATHS.emails) {
      try {
        const document = await this.#document(path, signal);
        emailOf(document.body);
        this.#email = document;
        return document;
      } catch (error) {
        if (!isCameraEmailError(error, 'unsupported')) throw error;
        refusal ??= error;
      }
    }
    throw refusal;
  }

  async #document(path: string, signal: AbortSignal): Promise<DeviceDocument> {
    const { contentType, body } = await this.#lapi.get(path, signal);
    return { path, contentType, body: withoutPasswords(body) };
  }

  async #fetchKey(signal: AbortSignal): Promise<RsaKey> {
    const key = rsaKeyFrom((await this.#lapi.get(PATHS.rsa, signal)).data);
    encryptPin('', key);
    return key;
  }

  async #write(write: PinWrite, signal: AbortSignal): Promise<void> {
    if (write.password === undefined) await this.#lapi.put(write.path, write.body ?? '', signal);
    else this.#lapi.accept(await this.#ask(write, signal));
  }

  /** As the vendor's page does: a device that has made itself a new key gets the same once more, encrypted with that. */
  async #ask(write: PinWrite, signal: AbortSignal): Promise<LapiAnswer> {
    const send = ({ path, body = '' }: DeviceWrite) =>
      this.#lapi.ask(path, body, signal, path === PATHS.emailTest ? LIMITS.device.testMs : undefined);
    const answer = await send(write);
    if (answer.statusCode !== STATUS.rsaKeyChanged || write.password === undefined) return answer;
    this.#key = await this.#fetchKey(signal);
    const { RSAPublicKey: _key, PIN: _pin, ...email } = JSON.parse(write.body ?? '') as JsonObject;
    return send(emailWrite(write.path, email, { password: write.password, key: this.#key }));
  }
}

function isEmailPath(path: string): boolean {
  return PATHS.emails.some((candidate) => candidate === path);
}

function emailWrite(path: string, email: JsonObject, secret: { password: Secret; key: RsaKey } | undefined): PinWrite {
  const write = { method: 'PUT', path, contentType: JSON_TYPE } as const;
  if (secret === undefined) {
    const body = requestBody(email);
    return { ...write, body, shown: { path, body } };
  }
  const { password, key } = secret;
  return {
    ...write,
    body: requestBody(email, { value: encryptPin(password.reveal(), key), key }),
    shown: { path, body: requestBody(email, { value: MASK, key }) },
    password,
  };
}

function eventWrites(reading: EmailReading, events: readonly string[]): DeviceWrite[] {
  return LINKAGES.flatMap(({ type, path }) => {
    const document = reading.documents.find((candidate) => candidate.path === path);
    const body = document === undefined ? undefined : planLinkage(document.body, events.includes(type));
    return body === undefined ? [] : [{ method: 'PUT', path, contentType: JSON_TYPE, body, shown: { path, body } }];
  });
}
