import { child, children, childText, type XmlDocument, type XmlElement } from '../../http/xml.ts';
import type { EmailReading } from '../driver.ts';
import { decodeText, encodeText, type Operation, openAnswer } from './soap.ts';

export interface Parameter {
  name: string;
  value: string;
}

/** A recipient in the address book, or an action with its own copy of a recipient. */
export interface Configuration {
  id: string;
  template: string;
  name: string;
  parameters: Parameter[];
}

export interface Rule {
  id: string;
  name: string;
  enabled: boolean;
  /** ID of an action configuration. */
  action: string;
  /** Topic and content filters of the start event and the conditions. */
  filters: { topic: string; content: string }[];
  /** The rule's source without its ID, its switch and its action: what is copied when the rule is made anew. */
  body: string;
  /** Declarations that the source needs. */
  namespaces: string;
}

/** What of a device's rules has to do with mail, and the rest that must be left alone. */
export interface State {
  recipients: Configuration[];
  actions: Configuration[];
  rules: Rule[];
  /** Rules of other kinds. */
  foreignRules: Rule[];
}

export const READ = ['GetRecipientConfigurations', 'GetActionConfigurations', 'GetActionRules'] as const satisfies readonly Operation[];

export const isMail = (template: string): boolean => /\.smtp$/.test(template);

/** Throws `unreadable`. */
export function stateOf(reading: Pick<EmailReading, 'documents'>): State {
  const bodyOf = (operation: Operation) => reading.documents.find(({ body }) => body.includes(`${operation}Response`))?.body ?? '';
  const recipients = configurations(bodyOf('GetRecipientConfigurations'), 'GetRecipientConfigurations', 'RecipientConfiguration');
  const actions = configurations(bodyOf('GetActionConfigurations'), 'GetActionConfigurations', 'ActionConfiguration');
  const mailActions = actions.filter(({ template }) => isMail(template));
  const rules = readRules(bodyOf('GetActionRules'));
  const sendsMail = (rule: Rule) => mailActions.some(({ id }) => id === rule.action);
  return {
    recipients: recipients.filter(({ template }) => isMail(template)),
    actions: mailActions,
    rules: rules.filter(sendsMail),
    foreignRules: rules.filter((rule) => !sendsMail(rule)),
  };
}

function configurations(body: string, operation: Operation, name: string): Configuration[] {
  const { answer } = openAnswer(body, operation);
  return children(child(answer, `${name}s`), name).map((element) => ({
    id: childText(element, 'ConfigurationID') ?? '',
    template: childText(element, 'TemplateToken') ?? '',
    name: child(element, 'Name')?.text ?? '',
    parameters: children(child(element, 'Parameters'), 'Parameter').map(({ attributes }) => ({
      name: decodeText(attributes.Name ?? ''),
      value: decodeText(attributes.Value ?? ''),
    })),
  }));
}

function readRules(body: string): Rule[] {
  const { document, answer } = openAnswer(body, 'GetActionRules');
  const list = child(answer, 'ActionRules');
  const namespaces = declarations([document.root, child(document.root, 'Body'), answer, list]);
  return children(list, 'ActionRule').map((element) => ({
    id: childText(element, 'RuleID') ?? '',
    name: child(element, 'Name')?.text ?? '',
    enabled: childText(element, 'Enabled') === 'true' || childText(element, 'Enabled') === '1',
    action: childText(element, 'PrimaryAction') ?? '',
    filters: [...children(element, 'StartEvent'), ...children(child(element, 'Conditions'), 'Condition')].map((filter) => ({
      topic: childText(filter, 'TopicExpression') ?? '',
      content: childText(filter, 'MessageContent') ?? '',
    })),
    body: sources(document, element),
    namespaces: declarations([element], namespaces),
  }));
}

function sources(document: XmlDocument, rule: XmlElement): string {
  return rule.children
    .filter(({ name }) => !['RuleID', 'Name', 'Enabled', 'PrimaryAction'].includes(name))
    .map((element) => document.sourceOf(element))
    .join('');
}

/** Prefixes in force for a copied element; an inner declaration wins. */
function declarations(chain: readonly (XmlElement | undefined)[], outer = ''): string {
  const inner = chain.flatMap((element) => Object.entries(element?.attributes ?? {}).filter(([name]) => name.startsWith('xmlns:')));
  const kept = outer.split(' ').filter((one) => one !== '' && !inner.some(([name]) => one.startsWith(`${name}=`)));
  return [...kept, ...[...new Map(inner)].map(([name, value]) => `${name}="${value}"`)].join(' ');
}

/** The source of a new configuration. */
export function configurationSource(kind: 'Action' | 'Recipient', { template, name, parameters }: Omit<Configuration, 'id'>): string {
  const list = parameters.map((one) => `<Parameter Name="${encodeText(one.name)}" Value="${encodeText(one.value)}"/>`).join('');
  const tag = `New${kind}Configuration`;
  return `<${tag}><TemplateToken>${encodeText(template)}</TemplateToken><Name>${encodeText(name)}</Name><Parameters>${list}</Parameters></${tag}>`;
}

/** The source of a new rule that starts `action`. */
export function ruleSource(
  { name, body, namespaces }: Pick<Rule, 'name' | 'body' | 'namespaces'>,
  enabled: boolean,
  action: string,
): string {
  const head = `<Name>${encodeText(name)}</Name><Enabled>${enabled}</Enabled>`;
  return `<NewActionRule ${namespaces}>${head}${body}<PrimaryAction>${action}</PrimaryAction></NewActionRule>`;
}

/** Blanks what is secret in an answer: passwords and key phrases, headers of web requests, and logins inside addresses. */
export function withoutSecrets(body: string): string {
  return body.replace(/<(?:[\w.-]+:)?Parameter\b(?:[^>"']|"[^"]*"|'[^']*')*>/g, (tag) => {
    const name = /\bName\s*=\s*["']([^"']*)["']/.exec(tag)?.[1] ?? '';
    const secret = /pass(word|phrase)|private_key|http_headers/i.test(name);
    return secret
      ? tag.replace(/(\bValue\s*=\s*)(?:"[^"]*"|'[^']*')/, '$1""')
      : tag.replace(/(\bValue\s*=\s*["'][a-z]+:\/\/)[^"'/@]*@/, '$1');
  });
}
