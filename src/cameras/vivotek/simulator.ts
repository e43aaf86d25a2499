import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { SimulatorOptions, SimulatorVariant } from '../../sandbox/camera-simulator.ts';
import { DigestGuard } from '../../sandbox/digest-guard.ts';
import { OnvifService } from '../../sandbox/onvif-service.ts';
import { SimulatedDevice } from '../../sandbox/simulated-device.ts';
import { simulatedJpeg } from '../../sandbox/simulated-jpeg.ts';

export interface VivotekSimulatorOptions extends SimulatorOptions {
  /** The factory setting of older firmware. */
  basic?: boolean;
  /** Firmware without TLS for mail. */
  withoutSsl?: boolean;
  /** What the test page says; nobody has recorded it. */
  testWords?: { ok: string; failed: string };
  /** A user without the right `admin`. */
  viewerOnly?: boolean;
  /** The password of its ONVIF user, when that is another. */
  onvifPassword?: string;
  /** ONVIF is switched off. */
  withoutOnvif?: boolean;
  /** Tokens of its video sources. */
  sources?: readonly string[];
}

const TOPICS: Readonly<Record<string, readonly [topic: string, item: string]>> = {
  motion: ['tns1:VideoSource/MotionAlarm', 'State'],
  tamper: ['tns1:RuleEngine/TamperDetector/Tamper', 'IsTamper'],
  'alarm-input': ['tns1:Device/Trigger/DigitalInput', 'LogicalState'],
};

export const sample = (name: string): string => readFileSync(join(__dirname, 'samples', name), 'utf8');

const REALM = 'streaming_server';
const UNAUTHORIZED = '<html><head><title>401 Unauthorized</title></head><body>Protected Object</body></html>';
const INVALID = 'ERROR: Invalid command!\r\n';

/** A camera that answers by name only: unknown parameters and values are an ERROR with status 200, and nothing is written. */
export class VivotekSimulator extends SimulatedDevice<VivotekSimulatorOptions> {
  readonly vendor = 'vivotek';
  readonly guard: DigestGuard;
  readonly onvif: OnvifService;
  readonly parameters: Map<string, string>;
  /** The body of its pictures; always HTTP 200. */
  image: Buffer | string = simulatedJpeg(506);
  #refusedBasic = 0;

  constructor(options: VivotekSimulatorOptions) {
    super(options);
    const lines = ['system', 'servers', 'events'].flatMap((name) => sample(`${name}.txt`).trim().split('\n'));
    const pairs = lines.map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 2, -1)]);
    this.parameters = new Map(pairs.filter(([key]) => !(options.withoutSsl && key.endsWith('_sslmode'))));
    const { username, password } = options.login;
    this.guard = new DigestGuard({ realm: REALM, users: { [username]: password }, algorithm: 'MD5' });
    const { onvifPassword = password, sources } = options;
    this.onvif = new OnvifService({ login: { username, password: onvifPassword }, guard: this.guard, sources });
  }

  documents(): string {
    return [...this.parameters].map(([key, value]) => `${key}='${key.endsWith('_email_passwd') ? '' : value}'`).join('\n');
  }

  get mailPassword(): string {
    return this.#mailParameter('passwd');
  }

  get refusedLogins(): number {
    return this.guard.counts.refused + this.#refusedBasic + this.onvif.refusedTokens;
  }

  /** Something begins or ends on a channel (from 1). */
  raise(type: string, state: 'active' | 'inactive' = 'active', channel = 1): void {
    const [topic, item] = TOPICS[type] ?? [`tns1:RuleEngine/Example/${type}`, 'State'];
    const input = type === 'alarm-input';
    const source: Record<string, string> = input ? { InputToken: 'DI_1' } : { VideoSourceConfigurationToken: `vsc_${channel - 1}` };
    this.onvif.events.notify({ topic, operation: 'Changed', source, data: { [item]: String(state === 'active') } });
  }

  driftServer(host: string): void {
    this.parameters.set(`${this.#mailPrefix()}address`, host);
  }

  protected handle(request: IncomingMessage, response: ServerResponse, content: Buffer): void {
    const body = content.toString('utf8');
    const [path = '', query = ''] = (request.url ?? '').split('?');
    if (!this.options.withoutOnvif && this.onvif.handle(path, request, response, body)) return;
    const send = (status: number, text: string) => {
      response.writeHead(status, { 'Content-Type': status === 200 ? 'text/plain' : 'text/html' });
      response.end(text);
    };
    if (path === '/cgi-bin/viewer/video.jpg' || path === '/onvif-picture') {
      if (this.#admit(request, response)) this.#picture(response);
      return;
    }
    const [, right, page] = /^\/cgi-bin\/(viewer|admin)\/(\w+)\.cgi$/.exec(path) ?? [];
    if (page === undefined || !/^((get|set)param|testserver)$/.test(page)) {
      send(404, '<html>404</html>');
      return;
    }
    if (!this.#admit(request, response)) return;
    if (right === 'admin' && this.options.viewerOnly) send(403, '<html>403</html>');
    else if (page === 'getparam') send(200, this.#read(query));
    else if (right !== 'admin') send(403, '<html>403</html>');
    else if (page === 'setparam') send(200, this.#write(request.method === 'POST' ? body : query));
    else void this.#test(new URLSearchParams(query)).then((text) => send(200, text));
  }

  #picture(response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': typeof this.image === 'string' ? 'text/html' : 'image/jpeg' });
    response.end(this.image);
  }

  #admit(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.options.basic) return this.#admitBasic(request, response);
    return this.guard.admit(request, response, () => UNAUTHORIZED) !== undefined;
  }

  #admitBasic(request: IncomingMessage, response: ServerResponse): boolean {
    const { username, password } = this.options.login;
    const { authorization } = request.headers;
    if (authorization === `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`) return true;
    if (authorization !== undefined) this.#refusedBasic += 1;
    response.writeHead(401, { 'WWW-Authenticate': `Basic realm="${REALM}"`, 'Content-Type': 'text/html' });
    response.end(UNAUTHORIZED);
    return false;
  }

  #read(query: string): string {
    const lines = query.split('&').map((group) => [...this.parameters].filter(([key]) => key === group || key.startsWith(`${group}_`)));
    if (lines.some((found) => found.length === 0)) return INVALID;
    const masked = (key: string, value: string) => (/_email_passwd$/.test(key) && value !== '' ? '********' : value);
    return lines
      .flat()
      .map(([key, value]) => `${key}='${masked(key, value)}'\r\n`)
      .join('');
  }

  #write(form: string): string {
    const pairs = form.split('&').map((pair) => pair.split('=').map(decodeURIComponent)) as [string, string | undefined][];
    if (pairs.some(([key, value]) => !this.parameters.has(key) || value === undefined || !isValid(key, value))) return INVALID;
    if (!this.forgetsWrites) for (const [key, value = ''] of pairs) this.parameters.set(key, value);
    return pairs.map(([key, value]) => `${key}='${value}'\r\n`).join('');
  }

  async #test(query: URLSearchParams): Promise<string> {
    if (query.get('type') !== 'email' || !query.has('address') || !query.has('recipientemail')) return INVALID;
    const port = Number(query.get('port'));
    const username = query.get('username');
    const { ok, reply } = await this.options.sendMail({
      brand: 'vivotek',
      host: query.get('address') ?? '',
      port,
      security: query.get('sslmode') !== '1' ? 'none' : port === 587 ? 'starttls' : 'tls',
      authentication: username === null ? undefined : { username, password: query.get('passwd') ?? '' },
      from: query.get('senderemail') ?? '',
      fromName: '',
      to: (query.get('recipientemail') ?? '').split(/[;,]/),
      subject: 'Test mail',
      body: 'This is a test mail.',
    });
    const { testWords = { ok: 'The email has been sent successfully', failed: 'Sending the email failed' } } = this.options;
    return ok ? testWords.ok : `${testWords.failed} ${reply}`;
  }

  /** The first named mail slot, else the first mail slot. */
  #mailPrefix(): string {
    const slots = [0, 1, 2, 3, 4].filter((index) => this.parameters.get(`server_i${index}_type`) === 'email');
    return `server_i${slots.find((index) => this.parameters.get(`server_i${index}_name`) !== '') ?? slots[0]}_email_`;
  }

  #mailParameter(name: string): string {
    return this.parameters.get(`${this.#mailPrefix()}${name}`) ?? '';
  }
}

export const variants: readonly SimulatorVariant[] = [
  { name: 'camera', create: (options) => new VivotekSimulator(options) },
  { name: 'older camera', create: (options) => new VivotekSimulator({ ...options, basic: true }) },
];

function isValid(key: string, value: string): boolean {
  if (/_(enable|sslmode|passive)$/.test(key)) return value === '0' || value === '1';
  if (/_port$/.test(key)) return /^\d{1,5}$/.test(value) && Number(value) <= 65535;
  if (/_type$/.test(key)) return /^(email|ftp|http|ns)$/.test(value);
  if (/_name$/.test(key)) return value.length <= 40;
  return !/['\r\n]/.test(value);
}
