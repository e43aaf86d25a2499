import type { IncomingMessage } from 'node:http';
import { deviceWords } from '../core/text.ts';
import { type Origin, originText } from './connect.ts';
import { deviceError } from './network-errors.ts';

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * Where an answer redirects to; undefined when it does not. Followed for GET on the same host only, and never from https down to http:
 * credentials go to no other device. Anything else throws `rejected`.
 */
export function redirection(
  message: IncomingMessage,
  method: string,
  target: string,
  from: Origin,
): { origin: Origin; target: string } | undefined {
  const { location } = message.headers;
  if (!REDIRECTS.has(message.statusCode ?? 0) || location === undefined) return undefined;
  const refuse = (why: string) => {
    message.destroy();
    return deviceError('rejected', from.host, why, { deviceSays: deviceWords(location) });
  };
  const base = originText(from);
  if (!URL.canParse(location, base + target)) throw refuse('redirects to something that is no address');
  const url = new URL(location, base + target);
  if (method !== 'GET') throw refuse(`answers ${method} with a redirect`);
  const secure = url.protocol === 'https:';
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  const sameHost = url.hostname === new URL(base).hostname && (secure || url.protocol === 'http:');
  // The same name with another port may be another camera behind one router.
  const samePlace = secure === from.secure && port === from.port;
  const upgrade = secure && !from.secure;
  if (!sameHost || !(samePlace || upgrade)) throw refuse('redirects to another address');
  return { origin: { secure, host: from.host, port }, target: url.pathname + url.search };
}
