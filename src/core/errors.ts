/** Everything that can go wrong, as a fixed list. The texts and the advice for each code live in nodes/shared/locales. */
interface CodeTraits {
  /** The same attempt may succeed later without anybody changing anything. */
  readonly retryable: boolean;
}

const permanent: CodeTraits = { retryable: false };
const passing: CodeTraits = { retryable: true };

export const ERROR_CODES = {
  // reaching a device or a server
  unreachable: passing,
  timeout: passing,
  'connection-lost': passing,
  'tls-untrusted': permanent,
  'tls-version': permanent,
  'port-blocked': passing,
  'wrong-security': permanent,
  // a device's answers
  unauthorized: permanent,
  'locked-out': permanent,
  forbidden: permanent,
  'not-activated': permanent,
  busy: passing,
  unsupported: permanent,
  rejected: permanent,
  unreadable: permanent,
  'plain-http': permanent,
  'not-applied': permanent,
  'test-failed': permanent,
  'no-backup': permanent,
  // a mail server's answers
  'app-password-required': permanent,
  'bad-app-password': permanent,
  'web-login-required': permanent,
  'oauth2-refused': permanent,
  'authentication-required': permanent,
  'starttls-required': permanent,
  'too-many-logins': passing,
  'rate-limited': passing,
  'server-busy': passing,
  'daily-limit': passing,
  'mailbox-full': passing,
  'message-too-large': permanent,
  'too-many-recipients': permanent,
  'recipient-refused': permanent,
  'sender-refused': permanent,
  'content-refused': permanent,
  'relay-denied': permanent,
  'sender-unauthenticated': permanent,
  'hello-refused': permanent,
  'mail-protocol': permanent,
  'not-arrived': passing,
  'in-spam': permanent,
  'spool-full': passing,
  // what the user gave
  'bad-input': permanent,
  // a whole job
  'cameras-failed': permanent,
  cancelled: passing,
  internal: permanent,
} as const satisfies Record<string, CodeTraits>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface ErrorDetails {
  /** The device's or server's own words, verbatim. Callers keep secrets out of it. */
  deviceSays?: string;
  /** Values for the placeholders of the code's text, e.g. `{ host: '192.0.2.7' }`. */
  params?: Record<string, string | number>;
  /** A page that helps, when the other side named one or the code has one. */
  link?: string;
  /** Overrides what the code says about trying again. */
  retryable?: boolean;
  /** Epoch milliseconds before which another attempt does harm (a locked account, a login limit). */
  retryAt?: number;
  cause?: unknown;
}

/** The one error class. `message` is for logs and developers; users read the locale's text for `code`. */
export class CameraEmailError extends Error {
  override readonly name = 'CameraEmailError';
  readonly retryable: boolean;
  readonly deviceSays: string | undefined;
  readonly params: Readonly<Record<string, string | number>>;
  readonly link: string | undefined;
  readonly retryAt: number | undefined;

  constructor(
    readonly code: ErrorCode,
    message: string,
    details: ErrorDetails = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.retryable = details.retryable ?? ERROR_CODES[code].retryable;
    this.deviceSays = details.deviceSays;
    this.params = details.params ?? {};
    this.link = details.link;
    this.retryAt = details.retryAt;
  }
}

export function isCameraEmailError(error: unknown, ...codes: ErrorCode[]): error is CameraEmailError {
  return error instanceof CameraEmailError && (codes.length === 0 || codes.includes(error.code));
}

/** Any thrown value as a CameraEmailError; what is not one becomes `internal` with the original as its cause. */
export function asCameraEmailError(error: unknown): CameraEmailError {
  if (error instanceof CameraEmailError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new CameraEmailError('internal', message, { cause: error });
}
