import { type CameraOutcome, type ConfigureOrder, type ConfigureServices, configureCamera } from '../cameras/configure.ts';
import type { Warning } from '../cameras/driver.ts';
import { type CameraTarget, cameraKey } from '../cameras/target.ts';
import { asCameraEmailError, CameraEmailError, isCameraEmailError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import type { MailAccount } from '../mail/account.ts';
import { verifyAccount } from '../mail/verify.ts';
import { commonCause } from './common-cause.ts';
import { type Job, openJob } from './job.ts';
import { createProver } from './prove.ts';
import { type Rotation, rotationOf } from './rotation.ts';
import { runFleet } from './run.ts';
import { deviceOf, leadingChannels } from './shared-devices.ts';
import { assertCamerasCanLogIn, type EmailWishes, type MailRelay, securityChoices, throughRelay, wantedFor } from './wanted.ts';

/** A camera that can be worked on, or the reason why it cannot. */
export type FleetCamera = { name: string; target: CameraTarget } | { name: string; error: CameraEmailError };

export interface FleetOrder extends Omit<ConfigureOrder, 'wanted' | 'securityChoices'> {
  /** The node that ordered it: the same order of another node is another job. */
  node: string;
  cameras: readonly FleetCamera[];
  /** Undefined only for `restore`. */
  account: MailAccount | undefined;
  wishes: EmailWishes;
  /** Milliseconds to look for each camera's test mail. */
  arrivalMs: number;
  /** Where the cameras shall mail instead of the account's server. */
  relay?: ((camera: CameraTarget, signal: AbortSignal) => Promise<MailRelay>) | undefined;
  canary: boolean;
  concurrency: number;
}

export interface FleetServices extends Pick<ConfigureServices, 'connect' | 'backups' | 'written' | 'clock'> {
  /** Where the progress of jobs is kept. */
  jobsDirectory: string;
  /** One job at a time per camera, whoever ordered it. */
  exclusively<T>(target: CameraTarget, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
  reportDamaged(file: string): void;
}

export interface FleetResult {
  outcomes: CameraOutcome[];
  /** Only when the app password was replaced. */
  rotation?: Rotation | undefined;
}

const GOOD: readonly string[] = ['planned', 'unchanged', 'applied', 'verified', 'drifted', 'restored'];

export function isGood({ outcome }: CameraOutcome): boolean {
  return GOOD.includes(outcome);
}

/**
 * Configures many cameras; what befalls one is its outcome, told to `onOutcome` at once. Rejects only when no camera could use the
 * account, or when the disk refuses the job's progress.
 */
export async function configureFleet(
  order: FleetOrder,
  services: FleetServices,
  onOutcome: (outcome: CameraOutcome, done: number) => void,
  signal: AbortSignal,
): Promise<FleetResult> {
  const givesLogin = order.relay === undefined && order.action !== 'restore' && order.enabled === undefined;
  if (givesLogin && order.account !== undefined) assertCamerasCanLogIn(order.account);
  if (order.action !== 'apply' || order.enabled !== undefined) return new FleetConfiguration(order, services, onOutcome, signal).run();
  const job = await openJob(services.jobsDirectory, await identityOf(order, services), services.clock, services.reportDamaged);
  let complete = false;
  try {
    const result = await new FleetConfiguration(order, services, onOutcome, signal, job).run();
    const { outcomes, rotation } = result;
    // An app password is replaced when every camera has the new one: what broke off is carried on by the next run.
    complete = !signal.aborted && outcomes.every(({ outcome }) => outcome !== 'skipped') && !rotation?.pending.length;
    return result;
  } finally {
    await job.close(complete);
  }
}

async function identityOf({ node, action, account, cameras, rotate }: FleetOrder, { written }: FleetServices) {
  const tag = account === undefined ? '' : await written.tag(account.password);
  const keys = cameras.flatMap((camera) => ('target' in camera ? [cameraKey(camera.target)] : []));
  return { node, action, accountTag: `${account?.smtp.host} ${account?.username} ${tag}`, cameras: keys, rotate };
}

class FleetConfiguration {
  #verified: Promise<Warning[]> | undefined;
  #rotation = false;
  readonly #leads: ReadonlyMap<string, CameraTarget>;

  constructor(
    private readonly order: FleetOrder,
    private readonly services: FleetServices,
    private readonly onOutcome: (outcome: CameraOutcome, done: number) => void,
    private readonly signal: AbortSignal,
    private readonly job?: Job,
  ) {
    this.#leads = leadingChannels(order.cameras.flatMap((camera) => ('target' in camera ? [camera.target] : [])));
  }

  async run(): Promise<FleetResult> {
    const { order, job, signal } = this;
    this.#rotation = job !== undefined && (order.rotate || job.rotationBefore || (await this.#holdsAnother()));
    const refusal = this.#rotation ? await this.#refusalOfAccount() : undefined;
    const outcomes = await runFleet<FleetCamera, CameraOutcome>(
      {
        items: refusal === undefined ? this.#inOrder() : [],
        concurrency: order.concurrency,
        itemMs: LIMITS.device.jobMs,
        // The first camera of a job that is carried on was proven by the run that was killed.
        canary: order.canary && order.action === 'apply' && job?.finishedBefore.size === 0,
        deviceOf: (camera) => ('target' in camera ? deviceOf(camera.target) : undefined),
        work: (camera, limited, release) => this.#work(camera, limited, release),
        failed: (camera, error) => this.#withoutWork(camera, 'failed', error),
        skipped: (camera, cause) => this.#withoutWork(camera, 'skipped', cause),
        succeeded: isGood,
        stopFor: order.action === 'apply' ? commonCause() : undefined,
        onResult: this.onOutcome,
      },
      signal,
    );
    if (refusal !== undefined) {
      for (const camera of order.cameras) {
        const outcome = this.#withoutWork(camera, 'skipped', refusal);
        outcomes.push(outcome);
        this.onOutcome(outcome, outcomes.length);
      }
    }
    return { outcomes, rotation: this.#rotation ? rotationOf(outcomes, order.test !== 'none') : undefined };
  }

  /** What is left of a job comes before what it had finished, which is only looked at again. */
  #inOrder(): FleetCamera[] {
    const { cameras } = this.order;
    return [...cameras.filter((camera) => !this.#isFinished(camera)), ...cameras.filter((camera) => this.#isFinished(camera))];
  }

  #isFinished(camera: FleetCamera): boolean {
    return 'target' in camera && this.job?.finishedBefore.has(cameraKey(camera.target)) === true;
  }

  /** True when some camera was given another app password by us: this run replaces it. */
  async #holdsAnother(): Promise<boolean> {
    const { account, cameras } = this.order;
    if (account === undefined) return false;
    for (const camera of cameras) {
      if ('target' in camera && (await this.services.written.compare(cameraKey(camera.target), account.password)) === 'other') return true;
    }
    return false;
  }

  async #refusalOfAccount(): Promise<CameraEmailError | undefined> {
    try {
      await this.#verify();
      return undefined;
    } catch (error) {
      return this.signal.aborted ? undefined : asCameraEmailError(error);
    }
  }

  #work(camera: FleetCamera, signal: AbortSignal, release: () => void): Promise<CameraOutcome> {
    if ('error' in camera) return Promise.reject(camera.error);
    const { target } = camera;
    return this.services.exclusively(target, signal, () => this.#configure(target, this.#isFinished(camera), signal, release));
  }

  async #configure(target: CameraTarget, finished: boolean, signal: AbortSignal, release: () => void): Promise<CameraOutcome> {
    const { action, account, wishes, arrivalMs, test, rollback, rotate, backup, enabled } = this.order;
    const { connect, backups, written, clock } = this.services;
    const lead = this.#leads.get(deviceOf(target)) ?? target;
    const own = account === undefined ? undefined : wantedFor(account, wishes, lead.name);
    const relay = own === undefined ? undefined : await this.order.relay?.(lead, signal);
    const relayed = own === undefined || relay === undefined ? undefined : throughRelay(own, relay);
    const outcome = await configureCamera(
      target,
      {
        action,
        test,
        rollback,
        rotate: rotate && !finished,
        backup,
        enabled,
        wanted: relayed?.wanted ?? own,
        securityChoices: relayed?.choices ?? (account === undefined ? [] : securityChoices(account)),
      },
      {
        connect,
        backups,
        written,
        clock,
        verifyAccount: () => this.#verify(),
        deviceDone: release,
        prove: account === undefined ? noProof : createProver(account, clock, arrivalMs),
      },
      signal,
    );
    // Each channel writing its own name would undo what the other has written, at every run.
    const named = own !== undefined && (wishes.senderName.includes('{camera}') || relay !== undefined);
    if (named && lead.name !== target.name) outcome.warnings.push({ code: 'name-shared', params: { value: lead.name } });
    if (outcome.outcome === 'applied' || outcome.outcome === 'unchanged') await this.job?.finish(cameraKey(target), this.#rotation);
    return outcome;
  }

  /** One login for the whole run. */
  #verify(): Promise<Warning[]> {
    this.#verified ??= this.#login();
    return this.#verified;
  }

  async #login(): Promise<Warning[]> {
    const { account, action } = this.order;
    // A relay has a login of its own; whether the account works shows when the relay passes mail on.
    if (account === undefined || action !== 'apply' || this.order.relay !== undefined) return [];
    const { smtp } = await verifyAccount(account, { imap: false, signal: this.signal });
    if (smtp.ok) return [];
    if (isCameraEmailError(smtp.error, 'bad-app-password', 'app-password-required', 'web-login-required')) throw smtp.error;
    // The cameras may well reach what this host cannot: said, but no reason to stop.
    return [{ code: 'account-not-verified' }];
  }

  #withoutWork(camera: FleetCamera, outcome: 'failed' | 'skipped', error?: CameraEmailError): CameraOutcome {
    const target = 'target' in camera ? camera.target : undefined;
    return { name: camera.name, target, action: this.order.action, outcome, changes: [], warnings: [], error, ms: 0 };
  }
}

function noProof(): Promise<never> {
  return Promise.reject(new CameraEmailError('internal', 'no test without an account'));
}
