import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, systemClock } from '../core/clock.ts';
import { child, childText, XmlDocument, type XmlElement } from '../http/xml.ts';
import type { DigestGuard } from './digest-guard.ts';
import { PullPointService } from './pull-point-service.ts';
import { fault, soap } from './soap-text.ts';

export interface OnvifServiceOptions {
  login: { username: string; password: string };
  /** Of HTTP logins. */
  guard: DigestGuard;
  /** Where it wants the login: in the message (WS-Security), in HTTP (Digest), in both, or nowhere. */
  loginIn?: 'message' | 'http' | 'both' | 'nowhere' | undefined;
  /** How far its clock is ahead of ours. */
  clockOffsetMs?: number | undefined;
  /** Tells its clock only after a login. */
  hidesClock?: boolean | undefined;
  /** Says in words only that the login is wrong. */
  withoutSubcode?: boolean | undefined;
  lockAfter?: number | undefined;
  clock?: Clock | undefined;
  /** Knows GetCapabilities only. */
  withoutServices?: boolean | undefined;
  /** Tokens of its video sources; each has two profiles. */
  sources?: readonly string[] | undefined;
  /** The answer to GetDeviceInformation. */
  information?: string | undefined;
}

const DATE_AND_TIME = `<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings>
<tt:UTCDateTime><tt:Time><tt:Hour>{hour}</tt:Hour><tt:Minute>{minute}</tt:Minute><tt:Second>{second}</tt:Second></tt:Time>
<tt:Date><tt:Year>{year}</tt:Year><tt:Month>{month}</tt:Month><tt:Day>{day}</tt:Day></tt:Date></tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>`;
const INFORMATION = soap(
  '<tds:GetDeviceInformationResponse><tds:Manufacturer>Example</tds:Manufacturer><tds:Model>EX-1</tds:Model></tds:GetDeviceInformationResponse>',
);

/** How far a token's time may be from the device's clock. */
const TOLERANCE_MS = 5_000;
const PROFILE = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss';

/** The ONVIF side of a simulated device: device, media and event service, and the login of WS-Security. */
export class OnvifService {
  readonly events: PullPointService;
  readonly #clock: Clock;
  readonly #nonces = new Set<string>();
  #refusedTokens = 0;
  /** Changed by somebody in front of the camera. */
  clockOffsetMs: number;

  constructor(private readonly options: OnvifServiceOptions) {
    this.#clock = options.clock ?? systemClock;
    this.clockOffsetMs = options.clockOffsetMs ?? 0;
    this.events = new PullPointService(() => this.#clock.now() + this.clockOffsetMs);
  }

  get refusedTokens(): number {
    return this.#refusedTokens;
  }

  /** True when the request is for one of its services and its answer is under way. `path` has no query. */
  handle(path: string, request: IncomingMessage, response: ServerResponse, body: string): boolean {
    if (!path.startsWith('/onvif/') || request.method !== 'POST') return false;
    const send = (status: number, xml: string) => {
      response.writeHead(status, { 'Content-Type': 'application/soap+xml; charset=utf-8' });
      response.end(xml);
    };
    const { loginIn = 'message', hidesClock = false } = this.options;
    const message = parse(body);
    const operation = message === undefined ? undefined : child(message, 'Body')?.children[0]?.name;
    if (message === undefined || operation === undefined) {
      send(400, fault('ter:WellFormed', 'Well-formed Error'));
      return true;
    }
    const open = loginIn === 'nowhere' || (operation === 'GetSystemDateAndTime' && !hidesClock);
    const inHttp = !open && loginIn !== 'message';
    if (inHttp && this.options.guard.admit(request, response, () => '<html>401 Unauthorized</html>') === undefined) return true;
    const refusal = open || loginIn === 'http' ? undefined : this.#judge(child(message, 'Header', 'Security'));
    if (refusal !== undefined) send(400, refusal);
    else if (path !== '/onvif/device_service' && path !== '/onvif/media') {
      this.events.answer(operation, message, body, request.url ?? '', request, response);
    } else {
      const token = childText(message, 'Body', 'GetSnapshotUri', 'ProfileToken');
      const answer = token === undefined ? this.#answer(operation) : this.#snapshotUri(token);
      send(answer === undefined ? 400 : 200, answer ?? fault('ter:ActionNotSupported', 'Optional Action Not Implemented'));
    }
    return true;
  }

  #answer(operation: string): string | undefined {
    const { withoutServices = false, sources = ['VideoSource_1'], information = INFORMATION } = this.options;
    const address = (path: string) => `http://192.0.2.99:8106:8106/onvif/${path}`;
    switch (operation) {
      case 'GetSystemDateAndTime':
        return this.#dateAndTime();
      case 'GetDeviceInformation':
        return information;
      case 'GetServices': {
        if (withoutServices) return undefined;
        const service = (name: string) =>
          `<tds:Service><tds:Namespace>http://www.onvif.org/ver10/${name}/wsdl</tds:Namespace><tds:XAddr>${address(name)}</tds:XAddr></tds:Service>`;
        return soap(`<tds:GetServicesResponse>${service('media')}${service('events')}</tds:GetServicesResponse>`);
      }
      case 'GetCapabilities': {
        const service = (name: string) => `<tt:${name}><tt:XAddr>${address(name.toLowerCase())}</tt:XAddr></tt:${name}>`;
        return soap(
          `<tds:GetCapabilitiesResponse><tds:Capabilities>${service('Media')}${service('Events')}</tds:Capabilities></tds:GetCapabilitiesResponse>`,
        );
      }
      case 'GetProfiles': {
        const profiles = sources.flatMap((source, index) => [profile(source, index, 'main'), profile(source, index, 'sub')]);
        return soap(`<trt:GetProfilesResponse>${profiles.join('')}</trt:GetProfilesResponse>`);
      }
      default:
        return undefined;
    }
  }

  /** The answer to GetSnapshotUri. */
  #snapshotUri(profileToken: string): string {
    const uri = `http://192.0.2.99/onvif-picture?profile=${profileToken}&amp;quality=80`;
    return soap(`<trt:GetSnapshotUriResponse><trt:MediaUri><tt:Uri>${uri}</tt:Uri></trt:MediaUri></trt:GetSnapshotUriResponse>`);
  }

  /** The fault for a token that is not right to the letter; undefined when it is. */
  #judge(security: XmlElement | undefined): string | undefined {
    const tokens = security?.children.filter(({ name }) => name === 'UsernameToken') ?? [];
    const [token] = tokens;
    const notAuthorized = this.options.withoutSubcode
      ? fault('', 'Sender not authorized')
      : fault('ter:NotAuthorized', 'The action requested requires authorization');
    if (token === undefined) return notAuthorized;
    const { lockAfter = 0, login } = this.options;
    const locked = () => lockAfter > 0 && this.#refusedTokens >= lockAfter;
    const password = child(token, 'Password');
    const nonce = child(token, 'Nonce');
    const created = childText(token, 'Created') ?? '';
    const digest = createHash('sha1')
      .update(Buffer.from(nonce?.text ?? '', 'base64'))
      .update(created + login.password, 'utf8')
      .digest('base64');
    const age = Math.abs(Date.parse(created) - this.#clock.now() - this.clockOffsetMs);
    const right =
      tokens.length === 1 &&
      childText(token, 'Username') === login.username &&
      password?.attributes.Type === `${PROFILE}-username-token-profile-1.0#PasswordDigest` &&
      nonce?.attributes.EncodingType === `${PROFILE}-soap-message-security-1.0#Base64Binary` &&
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(created) &&
      age <= TOLERANCE_MS &&
      !this.#nonces.has(nonce.text) &&
      password.text === digest;
    if (right && !locked()) {
      this.#nonces.add(nonce.text);
      return undefined;
    }
    if (!locked()) this.#refusedTokens += 1;
    return locked() ? fault('ter:NotAuthorized', 'The account is locked') : notAuthorized;
  }

  #dateAndTime(): string {
    const now = new Date(this.#clock.now() + this.clockOffsetMs);
    const values = {
      hour: now.getUTCHours(),
      minute: now.getUTCMinutes(),
      second: now.getUTCSeconds(),
      year: now.getUTCFullYear(),
      month: now.getUTCMonth() + 1,
      day: now.getUTCDate(),
    };
    return soap(DATE_AND_TIME).replace(/\{(\w+)\}/g, (_, name: keyof typeof values) => String(values[name]));
  }
}

function profile(source: string, index: number, kind: string): string {
  const configuration = `<tt:VideoSourceConfiguration token="vsc_${index}"><tt:SourceToken>${source}</tt:SourceToken></tt:VideoSourceConfiguration>`;
  return `<trt:Profiles token="${kind}_${index}">${configuration}</trt:Profiles>`;
}

function parse(body: string): XmlElement | undefined {
  try {
    const { root } = XmlDocument.parse(body);
    return root.name === 'Envelope' ? root : undefined;
  } catch {
    return undefined;
  }
}
