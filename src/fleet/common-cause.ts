import type { CameraOutcome } from '../cameras/configure.ts';
import { type CameraEmailError, type ErrorCode, isCameraEmailError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';

/** What the mail server holds against the account, and so against every camera alike. */
export const ACCOUNT_REFUSALS = [
  'bad-app-password',
  'app-password-required',
  'web-login-required',
  'too-many-logins',
  'daily-limit',
] as const satisfies readonly ErrorCode[];

/**
 * Looks at the outcomes as they come, and says why going on is useless. A refusal of the account itself is enough; one that a camera's test
 * mail met has to come twice in a row, because some cameras cut passwords off.
 */
export function commonCause(): (outcome: CameraOutcome) => CameraEmailError | undefined {
  let inARow: CameraEmailError[] = [];
  return ({ error, test }) => {
    const refusal = isCameraEmailError(error, ...ACCOUNT_REFUSALS) ? error : undefined;
    if (test === undefined) return refusal;
    if (refusal === undefined) inARow = [];
    else inARow = [...inARow.filter(({ code }) => code === refusal.code), refusal];
    return inARow.length >= LIMITS.fleet.sameFailures ? refusal : undefined;
  };
}
