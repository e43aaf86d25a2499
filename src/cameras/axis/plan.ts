import { changesTo } from '../changes.ts';
import type { Attachment, Change, EmailSettings, WantedEmail } from '../driver.ts';
import {
  ACTION_PARAMETERS,
  attachmentOf,
  mailParameters,
  NO_SETTINGS,
  NOTIFICATION_TEMPLATE,
  RECIPIENT_PARAMETERS,
  RECIPIENT_TEMPLATE,
  settingsOf,
  templateFor,
  withPassword,
} from './email.ts';
import type { Configuration, Rule, State } from './entities.ts';
import { type NewTrigger, typeOf } from './linkage.ts';
import { type Exchange, noExchange } from './writes.ts';

/** Left behind only when the process was killed in the middle of a test. */
export const TRIAL_NAME = 'Camera e-mail test (temporary)';
const RECIPIENT_NAME = 'E-mail';
const RULE_NAME = 'Camera alert';

/** Parameters of each template as the device lists them, those of its recipient included. */
export type Templates = ReadonlyMap<string, readonly string[]>;

export const isTrial = ({ name }: { name: string }) => name === TRIAL_NAME;

/**
 * The settings of the first action by name, else of the first recipient: the order on the device changes with every exchange. Every
 * other one that differs is a change of the plan.
 */
export function stateSettings(state: State, events: { channel: number; available: number } | undefined): EmailSettings {
  const actions = byName(state.actions.filter((action) => !isTrial(action)));
  const first = actions[0] ?? byName(state.recipients)[0];
  const settings: EmailSettings = first === undefined ? { ...NO_SETTINGS } : settingsOf(first);
  settings.subject = actions[0]?.parameters.find(({ name }) => name === 'subject')?.value;
  settings.attachment =
    actions[0] === undefined ? (events !== undefined && events.available > 0 ? 'none' : undefined) : attachmentOf(actions[0].template);
  if (events !== undefined) settings.events = linkedTypes(state.rules, events.channel);
  return settings;
}

function byName(list: readonly Configuration[]): Configuration[] {
  const key = ({ name, template }: Configuration) => `${name}\n${template}`;
  return [...list].sort((one, other) => (key(one) < key(other) ? -1 : 1));
}

function linkedTypes(rules: readonly Rule[], channel: number): string[] {
  const types = rules.filter((rule) => rule.enabled && !isTrial(rule)).map((rule) => typeOf(rule, channel));
  return [...new Set(types.filter((type) => type !== undefined))].sort();
}

/** All changes, and what has to be exchanged so that every recipient and action has the account and exactly the wanted events send mail. */
export function planExchange(
  state: State,
  settings: EmailSettings,
  wanted: WantedEmail,
  templates: Templates,
  triggers: readonly NewTrigger[],
): { changes: Change[]; exchange: Exchange; unavailable: string[]; silent: boolean } {
  const exchange = noExchange();
  const changes = changesTo(settings, wanted);
  const note = (found: Change[]) => {
    changes.push(...found.filter(({ field }) => !changes.some((change) => change.field === field)));
    return found.length > 0;
  };
  for (const recipient of state.recipients) {
    if (!note(changesTo(settingsOf(recipient), wanted))) continue;
    exchange.addRecipients.push({ ...recipient, parameters: parametersOf(recipient, recipient.template, wanted, templates) });
    exchange.removeRecipients.push(recipient.id);
  }
  const moved = new Map<string, number>();
  for (const action of state.actions.filter((one) => !isTrial(one))) {
    const attachment = attachmentOf(action.template);
    if (!note(changesTo({ ...settingsOf(action), attachment }, wanted))) continue;
    const template = converted(action.template, attachment, wanted.attachment, templates);
    moved.set(action.id, exchange.addActions.length);
    exchange.addActions.push({ ...action, template, parameters: parametersOf(action, template, wanted, templates) });
    exchange.removeActions.push(action.id);
  }
  const rules = state.rules.filter((rule) => !isTrial(rule));
  const { enabled, missing } = wantedRules(rules, wanted);
  for (const rule of rules) {
    const on = enabled.get(rule) ?? rule.enabled;
    if (!moved.has(rule.action) && on === rule.enabled) continue;
    exchange.addRules.push({ rule, enabled: on, action: moved.get(rule.action) ?? rule.action });
    exchange.removeRules.push(rule.id);
  }
  const unavailable: string[] = [];
  for (const type of missing) {
    const trigger = triggers.find((one) => one.type === type);
    if (trigger === undefined) {
      unavailable.push(type);
      continue;
    }
    const name = `${RULE_NAME}: ${type}`;
    exchange.addRules.push({ rule: { ...trigger, name }, enabled: true, action: exchange.addActions.length });
    exchange.addActions.push(newAction(name, wanted, templates));
  }
  if (changes.length > 0 && state.recipients.length + state.actions.length + exchange.addActions.length === 0) {
    const parameters = mailParameters(templates.get(RECIPIENT_TEMPLATE) ?? RECIPIENT_PARAMETERS, [], wanted, wanted.password.reveal());
    exchange.addRecipients.push({ name: RECIPIENT_NAME, template: RECIPIENT_TEMPLATE, parameters });
  }
  if (changes.length > 0) {
    exchange.removeRules.push(...state.rules.filter(isTrial).map(({ id }) => id));
    exchange.removeActions.push(...state.actions.filter(isTrial).map(({ id }) => id));
  }
  const passwordLast = changes.sort((one, other) => Number(one.field === 'password') - Number(other.field === 'password'));
  const silent = missing.length === unavailable.length && !rules.some((rule) => enabled.get(rule) ?? rule.enabled);
  return { changes: passwordLast, exchange, unavailable, silent };
}

/** Which rules are to be on, and wanted types that no rule is for. Rules without a type of ours stay as they are. */
function wantedRules(rules: readonly Rule[], { events, channel }: WantedEmail): { enabled: Map<Rule, boolean>; missing: string[] } {
  const enabled = new Map<Rule, boolean>();
  if (events === undefined) return { enabled, missing: [] };
  const ofType = (type: string) => rules.filter((rule) => typeOf(rule, channel) === type);
  for (const rule of rules) {
    const type = typeOf(rule, channel);
    if (type !== undefined && !events.includes(type)) enabled.set(rule, false);
  }
  for (const type of events) {
    const [first] = ofType(type);
    if (first !== undefined && !ofType(type).some((rule) => rule.enabled)) enabled.set(first, true);
  }
  return { enabled, missing: events.filter((type) => ofType(type).length === 0) };
}

function converted(template: string, attachment: Attachment | undefined, wanted: Attachment | undefined, templates: Templates): string {
  if (wanted === undefined || attachment === undefined || wanted === attachment) return template;
  const sameLength = templateFor(wanted, template);
  return templates.has(sameLength) ? sameLength : templateFor(wanted);
}

function parametersOf({ template: old, parameters }: Configuration, template: string, wanted: WantedEmail, templates: Templates) {
  const documented = parameterNames(template, templates);
  // A parameter that this firmware has beyond its own list stays, as long as the template stays.
  const names = template === old ? [...parameters.map(({ name }) => name), ...documented] : documented;
  return mailParameters(names, parameters, wanted, wanted.password.reveal());
}

function parameterNames(template: string, templates: Templates): readonly string[] {
  const own = template === RECIPIENT_TEMPLATE ? [] : ACTION_PARAMETERS[attachmentOf(template) ?? 'none'];
  return templates.get(template) ?? [...own, ...RECIPIENT_PARAMETERS];
}

export function newAction(name: string, wanted: WantedEmail, templates: Templates) {
  const template = wanted.attachment === undefined ? NOTIFICATION_TEMPLATE : templateFor(wanted.attachment);
  return { name, template, parameters: mailParameters(parameterNames(template, templates), [], wanted, wanted.password.reveal()) };
}

/**
 * What brings an earlier state back. Without a password whatever is still there stays, because it holds one; with it all is made anew.
 * IDs never come back: they are the device's own.
 */
export function exchangeToRestore(before: State, now: State, password: string | undefined): Exchange {
  const exchange = noExchange();
  const content = ({ name, template, parameters }: Configuration) => JSON.stringify([name, template, withPassword(parameters, '')]);
  const keep = (old: readonly Configuration[], current: readonly Configuration[]) => {
    const free = password === undefined ? [...current] : [];
    return new Map(
      old.flatMap((one) => {
        const at = free.findIndex((other) => content(other) === content(one));
        return at < 0 ? [] : free.splice(at, 1).map((other) => [one.id, other.id] as const);
      }),
    );
  };
  const oldActions = before.actions.filter((action) => !isTrial(action));
  const recipients = keep(before.recipients, now.recipients);
  const actions = keep(oldActions, now.actions);
  const added = new Map<string, number>();
  exchange.addRecipients.push(...before.recipients.filter(({ id }) => !recipients.has(id)));
  for (const action of oldActions.filter(({ id }) => !actions.has(id))) {
    added.set(action.id, exchange.addActions.length);
    exchange.addActions.push(action);
  }
  const free = [...now.rules];
  for (const rule of before.rules.filter((one) => !isTrial(one))) {
    const action = actions.get(rule.action) ?? added.get(rule.action) ?? rule.action;
    const isSame = (other: Rule) =>
      other.action === action && other.name === rule.name && other.enabled === rule.enabled && other.body === rule.body;
    const at = free.findIndex(isSame);
    if (at < 0) exchange.addRules.push({ rule, enabled: rule.enabled, action });
    else free.splice(at, 1);
  }
  exchange.removeRules.push(...free.map(({ id }) => id));
  exchange.removeActions.push(...without(now.actions, actions));
  exchange.removeRecipients.push(...without(now.recipients, recipients));
  return exchange;
}

function without(current: readonly Configuration[], kept: ReadonlyMap<string, string>): string[] {
  const ids = new Set(kept.values());
  return current.map(({ id }) => id).filter((id) => !ids.has(id));
}
