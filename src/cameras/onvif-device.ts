import { createHash, randomBytes } from 'node:crypto';
import { type Clock, systemClock } from '../core/clock.ts';
import { withDeadline } from '../core/deadline.ts';
import { CameraEmailError, isCameraEmailError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { readBody } from '../http/link.ts';
import type { DeviceHttp, DeviceLogin, DeviceResponse } from '../http/types.ts';
import { child, children, childText, escapeXml, type XmlDocument, type XmlElement } from '../http/xml.ts';
import { envelope, type Outcome, outcomeOf, refusalIn, resultOf, soapBody, utcTime } from './onvif-soap.ts';

const DEVICE_SERVICE = '/onvif/device_service';
const DEVICE_NAMESPACE = 'http://www.onvif.org/ver10/device/wsdl';
const WSS = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss';
/** A token may be this far from the device's clock on all known makes; a clock that moved further explains a refusal. */
const CLOCK_MOVED_MS = 2_000;

/**
 * The login of WS-Security 1.0 (UsernameToken profile, PasswordDigest) as a SOAP header. `created` is by the device's clock:
 * devices refuse tokens that are more than a few seconds old or ahead.
 */
export function securityHeader({ username, password }: DeviceLogin, created: Date, nonce: Buffer): string {
  const at = created.toISOString();
  const digest = createHash('sha1').update(nonce).update(at, 'utf8').update(password.reveal(), 'utf8').digest('base64');
  return (
    `<Security s:mustUnderstand="1" xmlns="${WSS}-wssecurity-secext-1.0.xsd"><UsernameToken><Username>${escapeXml(username)}</Username>` +
    `<Password Type="${WSS}-username-token-profile-1.0#PasswordDigest">${digest}</Password>` +
    `<Nonce EncodingType="${WSS}-soap-message-security-1.0#Base64Binary">${nonce.toString('base64')}</Nonce>` +
    `<Created xmlns="${WSS}-wssecurity-utility-1.0.xsd">${at}</Created></UsernameToken></Security>`
  );
}

export interface SoapCall {
  path: string;
  namespace: string;
  operation: string;
  /** XML inside the operation's element. */
  content?: string;
  /** Default: namespace and operation. */
  action?: string;
  /** XML of further header blocks. */
  header?: string;
  /** The device holds its answer back up to this many ms: asked on a connection of its own, so that nobody else waits. */
  heldMs?: number;
}

export interface SoapAnswer {
  document: XmlDocument;
  response: XmlElement;
}

/** Where the device wants the login; undefined: not known, or not at all for what was asked so far. */
type LoginWay = 'message' | 'http' | 'both';

interface OnvifOptions {
  clock?: Clock;
  /** The login is another service's and good there: what ONVIF says about it must not keep anybody else from using it. */
  guest?: boolean;
  /** The services want the login in HTTP, and tell no clock. */
  httpLogin?: boolean;
}

/** The services of one ONVIF device. Rejects as DeviceHttp does, and with `rejected`, `forbidden` or `unsupported` for faults. */
export class OnvifDevice {
  static readonly #guests = new WeakMap<DeviceHttp, OnvifDevice>();
  readonly clock: Clock;
  readonly #guest: boolean;
  /** The device's clock minus ours, in ms. */
  #offsetMs: number | undefined;
  /** It has answered in SOAP: a bare 401 from it is about the login, and not from a device of another kind. */
  #speaksSoap = false;
  #loginWay: LoginWay | undefined;
  /** Of a guest: not tried again before `retryAt`, because users of ONVIF may be locked, too. */
  #refusal: CameraEmailError | undefined;

  constructor(
    readonly http: DeviceHttp,
    { clock = systemClock, guest = false, httpLogin = false }: OnvifOptions = {},
  ) {
    this.clock = clock;
    this.#guest = guest;
    if (!httpLogin) return;
    this.#loginWay = 'http';
    this.#offsetMs = 0;
  }

  /** For brands with a login of their own, whose ONVIF users may be others. One for each device, so that a refusal is remembered. */
  static guest(http: DeviceHttp): OnvifDevice {
    const device = OnvifDevice.#guests.get(http) ?? new OnvifDevice(http, { guest: true });
    OnvifDevice.#guests.set(http, device);
    return device;
  }

  /**
   * The device's clock minus ours, in ms, to the second. 0 when the device tells its clock to nobody without a login.
   * Rejects with `unreadable` or `unsupported` when this is no ONVIF device.
   */
  async clockOffset(signal: AbortSignal): Promise<number> {
    const answer = await this.#send(deviceCall('GetSystemDateAndTime'), '', false, signal);
    const told = answer.status === 401 ? undefined : utcFrom(outcomeOf(answer));
    const date = Date.parse(answer.headers.date ?? '');
    const deviceTime = told ?? (Number.isNaN(date) ? undefined : date);
    this.#offsetMs = deviceTime === undefined ? 0 : deviceTime - this.clock.now();
    return this.#offsetMs;
  }

  /** The device's time, epoch ms, as far as it is known. */
  get deviceTime(): number {
    return this.clock.now() + (this.#offsetMs ?? 0);
  }

  /** The login was good by HTTP, so that the device's web server knows it. */
  get knownToHttp(): boolean {
    return this.#loginWay === 'http' || this.#loginWay === 'both';
  }

  /** GetDeviceInformation: Manufacturer, Model, FirmwareVersion, SerialNumber, HardwareId. Logs in once, in the way that the device wants. */
  async deviceInformation(signal: AbortSignal): Promise<XmlElement> {
    return (await this.call(deviceCall('GetDeviceInformation'), signal)).response;
  }

  /** Paths of the services, by namespace. Only paths count: devices behind NAT tell addresses that nobody reaches. */
  async services(signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    const add = (namespace: string, address: string | undefined) => {
      const path = pathOf(address ?? '');
      if (namespace !== '' && path !== undefined) found.set(namespace, path);
    };
    try {
      const { response } = await this.call(deviceCall('GetServices', '<IncludeCapability>false</IncludeCapability>'), signal);
      for (const service of children(response, 'Service')) add(childText(service, 'Namespace') ?? '', childText(service, 'XAddr'));
    } catch (error) {
      if (!isCameraEmailError(error, 'unsupported', 'rejected', 'unreadable')) throw error;
    }
    if (found.size > 0) return found;
    // Before 2010 there was no GetServices.
    const { response } = await this.call(deviceCall('GetCapabilities', '<Category>All</Category>'), signal);
    for (const name of ['Events', 'Media']) {
      add(`http://www.onvif.org/ver10/${name.toLowerCase()}/wsdl`, childText(response, 'Capabilities', name, 'XAddr'));
    }
    return found;
  }

  /** Asks in the way that this device is known to want; finds that out at the first call that needs a login. */
  async call(call: SoapCall, signal: AbortSignal): Promise<SoapAnswer> {
    const offset = this.#offsetMs ?? (await this.clockOffset(signal));
    const way = this.#loginWay;
    if (way === undefined) return this.#callFirst(call, offset, signal);
    const send = async (by: number) => {
      if (!this.#guest) this.http.assertLoginAllowed();
      return outcomeOf(await this.#send(call, way === 'http' ? '' : this.#securityHeader(by), way !== 'message', signal));
    };
    const outcome = await send(offset);
    if (!('fault' in outcome) || !outcome.fault.login || way === 'http') return resultOf(outcome);
    const now = await this.clockOffset(signal);
    return resultOf(Math.abs(now - offset) > CLOCK_MOVED_MS ? await send(now) : outcome);
  }

  async #callFirst(call: SoapCall, offset: number, signal: AbortSignal): Promise<SoapAnswer> {
    const first = await this.#send(call, '', false, signal);
    if (first.status === 401 && /digest|basic/i.test(first.headers['www-authenticate'] ?? '')) {
      const outcome = outcomeOf(await this.#send(call, '', true, signal));
      this.#loginWay = 'http';
      // The HTTP login was right, so the password is; some devices want it in the message, too.
      if (!('fault' in outcome) || !outcome.fault.login) return resultOf(outcome);
      const both = outcomeOf(await this.#send(call, this.#securityHeader(offset), true, signal));
      this.#loginWay = 'both';
      return resultOf(both);
    }
    const open = first.status === 401 && this.#speaksSoap ? undefined : outcomeOf(first);
    if (open !== undefined && !('fault' in open && open.fault.login)) return resultOf(open);
    this.#assertGuestAllowed();
    if (!this.#guest) this.http.assertLoginAllowed();
    const answer = await this.#send(call, this.#securityHeader(offset), false, signal);
    const words = refusalIn(answer);
    if (words !== undefined) throw this.#refused(words);
    this.#loginWay = 'message';
    return resultOf(outcomeOf(answer));
  }

  #refused(words: string): CameraEmailError {
    if (this.#guest) {
      const message = `${this.http.host}: this user is none of its ONVIF users`;
      const retryAt = this.clock.now() + LIMITS.device.lockMs;
      const params = { host: this.http.host, field: 'onvif' };
      this.#refusal = new CameraEmailError('forbidden', message, { params, deviceSays: words, retryAt });
      return this.#refusal;
    }
    return /\block(ed|out)?\b/i.test(words) ? this.http.deviceLocked(undefined, words) : this.http.loginRefused(words);
  }

  #assertGuestAllowed(): void {
    if (this.#refusal !== undefined && this.clock.now() < (this.#refusal.retryAt ?? 0)) throw this.#refusal;
  }

  #securityHeader(offset: number): string {
    if (this.http.login.username === '') {
      throw new CameraEmailError('unauthorized', 'the device wants a login and none is given', { params: { host: this.http.host } });
    }
    return securityHeader(this.http.login, new Date(this.clock.now() + offset), randomBytes(16));
  }

  async #send(call: SoapCall, login: string, authenticate: boolean, signal: AbortSignal): Promise<DeviceResponse> {
    const { path, namespace, operation, content = '', action = `${namespace}/${operation}`, header = '', heldMs } = call;
    const request = {
      method: 'POST' as const,
      path,
      headers: { 'Content-Type': `application/soap+xml; charset=utf-8; action="${action}"` },
      body: envelope(namespace, operation, content, header + login),
      authenticate,
      ...(this.#guest && this.#loginWay === undefined ? { judgeRefusal: () => this.#refused('HTTP 401') } : {}),
    };
    if (authenticate) this.#assertGuestAllowed();
    const answer = heldMs === undefined ? await this.http.request(request, signal) : await this.#wait(request, heldMs, signal);
    this.#speaksSoap ||= soapBody(answer) !== undefined;
    return answer;
  }

  async #wait(request: Parameters<DeviceHttp['stream']>[0], heldMs: number, signal: AbortSignal): Promise<DeviceResponse> {
    const message = await this.http.stream({ ...request, timeoutMs: heldMs + LIMITS.events.pullGraceMs }, signal);
    const read = () => readBody(message, LIMITS.device.bodyBytes, this.http.host);
    const body = await withDeadline(LIMITS.device.requestMs, this.http.host, signal, read).finally(() => message.destroy());
    return { status: message.statusCode ?? 0, headers: message.headers, body, text: () => body.toString('utf8') };
  }
}

function deviceCall(operation: string, content?: string): SoapCall {
  return { path: DEVICE_SERVICE, namespace: DEVICE_NAMESPACE, operation, ...(content === undefined ? {} : { content }) };
}

/** The path of an address that a device told. Some have two ports in it. */
export function pathOf(address: string): string | undefined {
  return /^https?:\/\/[^/]+(\/[\x21-\x22\x24-\xff]*)/i.exec(address)?.[1];
}

/** Epoch ms; undefined when the device does not tell its time in UTC. */
function utcFrom(outcome: Outcome): number | undefined {
  return 'fault' in outcome ? undefined : utcTime(child(outcome.response, 'SystemDateAndTime', 'UTCDateTime'));
}
