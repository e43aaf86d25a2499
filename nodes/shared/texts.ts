import shared from './locales/en-US/shared.json';
import type { NodeRed } from './node-red.ts';

type Values = Readonly<Record<string, string | number>>;

/**
 * A text of the shared catalog in the runtime's language, e.g. `errors.timeout.message`. Undefined when there is no such text. English
 * is built in, for a catalog that could not be loaded.
 */
export function text(RED: NodeRed, key: string, values: Values = {}): string | undefined {
  const english = lookUp(key);
  if (english === undefined) return undefined;
  const translated = RED._(key, { ...values });
  return translated === key || translated === '' || translated === undefined ? fill(english, values) : translated;
}

function lookUp(key: string): string | undefined {
  let at: unknown = shared;
  for (const part of key.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return undefined;
    at = (at as Record<string, unknown>)[part];
  }
  return typeof at === 'string' ? at : undefined;
}

function fill(template: string, values: Values): string {
  return template.replace(/__(\w+?)__/g, (placeholder, name: string) => String(values[name] ?? placeholder));
}
