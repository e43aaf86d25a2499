import type { CameraOutcome } from '../cameras/configure.ts';

/** How far the replacement of an app password has come. */
export interface Rotation {
  /** Cameras that hold the new one. */
  done: number;
  /** Names of those that do not, or of which nobody knows. */
  pending: string[];
  /** True only when every camera of the run holds the new one. */
  oldPasswordMayBeRevoked: boolean;
  /** Which text says what to do next. */
  advice: 'wait' | 'prove' | 'revoke';
}

/** `rolled-back` and failed cameras count as pending, even if the new password has reached them: nothing proves it. */
export function rotationOf(outcomes: readonly CameraOutcome[], tested: boolean): Rotation {
  const pending = outcomes.filter(({ outcome }) => outcome !== 'applied' && outcome !== 'unchanged').map(({ name }) => name);
  const unproven = !tested || outcomes.some(({ test }) => test?.verdict === 'inconclusive');
  return {
    done: outcomes.length - pending.length,
    pending,
    oldPasswordMayBeRevoked: pending.length === 0,
    advice: pending.length > 0 ? 'wait' : unproven ? 'prove' : 'revoke',
  };
}
