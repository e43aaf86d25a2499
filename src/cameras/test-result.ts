import type { CameraEmailError } from '../core/errors.ts';
import type { StageResult } from '../mail/stages.ts';
import type { Warning } from './driver.ts';

export type Verdict = 'arrived' | 'accepted' | 'inconclusive' | 'failed';

/** The outcome of one test mail, sent by this host or by a camera. */
export interface TestResult {
  ok: boolean;
  /** `arrived` is said only when the very mail was found in a mailbox. */
  verdict: Verdict;
  stages: StageResult[];
  arrival?: { found: boolean; mailbox?: string; messageId?: string; latencyMs?: number } | undefined;
  error?: CameraEmailError | undefined;
  warnings: Warning[];
}
