import { createDecipheriv } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Secret } from '../../core/secret.ts';
import { child, children, childText, XmlDocument } from '../../http/xml.ts';
import type { SimulatorOptions, SimulatorVariant } from '../../sandbox/camera-simulator.ts';
import { DigestGuard } from '../../sandbox/digest-guard.ts';
import { SimulatedDevice } from '../../sandbox/simulated-device.ts';
import { sensitiveFieldsFrom, sensitiveKey } from './sensitive.ts';
import { mailingOf, recipientsOf, sameShape, validMailing } from './simulator/mailing.ts';
import { SimulatedView } from './simulator/view.ts';

export interface HikvisionSimulatorOptions extends SimulatorOptions {
  kind?: 'camera' | 'recorder';
  /** Forms that the undocumented test page of this firmware takes. */
  testForms?: readonly ('single' | 'list' | 'empty')[];
  /** Answers mailing/capabilities and Security/capabilities. */
  withCapabilities?: boolean;
  encryptsFields?: boolean;
  /** A user without the right "Parameters settings". */
  readOnlyUser?: boolean;
  algorithm?: 'MD5' | 'SHA-256';
  qop?: boolean;
  lockAfter?: number;
  /** False: firmware of 2013, whose tree has no /ISAPI. */
  prefix?: boolean;
}

export const sample = (name: string): string => readFileSync(join(__dirname, 'samples', name), 'latin1');

const OK = { status: 200, code: 1, text: 'OK', sub: 'ok' };
type Answer = typeof OK & { message?: string };
const refusal = (status: number, code: number, text: string, sub: string, message?: string): Answer => ({
  status,
  code,
  text,
  sub,
  message,
});
const BAD_CONTENT = refusal(400, 6, 'Invalid XML Content', 'badXmlContent');
const BAD_FORMAT = refusal(400, 5, 'Invalid XML Format', 'badXmlFormat');
const NOT_SUPPORTED = refusal(403, 4, 'Invalid Operation', 'notSupport');
const NO_METHOD = refusal(400, 4, 'Invalid Operation', 'methodNotAllowed');

/** A camera or recorder with the strictness of the real ones: foreign elements, namespaces, values and methods are refused. */
export class HikvisionSimulator extends SimulatedDevice<HikvisionSimulatorOptions> {
  readonly vendor = 'hikvision';
  readonly guard: DigestGuard;
  /** The documents as the device holds them, one character per byte. */
  mailing: string;
  triggers: string;
  ipAddress = sample('ip-address.xml');
  /** What the device knows and never tells. */
  mailPassword = '';
  readonly view = new SimulatedView();

  constructor(options: HikvisionSimulatorOptions) {
    super(options);
    const kind = options.kind ?? 'camera';
    this.mailing = sample(`mailing-${kind}.xml`);
    this.triggers = sample(`triggers-${kind}.xml`);
    const { username, password } = options.login;
    this.guard = new DigestGuard({
      realm: 'IP Camera(00001)',
      users: { [username]: password },
      algorithm: options.algorithm,
      qop: options.qop,
      lockAfter: options.lockAfter,
    });
  }

  override close(): Promise<void> {
    this.view.close();
    return super.close();
  }

  documents(): string {
    return this.mailing + this.triggers;
  }

  get refusedLogins(): number {
    return this.guard.counts.refused;
  }

  driftServer(host: string): void {
    this.mailing = this.mailing.replace(/<hostName>[^<]*</, `<hostName>${host}<`);
  }

  protected handle(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const user = this.guard.admit(request, response, (locked) => lockBody(locked));
    if (user === undefined) return;
    const url = new URL(request.url ?? '/', 'http://device');
    const prefix = this.options.prefix === false ? '' : '/ISAPI';
    const known = url.pathname.startsWith('/ISAPI/') === (prefix !== '');
    const path = known ? url.pathname.slice(prefix.length) : undefined;
    const send = (xml: string, status = 200) => {
      response.writeHead(status, { 'Content-Type': 'application/xml; charset="UTF-8"' });
      response.end(Buffer.from(xml, 'latin1'));
    };
    const answer = (verdict: Answer) => send(this.#status(url.pathname, verdict), verdict.status);
    if (path === undefined) {
      response.writeHead(404).end();
      return;
    }
    if (this.view.answer(request.method ?? '', path, body.toString('latin1'), response)) return;
    if (request.method === 'GET') {
      const document = this.#document(path);
      if (document === undefined)
        answer(path.startsWith('/Event/triggers/') ? refusal(503, 2, 'Device Busy', 'deviceBusy') : NOT_SUPPORTED);
      else send(document);
      return;
    }
    void this.#change(request.method ?? '', path, url.searchParams, body.toString('latin1')).then(answer, () => answer(BAD_FORMAT));
  }

  #document(path: string): string | undefined {
    const { kind = 'camera', withCapabilities = true, encryptsFields = false } = this.options;
    switch (path) {
      case '/System/deviceInfo':
        return sample(`device-info-${kind}.xml`);
      case this.#mailingPath:
        return this.mailing;
      case '/System/Network/mailing/capabilities':
        return withCapabilities ? sample('mailing-capabilities.xml') : undefined;
      case '/Security/capabilities':
        return encryptsFields ? sample('security-capabilities.xml') : undefined;
      case '/System/Network/interfaces/1/ipAddress':
        return this.ipAddress;
      case '/Event/triggers':
        return this.triggers;
      default:
        return undefined;
    }
  }

  get #mailingPath(): string {
    return this.options.kind === 'recorder' ? '/System/Network/mailing' : '/System/Network/mailing/1';
  }

  async #change(method: string, path: string, query: URLSearchParams, body: string): Promise<Answer> {
    if (this.options.readOnlyUser) return refusal(403, 4, 'Invalid Operation', 'lowPrivilege');
    if (path === '/System/Network/mailing/test') return method === 'POST' ? this.#test(query, body) : NO_METHOD;
    if (method !== 'PUT') return NO_METHOD;
    if (path === this.#mailingPath) return this.#putMailing(query, body);
    const trigger = /^\/Event\/triggers\/([\w%-]+)$/.exec(path)?.[1];
    return trigger === undefined ? NOT_SUPPORTED : this.#putTrigger(decodeURIComponent(trigger), body);
  }

  #putMailing(query: URLSearchParams, body: string): Answer {
    const document = this.#decrypted(query, body);
    const sent = XmlDocument.parse(document);
    const stored = XmlDocument.parse(this.mailing);
    if (!sameShape(stored.root, sent.root) || !validMailing(mailingOf(sent))) return BAD_CONTENT;
    const password = childText(mailingOf(sent), 'sender', 'smtp', 'password');
    if (this.forgetsWrites) return OK;
    if (password !== undefined) this.mailPassword = password;
    const element = child(mailingOf(sent), 'sender', 'smtp', 'password');
    if (element !== undefined) sent.remove(element);
    this.mailing = sent.toString();
    return OK;
  }

  #putTrigger(id: string, body: string): Answer {
    const sent = XmlDocument.parse(body);
    const stored = XmlDocument.parse(this.triggers);
    const trigger = stored.root.children.find((candidate) => childText(candidate, 'id') === id);
    if (trigger === undefined) return refusal(503, 2, 'Device Busy', 'deviceBusy');
    if (sent.root.name !== 'EventTrigger' || childText(sent.root, 'id') !== id) return BAD_CONTENT;
    const methods = children(child(sent.root, 'EventTriggerNotificationList'), 'EventTriggerNotification');
    const recurs = this.options.kind !== 'recorder';
    const valid = methods.every(
      (entry) =>
        /^(email|center|record|beep|FTP|IO)$/.test(childText(entry, 'notificationMethod') ?? '') &&
        (childText(entry, 'notificationRecurrence') === 'beginning') === recurs,
    );
    if (!valid || sent.root.attributes.xmlns !== stored.root.attributes.xmlns) return BAD_CONTENT;
    stored.replace(trigger, sent.sourceOf(sent.root).replace(/^<EventTrigger[^>]*>/, '<EventTrigger>'));
    this.triggers = stored.toString();
    return OK;
  }

  async #test(query: URLSearchParams, body: string): Promise<Answer> {
    const form = body === '' ? 'empty' : XmlDocument.parse(body).root.name === 'mailingList' ? 'list' : 'single';
    if (!(this.options.testForms ?? ['single']).includes(form)) return BAD_FORMAT;
    const source = form === 'empty' ? this.mailing : this.#decrypted(query, body);
    const mailing = mailingOf(XmlDocument.parse(source));
    if (!validMailing(mailing)) return BAD_CONTENT;
    const text = (...path: string[]) => childText(mailing, 'sender', ...path) ?? '';
    const password = childText(mailing, 'sender', 'smtp', 'password') ?? this.mailPassword;
    const flag = (name: string) => text('smtp', name) === 'true';
    const result = await this.options.sendMail({
      brand: 'hikvision',
      host: text('smtp', 'hostName') || text('smtp', 'ipAddress'),
      port: Number(text('smtp', 'portNo')),
      security: flag('startTLS') || flag('enableTLS') ? 'starttls' : flag('enableSSL') ? 'tls' : 'none',
      authentication: flag('enableAuthorization') ? { username: text('smtp', 'accountName'), password } : undefined,
      from: text('emailAddress'),
      fromName: text('name'),
      to: recipientsOf(mailing),
      subject: 'Hikvision Mail Test',
      body: 'This is a test e-mail from your device.',
    });
    return result.ok ? OK : refusal(500, 3, 'Device Error', 'deviceError', result.reply);
  }

  #decrypted(query: URLSearchParams, body: string): string {
    if (query.get('security') !== '1') return body;
    const fields = sensitiveFieldsFrom(XmlDocument.parse(sample('security-capabilities.xml')).root);
    if (!this.options.encryptsFields || fields === undefined) throw new Error('this firmware has no encryption');
    const { username, password } = this.options.login;
    const key = Buffer.from(sensitiveKey({ username, password: new Secret(password) }, fields), 'hex');
    const iv = Buffer.from(query.get('iv') ?? '', 'hex');
    const document = XmlDocument.parse(body);
    const smtp = child(mailingOf(document), 'sender', 'smtp');
    for (const name of ['accountName', 'password']) {
      const element = child(smtp, name);
      if (element === undefined || element.text === '') continue;
      const decipher = createDecipheriv('aes-128-cbc', key, iv);
      const base64 = Buffer.concat([decipher.update(Buffer.from(element.text, 'hex')), decipher.final()]).toString('utf8');
      document.setText(element, Buffer.from(base64, 'base64').toString('utf8'));
    }
    return document.toString();
  }

  #status(path: string, { code, text, sub, message }: Answer): string {
    const said = message === undefined ? '' : `<errorCode>805306369</errorCode><errorMsg>${message.replace(/[<>&]/g, '?')}</errorMsg>`;
    return `<?xml version="1.0" encoding="UTF-8"?>\n<ResponseStatus version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema">\n<requestURL>${path}</requestURL>\n<statusCode>${code}</statusCode>\n<statusString>${text}</statusString>\n<subStatusCode>${sub}</subStatusCode>${said}\n</ResponseStatus>\n`;
  }
}

export const variants: readonly SimulatorVariant[] = [
  { name: 'camera', create: (options) => new HikvisionSimulator({ ...options, kind: 'camera', encryptsFields: true }) },
  {
    name: 'recorder',
    create: (options) => new HikvisionSimulator({ ...options, kind: 'recorder', withCapabilities: false, testForms: ['list'] }),
  },
  {
    name: 'old camera',
    create: (options) => new HikvisionSimulator({ ...options, qop: false, prefix: false, withCapabilities: false, testForms: ['empty'] }),
  },
];

function lockBody(locked: boolean): string {
  const lock = locked
    ? '<lockStatus>lock</lockStatus><unlockTime>1800</unlockTime>'
    : '<lockStatus>unlock</lockStatus><retryLoginTime>4</retryLoginTime>';
  return `<userCheck version="1.0"><statusValue>401</statusValue><statusString>Unauthorized</statusString>${lock}</userCheck>`;
}
