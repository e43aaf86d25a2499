import { type Clock, systemClock } from '../../core/clock.ts';
import { CameraEmailError, isCameraEmailError } from '../../core/errors.ts';
import { abortError } from '../../core/lane.ts';
import { LIMITS } from '../../core/limits.ts';
import type { Secret } from '../../core/secret.ts';
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
import { optional } from '../optional.ts';
import { DOCUMENTED_LIMITS, hasLogin, type Parameters, readSmtp, smtpParameters, smtpSettings, smtpToRestore } from './email.ts';
import { linkageToRestore, planLinkage, readLinkage } from './linkage.ts';
import { encryptPassword } from './password.ts';
import { PATHS, parseAnswer, Sunapi, sunapiPath, withoutPasswords } from './sunapi.ts';
import { addressesOf, firstGroup, readUsers, stepsToAddresses, stepsToUsers, type UserStep } from './users.ts';
import { HanwhaView } from './view.ts';

const VENDOR = 'hanwha';
const LABEL = 'Hanwha Vision';
const MASK = '•';

export const hanwha: CameraDriver<typeof VENDOR> = {
  vendor: VENDOR,
  label: LABEL,
  brands: [LABEL, 'Wisenet', 'Samsung Techwin'],
  evidence: 'vendor document',
  experimentalTest: true,
  async identify(http, signal) {
    const sunapi = new Sunapi(http);
    const status = await sunapi.status(signal);
    if (status?.Initialized === false || status?.Initialized === 'False') {
      throw new CameraEmailError('not-activated', 'the device has no password yet', { params: { host: http.host } });
    }
    try {
      return identityFrom((await sunapi.view(PATHS.deviceInfo, signal)).body);
    } catch (error) {
      if (status === undefined && isCameraEmailError(error, 'unsupported', 'unreadable', 'rejected', 'forbidden')) return undefined;
      throw error;
    }
  },
  open: (http, channel, identity) => openHanwha(http, channel, identity, systemClock),
};

/** As `hanwha.open`, with the clock that the wait between two looks at a test goes by. */
export function openHanwha(http: DeviceHttp, channel: number, identity: DeviceIdentity, clock: Clock): Camera {
  return new HanwhaCamera(http, channel, identity.kind, clock);
}

function identityFrom(body: string): DeviceIdentity {
  const { record } = parseAnswer(body);
  const text = (key: string) => String(record[key] ?? '').trim();
  if (record.Model === undefined || record.FirmwareVersion === undefined) {
    throw new CameraEmailError('unreadable', 'deviceinfo: an answer without Model and FirmwareVersion');
  }
  const type = text('DeviceType');
  return {
    vendor: VENDOR,
    brand: LABEL,
    model: text('Model'),
    firmware: text('FirmwareVersion'),
    serial: text('SerialNumber'),
    name: text('DeviceName') || undefined,
    mac: text('ConnectedMACAddress') || undefined,
    kind: type === 'NWC' ? 'camera' : /^[NDX]VR$/.test(type) ? 'recorder' : 'unknown',
  };
}

/** What `plan` has to know and cannot ask; travels in EmailCapabilities.private. */
interface Transport {
  /** The connection is not encrypted. */
  plain: boolean;
  /** The device's answer with the key for passwords. */
  key: string | undefined;
}

class HanwhaCamera extends HanwhaView implements Camera {
  readonly #sunapi: Sunapi;
  #key: Promise<string | undefined> | undefined;

  constructor(
    private readonly http: DeviceHttp,
    private readonly channel: number,
    private readonly kind: DeviceIdentity['kind'],
    private readonly clock: Clock,
  ) {
    super(http);
    this.#sunapi = new Sunapi(http);
  }

  async identity(signal: AbortSignal): Promise<DeviceIdentity> {
    return identityFrom((await this.#sunapi.view(PATHS.deviceInfo, signal)).body);
  }

  async capabilities(signal: AbortSignal): Promise<EmailCapabilities> {
    return {
      securities: ['none', 'tls'],
      maxLength: DOCUMENTED_LIMITS.maxLength,
      maxRecipients: this.kind === 'recorder' ? undefined : await this.#maxRecipients(signal),
      private: await this.#transport(signal),
    };
  }

  async read(scope: { events: boolean }, signal: AbortSignal): Promise<EmailReading> {
    const smtp = await this.#view(PATHS.smtp, signal);
    const record = readSmtp(smtp.body);
    const reading: EmailReading = { settings: smtpSettings(record), documents: [smtp] };
    if (record.Recipient === undefined) {
      const users = await optional(() => this.#view(PATHS.users, signal));
      const groups = users === undefined ? undefined : await optional(() => this.#view(PATHS.groups, signal));
      if (users !== undefined) reading.settings.recipients = addressesOf(usersIn(users));
      reading.documents.push(...[users, groups].filter((document) => document !== undefined));
    }
    if (scope.events) {
      const rules =
        (await optional(() => this.#view(PATHS.eventRules, signal))) ?? (await optional(() => this.#view(PATHS.complexActions, signal)));
      const linkage = rules === undefined ? undefined : readLinkage(rules.body, this.channel, this.kind);
      if (rules !== undefined && linkage !== undefined && linkage.available.length > 0) {
        reading.settings.events = linkage.linked;
        reading.documents.push(rules);
      }
    }
    return reading;
  }

  plan(reading: EmailReading, wanted: WantedEmail, capabilities: EmailCapabilities): EmailPlan {
    const changes = changesTo(reading.settings, wanted);
    const transport = transportIn(capabilities);
    const plan: EmailPlan = { changes, writes: [], warnings: [] };
    const smtp = documentOf(reading, PATHS.smtp);
    if (smtp !== undefined) {
      const parameters = smtpParameters(readSmtp(smtp.body), changes, wanted);
      const needsPassword = wanted.authentication && (parameters.length > 0 || changes.some(({ field }) => field === 'password'));
      if (parameters.length > 0 || needsPassword) {
        plan.writes.push(smtpWrite(parameters, needsPassword ? wanted.password : undefined, transport));
        if (needsPassword && transport.plain && transport.key === undefined) plan.warnings.push({ code: 'plain-http' });
      }
    }
    const users = documentOf(reading, PATHS.users);
    if (users !== undefined && wanted.recipients !== undefined && changes.some(({ field }) => field === 'recipients')) {
      const groups = documentOf(reading, PATHS.groups);
      const group = groups === undefined ? undefined : firstGroup(groups.body);
      plan.writes.push(...stepsToAddresses(usersIn(users), wanted.recipients, group).map(userWrite));
    }
    plan.warnings.push(...this.#planEvents(reading, wanted, plan.writes), ...plusAddresses(wanted));
    return plan;
  }

  async apply(plan: EmailPlan, signal: AbortSignal): Promise<Warning[]> {
    this.#refusePlain(plan.writes);
    for (const { method, path, body } of plan.writes)
      await this.#sunapi.send({ method, path, ...(body === undefined ? {} : { body }) }, signal);
    return [];
  }

  async restore(reading: EmailReading, password: Secret | undefined, signal: AbortSignal): Promise<void> {
    const writes: DeviceWrite[] = [];
    const smtp = documentOf(reading, PATHS.smtp);
    if (smtp !== undefined) {
      const before = readSmtp(smtp.body);
      const parameters = smtpToRestore(before, readSmtp((await this.#view(PATHS.smtp, signal)).body));
      const secret = hasLogin(before) ? password : undefined;
      if (parameters.length > 0 || secret !== undefined) writes.push(smtpWrite(parameters, secret, await this.#transport(signal)));
    }
    const users = documentOf(reading, PATHS.users);
    if (users !== undefined) {
      const now = usersIn(await this.#view(PATHS.users, signal));
      writes.push(...stepsToUsers(now, usersIn(users)).map(userWrite));
    }
    const rules = documentOf(reading, PATHS.eventRules) ?? documentOf(reading, PATHS.complexActions);
    if (rules !== undefined) {
      const now = await this.#view(rules.path.replace('&action=view', ''), signal);
      writes.push(...linkageToRestore(rules.body, now.body).map(plainWrite));
    }
    await this.apply({ changes: [], writes, warnings: [] }, signal);
  }

  /** The device tests what it holds; the vendor's page looks once a second while it says `Trying`. */
  async sendTestEmail(_wanted: WantedEmail, signal: AbortSignal): Promise<TestAnswer> {
    const until = this.clock.now() + LIMITS.device.testMs;
    for (;;) {
      let status: string;
      try {
        status = await this.#sunapi.test(signal);
      } catch (error) {
        if (!isCameraEmailError(error, 'unsupported', 'forbidden', 'busy')) throw error;
        return { accepted: undefined, deviceSays: error.deviceSays ?? error.message };
      }
      if (status === 'Success') return { accepted: true, deviceSays: status };
      if (status !== 'Trying') return { accepted: false, deviceSays: status };
      if (this.clock.now() >= until) return { accepted: undefined, deviceSays: status };
      await this.clock.sleep(LIMITS.device.testPollMs, signal).catch(() => {
        throw abortError(signal);
      });
    }
  }

  #planEvents(reading: EmailReading, wanted: WantedEmail, writes: DeviceWrite[]): Warning[] {
    const rules = documentOf(reading, PATHS.eventRules) ?? documentOf(reading, PATHS.complexActions);
    if (rules === undefined || wanted.events === undefined) return [];
    const events = wanted.events;
    const { available, off } = readLinkage(rules.body, this.channel, this.kind);
    writes.push(...planLinkage(rules.body, this.channel, this.kind, events).map(plainWrite));
    return [
      ...(events.length === 0 ? [{ code: 'not-linked' }] : []),
      ...events.filter((type) => !available.includes(type)).map((value) => ({ code: 'event-not-available', params: { value } })),
      ...events.filter((type) => off.includes(type)).map((value) => ({ code: 'detection-off', params: { value } })),
    ];
  }

  async #view(path: string, signal: AbortSignal): Promise<DeviceDocument> {
    const document = await this.#sunapi.view(path, signal);
    return { ...document, body: withoutPasswords(document.body) };
  }

  async #maxRecipients(signal: AbortSignal): Promise<number> {
    const page = (await optional(() => this.#sunapi.page(PATHS.attributes, signal))) ?? '';
    const told = Number(/SMTP\.MaxRecipients"?[^<>]*?\bvalue="?(\d+)/.exec(page)?.[1] ?? Number.NaN);
    return told > 0 ? told : DOCUMENTED_LIMITS.maxRecipients;
  }

  async #transport(signal: AbortSignal): Promise<Transport> {
    return { plain: !this.http.secure, key: this.http.secure ? undefined : await this.#passwordKey(signal) };
  }

  #passwordKey(signal: AbortSignal): Promise<string | undefined> {
    this.#key ??= optional(async () => {
      const { body } = await this.#sunapi.view(PATHS.rsa, signal);
      encryptPassword('', body);
      return body;
    });
    this.#key.catch(() => {
      this.#key = undefined;
    });
    return this.#key;
  }

  #refusePlain(writes: readonly DeviceWrite[]): void {
    if (this.http.secure || this.http.plainChosen || !writes.some(({ path }) => path.includes('&Password='))) return;
    throw new CameraEmailError('plain-http', 'the device has no encryption for the mail password', { params: { host: this.http.host } });
  }
}

function transportIn(capabilities: EmailCapabilities): Transport {
  return (capabilities.private as Transport | undefined) ?? { plain: false, key: undefined };
}

function documentOf(reading: EmailReading, path: string): DeviceDocument | undefined {
  return reading.documents.find((document) => document.path === sunapiPath(path, 'view'));
}

function usersIn(document: DeviceDocument) {
  return readUsers(document.body);
}

/** An encrypted password is the whole body of a POST, a plain one the last parameter. */
function smtpWrite(parameters: Parameters, password: Secret | undefined, transport: Transport): DeviceWrite {
  const path = sunapiPath(PATHS.smtp, 'set', parameters);
  if (password === undefined) return plainWrite(path);
  if (transport.key !== undefined) {
    const encrypted = `${path}&IsPasswordEncrypted=True`;
    const body = encryptPassword(password.reveal(), transport.key);
    return { method: 'POST', path: encrypted, body, shown: { path: encrypted, body: MASK } };
  }
  return {
    method: 'GET',
    path: sunapiPath(PATHS.smtp, 'set', [...parameters, ['Password', password.reveal()]]),
    shown: { path: `${path}&Password=${MASK}` },
  };
}

function userWrite({ list, action, parameters }: UserStep): DeviceWrite {
  return plainWrite(sunapiPath(PATHS[list], action, parameters));
}

function plainWrite(path: string): DeviceWrite {
  return { method: 'GET', path, shown: { path } };
}

/** The character set of the vendor's page has no plus sign. */
function plusAddresses({ sender, username, recipients = [] }: WantedEmail): Warning[] {
  const addresses = new Set([sender, username, ...recipients].filter((address) => address.includes('+')));
  return [...addresses].map((value) => ({ code: 'plus-address', params: { value } }));
}
