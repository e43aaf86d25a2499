import { CameraEmailError, type ErrorCode } from '../../core/errors.ts';
import type { SendResult } from '../send.ts';
import type { Progress } from './spool.ts';
import type { Waiting } from './waiting.ts';

type Rejected = SendResult['rejected'];

/** Who has the mail, who will not get it, and who is left, after one more attempt. */
export function onward({ progress, attempts }: Waiting, accepted: readonly string[], rejected: Rejected): Progress {
  const { accepted: before = [], refused = [] } = progress ?? {};
  const final = rejected.filter(({ error }) => !error.retryable);
  return {
    to: rejected.filter(({ error }) => error.retryable).map(({ address }) => address),
    accepted: [...before, ...accepted],
    refused: [...refused, ...final.map(({ address, error }) => ({ address, code: error.code, deviceSays: error.deviceSays }))],
    attempts,
  };
}

export function rejectedOf({ refused }: Progress): Rejected {
  return refused.map(({ address, code, deviceSays }) => ({
    address,
    error: new CameraEmailError(code as ErrorCode, `${address} was refused`, deviceSays === undefined ? {} : { deviceSays }),
  }));
}
