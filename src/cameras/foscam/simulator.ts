import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Occurrence } from '../../events/source.ts';
import type { EventType } from '../../events/vocabulary.ts';
import type { SimulatorOptions, SimulatorVariant } from '../../sandbox/camera-simulator.ts';
import { interferes } from '../../sandbox/request-faults.ts';
import { SimulatedDevice } from '../../sandbox/simulated-device.ts';
import { parseAnswer } from './cgi.ts';
import { SimulatedView } from './simulator/view.ts';

export interface FoscamSimulatorOptions extends SimulatorOptions {
  /** `new`: knows only the commands that end in `New`; `mangles`: takes the older ones as well and spoils the password. */
  form?: 'old' | 'new' | 'mangles';
  /** The user has the right to see, not to set. */
  visitor?: boolean;
  /** Never tells the mail password. */
  masksPassword?: boolean;
}

const SMTP = ['isEnable', 'server', 'port', 'isNeedAuth', 'tls', 'user', 'password', 'sender', 'reciever'];
const LONGEST: Readonly<Record<string, number>> = { server: 60, user: 63, password: 16, sender: 63 };
const TESTED = ['smtpServer', 'port', 'tls', 'isNeedAuth', 'user', 'password', 'sender'];

const sample = (name: string) =>
  parseAnswer(readFileSync(join(__dirname, 'samples', `${name}.xml`), 'latin1'))?.values ?? new Map<string, string>();

type Verdict = { result: number; values?: Iterable<readonly [string, string]> };

/** A camera that takes a login only as it is written, all parameters or none, and sets what a write of an alarm leaves out to 0. */
export class FoscamSimulator extends SimulatedDevice<FoscamSimulatorOptions> {
  readonly vendor = 'foscam';
  mailPassword = 'the-former-one';
  refusedLogins = 0;
  /** The next answers, whatever is asked. For faults. */
  readonly faults: number[] = [];
  /** Its alarms and pictures. */
  readonly view = new SimulatedView();
  readonly smtp: Map<string, string>;
  readonly alarms: Map<string, Map<string, string>>;
  readonly #form: 'old' | 'new' | 'mangles';

  constructor(options: FoscamSimulatorOptions) {
    super(options);
    this.#form = options.form ?? 'old';
    this.smtp = sample('smtp');
    this.smtp.delete('password');
    this.alarms =
      this.#form === 'old'
        ? new Map([
            ['MotionDetectConfig', sample('motion')],
            ['AudioAlarmConfig', sample('audio')],
          ])
        : new Map([['MotionDetectConfig1', sample('motion-new')]]);
  }

  documents(): string {
    return JSON.stringify([[...this.smtp], [...this.alarms].map(([name, values]) => [name, [...values]])]);
  }

  driftServer(host: string): void {
    this.smtp.set('server', host);
  }

  /** Something happens in front of the camera. */
  raise(type: EventType, state: Occurrence['state'], _channel = 1): void {
    this.view.raise(type, state);
  }

  protected handle(request: IncomingMessage, response: ServerResponse): void {
    const [path, query = ''] = (request.url ?? '').split('?');
    if (request.method !== 'GET' || path !== '/cgi-bin/CGIProxy.fcgi') {
      response.writeHead(404, { 'Content-Type': 'text/html' }).end('<html>404 - Not Found</html>');
      return;
    }
    const parameters = new Map(
      query.split('&').map((pair): [string, string] => {
        const at = pair.indexOf('=');
        return [pair.slice(0, at), pair.slice(at + 1)];
      }),
    );
    if (interferes(this.view.faults, response)) return;
    const cmd = parameters.get('cmd');
    void this.#answer(parameters).then(({ result, values = [] }) => {
      if (result === 0 && cmd === 'snapPicture2') {
        this.view.sendPicture(response);
        return;
      }
      const lines = [['result', String(result)] as const, ...values].map(
        ([name, value]) => `    <${name}>${this.#written(value)}</${name}>\n`,
      );
      response.writeHead(200, { 'Content-Type': 'text/plain' });
      response.end(`<CGI_Result>\n${lines.join('')}</CGI_Result>\n`);
    });
  }

  /** Older firmware leaves `&` as it is, newer percent-encodes what XML cannot hold. */
  #written(value: string): string {
    return this.#form === 'old' ? value : value.replace(/[&<>%"]/g, encodeURIComponent);
  }

  async #answer(raw: Map<string, string>): Promise<Verdict> {
    const cmd = raw.get('cmd') ?? '';
    if (!raw.has('usr')) return { result: -1 };
    if (!this.#isLogin(raw)) {
      this.refusedLogins += 1;
      return { result: -2 };
    }
    const fault = this.faults.shift();
    if (fault !== undefined) return { result: fault };
    for (const name of ['cmd', 'usr', 'pwd']) raw.delete(name);
    let parameters: Map<string, string>;
    try {
      parameters = new Map([...raw].map(([name, value]) => [name, decodeURIComponent(value)]));
    } catch {
      return { result: -1 };
    }
    if (cmd === 'getDevInfo') return { result: 0, values: sample(this.#form === 'old' ? 'dev-info' : 'dev-info-new') };
    if (cmd === 'snapPicture2') return { result: this.view.faults.picture === 'refused' ? -4 : 0 };
    return this.options.visitor ? { result: -3 } : this.#run(cmd, parameters);
  }

  /** Nothing is decoded here but what could not be in an address otherwise. */
  #isLogin(raw: Map<string, string>): boolean {
    const { username, password } = this.options.login;
    const plain = (name: string) => (raw.get(name) ?? '').replace(/%(26|3D|2B|23|25|22|3C|3E|5C|20)/g, decodeURIComponent);
    return plain('usr') === username && plain('pwd') === password;
  }

  async #run(cmd: string, parameters: Map<string, string>): Promise<Verdict> {
    const isNew = cmd.endsWith('New');
    const knows = isNew ? this.#form !== 'old' : this.#form !== 'new';
    switch (cmd) {
      case 'getDevState':
        return { result: 0, values: this.view.states() };
      case 'getSMTPConfig':
        return { result: 0, values: this.#told() };
      case 'setSMTPConfig':
      case 'setSMTPConfigNew':
        return knows ? { result: this.#setSmtp(parameters, isNew) } : { result: -3 };
      case 'smtpTest':
      case 'smtpTestNew':
        return knows ? this.#test(parameters, isNew) : { result: -3 };
    }
    const [, verb = '', name = ''] = /^(get|set)(\w+)$/.exec(cmd) ?? [];
    const alarm = this.alarms.get(name);
    if (alarm === undefined) return { result: -3 };
    if (verb === 'get') return { result: 0, values: alarm };
    if ([...parameters.keys()].some((key) => !alarm.has(key)) || ![...parameters.values()].every((value) => /^\d+$/.test(value)))
      return { result: -1 };
    if (!this.forgetsWrites) for (const key of alarm.keys()) alarm.set(key, parameters.get(key) ?? '0');
    return { result: 0 };
  }

  #told(): Map<string, string> {
    const codes = this.#form === 'new' ? [...Buffer.from(this.mailPassword)].join(',') : this.mailPassword;
    const password = this.options.masksPassword ? '******' : codes;
    return new Map(SMTP.map((name) => [name, name === 'password' ? password : (this.smtp.get(name) ?? '')]));
  }

  #setSmtp(parameters: Map<string, string>, isNew: boolean): number {
    const password = this.#password(parameters, isNew);
    const flag = (name: string) => /^[01]$/.test(parameters.get(name) ?? '');
    const port = Number(parameters.get('port'));
    const valid =
      password !== undefined &&
      SMTP.every((name) => parameters.has(name)) &&
      parameters.size === SMTP.length &&
      flag('isEnable') &&
      flag('isNeedAuth') &&
      /^[012]$/.test(parameters.get('tls') ?? '') &&
      Number.isInteger(port) &&
      port > 0 &&
      port < 65536 &&
      Object.entries(LONGEST).every(([name, limit]) => (name === 'password' ? password : (parameters.get(name) ?? '')).length <= limit) &&
      /^([^,\s]*,){3}[^,\s]*$/.test(parameters.get('reciever') ?? '');
    if (!valid) return -1;
    if (this.forgetsWrites) return 0;
    for (const [name, value] of parameters) if (name !== 'password') this.smtp.set(name, value);
    // Newer firmware reads the password as codes, whichever command brings it.
    this.mailPassword = this.#form === 'mangles' && !isNew ? '?' : password;
    return 0;
  }

  #password(parameters: Map<string, string>, isNew: boolean): string | undefined {
    const sent = parameters.get('password') ?? '';
    if (!isNew) return sent;
    return /^(\d{1,3}(,\d{1,3})*)?$/.test(sent) ? Buffer.from(sent === '' ? [] : sent.split(',').map(Number)).toString('utf8') : undefined;
  }

  async #test(parameters: Map<string, string>, isNew: boolean): Promise<Verdict> {
    const password = this.#password(parameters, isNew);
    if (password === undefined || parameters.size !== TESTED.length || !TESTED.every((name) => parameters.has(name))) return { result: -1 };
    const text = (name: string) => parameters.get(name) ?? '';
    const { ok, reply } = await this.options.sendMail({
      brand: 'foscam',
      host: text('smtpServer'),
      port: Number(text('port')),
      security: (['none', 'tls', 'starttls'] as const)[Number(text('tls'))] ?? 'none',
      authentication: text('isNeedAuth') === '1' ? { username: text('user'), password } : undefined,
      from: text('sender'),
      fromName: 'IPCamera',
      to: (this.smtp.get('reciever') ?? '').split(',').filter((address) => address !== ''),
      subject: 'IPCamera mail test',
      body: 'This is a test mail from your camera.',
    });
    if (!isNew) return { result: 0, values: [['testResult', ok ? '0' : '-1']] };
    const code = ok ? '0' : /^53/.test(reply) ? '77' : /^\d/.test(reply) ? '69' : '75';
    return {
      result: 0,
      values: [
        ['testResult', code],
        ['errorMsg', ok ? '' : reply],
      ],
    };
  }
}

export const variants: readonly SimulatorVariant[] = [
  { name: 'camera', create: (options) => new FoscamSimulator({ ...options, form: 'old' }) },
  { name: 'newer camera', create: (options) => new FoscamSimulator({ ...options, form: 'new' }) },
];
