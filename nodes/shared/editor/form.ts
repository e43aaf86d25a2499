import type { Validator } from '../properties.ts';
import type { EditorNode } from './red.ts';

export type Prefix = 'node-input' | 'node-config-input';

interface Property {
  value: unknown;
  /** Of the config node that it refers to. */
  type?: string;
  required?: boolean;
  validate?: (this: EditorNode, value: unknown, options: unknown) => true | string;
}

/**
 * The `defaults` of registerType: every saved property, with its validator where it has one, and `references` to config nodes. A call
 * and no object with a spread: the flow library's check of packages reads the code, and fails on spreads.
 */
export function properties(
  type: string,
  prefix: Prefix,
  defaults: Readonly<Record<string, unknown>>,
  validators: Readonly<Record<string, Validator>>,
  references: Readonly<Record<string, Property & ThisType<EditorNode>>> = {},
): Record<string, Property> {
  const result: Record<string, Property> = {};
  for (const [name, value] of Object.entries(defaults)) {
    const validator = validators[name];
    result[name] = validator === undefined ? { value } : { value, validate: validation(type, prefix, name, validator) };
  }
  return { ...result, ...references };
}

// Node-RED shows the returned text only for functions that declare two parameters.
function validation(type: string, prefix: Prefix, name: string, validator: Validator): Property['validate'] {
  return function (this: EditorNode, value: unknown, _options: unknown) {
    const verdict = validator(value, current(this, prefix));
    return verdict === true ? true : `${this._(`${type}.label.${name}`)}: ${this._(`reasons.${verdict}`)}`;
  };
}

/** The node's properties as the open dialog shows them, else as they are saved. */
export function current(node: EditorNode, prefix: Prefix): Readonly<Record<string, unknown>> {
  if (!RED.editor.getEditStack().some((edited) => edited.id === node.id)) return node;
  const shown: Record<string, unknown> = { ...node };
  for (const element of document.querySelectorAll(`[id^="${prefix}-"]`)) {
    if (element instanceof HTMLInputElement || element instanceof HTMLSelectElement)
      shown[element.id.slice(prefix.length + 1)] = read(element);
  }
  return shown;
}

/** What the form holds for these properties. An unset reference to a config node is empty. */
export function formValues(prefix: Prefix, names: readonly string[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const name of names) {
    const element = document.getElementById(`${prefix}-${name}`);
    if (element instanceof HTMLInputElement || element instanceof HTMLSelectElement) values[name] = read(element);
  }
  return values;
}

function read(element: HTMLInputElement | HTMLSelectElement): unknown {
  if (element instanceof HTMLInputElement && element.type === 'checkbox') return element.checked;
  return element.value === '_ADD_' ? '' : element.value;
}

/** An element of the form that must be there. */
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new Error(`no ${kind.name} #${id} in the dialog`);
}

/** Shows the rows marked `data-show="<name>"` only while `visible()` says so; evaluated again after each change of the given fields. */
export function showWhen(name: string, fields: readonly HTMLElement[], visible: () => boolean): void {
  const rows = document.querySelectorAll<HTMLElement>(`.camera-email [data-show="${name}"]`);
  const update = () => {
    for (const row of rows) row.hidden = !visible();
  };
  for (const field of fields) $(field).on('change', update);
  update();
}
