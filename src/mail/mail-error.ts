import { systemClock } from '../core/clock.ts';
import { cancelled } from '../core/deadline.ts';
import { CameraEmailError, ERROR_CODES, type ErrorCode } from '../core/errors.ts';
import { deviceWords } from '../core/text.ts';
import type { MailAccount, MailServer } from './account.ts';
import { explainSmtpReply, googleLink, type ReplyMeaning } from './explain-reply.ts';
import { mailService } from './services.ts';
import type { Stage } from './stages.ts';

export type MailProtocol = 'smtp' | 'imap';
/** Where a login may fail: the mail servers, and the one that hands out access tokens. */
type LoginProtocol = MailProtocol | 'oauth2';

/** What nodemailer, imapflow and Node's sockets hang on their errors. */
interface LibraryError extends Error {
  code?: string;
  /** nodemailer puts its own code over the system's and keeps the latter here. */
  originalCode?: string;
  response?: unknown;
  responseCode?: number;
  timeoutType?: string;
  /** The SMTP command that was answered. */
  command?: string;
  tlsFailed?: boolean;
  authenticationFailed?: boolean;
  serverResponseCode?: string;
  reason?: string;
  /** An AggregateError of several addresses tried. */
  errors?: LibraryError[];
}

/** Node and OpenSSL codes. Several OpenSSL versions name the same thing differently. */
const SYSTEM_CODES: readonly (readonly [RegExp, ErrorCode])[] = [
  [/^(ECONNREFUSED|ETIMEDOUT|CONNECT_TIMEOUT)$/, 'port-blocked'],
  [/^(ENOTFOUND|EAI_\w+|EDNS|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL|ENODATA)$/, 'unreachable'],
  [
    /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW|NO_PROTOCOLS_AVAILABLE|HANDSHAKE_FAILURE|INSUFFICIENT_SECURITY|NO_SHARED_CIPHER|DH_KEY_TOO_SMALL/,
    'tls-version',
  ],
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNKNOWN_PROTOCOL|HTTP_REQUEST|RECORD_LAYER|UNEXPECTED_MESSAGE/, 'wrong-security'],
  [
    /CERT|UNABLE_TO_(GET|VERIFY|DECRYPT|DECODE)|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|STARTTLS_INJECTION/,
    'tls-untrusted',
  ],
  [/^(ECONNRESET|EPIPE|ECONNABORTED|ECONNECTION|NoConnection|EConnectionClosed|ClosedAfterConnect\w+|StateLogout)$/, 'connection-lost'],
  [/TIMEOUT|^ETIMEOUT$/, 'timeout'],
  [/^ETHROTTLE$/, 'rate-limited'],
  [/^(EPROTOCOL|Parser\w*|LineTooLarge|ResponseTooLarge|TooManyTokens|InvalidResponse|MissingTag|UnexpectedTag)$/, 'mail-protocol'],
  [/^E(PROTO|SSL)$|^ERR_SSL/, 'tls-version'],
];

const IMAP_REFUSALS: readonly (readonly [RegExp, ErrorCode])[] = [
  [/application-specific password required/i, 'app-password-required'],
  [/log ?in via your web browser|web ?login required|WEBALERT/i, 'web-login-required'],
  [/too many login/i, 'too-many-logins'],
  [/too many simultaneous connections|\[LIMIT\]|rate limit/i, 'rate-limited'],
  [/UNAVAILABLE|INUSE|system error|temporar/i, 'server-busy'],
  [/not enabled for IMAP|IMAP (access )?is disabled|login is disabled|LOGINDISABLED|PRIVACYREQUIRED/i, 'unsupported'],
];

/** Any error of a mail library or a socket as ours. `stage` is what was being done; params are host, port, protocol and stage. */
export function mailError(error: unknown, account: MailAccount, stage: Stage, protocol: MailProtocol = 'smtp'): CameraEmailError {
  const server = protocol === 'imap' ? (account.imap ?? account.smtp) : account.smtp;
  return networkError(error, server, stage, protocol, account);
}

/** The same for a server that is none of the account's own. */
export function networkError(
  error: unknown,
  server: MailServer,
  stage: Stage,
  protocol: LoginProtocol,
  account?: MailAccount,
): CameraEmailError {
  if (error instanceof CameraEmailError) {
    // A deadline does not know where it passed.
    return error.code === 'timeout' && error.params.host === undefined
      ? stageError('timeout', error.message, server, stage, protocol)
      : error;
  }
  const failure: LibraryError = error instanceof Error ? error : new Error(String(error));
  if (failure.name === 'AbortError') return cancelled();
  const explained = explain(failure, server, stage);
  // Servers speak of a password whatever the login was made with.
  const meaning = explained.code === 'bad-app-password' && account?.oauth2 ? { ...explained, code: 'oauth2-refused' as const } : explained;
  const says = wordsOf(failure);
  const link = meaning.link ?? ownLink(meaning.code, account?.service);
  return new CameraEmailError(meaning.code, `${protocol} ${server.host}:${server.port}, ${stage}: ${deviceWords(failure.message)}`, {
    retryable: meaning.retryable,
    params: { host: server.host, port: server.port, protocol, stage },
    ...(says === undefined ? {} : { deviceSays: deviceWords(says) }),
    ...(link === undefined ? {} : { link }),
    ...(meaning.backoffMs ? { retryAt: systemClock.now() + meaning.backoffMs } : {}),
  });
}

/** An error of our own making at a stage, with the same params as mailError's. */
export function stageError(code: ErrorCode, message: string, server: MailServer, stage: Stage, protocol: LoginProtocol): CameraEmailError {
  return new CameraEmailError(code, `${protocol} ${server.host}:${server.port}, ${stage}: ${message}`, {
    params: { host: server.host, port: server.port, protocol, stage },
  });
}

function explain(failure: LibraryError, server: MailServer, stage: Stage): Omit<ReplyMeaning, 'retryable'> & { retryable?: boolean } {
  if (typeof failure.response === 'string' && failure.responseCode) {
    // A 4xx to STARTTLS passes; a 5xx means that this port has none, or that somebody on the way took it out.
    if (failure.command === 'STARTTLS' && failure.responseCode >= 500) return { code: 'wrong-security' };
    return explainSmtpReply(failure.response, { stage });
  }
  if (failure.authenticationFailed) return explainImapRefusal(wordsOf(failure) ?? failure.message);
  if (failure.tlsFailed && !failure.code) return { code: 'wrong-security' };
  const code = systemCode(failure);
  if (failure.timeoutType === 'CONNECT_TIMEOUT') return { code: 'port-blocked' };
  // A server that speaks TLS first waits for us while we wait for its greeting.
  if ([failure.timeoutType, code].includes('GREETING_TIMEOUT'))
    return { code: [465, 993].includes(server.port) ? 'wrong-security' : 'timeout' };
  if (failure.timeoutType !== undefined) return { code: 'timeout' };
  if (code === 'EMESSAGE' && /size larger than allowed/i.test(failure.message)) return { code: 'message-too-large' };
  if (code === 'EENVELOPE') return { code: 'bad-input' };
  // Node words it thus when the certificate's names do not fit, whatever the code.
  if (/does not match certificate's altnames/i.test(failure.message)) return { code: 'tls-untrusted' };
  if (/closed unexpectedly|disconnected before secure/i.test(failure.message)) return { code: 'connection-lost' };
  return { code: SYSTEM_CODES.find(([pattern]) => pattern.test(code))?.[1] ?? 'internal' };
}

function explainImapRefusal(text: string): ReplyMeaning {
  const code = IMAP_REFUSALS.find(([pattern]) => pattern.test(text))?.[1] ?? 'bad-app-password';
  const retryable = ERROR_CODES[code].retryable;
  const link = googleLink(text);
  return {
    code,
    retryable,
    ...(retryable ? { backoffMs: code === 'too-many-logins' ? 15 * 60_000 : 60_000 } : {}),
    ...(link ? { link } : {}),
  };
}

function systemCode({ originalCode, code, errors }: LibraryError): string {
  return originalCode ?? code ?? errors?.[0]?.code ?? '';
}

function wordsOf({ response, reason }: LibraryError): string | undefined {
  return typeof response === 'string' && response !== '' ? response : reason;
}

function ownLink(code: ErrorCode, service = ''): string | undefined {
  return code === 'bad-app-password' || code === 'app-password-required' ? mailService(service)?.link : undefined;
}
