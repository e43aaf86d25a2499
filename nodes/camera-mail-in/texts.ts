import type { NodeRed } from '../shared/node-red.ts';
import own from './locales/en-US/camera-mail-in.json';

type Key = keyof (typeof own)['mail-in'];

/** One of the node's own texts in the runtime's language. */
export function say(RED: NodeRed, key: Key, values: Readonly<Record<string, string | number>> = {}): string {
  const path = `mail-in.${key}`;
  const translated = RED._(path, { ...values });
  if (translated !== path && translated !== '' && translated !== undefined) return translated;
  return own['mail-in'][key].replace(/__(\w+?)__/g, (placeholder, name: string) => String(values[name] ?? placeholder));
}
