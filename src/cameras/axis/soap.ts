import { CameraEmailError } from '../../core/errors.ts';
import { deviceWords } from '../../core/text.ts';
import type { DeviceHttp, DeviceResponse } from '../../http/types.ts';
import { child, childText, escapeXml, XmlDocument, type XmlElement } from '../../http/xml.ts';
import type { DeviceDocument } from '../driver.ts';

export const SERVICES = '/vapix/services';
const ACTION = 'http://www.axis.com/vapix/ws/action1';
const EVENT = 'http://www.axis.com/vapix/ws/event1';

export type Operation =
  | `Get${'ActionRules' | 'ActionConfigurations' | 'RecipientConfigurations' | 'ActionTemplates' | 'RecipientTemplates' | 'EventInstances'}`
  | `${'Add' | 'Remove'}${'ActionRule' | 'ActionConfiguration' | 'RecipientConfiguration'}`;

/** A SOAP request; `content` and the result have one character per byte (UTF-8). */
export function envelope(operation: Operation, content = ''): string {
  const namespace = namespaceOf(operation);
  return `<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope" xmlns:aa="${namespace}">
<soap:Body><aa:${operation} xmlns="${namespace}">${content}</aa:${operation}></soap:Body>
</soap:Envelope>
`;
}

export function contentTypeOf(operation: Operation): string {
  return `application/soap+xml; action=${namespaceOf(operation)}/${operation}; Charset=UTF-8`;
}

function namespaceOf(operation: Operation): string {
  return operation === 'GetEventInstances' ? EVENT : ACTION;
}

/** Text of an element or attribute, escaped, one character per byte. */
export function encodeText(value: string): string {
  const escaped = escapeXml(value)
    .replaceAll('"', '&quot;')
    .replace(/[\t\r\n]/g, (char) => `&#${char.charCodeAt(0)};`);
  return Buffer.from(escaped, 'utf8').toString('latin1');
}

/** The text that an attribute's source stands for. */
export function decodeText(source: string): string {
  return source.includes('<') ? source : XmlDocument.parse(`<v>${source}</v>`).root.text;
}

/** The answer inside a SOAP body. Throws what a fault says, and `unreadable` for anything else. */
export function openAnswer(body: string, operation: Operation): { document: XmlDocument; answer: XmlElement } {
  const document = XmlDocument.parse(body);
  const [answer] = child(document.root, 'Body')?.children ?? [];
  if (document.root.name !== 'Envelope' || answer === undefined) {
    throw new CameraEmailError('unreadable', `${operation}: not a SOAP answer but <${deviceWords(document.root.name, 50)}>`);
  }
  if (answer.name === 'Fault') throw faultError(answer, operation);
  if (answer.name !== `${operation}Response`)
    throw new CameraEmailError('unreadable', `${operation}: answered by <${deviceWords(answer.name, 80)}>`);
  return { document, answer };
}

function faultError(fault: XmlElement, operation: Operation): CameraEmailError {
  const code = child(fault, 'Code');
  const name = childText(code, 'Subcode', 'Subcode', 'Value') ?? childText(code, 'Subcode', 'Value') ?? childText(code, 'Value') ?? '';
  const deviceSays = deviceWords([name, childText(fault, 'Reason', 'Text') ?? ''].filter((word) => word !== '').join(' – '));
  const message = `${operation}: ${deviceSays}`;
  if (/NotAuthorized|OperationProhibited/i.test(name)) return new CameraEmailError('forbidden', message, { deviceSays });
  if (/NotSupported|NotImplemented|UnknownAction/i.test(name)) return new CameraEmailError('unsupported', message, { deviceSays });
  return new CameraEmailError('rejected', message, { deviceSays });
}

/** The web services and pages of one device. */
export class Vapix {
  constructor(readonly http: DeviceHttp) {}

  /** The answer to a request without content, byte for byte. */
  async get(operation: Operation, signal: AbortSignal): Promise<DeviceDocument> {
    const { body, contentType } = await this.#post(envelope(operation), operation, signal);
    openAnswer(body, operation);
    return { path: SERVICES, contentType, body };
  }

  /** A change; resolves with the ID that the device gave, or nothing for a removal. */
  async change(operation: Operation, body: string, signal: AbortSignal): Promise<string | undefined> {
    const { answer } = openAnswer((await this.#post(body, operation, signal)).body, operation);
    const id = childText(answer, 'ConfigurationID') ?? childText(answer, 'RuleID');
    if (operation.startsWith('Add') && !/^\w+$/.test(id ?? ''))
      throw new CameraEmailError('unreadable', `${operation}: no ID in the answer`);
    return id;
  }

  /** Sets a virtual input. False: it stood so already. Undefined: there is no such input. */
  async setVirtualInput(port: number, active: boolean, signal: AbortSignal): Promise<boolean | undefined> {
    const path = `/axis-cgi/virtualinput/${active ? 'activate' : 'deactivate'}.cgi?schemaversion=1&port=${port}`;
    const response = await this.http.request({ method: 'GET', path }, signal);
    refuseStatus(response, path);
    const { root } = XmlDocument.parse(response.body.toString('latin1'));
    const error = child(root, 'Error', 'GeneralError');
    if (childText(error, 'ErrorCode') === '20') return undefined;
    const changed = childText(child(root, 'Success')?.children[0], 'StateChanged');
    if (changed === undefined) {
      const deviceSays = deviceWords(childText(error, 'ErrorDescription') ?? root.name);
      throw new CameraEmailError(error === undefined ? 'unreadable' : 'rejected', `virtual input ${port}: ${deviceSays}`, { deviceSays });
    }
    return changed === 'true';
  }

  async #post(body: string, operation: Operation, signal: AbortSignal): Promise<{ body: string; contentType: string | undefined }> {
    const headers = { 'Content-Type': contentTypeOf(operation) };
    const response = await this.http.request({ method: 'POST', path: SERVICES, headers, body: Buffer.from(body, 'latin1') }, signal);
    const text = response.body.toString('latin1');
    // Faults come with 400 or 500: what the body says counts more.
    if (!/<[\w:.-]*Envelope\b/.test(text)) refuseStatus(response, operation);
    return { body: text, contentType: response.headers['content-type'] };
  }
}

function refuseStatus({ status }: DeviceResponse, what: string): void {
  if (status < 400) return;
  const details = { deviceSays: `HTTP ${status}` };
  const code = status === 403 ? 'forbidden' : status === 503 ? 'busy' : [404, 405, 501].includes(status) ? 'unsupported' : 'rejected';
  throw new CameraEmailError(code, `${what}: HTTP ${status}`, details);
}
