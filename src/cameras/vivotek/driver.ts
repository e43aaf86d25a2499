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
import { fetchJpeg } from '../jpeg.ts';
import { OnvifDevice } from '../onvif-device.ts';
import { OnvifPictures } from '../onvif-media.ts';
import { pullEvents, topicWarnings } from '../pull-point.ts';
import { encodePairs, PATHS, type Pairs, type Parameters, VivotekCgi, withoutPasswords } from './cgi.ts';
import { mailSlot, parametersToRestore, readSlot, recipientSeparator, slotParameters } from './email.ts';
import { linkageToRestore, planLinkage, readLinkage } from './linkage.ts';

const VENDOR = 'vivotek';
const LABEL = 'Vivotek';
const MASK = '•';

export const vivotek: CameraDriver<typeof VENDOR> = {
  vendor: VENDOR,
  label: LABEL,
  brands: [LABEL],
  evidence: 'public code',
  experimentalTest: true,
  async identify(http, signal) {
    const cgi = new VivotekCgi(http);
    const { status, headers } = await cgi.probe(PATHS.info, signal);
    if (status !== 200 && status !== 401) return undefined;
    const isHinted = /streaming_server/i.test(headers['www-authenticate'] ?? '');
    try {
      return identityFrom((await cgi.read(PATHS.info, signal)).parameters);
    } catch (error) {
      // Plain http with Basic ends the search for a Vivotek, but must not for a device of another make.
      const foreign = isCameraEmailError(error, 'unsupported', 'unreadable', 'rejected', 'forbidden');
      if (foreign || (!isHinted && isCameraEmailError(error, 'plain-http'))) return undefined;
      throw error;
    }
  },
  open: (http) => new VivotekCamera(http),
};

function identityFrom(parameters: Parameters): DeviceIdentity {
  const text = (key: string) => (parameters.get(`system_info_${key}`) ?? '').trim();
  const model = text('modelname');
  if (model === '') throw new CameraEmailError('unreadable', 'getparam: no model name');
  const serial = text('serialnumber');
  return {
    vendor: VENDOR,
    brand: LABEL,
    model,
    firmware: text('firmwareversion'),
    serial,
    // The serial number of a Vivotek is its MAC address.
    mac: /^[0-9a-f]{12}$/i.test(serial) ? (serial.match(/../g) ?? []).join(':') : undefined,
    kind: 'camera',
  };
}

/** What `plan` needs to know about the transport; travels in EmailCapabilities.private. */
interface Transport {
  plain: boolean;
}

class VivotekCamera implements Camera {
  readonly #cgi: VivotekCgi;
  readonly #onvif: OnvifDevice;
  readonly #pictures: OnvifPictures;
  #servers: DeviceDocument | undefined;
  #linkable: string[] | undefined;

  constructor(private readonly http: DeviceHttp) {
    this.#cgi = new VivotekCgi(http);
    this.#onvif = OnvifDevice.guest(http);
    this.#pictures = new OnvifPictures(this.#onvif);
  }

  /** By ONVIF: no stream of the vendor's own is known. */
  events(signal: AbortSignal): AsyncIterable<RawEvent> {
    return pullEvents(this.#onvif, {}, signal);
  }

  eventWarnings(signal: AbortSignal): Promise<Warning[]> {
    return topicWarnings(this.#onvif, signal);
  }

  /** The still-image page has no parameter for a channel that any source names: the other sensors of a device are asked by ONVIF. */
  snapshot(channel: number, signal: AbortSignal): Promise<Buffer> {
    return channel === 1 ? fetchJpeg(this.http, PATHS.picture, signal) : this.#pictures.take(channel, signal);
  }

  async identity(signal: AbortSignal): Promise<DeviceIdentity> {
    return identityFrom((await this.#cgi.read(PATHS.info, signal)).parameters);
  }

  async capabilities(signal: AbortSignal): Promise<EmailCapabilities> {
    const slot = mailSlot((this.#servers ?? (await this.#readServers(signal))).body);
    const transport: Transport = { plain: !this.http.secure };
    return {
      securities: slot.get('email_sslmode') === undefined ? ['none'] : undefined,
      maxRecipients: recipientSeparator(slot) === undefined ? 1 : undefined,
      events: this.#linkable,
      private: transport,
    };
  }

  async read(scope: { events: boolean }, signal: AbortSignal): Promise<EmailReading> {
    const servers = await this.#readServers(signal);
    const slot = mailSlot(servers.body);
    const reading: EmailReading = { settings: readSlot(slot), documents: [servers] };
    if (!scope.events) return reading;
    const events = await this.#readEvents(signal);
    const linkage = events === undefined ? undefined : readLinkage(events.body, slot.index);
    if (events === undefined || linkage === undefined || linkage.available.length === 0) return reading;
    this.#linkable = linkage.available;
    reading.settings.events = linkage.linked;
    reading.documents.push(events);
    return reading;
  }

  plan(reading: EmailReading, wanted: WantedEmail, capabilities: EmailCapabilities): EmailPlan {
    const changes = changesTo(reading.settings, wanted);
    const plan: EmailPlan = { changes, writes: [], warnings: [] };
    const servers = documentAt(reading, PATHS.servers);
    if (servers === undefined) return plan;
    const slot = mailSlot(servers.body);
    if (changes.some(({ field }) => field !== 'events')) {
      plan.writes.push(
        formWrite(
          slotParameters(slot, wanted, wanted.password.reveal()),
          slotParameters(slot, wanted, wanted.authentication ? MASK : undefined),
        ),
      );
      const { plain } = (capabilities.private as Transport | undefined) ?? { plain: false };
      if (plain && wanted.authentication) plan.warnings.push({ code: 'plain-http' });
    }
    const events = documentAt(reading, PATHS.events);
    if (events !== undefined && wanted.events !== undefined) {
      const parameters = planLinkage(events.body, slot.index, wanted.events);
      if (parameters.length > 0) plan.writes.push(formWrite(parameters));
      plan.warnings.push(...eventWarnings(events.body, slot.index, wanted.events));
    }
    return plan;
  }

  async apply(plan: EmailPlan, signal: AbortSignal): Promise<Warning[]> {
    if (plan.writes.some(({ body = '' }) => /_passwd=[^&]/.test(body))) this.#refusePlain();
    for (const { body = '' } of plan.writes) await this.#cgi.write(body, signal);
    return [];
  }

  async restore(reading: EmailReading, password: Secret | undefined, signal: AbortSignal): Promise<void> {
    const writes: DeviceWrite[] = [];
    const servers = documentAt(reading, PATHS.servers);
    if (servers !== undefined) {
      const parameters = parametersToRestore(servers.body, (await this.#readServers(signal)).body, password?.reveal());
      if (parameters.length > 0) writes.push(formWrite(parameters));
    }
    const events = documentAt(reading, PATHS.events);
    const now = events === undefined ? undefined : await this.#readEvents(signal);
    if (events !== undefined && now !== undefined) {
      const parameters = linkageToRestore(events.body, now.body);
      if (parameters.length > 0) writes.push(formWrite(parameters));
    }
    await this.apply({ changes: [], writes, warnings: [] }, signal);
  }

  /**
   * Hands the device's own settings to its test page, with the password. Only its success is believed: the names of the login
   * parameters are not documented, so a failure may be a failure to understand them.
   */
  async sendTestEmail(wanted: WantedEmail, signal: AbortSignal): Promise<TestAnswer> {
    const slot = mailSlot((this.#servers ?? (await this.#readServers(signal))).body);
    const pairs: [string, string][] = ['address', 'port', 'sslmode', 'senderemail'].map((name) => [name, slot.get(`email_${name}`) ?? '']);
    pairs.push(['recipientemail', readSlot(slot).recipients?.join(',') ?? '']);
    const username = slot.get('email_username') ?? '';
    if (username !== '') pairs.push(['username', username], ['passwd', wanted.password.reveal()]);
    // Firmware is known that hands these values to a shell: anything but names, addresses and plain passwords stays away from it.
    if (pairs.some(([, value]) => !/^[\w.@+,-]*$/.test(value))) return { accepted: undefined, deviceSays: '' };
    if (username !== '') this.#refusePlain();
    try {
      const words = await this.#cgi.test(encodePairs([['type', 'email'], ...pairs]), LIMITS.device.testMs, signal);
      return { accepted: /\bsuccess/i.test(words) ? true : undefined, deviceSays: words };
    } catch (error) {
      if (!isCameraEmailError(error, 'unsupported', 'forbidden', 'busy', 'rejected')) throw error;
      return { accepted: undefined, deviceSays: error.deviceSays ?? '' };
    }
  }

  async #readServers(signal: AbortSignal): Promise<DeviceDocument> {
    const { contentType, body } = await this.#cgi.read(PATHS.servers, signal);
    this.#servers = { path: PATHS.servers, contentType, body: withoutPasswords(body) };
    return this.#servers;
  }

  async #readEvents(signal: AbortSignal): Promise<DeviceDocument | undefined> {
    try {
      const { contentType, body } = await this.#cgi.read(PATHS.events, signal);
      return { path: PATHS.events, contentType, body: withoutPasswords(body) };
    } catch (error) {
      if (isCameraEmailError(error, 'unsupported', 'forbidden', 'rejected', 'unreadable')) return undefined;
      throw error;
    }
  }

  #refusePlain(): void {
    if (this.http.secure || this.http.plainChosen) return;
    throw new CameraEmailError('plain-http', 'the device has no encryption for the mail password', { params: { host: this.http.host } });
  }
}

function documentAt(reading: EmailReading, path: string): DeviceDocument | undefined {
  return reading.documents.find((document) => document.path === path);
}

function formWrite(pairs: Pairs, shown: Pairs = pairs): DeviceWrite {
  return {
    method: 'POST',
    path: PATHS.write,
    contentType: 'application/x-www-form-urlencoded',
    body: encodePairs(pairs),
    shown: { path: PATHS.write, body: encodePairs(shown, [MASK]) },
  };
}

function eventWarnings(body: string, slot: number, events: readonly string[]): Warning[] {
  if (events.length === 0) return [{ code: 'not-linked' }];
  const { off, neverDue } = readLinkage(body, slot);
  return [
    ...events.filter((type) => off.includes(type)).map((value) => ({ code: 'detection-off', params: { value } })),
    ...(events.every((type) => neverDue.includes(type)) ? [{ code: 'schedule-empty' }] : []),
  ];
}
