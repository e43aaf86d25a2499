import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Occurrence } from '../../events/source.ts';
import type { EventType } from '../../events/vocabulary.ts';
import type { SimulatorOptions, SimulatorVariant } from '../../sandbox/camera-simulator.ts';
import { interferes } from '../../sandbox/request-faults.ts';
import { SimulatedDevice } from '../../sandbox/simulated-device.ts';
import { isObject, type JsonObject } from './answer.ts';
import { securityOf } from './email.ts';
import { isRefusal, mergedSchedule, part, type Reply, type Result, refuse, sample, wrongInEmail } from './simulator/rules.ts';
import { SimulatedView } from './simulator/view.ts';

const NOT_SUPPORTED = refuse(-9, 'not support');
const LOGIN_FIRST = refuse(-6, 'please login first');
const PARAM_ERROR = refuse(-4, 'param error');
const OK: JsonObject = { value: { rspCode: 200 } };
const TESTED = ['addr1', 'addr2', 'addr3', 'interval', 'nickName', 'password', 'smtpPort', 'smtpServer', 'ssl', 'userName'];

export interface ReolinkSimulatorOptions extends SimulatorOptions {
  kind?: 'camera' | 'recorder' | 'old';
  /** Sessions that may be open at a time. */
  maxSessions?: number;
  /** False: firmware that has no Login. */
  tokens?: boolean;
  /** Takes name and password in the query of any command. */
  shortSessions?: boolean;
  /** Refused logins after which the account is locked. */
  lockAfter?: number;
  /** What the ability says of the schedule's version, right or wrong; null: it says nothing. */
  scheduleVersion?: 0 | 1 | null;
  /** False: the user may read but not write. */
  mayWrite?: boolean;
  /** False: no TestEmail. */
  tests?: boolean;
  /** Channels (from 0) with a battery. */
  batteries?: readonly number[];
  /** Commands for states that this firmware knows. */
  states?: readonly string[];
}

/** A device with the strictness of the real ones, down to schedules that lose what a write leaves out and a Logout that poisons logins. */
export class ReolinkSimulator extends SimulatedDevice<ReolinkSimulatorOptions> {
  readonly vendor = 'reolink';
  mailPassword = '';
  refusedLogins = 0;
  /** Tokens in use, with what each login was given. */
  readonly tokens = new Set<string>();
  /** Logins that were answered with a token. */
  logins = 0;
  /** After a Logout without a valid token, every later token is refused. */
  poisoned = false;
  /** The next answers, whatever is asked. For faults. */
  readonly faults: Reply[] = [];
  /** Its states and pictures. */
  readonly view: SimulatedView;
  readonly #kind: 'camera' | 'recorder' | 'old';
  readonly #email: JsonObject;
  readonly #schedules: { schedule: JsonObject; scheduleEnable: unknown }[];

  constructor(options: ReolinkSimulatorOptions) {
    super(options);
    this.#kind = options.kind ?? 'camera';
    this.#email = { ...part(part(sample(`email-${this.#kind}`), 'value'), 'Email') };
    if (this.#email.password !== '') this.mailPassword = 'the-former-one';
    const channels = this.#kind === 'recorder' ? [0, 1] : [0];
    this.#schedules = channels.map((channel) => {
      const schedule = structuredClone(part(this.#email, 'schedule'));
      if ('channel' in schedule) schedule.channel = channel;
      return { schedule, scheduleEnable: this.#email.scheduleEnable };
    });
    const states = { camera: ['GetMdState', 'GetAiState'], recorder: ['GetEvents'], old: ['GetMdState'] };
    this.view = new SimulatedView(options.states ?? states[this.#kind], channels.length);
  }

  documents(): string {
    const { password: _never, schedule: _below, scheduleEnable: _too, ...shared } = this.#email;
    return JSON.stringify({ ...shared, channels: this.#schedules });
  }

  driftServer(host: string): void {
    this.#email.smtpServer = host;
  }

  /** Something happens in front of the camera. */
  raise(type: EventType, state: Occurrence['state'], channel = 1): void {
    this.view.raise(type, state, channel);
  }

  /** Commands as they came, in order, without those of the session. */
  commands(): string[] {
    return this.server.requests.map(({ path }) => new URL(path, 'http://device').searchParams.get('cmd') ?? '');
  }

  protected handle(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const url = new URL(request.url ?? '/', 'http://device');
    if (interferes(this.view.faults, response)) return;
    if (request.method === 'GET' && url.searchParams.get('cmd') === 'Snap') {
      this.#snap(url.searchParams, response);
      return;
    }
    if (request.method !== 'POST' || !/^(\/cgi-bin)?\/api\.cgi$/.test(url.pathname)) {
      response.writeHead(404, { 'Content-Type': 'text/html' }).end('<html><body>404</body></html>');
      return;
    }
    void this.#answers(url.searchParams, body.toString('utf8')).then((answers) => {
      response.writeHead(200, { 'Content-Type': 'text/html' });
      response.end(JSON.stringify(answers, null, 3));
    });
  }

  #snap(query: URLSearchParams, response: ServerResponse): void {
    const refusal = this.#admit(query) ?? this.view.noPicture(Number(query.get('channel')));
    if (refusal === undefined) this.view.sendPicture(response);
    else response.writeHead(200, { 'Content-Type': 'text/html' }).end(JSON.stringify([answerTo('Snap', refusal)]));
  }

  async #answers(query: URLSearchParams, body: string): Promise<unknown[]> {
    let commands: unknown;
    try {
      commands = JSON.parse(body);
    } catch {
      commands = undefined;
    }
    if (!Array.isArray(commands)) return [{ cmd: query.get('cmd') ?? 'Unknown', code: 1, error: { detail: 'msg error', rspCode: -1 } }];
    const answers: unknown[] = [];
    for (const item of commands) {
      const cmd = isObject(item) && typeof item.cmd === 'string' ? item.cmd : '';
      const result =
        this.faults.shift() ?? (cmd === query.get('cmd') ? await this.#run(cmd, part(item, 'param'), item, query) : PARAM_ERROR);
      answers.push(answerTo(cmd, result));
    }
    return answers;
  }

  async #run(cmd: string, param: JsonObject, item: unknown, query: URLSearchParams): Promise<Result> {
    if (cmd === 'Login') return this.#logIn(part(param, 'User'));
    const refusal = this.#admit(query);
    if (refusal !== undefined) {
      if (cmd === 'Logout') this.poisoned = true;
      return refusal;
    }
    const version = this.#kind === 'old' ? '' : 'V20';
    const action = isObject(item) ? item.action : undefined;
    switch (cmd) {
      case 'Logout':
        this.tokens.delete(query.get('token') ?? '');
        return OK;
      case 'GetDevInfo':
        return { value: sample(`dev-info-${this.#kind}`).value };
      case 'GetAbility':
        return part(param, 'User').userName === this.options.login.username ? { value: this.#ability() } : PARAM_ERROR;
      case `GetEmail${version}`:
        return this.#getEmail(param.channel, action);
      case `SetEmail${version}`:
        return this.#setEmail(param, action);
      case 'TestEmail':
        return this.options.tests === false ? NOT_SUPPORTED : this.#testEmail(part(param, 'Email'));
      default:
        return this.view.states(cmd, param.channel) ?? NOT_SUPPORTED;
    }
  }

  #logIn({ userName, password, Version }: JsonObject): Result {
    const { tokens = true, maxSessions = 8 } = this.options;
    if (!tokens) return NOT_SUPPORTED;
    if (Version !== undefined && Version !== '0') return PARAM_ERROR;
    if (this.tokens.size >= maxSessions) return refuse(-5, 'max session');
    const refusal = this.#check(userName, password);
    if (refusal !== undefined) return refusal;
    this.logins += 1;
    const name = `42da7586d7b8${this.logins}`;
    this.tokens.add(name);
    return { value: { Token: { leaseTime: 3600, name } } };
  }

  #check(userName: unknown, password: unknown): Reply | undefined {
    const { login, lockAfter = 5 } = this.options;
    if (this.refusedLogins >= lockAfter) return refuse(-506, 'Login has been locked');
    if (userName === login.username && password === login.password) return undefined;
    this.refusedLogins += 1;
    return userName === login.username ? refuse(-7, 'login failed') : refuse(-27, 'invalid user');
  }

  #admit(query: URLSearchParams): Reply | undefined {
    if (query.has('token')) return !this.poisoned && this.tokens.has(query.get('token') ?? '') ? undefined : LOGIN_FIRST;
    if (!query.has('user') || this.options.shortSessions === false) return LOGIN_FIRST;
    return this.#check(query.get('user'), query.get('password'));
  }

  #ability(): unknown {
    const ability = sample(`ability-${this.#kind}`).value;
    const { scheduleVersion, batteries = [] } = this.options;
    const { abilityChn } = part(ability, 'Ability');
    if (Array.isArray(abilityChn)) for (const index of batteries) abilityChn[index].battery = { permit: 6, ver: 1 };
    if (scheduleVersion === null) delete part(ability, 'Ability').scheduleVersion;
    else if (scheduleVersion !== undefined) part(part(ability, 'Ability'), 'scheduleVersion').ver = scheduleVersion;
    return ability;
  }

  #getEmail(channel: unknown, action: unknown): Result {
    const held = this.#schedules[typeof channel === 'number' ? channel : -1];
    if (held === undefined) return refuse(-49, 'channel id invalid');
    const Email: JsonObject = { ...this.#email, schedule: held.schedule, password: this.mailPassword === '' ? '' : '******' };
    if ('scheduleEnable' in Email) Email.scheduleEnable = held.scheduleEnable;
    const { initial, range } = sample(`email-${this.#kind}`);
    return action === 1 ? { initial, range, value: { Email } } : { value: { Email } };
  }

  #setEmail(param: JsonObject, action: unknown): Result {
    if (this.options.mayWrite === false) return refuse(-26, 'ability error');
    const sent = part(param, 'Email');
    if (action !== 0 || Object.keys(param).join() !== 'Email' || Object.keys(sent).length === 0) return PARAM_ERROR;
    const range = part(part(sample(`email-${this.#kind}`), 'range'), 'Email');
    const wrong = wrongInEmail(sent, this.#email, part(this.#schedules[0], 'schedule'), range);
    if (wrong !== undefined) return wrong;
    const { password, schedule, scheduleEnable, ...shared } = sent;
    const channel = isObject(schedule) && typeof schedule.channel === 'number' ? schedule.channel : 0;
    const held = this.#schedules[channel];
    if (held === undefined) return refuse(-49, 'channel id invalid');
    if (this.forgetsWrites) return OK;
    if (typeof password === 'string') this.mailPassword = password;
    Object.assign(this.#email, shared);
    if (scheduleEnable !== undefined) held.scheduleEnable = scheduleEnable;
    if (isObject(schedule)) held.schedule = mergedSchedule(held.schedule, schedule);
    return OK;
  }

  async #testEmail(sent: JsonObject): Promise<Result> {
    const { smtpServer, smtpPort, userName, ssl } = sent;
    if (Object.keys(sent).some((key) => !TESTED.includes(key))) return PARAM_ERROR;
    if (typeof smtpServer !== 'string' || typeof smtpPort !== 'number' || typeof userName !== 'string' || typeof ssl !== 'number')
      return refuse(-23, 'missing param');
    const to = ['addr1', 'addr2', 'addr3'].map((key) => String(sent[key] ?? '')).filter((address) => address !== '');
    if (to.length === 0) return refuse(-23, 'missing param');
    const password = typeof sent.password === 'string' ? sent.password : this.mailPassword;
    const { ok, reply } = await this.options.sendMail({
      brand: 'reolink',
      host: smtpServer,
      port: smtpPort,
      security: securityOf(ssl === 1, smtpPort),
      authentication: { username: userName, password },
      from: userName,
      fromName: String(sent.nickName ?? ''),
      to,
      subject: 'Reolink test e-mail',
      body: 'If you receive this e-mail you have successfully set up your e-mail alerts.',
    });
    if (ok) return OK;
    if (this.#kind === 'old') return refuse(-100, 'test failed');
    if (/^53[45]/.test(reply)) return refuse(-482, 'test email failed');
    return /^\d/.test(reply) ? refuse(-484, 'test email failed') : refuse(-481, 'test email failed');
  }
}

function answerTo(cmd: string, result: Result): JsonObject {
  if (!isRefusal(result)) return { cmd, code: 0, ...result };
  return { cmd: result === NOT_SUPPORTED ? 'Unknown' : cmd, code: 1, error: { detail: result.detail, rspCode: result.code } };
}

export const variants: readonly SimulatorVariant[] = [
  { name: 'camera', create: (options) => new ReolinkSimulator({ ...options, kind: 'camera', shortSessions: false }) },
  { name: 'recorder', create: (options) => new ReolinkSimulator({ ...options, kind: 'recorder', maxSessions: 2 }) },
  { name: 'old camera', create: (options) => new ReolinkSimulator({ ...options, kind: 'old', tokens: false }) },
];
