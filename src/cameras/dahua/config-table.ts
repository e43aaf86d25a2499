import { CameraEmailError } from '../../core/errors.ts';

/** A configuration table: keys without the `table.` that getConfig puts before them, in the device's order. */
export type ConfigTable = ReadonlyMap<string, string>;

export type Entry = readonly [key: string, value: string];

/** The only characters of a key that may go into a request line; what a hostile device puts in besides is never sent back. */
const KEY = /^\w[\w.[\]-]*$/;

/** Reads `table.<Key>=<value>` lines; values may contain `=`. `body` has one character per byte. Throws `unreadable`. */
export function parseTable(body: string): ConfigTable {
  const table = new Map<string, string>();
  for (const line of body.split(/\r?\n/)) {
    if (line.trim() === '') continue;
    const [, key = '', value = ''] = /^table\.([^=]+)=(.*)$/.exec(line) ?? [];
    if (key === '') throw new CameraEmailError('unreadable', 'a configuration table has a line without a key');
    if (KEY.test(key)) table.set(key, Buffer.from(value, 'latin1').toString('utf8'));
  }
  if (table.size === 0) throw new CameraEmailError('unreadable', 'a configuration table is empty');
  return table;
}

/** Reads the `key=value` lines of magicBox.cgi. Throws `unreadable`. */
export function parseInfo(body: string): ReadonlyMap<string, string> {
  const info = new Map<string, string>();
  for (const line of body.split(/\r?\n/)) {
    const [, key, value = ''] = /^(\w+)=(.*)$/.exec(line.trim()) ?? [];
    if (key !== undefined) info.set(key, value.trim());
    else if (line.trim() !== '') throw new CameraEmailError('unreadable', 'the device information has a line without a key');
  }
  if (info.size === 0) throw new CameraEmailError('unreadable', 'the device information is empty');
  return info;
}

/** `true` and `false` as booleans; anything else, or no such key, is undefined. */
export function flagOf(table: ConfigTable | undefined, key: string): boolean | undefined {
  const value = table?.get(key)?.toLowerCase();
  return value === 'true' ? true : value === 'false' ? false : undefined;
}

export function getConfigPath(name: string): string {
  return `/cgi-bin/configManager.cgi?action=getConfig&name=${name}`;
}

/**
 * The request target that writes `entries`. Built by hand: older Amcrest firmware does not decode %5B and %5D in keys, and none is
 * known to read `+` as a space. `action` has to come first.
 */
export function setConfigPath(entries: readonly Entry[], mask?: { key: string; shown: string }): string {
  const pairs = entries.map(([key, value]) => `${key}=${key === mask?.key ? mask.shown : encodeURIComponent(value)}`);
  return `/cgi-bin/configManager.cgi?action=setConfig&${pairs.join('&')}`;
}
