import { CameraEmailError, isCameraEmailError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { Secret } from '../../core/secret.ts';
import type { DeviceHttp } from '../../http/types.ts';
import { childText, type XmlDocument } from '../../http/xml.ts';
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
import { LACKING, optional } from '../optional.ts';
import {
  DOCUMENTED_LIMITS,
  fitsDocumentedLimits,
  readCapabilities,
  readMailing,
  singleMailing,
  withEmptyPassword,
  withoutPassword,
  withPassword,
  writeMailing,
} from './email.ts';
import { Isapi, isFormRefused, PATHS, parseResponseStatus, statusError } from './isapi.ts';
import { DEVICE_WIDE, linkageToRestore, planLinkage, readLinkage } from './linkage.ts';
import { findMailObstacle } from './network.ts';
import { Protection, shownProtected } from './protection.ts';
import { HikvisionView } from './view.ts';

const VENDOR = 'hikvision';
const MASK = '•';
const XML = 'application/xml';

export const hikvision: CameraDriver<typeof VENDOR> = {
  vendor: VENDOR,
  label: 'Hikvision',
  brands: ['Hikvision', 'HiLook', 'Annke', 'LTS', 'HiWatch'],
  evidence: 'recorded',
  async identify(http, signal) {
    try {
      return identityFrom(await Isapi.of(http).deviceInfo(signal));
    } catch (error) {
      // A 403 in the vendor's own words is this vendor's device, and a user without the right to read.
      const foreign = isCameraEmailError(error, 'forbidden') && error.deviceSays?.startsWith('HTTP');
      if (foreign || isCameraEmailError(error, 'unsupported', 'unreadable', 'rejected')) return undefined;
      throw error;
    }
  },
  open: (http, channel, identity) => new HikvisionCamera(http, channel, identity),
};

function identityFrom(document: XmlDocument): DeviceIdentity {
  const { root } = document;
  if (root.name !== 'DeviceInfo') throw new CameraEmailError('unreadable', `deviceInfo: unexpected document <${root.name}>`);
  const text = (name: string) => childText(root, name) ?? '';
  const type = text('deviceType').toLowerCase();
  return {
    vendor: VENDOR,
    brand: text('manufacturer') || hikvision.label,
    model: text('model'),
    firmware: [text('firmwareVersion'), text('firmwareReleasedDate')].filter((part) => part !== '').join(' '),
    serial: text('serialNumber'),
    name: text('deviceName') || undefined,
    mac: text('macAddress') || undefined,
    kind: /nvr|dvr|hybrid/.test(type) ? 'recorder' : /^ip(camera|dome)/.test(type) ? 'camera' : 'unknown',
  };
}

/** What `plan` and `apply` need to know about the transport; travels in EmailCapabilities.private. */
interface Transport {
  plainWarning: boolean;
  /** The fields of the mail login are encrypted one by one. */
  encrypts: boolean;
}

/** What a device told once and will not change while its connection is known: planning and then applying asks it only once. */
const capabilitiesByDevice = new WeakMap<DeviceHttp, ReturnType<typeof readCapabilities>>();

class HikvisionCamera extends HikvisionView implements Camera {
  readonly #isapi: Isapi;
  readonly #protection: Protection;
  #mailing: DeviceDocument | undefined;
  #hasStartTls: boolean | undefined;
  /** Those whose linkage the device showed, once it was read. */
  #events: string[] | undefined;

  constructor(
    private readonly http: DeviceHttp,
    private readonly channel: number,
    private readonly device: DeviceIdentity,
  ) {
    super(http);
    this.#isapi = Isapi.of(http);
    this.#protection = new Protection(http, this.#isapi);
  }

  async identity(signal: AbortSignal): Promise<DeviceIdentity> {
    return identityFrom(await this.#isapi.deviceInfo(signal));
  }

  async capabilities(signal: AbortSignal, toWrite?: Omit<WantedEmail, 'writePassword' | 'channel'>): Promise<EmailCapabilities> {
    const told = capabilitiesByDevice.get(this.http) ?? (await this.#limits(signal, toWrite));
    const sensitive = await this.#protection.fields(signal);
    const limitsFromDevice = Object.values(told?.maxLength ?? {}).some((value) => value !== undefined);
    const transport: Transport = { plainWarning: !this.http.secure && sensitive === undefined, encrypts: sensitive !== undefined };
    return {
      securities: this.#hasStartTls !== false ? undefined : ['none', 'tls'],
      limitsFromDevice,
      maxLength: limitsFromDevice ? told?.maxLength : DOCUMENTED_LIMITS.maxLength,
      maxRecipients: told?.maxRecipients ?? DOCUMENTED_LIMITS.maxRecipients,
      intervals: DOCUMENTED_LIMITS.intervals,
      attachments: ['none', 'snapshot'],
      events: this.#events,
      stickyEvents: [...DEVICE_WIDE],
      private: transport,
    };
  }

  async read(scope: { events: boolean }, signal: AbortSignal): Promise<EmailReading> {
    const mailing = await this.#readMailing(signal);
    const { settings, hasStartTls } = readMailing(mailing.body);
    this.#hasStartTls = hasStartTls;
    const reading: EmailReading = { settings, documents: [mailing] };
    if (scope.events) {
      const triggers = await optional(() => this.#isapi.get(PATHS.triggers, signal), [...LACKING, 'busy']);
      if (triggers !== undefined) {
        const { linked, available } = readLinkage(triggers.body, this.channel);
        reading.settings.events = linked;
        this.#events = available;
        reading.documents.push(triggers);
      }
    }
    return reading;
  }

  plan(reading: EmailReading, wanted: WantedEmail, capabilities: EmailCapabilities): EmailPlan {
    const changes = changesTo(reading.settings, wanted);
    const warnings: Warning[] = [];
    const transport = capabilities.private as Transport | undefined;
    if (transport?.plainWarning) warnings.push({ code: 'plain-http' });
    const plan: EmailPlan = { changes, writes: [], warnings };
    const mailing = this.#documentAt(reading, PATHS.mailingOne) ?? this.#documentAt(reading, PATHS.mailingList);
    if (mailing !== undefined && changes.some(({ field }) => field !== 'events')) {
      plan.writes.push(mailingWrite(mailing, wanted, transport?.encrypts === true));
    }
    const triggers = this.#documentAt(reading, PATHS.triggers);
    if (triggers !== undefined && wanted.events !== undefined) {
      for (const { id, body } of planLinkage(triggers.body, this.channel, wanted.events)) {
        const path = `${this.#isapi.path(PATHS.triggers)}/${encodeURIComponent(id)}`;
        plan.writes.push({ method: 'PUT', path, contentType: XML, body, shown: { path, body: readable(body) } });
      }
    }
    return plan;
  }

  async apply(plan: EmailPlan, signal: AbortSignal): Promise<Warning[]> {
    let reboot = false;
    for (const write of plan.writes) {
      const resource = write.path.slice(this.#isapi.path('').length);
      const answer = resource.startsWith(PATHS.triggers)
        ? await this.#isapi.send('PUT', resource, write.body ?? '', signal)
        : await this.#putMailing(resource, write.body ?? '', signal);
      reboot ||= answer.statusCode === 7;
    }
    return reboot ? [{ code: 'reboot-required' }] : [];
  }

  async restore(reading: EmailReading, password: Secret | undefined, signal: AbortSignal): Promise<void> {
    const mailing = this.#documentAt(reading, PATHS.mailingOne) ?? this.#documentAt(reading, PATHS.mailingList);
    if (mailing !== undefined) {
      const body = password === undefined ? withoutPassword(mailing.body) : withPassword(mailing.body, password.reveal());
      await this.#putMailing(this.#resourceOf(mailing.path), body, signal);
    }
    const triggers = this.#documentAt(reading, PATHS.triggers);
    if (triggers === undefined) return;
    const current = await this.#isapi.get(PATHS.triggers, signal);
    for (const { id, body } of linkageToRestore(triggers.body, current.body)) {
      await this.#isapi.send('PUT', `${PATHS.triggers}/${encodeURIComponent(id)}`, body, signal);
    }
  }

  /**
   * Sends the device's own document back to its test page, with the password. The page's root element is not documented, so the
   * single form, the list form and an empty body are tried until one is not refused for its form.
   */
  async sendTestEmail(wanted: WantedEmail, signal: AbortSignal): Promise<TestAnswer> {
    const { body } = this.#mailing ?? (await this.#readMailing(signal));
    const complete = withPassword(body, wanted.password.reveal());
    const single = singleMailing(complete);
    const forms = single === complete ? [complete, ''] : [single, complete, ''];
    let words = '';
    for (const form of forms) {
      const { resource, body: protectedBody } =
        form === '' ? { resource: PATHS.mailingTest, body: '' } : await this.#protection.protect(PATHS.mailingTest, form, signal);
      const request = {
        method: 'POST' as const,
        resource,
        body: Buffer.from(protectedBody, 'latin1'),
        headers: { 'Content-Type': XML },
      };
      const response = await this.#isapi.ask({ ...request, timeoutMs: LIMITS.device.testMs }, signal);
      const status = parseResponseStatus(response.body.toString('latin1'));
      words = status?.words ?? `HTTP ${response.status}`;
      if (isFormRefused(status, response.status)) continue;
      if (status === undefined) return { accepted: response.status < 300 ? undefined : false, deviceSays: words };
      if (status.statusCode === 0 || status.statusCode === 1) return { accepted: true, deviceSays: words };
      const error = statusError(status, response.status);
      if (error.code === 'locked-out' || error.code === 'not-activated') throw error;
      return { accepted: error.code === 'forbidden' || error.code === 'busy' ? undefined : false, deviceSays: words };
    }
    return { accepted: undefined, sent: false, deviceSays: words };
  }

  mailObstacle(signal: AbortSignal) {
    return findMailObstacle(this.#isapi, signal);
  }

  /** Cameras are read at `mailing/1`, recorders at the list; each falls back to the other. */
  async #readMailing(signal: AbortSignal): Promise<DeviceDocument> {
    const order = this.device.kind === 'recorder' ? [PATHS.mailingList, PATHS.mailingOne] : [PATHS.mailingOne, PATHS.mailingList];
    let refusal: unknown;
    for (const resource of order) {
      try {
        const document = await this.#isapi.get(resource, signal);
        // The document becomes the backup: no password in it, and no mask that would be written back as one.
        this.#mailing = { ...document, body: withEmptyPassword(document.body) };
        return this.#mailing;
      } catch (error) {
        if (!isCameraEmailError(error, 'unsupported', 'forbidden', 'rejected', 'busy')) throw error;
        refusal ??= error;
      }
    }
    throw refusal;
  }

  async #putMailing(resource: string, body: string, signal: AbortSignal) {
    const request = await this.#protection.protect(resource, body, signal);
    return this.#isapi.send('PUT', request.resource, request.body, signal);
  }

  /** What mailing/capabilities says. Nobody need ask for limits when what is to be written fits into the smallest that are documented. */
  async #limits(signal: AbortSignal, toWrite: Parameters<HikvisionCamera['capabilities']>[1]) {
    if (toWrite !== undefined && fitsDocumentedLimits(toWrite)) return undefined;
    const { document, final } = await this.#isapi.find(PATHS.mailingCapabilities, signal, readCapabilities);
    if (document !== undefined || final) capabilitiesByDevice.set(this.http, document ?? {});
    return document;
  }

  #documentAt(reading: EmailReading, resource: string) {
    return reading.documents.find(({ path }) => this.#resourceOf(path) === resource);
  }

  #resourceOf(path: string): string {
    return path.replace(/^\/ISAPI/, '').split('?')[0] ?? path;
  }
}

function mailingWrite({ path, body }: DeviceDocument, wanted: WantedEmail, encrypts: boolean): DeviceWrite {
  return {
    method: 'PUT',
    path,
    contentType: XML,
    body: writeMailing(body, wanted, wanted.password.reveal()),
    // Only a dry run looks at it.
    get shown() {
      const masked = writeMailing(body, wanted, MASK);
      const shown = encrypts ? shownProtected(path, masked, MASK) : { path, body: masked };
      return { path: shown.path, body: readable(shown.body) };
    },
  };
}

/** Bytes as text. */
function readable(body: string): string {
  return Buffer.from(body, 'latin1').toString('utf8');
}
