import type { Clock } from '../core/clock.ts';
import type { CameraEmailError } from '../core/errors.ts';
import type { DeviceHttp } from '../http/types.ts';
import type { BackupStore } from './backups.ts';
import type { SecurityChoice } from './changes.ts';
import type { Camera, Change, DeviceIdentity, EmailSettings, WantedEmail, Warning } from './driver.ts';
import type { CameraTarget } from './target.ts';
import type { TestResult } from './test-result.ts';
import type { WrittenRecord } from './written.ts';

export type ConfigureAction = 'plan' | 'apply' | 'verify' | 'restore';
export type Outcome = 'planned' | 'unchanged' | 'applied' | 'verified' | 'drifted' | 'restored' | 'rolled-back' | 'failed' | 'skipped';

export interface ConfigureOrder {
  action: ConfigureAction;
  /** Not needed for `restore`. */
  wanted?: Omit<WantedEmail, 'writePassword' | 'channel'> | undefined;
  /** Other encryptions of the same server, best first. */
  securityChoices: readonly SecurityChoice[];
  test: 'none' | 'camera' | 'arrival';
  rollback: boolean;
  /** Write the password even where the camera should hold it already. */
  rotate: boolean;
  /** Only switch the camera's mail on or off, and leave every other setting as it is. */
  enabled?: boolean | undefined;
  /** File name of the backup to restore; undefined: the newest. */
  backup?: string | undefined;
}

export interface ConfigureServices {
  connect(target: CameraTarget): DeviceHttp;
  backups: BackupStore;
  written: WrittenRecord;
  clock: Clock;
  /** Checks the mail account before the first write; rejects when its login is refused. Called at most once per order. */
  verifyAccount?: ((signal: AbortSignal) => Promise<Warning[]>) | undefined;
  /** Called when a camera that went well will not be asked anything more: only the disk has still to keep what came of it. */
  deviceDone?: (() => void) | undefined;
  /** Has the camera send a test mail and looks whether it arrived. */
  prove(request: ProofRequest, signal: AbortSignal): Promise<TestResult>;
}

/** `settings` are what the camera holds now. `arrival` also looks for the mail in the mailbox. */
export interface ProofRequest {
  camera: Camera;
  settings: EmailSettings;
  wanted: WantedEmail;
  depth: 'camera' | 'arrival';
  /** No device has confirmed this brand's test yet: a mail that does not come proves nothing. */
  experimental: boolean;
}

export interface CameraOutcome {
  name: string;
  /** Undefined for a camera that was given in a way that cannot be used. */
  target: CameraTarget | undefined;
  identity?: DeviceIdentity | undefined;
  action: ConfigureAction;
  outcome: Outcome;
  changes: Change[];
  requests?: { method: string; path: string; body?: string | undefined }[] | undefined;
  warnings: Warning[];
  test?: TestResult | undefined;
  backup?: string | undefined;
  error?: CameraEmailError | undefined;
  ms: number;
}
