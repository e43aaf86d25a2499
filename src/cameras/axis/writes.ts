import type { DeviceWrite } from '../driver.ts';
import { withPassword } from './email.ts';
import { type Configuration, configurationSource, type Rule, ruleSource } from './entities.ts';
import { contentTypeOf, envelope, type Operation, SERVICES } from './soap.ts';

const MASK = '•';

/** Made anew with the password in place of whatever is in its parameters. */
export type NewConfiguration = Omit<Configuration, 'id'>;

export interface NewRule {
  rule: Pick<Rule, 'name' | 'body' | 'namespaces'>;
  enabled: boolean;
  /** The position in `addActions` of an action that is made in the same go, or the ID of one that is there. */
  action: number | string;
}

/** There is no updating: what changes is added anew, and the old goes when all of the new is there. */
export interface Exchange {
  addRecipients: NewConfiguration[];
  addActions: NewConfiguration[];
  addRules: NewRule[];
  removeRules: string[];
  removeActions: string[];
  removeRecipients: string[];
}

export function noExchange(): Exchange {
  return { addRecipients: [], addActions: [], addRules: [], removeRules: [], removeActions: [], removeRecipients: [] };
}

/** The writes in the one safe order. The ID of a new action is only known when it is there: `placeholder` stands for it. */
export function exchangeWrites(exchange: Exchange, password: string): DeviceWrite[] {
  const configuration = (kind: 'Recipient' | 'Action') => (one: NewConfiguration) =>
    soapWrite(
      `Add${kind}Configuration`,
      (secret) => configurationSource(kind, { ...one, parameters: withPassword(one.parameters, secret) }),
      password,
    );
  const removal = (operation: Operation, tag: string) => (id: string) => soapWrite(operation, () => `<${tag}>${id}</${tag}>`, password);
  const firstAction = exchange.addRecipients.length + 1;
  return [
    ...exchange.addRecipients.map(configuration('Recipient')),
    ...exchange.addActions.map(configuration('Action')),
    ...exchange.addRules.map(({ rule, enabled, action }) => {
      const id = typeof action === 'number' ? placeholder(firstAction + action) : action;
      return soapWrite('AddActionRule', () => ruleSource(rule, enabled, id), password);
    }),
    ...exchange.removeRules.map(removal('RemoveActionRule', 'RuleID')),
    ...exchange.removeActions.map(removal('RemoveActionConfiguration', 'ConfigurationID')),
    ...exchange.removeRecipients.map(removal('RemoveRecipientConfiguration', 'ConfigurationID')),
  ];
}

/** Stands for the ID that the device answers to the write of this number, counted from 1. */
const placeholder = (write: number) => `ID-OF-WRITE-${write}`;

/** A write's body with the IDs that earlier writes were answered with, in order. */
export function fillIds(body: string, ids: readonly (string | undefined)[]): string {
  return body.replace(/<PrimaryAction>ID-OF-WRITE-(\d+)<\/PrimaryAction>/, (whole, number: string) => {
    const id = ids[Number(number) - 1];
    return id === undefined ? whole : `<PrimaryAction>${id}</PrimaryAction>`;
  });
}

export function operationOf(write: DeviceWrite): Operation {
  return (/\baction=\S*\/(\w+);/.exec(write.contentType ?? '')?.[1] ?? '') as Operation;
}

export function removalOf(added: Operation, id: string): { operation: Operation; body: string } {
  const operation = added.replace('Add', 'Remove') as Operation;
  const tag = added === 'AddActionRule' ? 'RuleID' : 'ConfigurationID';
  return { operation, body: envelope(operation, `<${tag}>${id}</${tag}>`) };
}

function soapWrite(operation: Operation, content: (password: string) => string, password: string): DeviceWrite {
  return {
    method: 'POST',
    path: SERVICES,
    contentType: contentTypeOf(operation),
    body: envelope(operation, content(password)),
    shown: { path: SERVICES, body: Buffer.from(envelope(operation, content(MASK)), 'latin1').toString('utf8') },
  };
}
