import { isIPv4 } from 'node:net';
import { DRIVERS } from '../cameras/registry.ts';
import { LIMITS } from '../core/limits.ts';
import { deviceWords } from '../core/text.ts';

/**
 * Fit to be shown, and to become a node's property: Node-RED would put environment variables in the place of `${NAME}`. Undefined when
 * nothing is left.
 */
export function shown(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined;
  const words = deviceWords(text, LIMITS.discovery.textChars).replace(/\$+\{/g, '{');
  return words === '' ? undefined : words;
}

/** Any spelling of a MAC address as `00:11:22:aa:bb:cc`; undefined for what cannot be a device's own. */
export function macOf(text: unknown): string | undefined {
  if (typeof text !== 'string' || text.length > 32) return undefined;
  const digits = text.replace(/[\s:.-]/g, '').toLowerCase();
  if (!/^[0-9a-f]{12}$/.test(digits) || /^0{12}$/.test(digits) || Number.parseInt(digits.slice(0, 2), 16) % 2 === 1) return undefined;
  return digits.replace(/(..)(?!$)/g, '$1:');
}

/** A port that has to be told: the usual ones are found by trying, encrypted first. */
export function webPort(value: unknown): number | undefined {
  const port = Number(value);
  return Number.isInteger(port) && port > 0 && port < 65_536 && port !== 80 && port !== 443 ? port : undefined;
}

/** Host and port of an http address with an IPv4 host; undefined for anything else. */
export function webAddress(text: string): { host: string; port: number | undefined; secure: boolean } | undefined {
  const [, scheme, host = '', port] = /^(https?):\/\/([\d.]{7,15})(?::(\d{1,5}))?(?:[:/]|$)/i.exec(text) ?? [];
  if (scheme === undefined || !isIPv4(host)) return undefined;
  return { host, port: webPort(port), secure: scheme.toLowerCase() === 'https' };
}

const BRANDS = DRIVERS.filter(({ vendor }) => vendor !== 'onvif').flatMap(({ vendor, brands }) =>
  brands.map((brand) => ({ vendor, brand, pattern: new RegExp(`(?:^|[^a-z0-9])${brand}(?:[^a-z0-9]|$)`, 'i') })),
);

/** The brand that a text names, and its driver. */
export function brandIn(text: string | undefined): { vendor: string; brand: string } | undefined {
  const found = text === undefined ? undefined : BRANDS.find(({ pattern }) => pattern.test(text));
  return found && { vendor: found.vendor, brand: found.brand };
}
