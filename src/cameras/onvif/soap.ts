import { createHash, randomBytes } from 'node:crypto';
import { type Clock, systemClock } from '../../core/clock.ts';
import { CameraEmailError } from '../../core/errors.ts';
import { deviceWords } from '../../core/text.ts';
import type { DeviceHttp, DeviceLogin, DeviceResponse } from '../../http/types.ts';
import { child, childText, escapeXml, XmlDocument, type XmlElement } from '../../http/xml.ts';

const DEVICE_SERVICE = '/onvif/device_service';
const DEVICE_NAMESPACE = 'http://www.onvif.org/ver10/device/wsdl';
const SOAP_NAMESPACE = 'http://www.w3.org/2003/05/soap-envelope';
const WSS = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss';

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

/** A device's answer: the element in its SOAP body, or the fault in its place. */
type Outcome = { response: XmlElement } | { fault: Fault };

interface Fault {
  /** The device's own words: code and reason. */
  words: string;
  /** It wants a login, or refuses the one that it got. */
  login: boolean;
}

/** The device service of one ONVIF device. */
export class OnvifDevice {
  /** The device's clock minus ours, in ms. */
  #offsetMs: number | undefined;
  /** It has answered in SOAP: a bare 401 from it is about the login, and not from a device of another kind. */
  #speaksSoap = false;

  constructor(
    private readonly http: DeviceHttp,
    private readonly clock: Clock = systemClock,
  ) {}

  /**
   * The device's clock minus ours, in ms, to the second. 0 when the device tells its clock to nobody without a login.
   * Rejects with `unreadable` or `unsupported` when this is no ONVIF device.
   */
  async clockOffset(signal: AbortSignal): Promise<number> {
    const answer = await this.#send('GetSystemDateAndTime', '', false, signal);
    const told = answer.status === 401 ? undefined : utcFrom(outcomeOf(answer));
    const date = Date.parse(answer.headers.date ?? '');
    const deviceTime = told ?? (Number.isNaN(date) ? undefined : date);
    this.#offsetMs = deviceTime === undefined ? 0 : deviceTime - this.clock.now();
    return this.#offsetMs;
  }

  /** GetDeviceInformation: Manufacturer, Model, FirmwareVersion, SerialNumber, HardwareId. Logs in once, in the way that the device wants. */
  async deviceInformation(signal: AbortSignal): Promise<XmlElement> {
    const operation = 'GetDeviceInformation';
    const offset = this.#offsetMs ?? (await this.clockOffset(signal));
    const first = await this.#send(operation, '', false, signal);
    if (first.status === 401 && /digest|basic/i.test(first.headers['www-authenticate'] ?? '')) {
      const outcome = outcomeOf(await this.#send(operation, '', true, signal));
      // The HTTP login was right, so the password is; some devices want it in the message, too.
      if (!('fault' in outcome) || !outcome.fault.login) return result(outcome);
      return result(outcomeOf(await this.#send(operation, this.#securityHeader(offset), true, signal)));
    }
    const open = first.status === 401 && this.#speaksSoap ? undefined : outcomeOf(first);
    if (open !== undefined && !('fault' in open && open.fault.login)) return result(open);
    this.http.assertLoginAllowed();
    const answer = await this.#send(operation, this.#securityHeader(offset), false, signal);
    const words = refusalIn(answer);
    if (words === undefined) return result(outcomeOf(answer));
    if (/\block(ed|out)?\b/i.test(words)) throw this.http.deviceLocked(undefined, words);
    throw this.http.loginRefused(words);
  }

  #securityHeader(offset: number): string {
    if (this.http.login.username === '') {
      throw new CameraEmailError('unauthorized', 'the device wants a login and none is given', { params: { host: this.http.host } });
    }
    return securityHeader(this.http.login, new Date(this.clock.now() + offset), randomBytes(16));
  }

  async #send(operation: string, header: string, authenticate: boolean, signal: AbortSignal): Promise<DeviceResponse> {
    const body =
      `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="${SOAP_NAMESPACE}"><s:Header>${header}</s:Header>` +
      `<s:Body><${operation} xmlns="${DEVICE_NAMESPACE}"/></s:Body></s:Envelope>`;
    const headers = { 'Content-Type': `application/soap+xml; charset=utf-8; action="${DEVICE_NAMESPACE}/${operation}"` };
    const answer = await this.http.request({ method: 'POST', path: DEVICE_SERVICE, headers, body, authenticate }, signal);
    this.#speaksSoap ||= envelopeBody(answer) !== undefined;
    return answer;
  }
}

/** Faults come with status 400, 401 or 500, or 200: the body counts before the status. Throws for anything but SOAP. */
function outcomeOf(answer: DeviceResponse): Outcome {
  const body = envelopeBody(answer);
  const response = body?.children[0];
  if (response !== undefined) return response.name === 'Fault' ? { fault: faultFrom(response) } : { response };
  const { status } = answer;
  const details = { deviceSays: `HTTP ${status}` };
  if (status === 503) throw new CameraEmailError('busy', `HTTP ${status}`, details);
  if (status >= 400) throw new CameraEmailError('unsupported', `HTTP ${status}`, details);
  throw new CameraEmailError('unreadable', 'an answer without a SOAP body');
}

function envelopeBody(answer: DeviceResponse): XmlElement | undefined {
  try {
    const { root } = XmlDocument.parse(answer.body.toString('latin1'));
    return root.name === 'Envelope' ? child(root, 'Body') : undefined;
  } catch {
    return undefined;
  }
}

/** SOAP 1.2, with 1.1's names for devices that answer in it. */
function faultFrom(fault: XmlElement): Fault {
  const codes: string[] = [];
  for (let code = child(fault, 'Code'); code !== undefined; code = child(code, 'Subcode')) codes.push(childText(code, 'Value') ?? '');
  const reason = childText(fault, 'Reason', 'Text') ?? childText(fault, 'faultstring') ?? '';
  const code = codes.at(-1) ?? childText(fault, 'faultcode') ?? '';
  const words = deviceWords([code.slice(code.indexOf(':') + 1), reason].filter((part) => part !== '').join(' – '));
  // Many devices leave the subcode NotAuthorized out and say it in words only.
  return { words, login: /auth/i.test(words) };
}

/** The device's words when it refused the login, with a fault or with a bare status. */
function refusalIn(answer: DeviceResponse): string | undefined {
  const response = envelopeBody(answer)?.children[0];
  const fault = response?.name === 'Fault' ? faultFrom(response) : undefined;
  if (answer.status === 401) return fault?.words ?? 'HTTP 401';
  return fault?.login ? fault.words : undefined;
}

function result(outcome: Outcome): XmlElement {
  if ('response' in outcome) return outcome.response;
  const { words, login } = outcome.fault;
  throw new CameraEmailError(login ? 'forbidden' : 'rejected', `the device refused: ${words}`, { deviceSays: words });
}

/** Epoch ms; undefined when the device does not tell its time in UTC. */
function utcFrom(outcome: Outcome): number | undefined {
  if ('fault' in outcome) return undefined;
  const utc = child(outcome.response, 'SystemDateAndTime', 'UTCDateTime');
  const number = (...path: string[]) => Number(childText(utc, ...path) ?? Number.NaN);
  const time = Date.UTC(
    number('Date', 'Year'),
    number('Date', 'Month') - 1,
    number('Date', 'Day'),
    number('Time', 'Hour'),
    number('Time', 'Minute'),
    number('Time', 'Second'),
  );
  return Number.isNaN(time) ? undefined : time;
}
