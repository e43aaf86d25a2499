import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { child, children, childText, escapeXml, XmlDocument, type XmlElement } from '../../http/xml.ts';
import type { SimulatorOptions, SimulatorVariant } from '../../sandbox/camera-simulator.ts';
import { DigestGuard } from '../../sandbox/digest-guard.ts';
import { SimulatedDevice } from '../../sandbox/simulated-device.ts';
import {
  ACTION,
  answer,
  attribute,
  EVENT,
  Fault,
  type Filter,
  faultXml,
  listAnswer,
  readConfiguration,
  ruleXml,
  type Stored,
  type StoredRule,
  soap,
  sorted,
  type Templates,
  template,
  type Values,
} from './simulator/documents.ts';
import { AxisView } from './simulator/view.ts';

export interface AxisSimulatorOptions extends SimulatorOptions {
  /** Begins with mail rules and others; else with nothing set up. */
  withRules?: boolean;
  /** Older firmware: tells the passwords of recipients and actions. */
  tellsPasswords?: boolean;
  /** False: firmware without the page that tells brand and model to everybody. */
  basicInfo?: boolean;
  lockAfter?: number;
}

export const sample = (name: string): string => readFileSync(join(__dirname, 'samples', name), 'utf8');

const INPUTS = 64;

/** The action service of a camera: parameters must be the template's, whole and no others; nothing that is in use can be removed. */
export class AxisSimulator extends SimulatedDevice<AxisSimulatorOptions> {
  readonly vendor = 'axis';
  readonly guard: DigestGuard;
  readonly view = new AxisView();
  readonly templates: Templates;
  recipients: Stored[];
  actions: Stored[];
  rules: StoredRule[];
  /** Virtual inputs that are active. */
  readonly inputs = new Set<number>();
  eventInstances = sample('event-instances.xml');
  #next = 20;

  constructor(options: AxisSimulatorOptions) {
    super(options);
    const state = JSON.parse(sample('state.json')) as { recipients: Stored[]; actions: Stored[]; rules: StoredRule[] };
    this.recipients = options.withRules ? state.recipients : [];
    this.actions = options.withRules ? state.actions : [];
    this.rules = options.withRules ? state.rules : [];
    this.templates = JSON.parse(sample('templates.json')) as Templates;
    const { username, password } = options.login;
    this.guard = new DigestGuard({ realm: 'AXIS_00005E005331', users: { [username]: password }, lockAfter: options.lockAfter });
  }

  /** Without IDs, which are the device's own: what was removed and added again with the same content is the same. */
  documents(): string {
    const plain = ({ name, template, parameters: { password: _secret, ...parameters } }: Stored) =>
      JSON.stringify([name, template, sorted(parameters)]);
    const action = (id: string) => this.actions.filter((one) => one.id === id).map(plain);
    const rules = this.rules.map(({ id: _id, action: id, ...rule }) => JSON.stringify([sorted(rule), action(id)]));
    return JSON.stringify([this.recipients.map(plain).sort(), this.actions.map(plain).sort(), rules.sort()]);
  }

  get mailPassword(): string {
    const mail = [...this.actions, ...this.recipients].find(({ template }) => template.endsWith('.smtp'));
    return mail?.parameters.password ?? '';
  }

  get refusedLogins(): number {
    return this.guard.counts.refused;
  }

  driftServer(host: string): void {
    for (const { template, parameters } of [...this.actions, ...this.recipients]) if (template.endsWith('.smtp')) parameters.host = host;
  }

  raise(type: string, state: 'active' | 'inactive' = 'active', channel = 1): void {
    this.view.raise(type, state, channel);
  }

  protected handle(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://device');
    const send = (status: number, type: string, text: string) => {
      response.writeHead(status, { 'Content-Type': type });
      response.end(text);
    };
    if (pathname === '/axis-cgi/basicdeviceinfo.cgi' && this.options.basicInfo !== false) {
      const { method } = JSON.parse(body.toString('utf8')) as { method?: string };
      send(
        200,
        'application/json',
        method === 'getAllUnrestrictedProperties' ? sample('basic-device-info.json') : '{"error":{"code":2004}}',
      );
      return;
    }
    if (this.guard.admit(request, response, () => '<html>401 Unauthorized</html>') === undefined) return;
    if (this.view.answer(pathname, request, response, body.toString('latin1'))) return;
    if (pathname === '/axis-cgi/param.cgi')
      send(200, 'text/plain', 'root.Brand.Brand=AXIS\nroot.Brand.ProdNbr=M1065-L\nroot.Brand.ProdType=Network Camera\n');
    else if (pathname.startsWith('/axis-cgi/virtualinput/')) send(200, 'text/xml', this.#virtualInput(pathname, searchParams));
    else if (pathname === '/vapix/services' && request.method === 'POST') {
      try {
        send(
          200,
          'application/soap+xml; charset=utf-8',
          soap(this.#service(request.headers['content-type'] ?? '', body.toString('latin1'))),
        );
      } catch (error) {
        const { code, message } = error instanceof Fault ? error : { code: 'aa:InvalidRequestFault', message: String(error) };
        send(400, 'application/soap+xml; charset=utf-8', soap(faultXml(code, message)));
      }
    } else send(404, 'text/html', '<html>404</html>');
  }

  #service(contentType: string, body: string): string {
    const { root } = XmlDocument.parse(body);
    const [call] = child(root, 'Body')?.children ?? [];
    const operation = call?.name ?? '';
    const namespace = operation === 'GetEventInstances' ? EVENT : ACTION;
    if (call === undefined || call.attributes.xmlns !== namespace)
      throw new Fault('ter:ActionNotSupported', `unknown operation ${operation}`);
    if (contentType !== `application/soap+xml; action=${namespace}/${operation}; Charset=UTF-8`)
      throw new Fault('ter:InvalidArgs', 'wrong action');
    const id = childText(call, operation === 'RemoveActionRule' ? 'RuleID' : 'ConfigurationID') ?? '';
    switch (operation) {
      case 'GetEventInstances':
        return /<SOAP-ENV:Body>(.*)<\/SOAP-ENV:Body>/s.exec(this.eventInstances)?.[1] ?? '';
      case 'GetRecipientTemplates':
        return listAnswer(
          operation,
          'RecipientTemplates',
          Object.entries(this.templates.recipients).map(([token, names]) => template('Recipient', token, names)),
        );
      case 'GetActionTemplates': {
        const all = Object.entries(this.templates.actions);
        return listAnswer(
          operation,
          'ActionTemplates',
          all.map(([token, { recipient, parameters }]) => template('Action', token, parameters, recipient)),
        );
      }
      case 'GetRecipientConfigurations':
        return listAnswer(
          operation,
          'RecipientConfigurations',
          this.recipients.map((one) => this.#configuration('Recipient', one)),
        );
      case 'GetActionConfigurations':
        return listAnswer(
          operation,
          'ActionConfigurations',
          this.actions.map((one) => this.#configuration('Action', one)),
        );
      case 'GetActionRules':
        return listAnswer(operation, 'ActionRules', this.rules.map(ruleXml));
      case 'AddRecipientConfiguration':
        return this.#add(
          operation,
          'ConfigurationID',
          this.recipients,
          readConfiguration(child(call, 'NewRecipientConfiguration'), this.templates, 'Recipient'),
        );
      case 'AddActionConfiguration':
        return this.#add(
          operation,
          'ConfigurationID',
          this.actions,
          readConfiguration(child(call, 'NewActionConfiguration'), this.templates, 'Action'),
        );
      case 'AddActionRule':
        return this.#add(operation, 'RuleID', this.rules, this.#readRule(child(call, 'NewActionRule'), body));
      case 'RemoveRecipientConfiguration':
        return this.#remove(operation, this.recipients, id);
      case 'RemoveActionConfiguration':
        if (!this.forgetsWrites && this.rules.some(({ action }) => action === id))
          throw new Fault('aa:ActionConfigurationInUseFault', 'a rule uses this action');
        return this.#remove(operation, this.actions, id);
      case 'RemoveActionRule':
        return this.#remove(operation, this.rules, id);
      default:
        throw new Fault('ter:ActionNotSupported', `unknown operation ${operation}`);
    }
  }

  #add<T extends { id: string }>(operation: string, tag: string, target: T[], one: Omit<T, 'id'>): string {
    const id = String(this.#next);
    this.#next += 1;
    if (!this.forgetsWrites) target.push({ ...one, id } as T);
    return answer(operation, `<aa:${tag}>${id}</aa:${tag}>`);
  }

  #remove(operation: string, target: { id: string }[], id: string): string {
    const at = target.findIndex((one) => one.id === id);
    if (at < 0 && !this.forgetsWrites) throw new Fault('aa:ConfigurationNotFoundFault', `there is no ${id}`);
    if (at >= 0 && !this.forgetsWrites) target.splice(at, 1);
    return answer(operation, '');
  }

  #readRule(rule: XmlElement | undefined, body: string): Omit<StoredRule, 'id'> {
    const action = childText(rule, 'PrimaryAction') ?? '';
    if (!this.actions.some(({ id }) => id === action) && !this.forgetsWrites)
      throw new Fault('aa:ActionConfigurationNotFoundFault', `there is no action ${action}`);
    for (const prefix of ['wsnt', 'tns1', 'tnsaxis']) {
      if (body.includes(`${prefix}:`) && !body.includes(`xmlns:${prefix}=`))
        throw new Fault('aa:InvalidFilterFault', `the prefix ${prefix} is not bound`);
    }
    const filter = (element: XmlElement): Filter => {
      const dialect = child(element, 'TopicExpression')?.attributes.Dialect ?? '';
      if (!/ConcreteSet$|\/Concrete$/.test(dialect)) throw new Fault('aa:InvalidConditionFilterFault', 'unknown dialect');
      return { topic: childText(element, 'TopicExpression') ?? '', content: childText(element, 'MessageContent') };
    };
    const start = children(rule, 'StartEvent').map(filter)[0];
    const conditions = children(child(rule, 'Conditions'), 'Condition').map(filter);
    if (start === undefined && conditions.length === 0) throw new Fault('aa:InvalidConditionFilterFault', 'neither event nor condition');
    if (conditions.some(({ topic }) => topic.includes('Tampering')))
      throw new Fault('aa:InvalidConditionFilterFault', 'not a stateful event');
    return { name: child(rule, 'Name')?.text ?? '', enabled: childText(rule, 'Enabled') === 'true', action, start, conditions };
  }

  #configuration(kind: string, { id, name, template: token, parameters }: Stored): string {
    const value = (key: string, text: string) => (/password/.test(key) && !this.options.tellsPasswords && text !== '' ? '******' : text);
    const all = Object.entries(parameters).map(
      ([key, text]) => `<aa:Parameter Value="${attribute(value(key, text))}" Name="${key}"></aa:Parameter>`,
    );
    const head = `<aa:ConfigurationID>${id}</aa:ConfigurationID><aa:Name>${escapeXml(name)}</aa:Name><aa:TemplateToken>${token}</aa:TemplateToken>`;
    return `<aa:${kind}Configuration>${head}<aa:Parameters>${all.join('')}</aa:Parameters></aa:${kind}Configuration>\n`;
  }

  #virtualInput(path: string, query: URLSearchParams): string {
    const port = Number(query.get('port'));
    const active = path.endsWith('/activate.cgi');
    const known = query.get('schemaversion') === '1' && port >= 1 && port <= INPUTS;
    const open =
      '<?xml version="1.0" encoding="utf-8"?><VirtualInputResponse xmlns="http://www.axis.com/vapix/http_cgi/virtualinput1" SchemaVersion="1.1">';
    if (!known)
      return `${open}<Error><GeneralError><ErrorCode>20</ErrorCode><ErrorDescription>no such input</ErrorDescription></GeneralError></Error></VirtualInputResponse>`;
    const changed = this.inputs.has(port) !== active;
    if (active) this.inputs.add(port);
    else this.inputs.delete(port);
    if (active && changed) this.#fire(port);
    const verdict = active ? 'ActivateSuccess' : 'DeactivateSuccess';
    return `${open}<Success><${verdict}><StateChanged>${changed}</StateChanged></${verdict}></Success></VirtualInputResponse>`;
  }

  /** Runs the mail actions of the rules that listen to this input. */
  #fire(port: number): void {
    const listens = ({ topic, content = '' }: Filter) =>
      /VirtualInput$/.test(topic) && (!content.includes('port') || content.includes(`"port" and @Value="${port}"`));
    for (const rule of this.rules.filter(({ enabled, start }) => enabled && start !== undefined && listens(start))) {
      const { template: token, parameters: values } = this.actions.find(({ id }) => id === rule.action) ?? {
        template: '',
        parameters: {} as Values,
      };
      if (!token.endsWith('.smtp')) continue;
      void this.options.sendMail({
        brand: 'axis',
        host: values.host ?? '',
        port: Number(values.port),
        security: values.encryption === 'ssl' ? 'tls' : values.encryption === 'tls' ? 'starttls' : 'none',
        authentication: values.login ? { username: values.login, password: values.password ?? '' } : undefined,
        from: values.email_from ?? '',
        fromName: '',
        to: (values.email_to ?? '').split(','),
        subject: values.subject ?? '',
        body: values.message ?? '',
      });
    }
  }
}

export const variants: readonly SimulatorVariant[] = [
  { name: 'camera', create: (options) => new AxisSimulator(options) },
  { name: 'camera with rules', create: (options) => new AxisSimulator({ ...options, withRules: true, tellsPasswords: true }) },
];
