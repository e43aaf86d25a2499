import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { SimulatorOptions, SimulatorVariant } from '../../sandbox/camera-simulator.ts';
import { DigestGuard } from '../../sandbox/digest-guard.ts';
import { SimulatedDevice } from '../../sandbox/simulated-device.ts';
import { SimulatedStatus } from './simulator/status.ts';
import { BAD_PARAMETER, BAD_VALUE, decrypt, type Fields, FORMS, NO_ACTION, NO_SUBMENU, Refusal, rsa, textOf } from './simulator/wire.ts';

export interface HanwhaSimulatorOptions extends SimulatorOptions {
  kind?: 'camera' | 'recorder';
  /** Newer firmware: complex actions in place of event rules. */
  complexActions?: boolean;
  /** False: SUNAPI before the key for passwords and the page without login. */
  modern?: boolean;
  /** Returns the mail password in clear, as the vendor's document shows it. */
  tellsPassword?: boolean;
  /** A user without the right to change anything. */
  readOnlyUser?: boolean;
  /** Text answers, whatever the client accepts. */
  textOnly?: boolean;
  lockAfter?: number;
}

export const sample = (name: string): string => readFileSync(join(__dirname, 'samples', name), 'utf8');

type User = { GroupID: string; UserIndex: number; UserName: string; Recipient: string };

/** A camera or recorder with the strictness of the real ones: unknown parameters, values and actions are refused by number. */
export class HanwhaSimulator extends SimulatedDevice<HanwhaSimulatorOptions> {
  readonly vendor = 'hanwha';
  readonly guard: DigestGuard;
  readonly status = new SimulatedStatus();
  readonly smtp: Fields;
  readonly rules: Fields[];
  users: User[];
  mailPassword = '';
  /** How often the test says `Trying` before its result. */
  tryings = 1;
  #result: { ok: boolean; reply: string } | undefined;
  #asked = 0;

  constructor(options: HanwhaSimulatorOptions) {
    super(options);
    const kind = options.kind ?? 'camera';
    this.smtp = JSON.parse(sample(`smtp-${kind}.json`)) as Fields;
    this.users = kind === 'recorder' ? (JSON.parse(sample('users-recorder.json')) as { SMTPUsers: User[] }).SMTPUsers : [];
    const rules = JSON.parse(sample(options.complexActions ? 'complex-actions-camera.json' : 'event-rules-camera.json')) as Record<
      string,
      Fields[]
    >;
    this.rules = kind === 'recorder' ? [] : ((options.complexActions ? rules.ComplexActions : rules.EventRules) ?? []);
    const { username, password } = options.login;
    this.guard = new DigestGuard({ realm: 'iPolis_00:00:5E', users: { [username]: password }, lockAfter: options.lockAfter });
  }

  documents(): string {
    return JSON.stringify([this.smtp, this.users, this.rules]);
  }

  get refusedLogins(): number {
    return this.guard.counts.refused;
  }

  driftServer(host: string): void {
    this.smtp.Host = host;
  }

  raise(type: string, state: 'active' | 'inactive' = 'active', channel = 1): void {
    this.status.raise(type, state, channel);
  }

  protected handle(request: IncomingMessage, response: ServerResponse, content: Buffer): void {
    const body = content.toString('latin1');
    const [path = '', query = ''] = (request.url ?? '').split('?');
    const send = (status: number, type: string, text: string) => {
      response.writeHead(status, { 'Content-Type': type });
      response.end(text);
    };
    const modern = this.options.modern ?? true;
    if (path === '/init-cgi/pw_init.cgi' && modern) {
      send(200, 'application/json', sample('status.json'));
      return;
    }
    if (this.guard.locked) {
      send(490, 'text/html', '<html><head><title>490 - Account Blocked</title></head></html>');
      return;
    }
    if (this.guard.admit(request, response, () => '<html>401 Unauthorized</html>') === undefined) return;
    if (path.startsWith('/stw-cgi/attributes.cgi/') && this.options.complexActions) {
      send(200, 'text/xml', sample('attributes.xml'));
      return;
    }
    if (!/^\/stw-cgi\/\w+\.cgi$/.test(path)) {
      send(404, 'text/html', '<html>404</html>');
      return;
    }
    if (query.includes('action=monitordiff')) {
      this.status.open(response);
      return;
    }
    if (path === '/stw-cgi/video.cgi') {
      this.status.picture(response);
      return;
    }
    const asText = this.options.textOnly || !(request.headers.accept ?? '').includes('application/json');
    void this.#answer(request.method ?? '', path, query, body)
      .catch((error: unknown) => {
        const { code, message } = error instanceof Refusal ? error : { code: 607, message: 'Unknown Error' };
        return { Response: 'Fail', Error: { Code: code, Details: message } };
      })
      .then((answer) => {
        if (asText) send(200, 'text/plain', textOf(answer));
        else send(200, 'application/json', `${JSON.stringify(answer, null, '\t')}\n`);
      });
  }

  async #answer(method: string, path: string, query: string, body: string): Promise<Fields> {
    const parameters = new Map(
      query.split('&').map((part) => [part.split('=')[0] ?? '', decodeURIComponent(part.slice(part.indexOf('=') + 1))]),
    );
    const page = `${path.slice('/stw-cgi/'.length)} ${parameters.get('msubmenu')}`;
    const action = parameters.get('action') ?? '';
    parameters.delete('msubmenu');
    parameters.delete('action');
    if (method === 'POST' && parameters.get('IsPasswordEncrypted') !== 'True') throw new Refusal(...NO_ACTION);
    if (action !== 'view' && this.options.readOnlyUser) throw new Refusal(609, 'Not Authorized');
    const recorder = this.options.kind === 'recorder';
    switch (page) {
      case 'system.cgi deviceinfo':
        return JSON.parse(sample(`device-info-${recorder ? 'recorder' : 'camera'}.json`)) as Fields;
      case 'security.cgi rsa':
        if (!(this.options.modern ?? true)) break;
        return { PublicKey: rsa().publicKey.export({ type: 'pkcs1', format: 'pem' }).toString() };
      case 'transfer.cgi smtp':
        if (action === 'view') return { ...this.smtp, Password: this.options.tellsPassword ? this.mailPassword : '' };
        if (action === 'test') return this.#test();
        if (action !== 'set') throw new Refusal(...NO_ACTION);
        return this.#setSmtp(parameters, body);
      case 'transfer.cgi smtpusers':
        if (!recorder) break;
        return action === 'view' ? { SMTPUsers: this.users } : this.#changeUsers(action, parameters);
      case 'transfer.cgi smtpgroups':
        if (!recorder) break;
        return JSON.parse(sample('groups-recorder.json')) as Fields;
      case 'eventrules.cgi rules':
      case 'eventactions.cgi complexaction':
        if (recorder || page.startsWith('eventactions') !== (this.options.complexActions ?? false)) break;
        return this.#rulesPage(action, parameters);
    }
    throw new Refusal(...NO_SUBMENU);
  }

  #setSmtp(parameters: Map<string, string>, body: string): Fields {
    const encrypted = parameters.delete('IsPasswordEncrypted');
    if (encrypted && parameters.has('Password')) throw new Refusal(613, "Tried to set values at once that can't be set simultaneously");
    for (const [key, value] of parameters) {
      if (key !== 'Password' && !(key in this.smtp)) throw new Refusal(...BAD_PARAMETER);
      if (FORMS[key]?.test(value) !== true) throw new Refusal(...BAD_VALUE);
    }
    const login = (parameters.get('Authentication') ?? this.smtp.Authentication) !== 'None';
    if (!login && (encrypted || parameters.has('Username') || parameters.has('Password'))) throw new Refusal(...BAD_PARAMETER);
    const password = encrypted ? decrypt(body) : parameters.get('Password');
    if (this.forgetsWrites) return { Response: 'Success' };
    if (password !== undefined) this.mailPassword = password;
    parameters.delete('Password');
    for (const [key, value] of parameters) this.smtp[key] = key === 'Port' ? Number(value) : value;
    return { Response: 'Success' };
  }

  #changeUsers(action: string, parameters: Map<string, string>): Fields {
    const index = Number(parameters.get('UserIndex'));
    const user = this.users.find(({ UserIndex }) => UserIndex === index);
    const { GroupID, UserName, Recipient, ...unknown } = Object.fromEntries(parameters) as Partial<Record<string, string>>;
    delete unknown.UserIndex;
    if (Object.keys(unknown).length > 0) throw new Refusal(...BAD_PARAMETER);
    if (Recipient !== undefined && !/^[^\s@]+@[^\s@]+$/.test(Recipient)) throw new Refusal(...BAD_VALUE);
    if (this.users.some((other) => other !== user && other.UserName === UserName)) throw new Refusal(606, 'Duplicate Value');
    if (action !== 'add' && user === undefined) throw new Refusal(612, 'Configuration Not Found');
    if (this.forgetsWrites) return { Response: 'Success' };
    if (action === 'add') {
      if (GroupID === undefined || UserName === undefined || Recipient === undefined)
        throw new Refusal(603, 'Missing Required Parameter(s)');
      let free = 1;
      while (this.users.some(({ UserIndex }) => UserIndex === free)) free += 1;
      this.users.splice(free - 1, 0, { GroupID, UserIndex: free, UserName, Recipient });
    } else if (action === 'update' && user !== undefined) {
      Object.assign(user, GroupID === undefined ? {} : { GroupID }, {
        UserName: UserName ?? user.UserName,
        Recipient: Recipient ?? user.Recipient,
      });
    } else if (action === 'remove') {
      this.users = this.users.filter((other) => other !== user);
    } else throw new Refusal(...NO_ACTION);
    return { Response: 'Success' };
  }

  #rulesPage(action: string, parameters: Map<string, string>): Fields {
    const complex = this.options.complexActions ?? false;
    if (action === 'view') return complex ? { ComplexActions: this.rules } : { EventRules: this.rules };
    if (action !== (complex ? 'set' : 'update')) throw new Refusal(...NO_ACTION);
    const rule = this.rules.find(
      (one) => String(complex ? one.EventType : one.RuleIndex) === parameters.get(complex ? 'EventType' : 'RuleIndex'),
    );
    if (rule === undefined || (!complex && rule.EventSource !== parameters.get('EventSource'))) throw new Refusal(...BAD_VALUE);
    const settings = complex ? ((rule.Actions as Fields[])[0] ?? {}) : rule;
    const actions = (parameters.get('EventAction') ?? '').split(',').filter((name) => name !== '');
    for (const key of parameters.keys()) {
      if (!/^(RuleIndex|EventSource|EventType|EventAction|PresetNumber|ScheduleType|AlarmOutput\.\d\.Duration)$/.test(key))
        throw new Refusal(...BAD_PARAMETER);
    }
    for (const name of actions) {
      if (!/^(FTP|SMTP|Record|GoToPreset|AlarmOutput\.\d)$/.test(name)) throw new Refusal(...BAD_VALUE);
      if (name.startsWith('AlarmOutput') && !parameters.has(`${name}.Duration`)) throw new Refusal(603, 'Missing Required Parameter(s)');
      if (name === 'GoToPreset' && !parameters.has('PresetNumber')) throw new Refusal(603, 'Missing Required Parameter(s)');
    }
    if (!this.forgetsWrites) settings[complex ? 'EventActions' : 'EventAction'] = actions;
    return { Response: 'Success' };
  }

  /** The first request starts the mail; later ones ask for its result. */
  async #test(): Promise<Fields> {
    this.#asked += 1;
    if (this.#asked === 1) this.#result = await this.#sendMail();
    if (this.#asked <= this.tryings) return { Status: 'Trying' };
    this.#asked = 0;
    return { Status: this.#result?.ok ? 'Success' : 'Fail' };
  }

  #sendMail() {
    const { Host, Port, Encryption, Authentication, Username, Sender, Recipient, Subject, Message } = this.smtp;
    return this.options.sendMail({
      brand: 'hanwha',
      host: String(Host),
      port: Number(Port),
      security: Encryption === 'SSL' ? 'tls' : 'none',
      authentication: Authentication === 'None' ? undefined : { username: String(Username), password: this.mailPassword },
      from: String(Sender),
      fromName: '',
      to: Recipient === undefined ? this.users.map((user) => user.Recipient) : String(Recipient).split(','),
      subject: String(Subject ?? 'Test mail'),
      body: String(Message ?? 'This is a test mail.'),
    });
  }
}

export const variants: readonly SimulatorVariant[] = [
  { name: 'camera', create: (options) => new HanwhaSimulator({ ...options, kind: 'camera' }) },
  {
    name: 'camera with complex actions',
    create: (options) => new HanwhaSimulator({ ...options, complexActions: true, tellsPassword: true }),
  },
  { name: 'recorder', create: (options) => new HanwhaSimulator({ ...options, kind: 'recorder' }) },
];
