import { constants } from 'node:crypto';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { isCameraEmailError } from '../core/errors.ts';
import { abortError } from '../core/lane.ts';
import { deviceWords } from '../core/text.ts';
import { deviceError, errorCode, networkError } from './network-errors.ts';
import type { DeviceAddress } from './types.ts';

/** Where requests go, settled by the first connection. */
export interface Origin {
  secure: boolean;
  host: string;
  port: number;
}

/** The certificate that `pin` demands, and where the first one seen is kept. */
export interface Pin {
  /** Undefined: none is known yet. */
  fingerprint: string | undefined;
  remember(fingerprint: string): void;
}

export interface Connected {
  socket: Socket;
  origin: Origin;
}

/** `https://192.0.2.7:443`, IPv6 in brackets and without its zone. */
export function originText({ secure, host, port }: Origin): string {
  return `${secure ? 'https' : 'http'}://${hostText(host)}:${port}`;
}

/** The Host header: the port only when it is not the protocol's own. */
export function hostHeader({ secure, host, port }: Origin): string {
  return port === (secure ? 443 : 80) ? hostText(host) : `${hostText(host)}:${port}`;
}

function hostText(host: string): string {
  return host.includes(':') ? `[${host.replace(/%.*$/, '')}]` : host;
}

/**
 * A connection over which nothing has been sent yet, its certificate accepted. Errors: unreachable, timeout, connection-lost,
 * tls-untrusted, tls-version, wrong-security, cancelled.
 */
export async function connectTo(origin: Origin, address: DeviceAddress, pin: Pin, ms: number, signal: AbortSignal): Promise<Socket> {
  const tcp = await openTcp(origin, ms, signal);
  return origin.secure ? startTls(tcp, origin, address, pin, ms, signal) : tcp;
}

/**
 * For `auto`: https, and http only if nothing there speaks TLS. A certificate or TLS version that is not accepted never leads to http,
 * nor does a device that has shown a certificate before: that would be an invitation to whoever can drop packets.
 */
export async function connectSomehow(address: DeviceAddress, pin: Pin, ms: number, signal: AbortSignal): Promise<Connected> {
  const secure = { secure: true, host: address.host, port: address.port ?? 443 };
  const plain = { secure: false, host: address.host, port: address.port ?? 80 };
  const stays = address.trust === 'pin' && pin.fingerprint !== undefined;
  let tcp: Socket;
  try {
    tcp = await openTcp(secure, ms, signal);
  } catch (error) {
    const closed =
      errorCode((error as Error).cause) === 'ECONNREFUSED' || (isCameraEmailError(error, 'timeout') && address.port === undefined);
    if (stays || !closed) throw error;
    return { socket: await openTcp(plain, ms, signal), origin: plain };
  }
  try {
    return { socket: await startTls(tcp, secure, address, pin, ms, signal), origin: secure };
  } catch (error) {
    if (stays || !isCameraEmailError(error, 'wrong-security', 'connection-lost', 'timeout')) throw error;
    return { socket: await openTcp(plain, ms, signal), origin: plain };
  }
}

function openTcp({ host, port }: Origin, ms: number, signal: AbortSignal): Promise<Socket> {
  if (signal.aborted) return Promise.reject(abortError(signal));
  const socket = connectTcp({ host, port, noDelay: true });
  return established(socket, 'connect', host, ms, signal);
}

async function startTls(
  tcp: Socket,
  { host }: Origin,
  address: DeviceAddress,
  pin: Pin,
  ms: number,
  signal: AbortSignal,
): Promise<TLSSocket> {
  if (signal.aborted) {
    tcp.destroy();
    throw abortError(signal);
  }
  const socket = connectTls({ socket: tcp, ...tlsOptions(address) });
  socket.once('close', () => tcp.destroy());
  await established(socket, 'secureConnect', host, ms, signal);
  try {
    checkTrust(socket, host, address, pin);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return socket;
}

function tlsOptions({ host, ca, legacyTls }: DeviceAddress): ConnectionOptions {
  return {
    host,
    // An address literal is not a server name (RFC 6066): some devices drop the connection over it.
    ...(isIP(host.replace(/%.*$/, '')) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
    // The certificate is judged by checkTrust, before the first byte of a request.
    rejectUnauthorized: false,
    ...(legacyTls
      ? { minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0', secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT }
      : { minVersion: 'TLSv1.2' }),
  };
}

function checkTrust(socket: TLSSocket, host: string, { trust }: DeviceAddress, pin: Pin): void {
  if (trust === 'any') return;
  const seen = socket.getPeerCertificate().fingerprint256 ?? '';
  if (trust === 'ca') {
    if (socket.authorized) return;
    const reason = deviceWords(String(socket.authorizationError ?? 'not trusted'));
    throw deviceError('tls-untrusted', host, `certificate not accepted: ${reason}`, { deviceSays: reason, params: { seen } });
  }
  const expected = pin.fingerprint;
  if (expected !== undefined && bare(expected) !== bare(seen)) {
    throw deviceError('tls-untrusted', host, 'the certificate is not the one seen before', { params: { expected, seen } });
  }
  if (seen === '') throw deviceError('tls-untrusted', host, 'the device showed no certificate', { params: { seen } });
  pin.remember(seen);
}

function bare(fingerprint: string): string {
  return fingerprint.replace(/[^0-9a-f]/gi, '').toLowerCase();
}

/** Outside any function, so that a socket holds nothing of how it came about. */
const ignore = () => undefined;

function established<S extends Socket>(socket: S, event: string, host: string, ms: number, signal: AbortSignal): Promise<S> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.off(event, onReady).off('error', onError).off('close', onClose);
      if (error === undefined) {
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(error);
    };
    const onReady = () => settle();
    const onError = (error: Error) => settle(networkError(error, host));
    const onClose = () => settle(deviceError('connection-lost', host, 'the connection was closed before it was ready'));
    const onAbort = () => settle(abortError(signal));
    // Between its handshake and its first request nobody else listens, and an unheard error would end the process.
    socket.on('error', ignore);
    const timer = setTimeout(() => {
      settle(deviceError('timeout', host, `no connection within ${ms} ms`, { params: { seconds: Math.ceil(ms / 1000) } }));
    }, ms);
    socket.once(event, onReady).once('error', onError).once('close', onClose);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
