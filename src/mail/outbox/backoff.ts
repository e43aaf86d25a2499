import { systemClock } from '../../core/clock.ts';
import type { CameraEmailError, ErrorCode } from '../../core/errors.ts';

/** What a failed attempt means: for this mail, for all of the account, or for good. */
export type Consequence =
  | { scope: 'mail' | 'account'; delayMs: number }
  /** Nothing more is tried until the account is edited or verified. */
  | { scope: 'stop' }
  /** Will not be taken however often it is tried. */
  | { scope: 'refused' }
  /** Not the server's doing; try again as if nothing had happened. */
  | { scope: 'none' };

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

interface Steps {
  firstMs: number;
  mostMs: number;
}

/** First wait and longest one, doubled in between. The reply's own wait counts when it is longer. */
const STEPS: Partial<Record<ErrorCode, Steps>> = {
  'connection-lost': { firstMs: SECOND / 2, mostMs: 5 * MINUTE },
  timeout: { firstMs: 5 * SECOND, mostMs: 5 * MINUTE },
  unreachable: { firstMs: 5 * SECOND, mostMs: 5 * MINUTE },
  'port-blocked': { firstMs: 5 * SECOND, mostMs: 5 * MINUTE },
  'server-busy': { firstMs: MINUTE, mostMs: HOUR },
  'rate-limited': { firstMs: 15 * MINUTE, mostMs: 4 * HOUR },
  'mailbox-full': { firstMs: HOUR, mostMs: 4 * HOUR },
  'daily-limit': { firstMs: HOUR, mostMs: HOUR },
  'too-many-recipients': { firstMs: 0, mostMs: 15 * MINUTE },
};
const OTHERS: Steps = { firstMs: MINUTE, mostMs: HOUR };
/** A certificate, a wrong port: somebody has to do something, but not always here. */
const NOT_THE_MAIL: Steps = { firstMs: 5 * MINUTE, mostMs: HOUR };

const STOPS: readonly ErrorCode[] = ['bad-app-password', 'app-password-required', 'web-login-required', 'oauth2-refused'];
const ACCOUNT_WIDE: readonly ErrorCode[] = ['daily-limit', 'connection-lost', 'timeout', 'unreachable', 'port-blocked', 'too-many-logins'];

/** `failures`: how many times in a row it has failed before, for the account or for this mail, whichever it concerns. */
export function consequenceOf(error: CameraEmailError, failures: { account: number; mail: number }, random: () => number): Consequence {
  const { code, retryable, params, deviceSays = '' } = error;
  const stage = String(params.stage ?? '');
  const beforeMail = ['dns', 'connect', 'tls', 'login'].includes(stage);
  if (code === 'cancelled') return { scope: 'none' };
  if (STOPS.includes(code)) return { scope: 'stop' };
  // The login guard doubles the wait after a login limit itself.
  if (code === 'too-many-logins') return { scope: 'account', delayMs: jittered(Math.max(hintMs(error), 15 * MINUTE), random) };
  if (beforeMail) return { scope: 'account', delayMs: delay(retryable ? stepsOf(code) : NOT_THE_MAIL, error, failures.account, random) };
  if (!retryable) return { scope: 'refused' };
  const onlyThisMail = stage === 'recipient' || code === 'mailbox-full' || code === 'too-many-recipients';
  const accountWide = ACCOUNT_WIDE.includes(code) || /^421/.test(deviceSays) || !onlyThisMail;
  return accountWide
    ? { scope: 'account', delayMs: delay(stepsOf(code), error, failures.account, random) }
    : { scope: 'mail', delayMs: delay(stepsOf(code), error, failures.mail, random) };
}

/** How long to wait before recipients that were refused for now are tried again. */
export function recipientDelay(errors: readonly CameraEmailError[], attempts: number, random: () => number): number {
  return Math.max(0, ...errors.map((error) => delay(stepsOf(error.code), error, attempts, random)));
}

function stepsOf(code: ErrorCode): Steps {
  return STEPS[code] ?? OTHERS;
}

function delay({ firstMs, mostMs }: Steps, error: CameraEmailError, failures: number, random: () => number): number {
  const hint = hintMs(error);
  return jittered(Math.min(Math.max(firstMs, hint) * 2 ** Math.min(failures, 20), Math.max(mostMs, hint)), random);
}

/** Never earlier: servers count the attempts that come too soon. */
function jittered(ms: number, random: () => number): number {
  return Math.round(ms * (1 + 0.2 * random()));
}

/** `retryAt` is by the system's clock. */
function hintMs({ retryAt }: CameraEmailError): number {
  return retryAt === undefined ? 0 : Math.max(0, Math.round((retryAt - systemClock.now()) / SECOND) * SECOND);
}
