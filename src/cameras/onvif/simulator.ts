import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../core/clock.ts';
import { child, childText, XmlDocument, type XmlElement } from '../../http/xml.ts';
import type { SimulatedCamera, SimulatorOptions, SimulatorVariant } from '../../sandbox/camera-simulator.ts';
import { DeviceServer } from '../../sandbox/device-server.ts';
import { DigestGuard } from '../../sandbox/digest-guard.ts';

export interface OnvifSimulatorOptions extends SimulatorOptions {
  /** Where it wants the login: in the message (WS-Security), in HTTP (Digest), in both, or nowhere. */
  loginIn?: 'message' | 'http' | 'both' | 'nowhere';
  /** How far its clock is ahead of ours. */
  clockOffsetMs?: number;
  /** Tells its clock only after a login. */
  hidesClock?: boolean;
  /** Says in words only that the login is wrong. */
  withoutSubcode?: boolean;
  lockAfter?: number;
  clock?: Clock;
}

export const sample = (name: string): string => readFileSync(join(__dirname, 'samples', name), 'utf8');

/** How far a token's time may be from the device's clock. */
const TOLERANCE_MS = 5_000;
const PROFILE = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss';

/** The device service of a camera of an unknown brand. It has no mail settings that anybody could read or write. */
export class OnvifSimulator implements SimulatedCamera {
  readonly vendor = 'onvif';
  readonly server: DeviceServer;
  readonly guard: DigestGuard;
  readonly mailPassword = '';
  forgetsWrites = false;
  #refusedTokens = 0;
  readonly #nonces = new Set<string>();
  readonly #clock: Clock;

  constructor(private readonly options: OnvifSimulatorOptions) {
    const { username, password } = options.login;
    this.#clock = options.clock ?? systemClock;
    this.guard = new DigestGuard({ realm: 'ONVIF', users: { [username]: password } });
    this.server = new DeviceServer(
      (request, response, body) => this.#handle(request, response, body.toString('latin1')),
      options.certificate,
    );
  }

  listen(port?: number): Promise<number> {
    return this.server.listen(port);
  }

  close(): Promise<void> {
    return this.server.close();
  }

  documents(): string {
    return sample('device-information.xml');
  }

  get refusedLogins(): number {
    return this.#refusedTokens + this.guard.counts.refused;
  }

  /** There is no mail server in it. */
  driftServer(): void {}

  #handle(request: IncomingMessage, response: ServerResponse, body: string): void {
    const send = (status: number, xml: string) => {
      response.writeHead(status, { 'Content-Type': 'application/soap+xml; charset=utf-8' });
      response.end(xml);
    };
    if (request.url !== '/onvif/device_service' || request.method !== 'POST') {
      response.writeHead(404).end();
      return;
    }
    const { loginIn = 'message', hidesClock = false } = this.options;
    const message = parse(body);
    const operation = message === undefined ? undefined : child(message, 'Body')?.children[0]?.name;
    if (message === undefined || operation === undefined) {
      send(400, fault('ter:WellFormed', 'Well-formed Error'));
      return;
    }
    const open = loginIn === 'nowhere' || (operation === 'GetSystemDateAndTime' && !hidesClock);
    const inHttp = !open && loginIn !== 'message';
    if (inHttp && this.guard.admit(request, response, () => '<html>401 Unauthorized</html>') === undefined) return;
    const refusal = open || loginIn === 'http' ? undefined : this.#judge(child(message, 'Header', 'Security'));
    if (refusal !== undefined) send(400, refusal);
    else if (operation === 'GetSystemDateAndTime') send(200, this.#dateAndTime());
    else if (operation === 'GetDeviceInformation') send(200, sample('device-information.xml'));
    else send(400, fault('ter:ActionNotSupported', 'Optional Action Not Implemented'));
  }

  /** The fault for a token that is not right to the letter; undefined when it is. */
  #judge(security: XmlElement | undefined): string | undefined {
    const tokens = security?.children.filter(({ name }) => name === 'UsernameToken') ?? [];
    const [token] = tokens;
    const notAuthorized = this.options.withoutSubcode
      ? fault('', 'Sender not authorized')
      : fault('ter:NotAuthorized', 'The action requested requires authorization');
    if (token === undefined) return notAuthorized;
    const { lockAfter = 0, clockOffsetMs = 0, login } = this.options;
    const locked = () => lockAfter > 0 && this.#refusedTokens >= lockAfter;
    const password = child(token, 'Password');
    const nonce = child(token, 'Nonce');
    const created = childText(token, 'Created') ?? '';
    const digest = createHash('sha1')
      .update(Buffer.from(nonce?.text ?? '', 'base64'))
      .update(created + login.password, 'utf8')
      .digest('base64');
    const age = Math.abs(Date.parse(created) - this.#clock.now() - clockOffsetMs);
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
    const now = new Date(this.#clock.now() + (this.options.clockOffsetMs ?? 0));
    const values = {
      hour: now.getUTCHours(),
      minute: now.getUTCMinutes(),
      second: now.getUTCSeconds(),
      year: now.getUTCFullYear(),
      month: now.getUTCMonth() + 1,
      day: now.getUTCDate(),
    };
    return sample('date-and-time.xml').replace(/\{(\w+)\}/g, (_, name: keyof typeof values) => String(values[name]));
  }
}

export const variants: readonly SimulatorVariant[] = [
  { name: 'camera', create: (options) => new OnvifSimulator({ ...options, clockOffsetMs: -7_200_000 }) },
  { name: 'camera with HTTP login', create: (options) => new OnvifSimulator({ ...options, loginIn: 'http' }) },
];

function parse(body: string): XmlElement | undefined {
  try {
    const { root } = XmlDocument.parse(body);
    return root.name === 'Envelope' ? root : undefined;
  } catch {
    return undefined;
  }
}

function fault(subcode: string, reason: string): string {
  const code = subcode === '' ? '' : `<s:Subcode><s:Value>${subcode}</s:Value></s:Subcode>`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:ter="http://www.onvif.org/ver10/error">
  <s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value>${code}</s:Code><s:Reason><s:Text xml:lang="en">${reason}</s:Text></s:Reason></s:Fault></s:Body>
</s:Envelope>
`;
}
