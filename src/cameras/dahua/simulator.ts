import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Occurrence } from '../../events/source.ts';
import type { EventType } from '../../events/vocabulary.ts';
import type { CameraMail, SimulatorOptions, SimulatorVariant } from '../../sandbox/camera-simulator.ts';
import { DigestGuard } from '../../sandbox/digest-guard.ts';
import { SimulatedDevice } from '../../sandbox/simulated-device.ts';
import { SimulatedRpc2 } from './simulator/rpc2.ts';
import { SimulatedView } from './simulator/view.ts';

export interface DahuaSimulatorOptions extends SimulatorOptions {
  kind?: 'camera' | 'recorder' | 'amcrest';
  /** Answers the mail password as stars instead of in clear. */
  masksPassword?: boolean;
  /** Does not decode %5B and %5D in keys. */
  rawBracketsOnly?: boolean;
  /** Switches motion detection off when rules are written. */
  resetsMotion?: boolean;
  test?: 'direct' | 'instance' | 'absent';
  sessionLimit?: number;
  /** A user without the right to configure. */
  readOnlyUser?: boolean;
  /** Closes the connection after every answer and gives every request a nonce of its own. */
  closes?: boolean;
  lockAfter?: number;
}

export const sample = (name: string): string => readFileSync(join(__dirname, 'samples', name), 'utf8');

const BAD_REQUEST = 'Error\r\nBad Request!\r\n';
const NO_AUTHORITY = 'Error\r\nInvalid Authority!\r\n';
const USER_LOCKED = 'Error\r\nUser Locked! Please try again after 30 minutes.\r\n';
const PASSWORD_KEY = 'Email.Password';
const LENGTHS: Readonly<Record<string, number>> = { UserName: 63, Password: 63, Title: 63 };

type Answer = readonly [status: number, body: string];

/** A camera or recorder as strict as the real ones: unknown keys, wrong types, long values and re-encoded keys are refused. */
export class DahuaSimulator extends SimulatedDevice<DahuaSimulatorOptions> {
  readonly vendor = 'dahua';
  readonly guard: DigestGuard;
  readonly rpc: SimulatedRpc2;
  /** Its events and pictures. */
  readonly view = new SimulatedView();
  /** All tables, key by key in the device's order. The mail password's own entry stays empty. */
  readonly config = new Map<string, string>();
  mailPassword = 'old-mail-password';
  readonly #kind: string;

  constructor(options: DahuaSimulatorOptions) {
    super(options);
    this.#kind = options.kind ?? 'camera';
    for (const line of sample(`config-${this.#kind}.txt`).split('\r\n')) {
      const [, key, value = ''] = /^table\.([^=]+)=(.*)$/.exec(line) ?? [];
      if (key !== undefined) this.config.set(key, value);
    }
    const { login, lockAfter, test = 'direct', sessionLimit = 10, sendMail } = options;
    const realm = 'Login to ND021811010001';
    const requestsPerNonce = options.closes ? 1 : undefined;
    this.guard = new DigestGuard({ realm, users: { [login.username]: login.password }, lockAfter, requestsPerNonce });
    this.rpc = new SimulatedRpc2({ login, realm, guard: this.guard, test, sessionLimit, sendMail, mail: () => this.#mail() });
  }

  override close(): Promise<void> {
    this.view.close();
    return super.close();
  }

  documents(): string {
    return [...this.config].map(([key, value]) => `table.${key}=${value}\r\n`).join('');
  }

  get refusedLogins(): number {
    return this.guard.counts.refused;
  }

  driftServer(host: string): void {
    this.config.set('Email.Address', host);
  }

  /** Something happens in front of the camera. */
  raise(type: EventType, state: Occurrence['state'], channel = 1): void {
    this.view.raise(type, state, channel);
  }

  protected handle(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    if (this.options.closes) response.setHeader('Connection', 'close');
    if (request.method === 'POST' && /^\/RPC2(_Login)?$/.test(request.url ?? '')) {
      this.rpc.handle(request, response, body);
      return;
    }
    if (this.guard.admit(request, response, (locked) => (locked ? USER_LOCKED : NO_AUTHORITY)) === undefined) return;
    if (request.method === 'GET' && this.view.answer(request.url ?? '', response)) return;
    const [status, text] = request.method === 'GET' ? this.#answer(request.url ?? '') : [400, BAD_REQUEST];
    response.writeHead(status, { 'Content-Type': 'text/plain;charset=utf-8' });
    response.end(text);
  }

  #answer(target: string): Answer {
    const [page = '', query = ''] = target.split('?');
    const [action = '', ...rest] = query.split('&');
    if (page === '/cgi-bin/magicBox.cgi' && rest.length === 0) return this.#info(action);
    if (page !== '/cgi-bin/configManager.cgi') return [404, ''];
    if (action === 'action=getConfig' && rest.length === 1) return this.#getConfig(/^name=(\w+)$/.exec(rest[0] ?? '')?.[1] ?? '');
    if (action !== 'action=setConfig' || rest.length === 0) return [400, BAD_REQUEST];
    if (this.options.readOnlyUser) return [403, NO_AUTHORITY];
    return this.#setConfig(rest);
  }

  #info(action: string): Answer {
    switch (action) {
      case 'action=getSystemInfo':
        return [200, sample(`system-info-${this.#kind}.txt`)];
      case 'action=getSoftwareVersion':
        return [200, 'version=2.800.0000000.21.R,build:2024-03-11\r\n'];
      case 'action=getMachineName':
        return [200, 'name=FrontDoor\r\n'];
      case 'action=getVendor':
        return this.#kind === 'amcrest' ? [400, BAD_REQUEST] : [200, 'vendor=Dahua\r\n'];
      default:
        return [400, BAD_REQUEST];
    }
  }

  #getConfig(name: string): Answer {
    const lines = [...this.config]
      .filter(([key]) => /^\w+/.exec(key)?.[0] === name)
      .map(([key, value]) => `table.${key}=${this.#told(key, value)}`);
    return lines.length === 0 ? [400, `Error: Error -1 getting param in name=${name}\r\n`] : [200, `${lines.join('\r\n')}\r\n`];
  }

  #told(key: string, value: string): string {
    if (key !== PASSWORD_KEY) return value;
    return this.options.masksPassword && this.mailPassword !== '' ? '******' : this.mailPassword;
  }

  #setConfig(pairs: readonly string[]): Answer {
    const wanted = new Map<string, string>();
    for (const pair of pairs) {
      const split = pair.indexOf('=');
      const key = this.options.rawBracketsOnly ? pair.slice(0, split) : decoded(pair.slice(0, split));
      const value = decoded(pair.slice(split + 1));
      if (split < 1 || key === undefined || value === undefined) return [400, BAD_REQUEST];
      if (wanted.has(key) || !this.#takes(key, value)) return [400, BAD_REQUEST];
      wanted.set(key, value);
    }
    const state = (key: string) => wanted.get(key) ?? this.config.get(key);
    const bothEncryptions = state('Email.SslEnable') === 'true' && state('Email.TlsEnable') === 'true';
    if (bothEncryptions || !this.#versioned(wanted)) return [400, BAD_REQUEST];
    if (this.forgetsWrites) return [200, 'OK\r\n'];
    for (const [key, value] of wanted) {
      if (key === PASSWORD_KEY) this.mailPassword = value;
      else this.config.set(key, value);
    }
    if (this.options.resetsMotion && [...wanted.keys()].some((key) => key.startsWith('VideoAnalyseRule['))) {
      for (const key of ['MotionDetect[0].Enable', 'SmartMotionDetect[0].Enable']) this.config.set(key, 'false');
    }
    return [200, 'OK\r\n'];
  }

  #takes(key: string, value: string): boolean {
    const stored = this.config.get(key);
    if (stored === undefined) return /^Email\.Receivers\[[0-2]\]$/.test(key) && value.length <= 127;
    if (/^(true|false)$/.test(stored)) return /^(true|false)$/.test(value);
    const name = key.slice(key.lastIndexOf('.') + 1);
    if (/^\d+$/.test(stored)) {
      const [least, most] = name === 'Port' ? [1, 65_535] : name === 'SendInterv' ? [0, 3600] : [0, 999_999];
      return /^\d+$/.test(value) && Number(value) >= least && Number(value) <= most;
    }
    if (/\.TimeSection\[/.test(key)) return /^\d \d\d:\d\d:\d\d-\d\d:\d\d:\d\d$/.test(value);
    return Buffer.byteLength(value) <= (LENGTHS[name] ?? 127);
  }

  /** Newer firmware takes MotionDetect's Enable only together with its DetectVersion. */
  #versioned(wanted: ReadonlyMap<string, string>): boolean {
    return [...wanted.keys()].every((key) => {
      const version = key.replace(/^(MotionDetect\[\d+\])\.Enable$/, '$1.DetectVersion');
      return version === key || !this.config.has(version) || wanted.get(version) === this.config.get(version);
    });
  }

  #mail(): CameraMail {
    const text = (key: string) => this.config.get(`Email.${key}`) ?? '';
    const flag = (key: string) => text(key) === 'true';
    return {
      brand: 'dahua',
      host: text('Address'),
      port: Number(text('Port')),
      security: flag('SslEnable') ? 'tls' : flag('TlsEnable') ? 'starttls' : 'none',
      authentication:
        flag('Authentication') && !flag('Anonymous') ? { username: text('UserName'), password: this.mailPassword } : undefined,
      from: text('SendAddress'),
      fromName: '',
      to: [0, 1, 2].map((index) => text(`Receivers[${index}]`)).filter((address) => address !== ''),
      subject: text('Title'),
      body: 'This is a test mail.',
    };
  }
}

export const variants: readonly SimulatorVariant[] = [
  { name: 'camera', create: (options) => new DahuaSimulator({ ...options, kind: 'camera' }) },
  {
    name: 'recorder',
    create: (options) => new DahuaSimulator({ ...options, kind: 'recorder', masksPassword: true, closes: true, test: 'instance' }),
  },
  {
    name: 'Amcrest camera',
    create: (options) =>
      new DahuaSimulator({ ...options, kind: 'amcrest', masksPassword: true, rawBracketsOnly: true, resetsMotion: true, lockAfter: 5 }),
  },
];

/** `+` is no space here. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
