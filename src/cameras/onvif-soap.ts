import { CameraEmailError } from '../core/errors.ts';
import { deviceWords } from '../core/text.ts';
import type { DeviceResponse } from '../http/types.ts';
import { child, childText, XmlDocument, type XmlElement } from '../http/xml.ts';

const SOAP_NAMESPACE = 'http://www.w3.org/2003/05/soap-envelope';

/** A device's answer: the element in its SOAP body, or the fault in its place. */
export type Outcome = { document: XmlDocument; response: XmlElement } | { fault: Fault };

export interface Fault {
  /** The device's own words: code and reason. */
  words: string;
  /** It wants a login, or refuses the one that it got. */
  login: boolean;
  /** The operation is unknown to it. */
  unknown: boolean;
}

/** A SOAP 1.2 request. `content` stands in the operation's element, `header` in the header. */
export function envelope(namespace: string, operation: string, content: string, header: string): string {
  const element = content === '' ? `<${operation} xmlns="${namespace}"/>` : `<${operation} xmlns="${namespace}">${content}</${operation}>`;
  return (
    `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="${SOAP_NAMESPACE}"><s:Header>${header}</s:Header>` +
    `<s:Body>${element}</s:Body></s:Envelope>`
  );
}

/** Faults come with status 400, 401 or 500, or 200: the body counts before the status. Throws for anything but SOAP. */
export function outcomeOf(answer: DeviceResponse): Outcome {
  const soap = soapBody(answer);
  const response = soap?.body.children[0];
  if (soap !== undefined && response !== undefined) {
    return response.name === 'Fault' ? { fault: faultFrom(response) } : { document: soap.document, response };
  }
  const { status } = answer;
  const details = { deviceSays: `HTTP ${status}` };
  if (status === 503) throw new CameraEmailError('busy', `HTTP ${status}`, details);
  if (status >= 400) throw new CameraEmailError('unsupported', `HTTP ${status}`, details);
  throw new CameraEmailError('unreadable', 'an answer without a SOAP body');
}

/** Undefined for anything but SOAP. */
export function soapBody(answer: DeviceResponse): { document: XmlDocument; body: XmlElement } | undefined {
  try {
    const document = XmlDocument.parse(answer.body.toString('latin1'));
    const body = document.root.name === 'Envelope' ? child(document.root, 'Body') : undefined;
    return body === undefined ? undefined : { document, body };
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
  return { words, login: /auth/i.test(words), unknown: codes.some((one) => /ActionNotSupported|NoSuchService$/.test(one)) };
}

/** The device's words when it refused the login, with a fault or with a bare status. */
export function refusalIn(answer: DeviceResponse): string | undefined {
  const response = soapBody(answer)?.body.children[0];
  const fault = response?.name === 'Fault' ? faultFrom(response) : undefined;
  if (answer.status === 401) return fault?.words ?? 'HTTP 401';
  return fault?.login ? fault.words : undefined;
}

/** Throws what a fault says. */
export function resultOf(outcome: Outcome): { document: XmlDocument; response: XmlElement } {
  if ('response' in outcome) return outcome;
  const { words, login, unknown } = outcome.fault;
  throw new CameraEmailError(login ? 'forbidden' : unknown ? 'unsupported' : 'rejected', `the device refused: ${words}`, {
    deviceSays: words,
  });
}

/** The parts of tt:DateTime as epoch ms; undefined when one is missing. */
export function utcTime(utc: XmlElement | undefined): number | undefined {
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

/** xs:dateTime as epoch ms; UTC where the device leaves the zone out. */
export function timeOf(text: string | undefined): number | undefined {
  const time = Date.parse(/T[\d:.]+$/.test(text ?? '') ? `${text}Z` : (text ?? ''));
  return Number.isNaN(time) ? undefined : time;
}
