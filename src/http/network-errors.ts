import { asCameraEmailError, CameraEmailError, type ErrorCode, type ErrorDetails, isCameraEmailError } from '../core/errors.ts';
import { abortError } from '../core/lane.ts';
import { deviceWords } from '../core/text.ts';

/** An error about one device; every text names the host. */
export function deviceError(code: ErrorCode, host: string, message: string, details: ErrorDetails = {}): CameraEmailError {
  return new CameraEmailError(code, `${host}: ${message}`, { ...details, params: { host, ...details.params } });
}

const NOBODY_THERE = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EAI_NODATA',
  'EADDRNOTAVAIL',
  'EINVAL',
  'EACCES',
]);

/** What the first bytes of a server that does not speak TLS make OpenSSL say. */
const NOT_TLS = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_UNKNOWN_PROTOCOL',
]);

/** The code of a Node error; empty when it has none. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const { code } = error as NodeJS.ErrnoException;
  // While it writes, Node reports what OpenSSL says as EPROTO and has the reason in the text only.
  const reason = code === 'EPROTO' ? /SSL routines:[^:]*:([^:]+)/.exec(error.message)?.[1] : undefined;
  return reason === undefined ? (code ?? '') : `ERR_SSL_${reason.toUpperCase().replaceAll(' ', '_')}`;
}

/** A socket, TLS or HTTP parser error as one of ours. */
export function networkError(error: unknown, host: string): CameraEmailError {
  if (error instanceof CameraEmailError) return error;
  const code = errorCode(error);
  const words = error instanceof Error ? error.message : String(error);
  if (NOBODY_THERE.has(code)) return deviceError('unreachable', host, words, { cause: error });
  if (code === 'ETIMEDOUT') return deviceError('timeout', host, words, { cause: error });
  if (NOT_TLS.has(code)) return deviceError('wrong-security', host, 'this port does not speak TLS', { cause: error });
  // Whatever else OpenSSL refuses (versions, ciphers, short keys) is a device too old, or too new, for these settings.
  if (code.startsWith('ERR_SSL_')) return deviceError('tls-version', host, deviceWords(words), { cause: error });
  if (code.startsWith('HPE_')) return deviceError('unreadable', host, `not an HTTP answer: ${deviceWords(words)}`, { cause: error });
  if (code === '' || /^ERR_(?!STREAM|SOCKET)/.test(code)) return asCameraEmailError(error);
  return deviceError('connection-lost', host, words, { cause: error });
}

/** The final word on a failed exchange: an abort by the caller is `cancelled`, a deadline names the host. */
export function exchangeError(error: unknown, host: string, signal: AbortSignal | undefined): CameraEmailError {
  if (signal?.aborted) return abortError(signal);
  if (isCameraEmailError(error, 'timeout') && error.params.host === undefined) {
    return new CameraEmailError('timeout', error.message, { params: { ...error.params, host }, cause: error });
  }
  return networkError(error, host);
}
