import { child, children, childText, escapeXml, XmlDocument, type XmlElement } from '../../../http/xml.ts';

export type Values = Record<string, string>;
export interface Stored {
  id: string;
  name: string;
  template: string;
  parameters: Values;
}
export interface Filter {
  topic: string;
  content?: string | undefined;
}
export interface StoredRule {
  id: string;
  name: string;
  enabled: boolean;
  action: string;
  start?: Filter | undefined;
  conditions: Filter[];
}
export interface Templates {
  recipients: Record<string, string[]>;
  actions: Record<string, { recipient: string; parameters: string[] }>;
}

/** A refusal by SOAP. */
export class Fault extends Error {
  constructor(
    readonly code: string,
    text: string,
  ) {
    super(text);
  }
}

export const ACTION = 'http://www.axis.com/vapix/ws/action1';
export const EVENT = 'http://www.axis.com/vapix/ws/event1';
/** A configuration as a client sent it; every parameter of its template must be there, and no other. */
export function readConfiguration(element: XmlElement | undefined, templates: Templates, kind: 'Action' | 'Recipient'): Omit<Stored, 'id'> {
  const token = childText(element, 'TemplateToken') ?? '';
  const known = kind === 'Recipient' ? templates.recipients[token] : templates.actions[token]?.parameters;
  if (known === undefined) throw new Fault('aa:InvalidTemplateFault', `unknown template ${token}`);
  const names = [...known, ...(kind === 'Action' ? (templates.recipients[templates.actions[token]?.recipient ?? ''] ?? []) : [])];
  const given = children(child(element, 'Parameters'), 'Parameter').map(
    ({ attributes }) => [attributes.Name ?? '', unescaped(attributes.Value ?? '')] as const,
  );
  if (
    given
      .map(([name]) => name)
      .sort()
      .join() !== names.sort().join()
  )
    throw new Fault('aa:InvalidParametersFault', 'not the parameters of the template');
  const parameters = Object.fromEntries(given) as Values;
  if (!/^(none|ssl|tls)$/.test(parameters.encryption ?? 'none')) throw new Fault('aa:InvalidParameterValueFault', 'encryption');
  return { name: child(element, 'Name')?.text ?? '', template: token, parameters };
}

export function ruleXml({ id, name, enabled, action, start, conditions }: StoredRule): string {
  const filter = ({ topic, content }: Filter) => {
    const message = `<wsnt:MessageContent Dialect="http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter">${escapeXml(content ?? '')}</wsnt:MessageContent>`;
    const expression = `<wsnt:TopicExpression Dialect="http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete">${topic}</wsnt:TopicExpression>`;
    return expression + (content === undefined ? '' : message);
  };
  const all = conditions.map((one) => `<aa:Condition>${filter(one)}</aa:Condition>`).join('');
  const event = start === undefined ? '' : `<aa:StartEvent>${filter(start)}</aa:StartEvent>`;
  const head = `<aa:RuleID>${id}</aa:RuleID><aa:Name>${escapeXml(name)}</aa:Name><aa:Enabled>${enabled}</aa:Enabled>`;
  return `<aa:ActionRule>${head}${all === '' ? '' : `<aa:Conditions>${all}</aa:Conditions>`}${event}<aa:PrimaryAction>${action}</aa:PrimaryAction></aa:ActionRule>\n`;
}

export function template(kind: string, token: string, names: readonly string[], recipient = ''): string {
  const parameters = names.map((name) => `<aa:Parameter Name="${name}" Type="xsd:string"/>`).join('');
  const link = recipient === '' ? '' : `<aa:RecipientTemplate>${recipient}</aa:RecipientTemplate>`;
  return `<aa:${kind}Template><aa:TemplateToken>${token}</aa:TemplateToken>${link}<aa:Parameters>${parameters}</aa:Parameters></aa:${kind}Template>\n`;
}

/** The answer that holds a list. */
export function listAnswer(operation: string, name: string, items: readonly string[]): string {
  return answer(operation, `<aa:${name}>\n${items.join('')}</aa:${name}>`);
}

/** A refusal as it stands in an envelope. */
export function faultXml(code: string, text: string): string {
  const reason = `<SOAP-ENV:Reason><SOAP-ENV:Text xml:lang="en">${escapeXml(text)}</SOAP-ENV:Text></SOAP-ENV:Reason>`;
  const subcode = `<SOAP-ENV:Subcode><SOAP-ENV:Value>${code}</SOAP-ENV:Value></SOAP-ENV:Subcode>`;
  return `<SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Sender</SOAP-ENV:Value>${subcode}</SOAP-ENV:Code>${reason}</SOAP-ENV:Fault>`;
}

export function answer(operation: string, content: string): string {
  return `<aa:${operation}Response>${content}</aa:${operation}Response>`;
}

/** An answer's envelope. */
export function soap(body: string): string {
  const namespaces = [
    `xmlns:aa="${ACTION}"`,
    `xmlns:aev="${EVENT}"`,
    'xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"',
    'xmlns:wstop="http://docs.oasis-open.org/wsn/t-1"',
    'xmlns:tns1="http://www.onvif.org/ver10/topics"',
    'xmlns:tnsaxis="http://www.axis.com/2009/event/topics"',
  ];
  return `<?xml version="1.0" encoding="UTF-8"?>\n<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" ${namespaces.join(' ')}><SOAP-ENV:Body>${body}</SOAP-ENV:Body></SOAP-ENV:Envelope>\n`;
}

export function attribute(text: string): string {
  return escapeXml(text).replaceAll('"', '&quot;');
}

function unescaped(source: string): string {
  return XmlDocument.parse(`<v>${source}</v>`).root.text;
}

/** Entries by name, for comparing. */
export function sorted(record: object): [string, unknown][] {
  return Object.entries(record)
    .filter(([, value]) => value !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1));
}
