import { X509Certificate } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { connect as connectSocket, isIP, type LookupFunction, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, createSecureContext, type TLSSocket } from 'node:tls';
import { withDeadline } from '../core/deadline.ts';
import { CameraEmailError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import type { MailAccount, MailServer } from './account.ts';
import { assertMailLoginAllowed } from './login-guard.ts';
import { type MailProtocol, mailError, stageError } from './mail-error.ts';
import type { StageLog } from './stages.ts';

/** Milliseconds for each step. */
export interface MailTimeouts {
  readonly dnsMs: number;
  readonly connectMs: number;
  readonly greetingMs: number;
  readonly probeAfterMs: number;
  readonly tlsMs: number;
  readonly loginMs: number;
  readonly socketMs: number;
  readonly sendMs: number;
  readonly idleMs: number;
  readonly verifyMs: number;
}

export interface ConnectContext {
  account: MailAccount;
  protocol: MailProtocol;
  server: MailServer;
  log: StageLog;
  timeouts: MailTimeouts;
  signal?: AbortSignal | undefined;
}

export const MAIL_TIMEOUTS: MailTimeouts = LIMITS.mail;

/**
 * Stages dns and connect, and tls where TLS comes first. The socket has not been read from: the greeting is still in it.
 * Rejects at once, without connecting, while a login is not allowed.
 */
export async function openSocket(context: ConnectContext): Promise<Socket> {
  const { account, server, log, protocol } = context;
  assertMailLoginAllowed(account, protocol);
  // Broken PEM in a tls-config node throws here, before anything is sent.
  tlsOptions(account, server);
  try {
    log.begin('dns');
    const addresses = await resolve(context);
    log.pass(isIP(server.host) ? `${server.host} is an address` : `${server.host} → ${addresses.map(({ address }) => address).join(', ')}`);
    log.begin('connect');
    const socket = await connect(context, addresses);
    log.pass(`${socket.remoteAddress ?? server.host}, port ${server.port}`);
    if (server.security !== 'tls') return socket;
    log.begin('tls');
    const secured = await secure(context, socket);
    log.pass(tlsDetail(secured));
    return secured;
  } catch (error) {
    const failure = mailError(error, account, log.current ?? 'connect', protocol);
    log.fail(failure);
    throw failure;
  }
}

/** The options for a TLS handshake with this server. Throws `bad-input` for a certificate or key that cannot be read. */
export function tlsOptions(account: MailAccount, server: MailServer): ConnectionOptions {
  const { ca, cert, key, passphrase, servername, verify } = account.tls;
  const name = servername || (isIP(server.host) ? undefined : server.host);
  try {
    // Node passes over a CA that it cannot read, and then trusts nobody.
    if (ca) new X509Certificate(ca);
    return {
      host: server.host,
      ...(name === undefined ? {} : { servername: name }),
      rejectUnauthorized: verify,
      secureContext: createSecureContext({ ca, cert, key, passphrase }),
    };
  } catch {
    throw new CameraEmailError('bad-input', 'the certificate, key or CA of the TLS configuration cannot be read', {
      params: { field: 'tls' },
    });
  }
}

export function tlsDetail(socket: TLSSocket): string {
  const certificate = socket.getPeerCertificate();
  const name = [certificate?.subject?.CN ?? certificate?.subjectaltname].flat()[0];
  return [socket.getProtocol() ?? 'TLS', socket.getCipher()?.standardName ?? '', name ? `certificate of ${name}` : '']
    .filter(Boolean)
    .join(' ');
}

/**
 * Waits for `greeting`; when none comes for a while, a second connection finds out whether the port speaks TLS, which rejects with
 * `wrong-security`: a server that expects TLS says nothing, so a greeting would be waited for in vain.
 */
export async function unlessTlsSpoken<T>(context: ConnectContext, greeted: AbortSignal, work: Promise<T>): Promise<T> {
  if (context.server.security === 'tls') return work;
  const probe = new AbortController();
  const stop = () => probe.abort();
  greeted.addEventListener('abort', stop, { once: true });
  const suspicion = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => {
      speaksTls(context.server, context.timeouts.tlsMs, probe.signal).then((spoken) => {
        if (spoken) reject(stageError('wrong-security', 'the port expects TLS from the start', context.server, 'tls', context.protocol));
      });
    }, context.timeouts.probeAfterMs);
    probe.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  });
  if (greeted.aborted) stop();
  try {
    return await Promise.race([work, suspicion]);
  } finally {
    stop();
    greeted.removeEventListener('abort', stop);
  }
}

type Addresses = { address: string; family: number }[];

function resolve({ server, timeouts, signal }: ConnectContext): Promise<Addresses> {
  const family = isIP(server.host);
  if (family !== 0) return Promise.resolve([{ address: server.host, family }]);
  return withDeadline(timeouts.dnsMs, `looking up ${server.host}`, signal, () => lookup(server.host, { all: true }));
}

async function connect({ server, timeouts, signal, protocol }: ConnectContext, addresses: Addresses): Promise<Socket> {
  const answer: LookupFunction = (_host, options, callback) => {
    const [first] = addresses;
    if (options.all) callback(null, addresses);
    else callback(null, first?.address ?? '', first?.family);
  };
  const families = new Set(addresses.map(({ family }) => family)).size;
  // Node gives an address a quarter of a second, too little for a radio link; with one family nothing is gained by haste.
  const attemptMs = families > 1 ? 500 : Math.max(500, Math.floor(timeouts.connectMs / addresses.length));
  const socket = connectSocket({
    host: server.host,
    port: server.port,
    lookup: answer,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: attemptMs,
    noDelay: true,
  });
  // Also for the time between two owners of the socket.
  socket.on('error', () => undefined);
  try {
    return await withDeadline(timeouts.connectMs, 'connecting', signal, () => {
      return new Promise<Socket>((resolveConnected, reject) => {
        socket.once('connect', () => resolveConnected(socket)).once('error', reject);
      });
    });
  } catch (error) {
    socket.destroy();
    // A firewall that drops packets looks like this.
    const expired = error instanceof CameraEmailError && error.code === 'timeout';
    throw expired ? stageError('port-blocked', 'no answer to the connection', server, 'connect', protocol) : error;
  }
}

async function secure({ account, server, timeouts, signal }: ConnectContext, plain: Socket): Promise<TLSSocket> {
  const socket = connectTls({ ...tlsOptions(account, server), socket: plain });
  socket.on('error', () => undefined);
  try {
    return await withDeadline(timeouts.tlsMs, 'TLS handshake', signal, () => {
      return new Promise<TLSSocket>((resolveSecured, reject) => {
        socket.once('secureConnect', () => resolveSecured(socket)).once('error', reject);
        socket.once('close', () => reject(Object.assign(new Error('the server hung up during the TLS handshake'), { code: 'ECONNRESET' })));
      });
    });
  } catch (error) {
    socket.destroy();
    plain.destroy();
    throw error;
  }
}

/** Says nothing over the connection: the handshake alone is the answer. */
async function speaksTls(server: MailServer, ms: number, signal: AbortSignal): Promise<boolean> {
  const socket = connectTls({ host: server.host, port: server.port, rejectUnauthorized: false });
  try {
    return await withDeadline(ms, 'TLS probe', signal, () => {
      return new Promise<boolean>((resolve) => {
        socket.once('secureConnect', () => resolve(true));
        socket.once('error', (error: NodeJS.ErrnoException) => resolve(/ALERT/.test(error.code ?? '')));
        socket.once('close', () => resolve(false));
      });
    });
  } catch {
    return false;
  } finally {
    socket.on('error', () => undefined);
    socket.destroy();
  }
}
