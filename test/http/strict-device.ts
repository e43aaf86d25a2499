import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

export interface StrictOptions {
  username?: string;
  password?: string;
  realm?: string;
  /** As it stands in the header, quotes included; undefined: no algorithm parameter. */
  algorithm?: string;
  /** Undefined: `auth`; empty: none, the form of RFC 2069. */
  qop?: string;
  opaque?: string;
  /** Every nonce is good for one request. */
  oneTimeNonces?: boolean;
  /** A nonce is good for one path, and another path gets a new one without `stale`. */
  nonceByUrl?: boolean;
  staleWord?: string;
  /** Wrong logins until the account is locked (403, whatever comes). */
  lockAfter?: number;
  /** The whole WWW-Authenticate, instead of Digest by the options above. `%digest%` is replaced by that. */
  authenticate?: string | string[];
  basic?: boolean;
  tls?: ServerOptions;
  /** What happens to requests that are logged in. Default: 200 and `ok`. */
  handler?: (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;
  /** Sees every request first; true: it has answered. */
  first?: (request: IncomingMessage, response: ServerResponse, body: Buffer) => boolean;
}

/** A camera that checks Digest to the letter and counts what happens to it. */
export interface StrictDevice {
  port: number;
  connections: number;
  requests: number;
  challenges: number;
  /** Logins with a wrong answer. */
  refused: number;
  stale: number;
  /** Requests under way at the same time, at most. */
  parallel: number;
  /** Authorization headers as they came. */
  authorizations: string[];
  seen: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[];
  /** Refuses right logins too, with a new nonce: too much to do. */
  busy: boolean;
  options: StrictOptions;
  server: Server;
  /** Forgets all nonces, like a camera after a restart. */
  restart(): void;
  close(): Promise<void>;
}

const HASHES: Record<string, string> = { md5: 'md5', 'sha-256': 'sha256', 'sha-512-256': 'sha512-256' };

export async function strictDevice(options: StrictOptions = {}): Promise<StrictDevice> {
  const sockets = new Set<Socket>();
  const nonces = new Map<string, { nc: number; url: string }>();
  let current = 0;

  const server = options.tls === undefined ? createServer(answer) : createTlsServer(options.tls, answer);
  server.on(options.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    device.connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  });
  if (options.tls !== undefined) server.on('connection', (socket: Socket) => socket.on('error', () => undefined));

  const device: StrictDevice = {
    port: 0,
    connections: 0,
    requests: 0,
    challenges: 0,
    refused: 0,
    stale: 0,
    parallel: 0,
    authorizations: [],
    seen: [],
    busy: false,
    options,
    server,
    restart: () => nonces.clear(),
    async close() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  function answer(request: IncomingMessage, response: ServerResponse): void {
    device.requests += 1;
    current += 1;
    device.parallel = Math.max(device.parallel, current);
    response.once('close', () => {
      current -= 1;
    });
    const chunks: Buffer[] = [];
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      device.seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: body.toString() });
      if (options.first?.(request, response, body)) return;
      const locked = options.lockAfter !== undefined && device.refused >= options.lockAfter;
      if (locked) respond(response, 403, 'locked');
      else if (allowed(request, response, body)) {
        if (options.handler === undefined) respond(response, 200, 'ok');
        else options.handler(request, response, body);
      }
    });
  }

  function challenge(request: IncomingMessage, response: ServerResponse, stale: boolean): false {
    device.challenges += 1;
    const nonce = randomBytes(8).toString('hex');
    nonces.set(nonce, { nc: 0, url: request.url ?? '' });
    const { realm = 'IP Camera(12345)', qop = 'auth', algorithm, opaque, staleWord = 'true' } = options;
    const fields = [`realm="${realm.replace(/["\\]/g, '\\$&')}"`, `nonce="${nonce}"`];
    if (qop !== '') fields.push(`qop="${qop}"`);
    if (algorithm !== undefined) fields.push(`algorithm=${algorithm}`);
    if (opaque !== undefined) fields.push(`opaque="${opaque}"`);
    if (stale) fields.push(`stale=${staleWord}`);
    const digest = `Digest ${fields.join(', ')}`;
    const offered = options.authenticate ?? (options.basic ? 'Basic realm="camera"' : '%digest%');
    const header = Array.isArray(offered) ? offered.map((text) => text.replace('%digest%', digest)) : offered.replace('%digest%', digest);
    response.setHeader('WWW-Authenticate', header);
    respond(response, 401, '<html>log in</html>');
    return false;
  }

  function refuse(request: IncomingMessage, response: ServerResponse): false {
    device.refused += 1;
    return challenge(request, response, false);
  }

  function allowed(request: IncomingMessage, response: ServerResponse, body: Buffer): boolean {
    const header = request.headers.authorization;
    if (header === undefined) return challenge(request, response, false);
    device.authorizations.push(header);
    const { username = 'admin', password = 'camera-secret' } = options;
    if (options.basic) {
      return header === `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` || refuse(request, response);
    }
    if (!header.startsWith('Digest ')) return refuse(request, response);
    const raw = new Map([...header.slice(7).matchAll(/(\w+)=("(?:[^"\\]|\\.)*"|[^",\s]+)(?:, |$)/g)].map(([, name, text]) => [name, text]));
    const value = (name: string) =>
      raw
        .get(name)
        ?.replace(/^"(.*)"$/s, '$1')
        .replace(/\\(.)/gs, '$1');
    const { realm = 'IP Camera(12345)', qop = 'auth', algorithm, opaque } = options;
    const nonce = value('nonce') ?? '';
    const known = nonces.get(nonce);
    if (known === undefined) {
      device.stale += 1;
      return challenge(request, response, true);
    }
    if (options.nonceByUrl && known.url !== request.url) return challenge(request, response, false);

    const name = (algorithm ?? 'MD5').replaceAll('"', '').toLowerCase();
    const hash = (text: string) =>
      createHash(HASHES[name.replace('-sess', '')] ?? 'none')
        .update(text, 'latin1')
        .digest('hex');
    const bytes = (text: string) => Buffer.from(text, 'utf8').toString('latin1');
    const plain = hash(`${bytes(username)}:${bytes(realm)}:${bytes(password)}`);
    const ha1 = name.endsWith('-sess') ? hash(`${plain}:${nonce}:${value('cnonce')}`) : plain;
    const entity = value('qop') === 'auth-int' ? `:${hash(body.toString('latin1'))}` : '';
    const ha2 = hash(`${request.method}:${request.url}${entity}`);
    const counted = qop === '' ? '' : `${value('nc')}:${value('cnonce')}:${value('qop')}:`;
    const right =
      value('response') === hash(`${ha1}:${nonce}:${counted}${ha2}`) &&
      value('uri') === request.url &&
      value('username') === bytes(username) &&
      value('realm') === bytes(realm) &&
      value('opaque') === opaque &&
      raw.get('algorithm') === algorithm &&
      (qop === '' ? value('qop') === undefined && value('nc') === undefined : qop.split(',').includes(value('qop') ?? 'none'));
    if (!right || device.busy) return refuse(request, response);

    const nc = /^[0-9a-f]{8}$/.test(value('nc') ?? '') ? Number.parseInt(value('nc') ?? '', 16) : 0;
    if (qop !== '' && nc !== known.nc + 1) {
      device.stale += 1;
      return challenge(request, response, true);
    }
    known.nc = nc;
    if (options.oneTimeNonces) nonces.delete(nonce);
    return true;
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  device.port = (server.address() as AddressInfo).port;
  return device;
}

export function respond(response: ServerResponse, status: number, text: string): void {
  response.statusCode = status;
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.end(text);
}
