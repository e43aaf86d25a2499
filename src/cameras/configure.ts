import { asCameraEmailError, CameraEmailError, isCameraEmailError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { belongsToAccount, onlySwitched } from './account-settings.ts';
import { changesTo, fitToDevice } from './changes.ts';
import { isClockWrong, withDeviceClock } from './device-clock.ts';
import type {
  Camera,
  CameraDriver,
  Change,
  DeviceIdentity,
  EmailPlan,
  EmailReading,
  EmailSettings,
  MailObstacle,
  WantedEmail,
} from './driver.ts';
import { identifyDevice, recallDevice, rememberDevice } from './identify.ts';
import { findObstacle } from './mail-obstacle.ts';
import type { CameraOutcome, ConfigureOrder, ConfigureServices } from './order.ts';
import { type CameraTarget, cameraKey } from './target.ts';
import type { TestResult } from './test-result.ts';

export type { CameraOutcome, ConfigureAction, ConfigureOrder, ConfigureServices, Outcome, ProofRequest } from './order.ts';

const OBSTACLES: Readonly<Record<MailObstacle, string>> = { dns: 'dns-missing', gateway: 'gateway-missing' };

/** One camera, start to end. Never rejects: whatever goes wrong is the outcome `failed` (or `rolled-back`) with its error. */
export async function configureCamera(
  target: CameraTarget,
  order: ConfigureOrder,
  services: ConfigureServices,
  signal: AbortSignal,
): Promise<CameraOutcome> {
  const started = services.clock.now();
  const run = new ConfigureRun(target, order, services, signal);
  try {
    await run.start();
  } catch (error) {
    run.fail(asCameraEmailError(error));
  } finally {
    await run.finish();
  }
  if (run.result.error === undefined) services.deviceDone?.();
  await run.kept();
  return { ...run.result, ms: services.clock.now() - started };
}

class ConfigureRun {
  readonly result: CameraOutcome;
  readonly #key: string;
  #camera: Camera | undefined;
  /** What came of it, on its way to the disk. */
  #keeping: Promise<void> | undefined;

  constructor(
    private readonly target: CameraTarget,
    private readonly order: ConfigureOrder,
    private readonly services: ConfigureServices,
    private readonly signal: AbortSignal,
  ) {
    this.#key = cameraKey(target);
    this.result = { name: target.name, target, action: order.action, outcome: 'failed', changes: [], warnings: [], ms: 0 };
  }

  fail(error: CameraEmailError): void {
    this.result.outcome = 'failed';
    this.result.error = error;
  }

  async finish(): Promise<void> {
    // A counted session is given back even when the job was stopped; its own request deadlines bound this.
    await this.#camera?.close?.(AbortSignal.timeout(LIMITS.device.logoutMs)).catch(() => undefined);
  }

  async kept(): Promise<void> {
    await this.#keeping?.catch((error) => this.fail(asCameraEmailError(error)));
  }

  async start(): Promise<void> {
    const { target, order, services, signal } = this;
    const http = withDeviceClock(services.connect(target), services.clock);
    // A backup must not go into the device that has taken the old one's address since.
    const recalled = order.action === 'restore' ? undefined : recallDevice(http, target.vendor, services.clock);
    rememberDevice(http, undefined);
    const { driver, identity } = recalled ?? (await identifyDevice(http, target.vendor, signal));
    const camera = driver.open(http, target.channel, identity);
    this.#camera = camera;
    // Some brands tell model and firmware by requests of their own, which identifying cannot afford.
    const told = identity.model !== '' && identity.firmware !== '';
    const whole = told || recalled !== undefined ? identity : await camera.identity(signal);
    this.result.identity = whole;
    if (order.action === 'restore') await this.#restore(camera, whole);
    else await this.#configure(driver, camera, whole);
    if (this.result.error === undefined) {
      rememberDevice(http, { driver, identity: whole, vendor: target.vendor, at: recalled?.at ?? services.clock.now() });
    }
    if (http.loginInClear && !this.result.warnings.some(({ code }) => code === 'plain-http'))
      this.result.warnings.push({ code: 'plain-http' });
    if ((order.action === 'plan' || order.action === 'verify') && isClockWrong(http.clockSkewMs))
      this.result.warnings.push({ code: 'clock-wrong' });
  }

  async #configure(driver: CameraDriver, camera: Camera, identity: DeviceIdentity): Promise<void> {
    const { order, result, signal } = this;
    if (order.wanted === undefined)
      throw new CameraEmailError('bad-input', 'nothing to configure without an account', { params: { field: 'account' } });
    const switching = order.enabled !== undefined;
    const reading = await camera.read({ events: order.wanted.events !== undefined || switching }, signal);
    const capabilities = await camera.capabilities(signal, order.action === 'apply' ? order.wanted : undefined);
    const held = await this.services.written.compare(this.#key, order.wanted.password);
    const verifying = order.action === 'verify';
    // A check cannot know what was never written by us; a write must then make sure.
    const writePassword = !switching && (verifying ? held === 'other' : order.rotate || held !== 'same');
    const wished = order.enabled === undefined ? order.wanted : onlySwitched(order.wanted, order.enabled, reading);
    const fit = fitToDevice(
      { ...wished, writePassword, channel: this.target.channel },
      order.securityChoices,
      reading.settings,
      capabilities,
    );
    const plan = camera.plan(reading, fit.wanted, capabilities);
    result.changes = plan.changes;
    result.warnings.push(...fit.warnings, ...plan.warnings);
    if ((fit.wanted.recipients ?? reading.settings.recipients)?.length === 0) result.warnings.push({ code: 'recipients-not-set' });
    const impossible = fit.impossible ?? plan.impossible;
    if (impossible !== undefined && !result.warnings.some(({ code }) => code === impossible.code)) result.warnings.push(impossible);
    if (verifying && held === 'unknown') result.warnings.push({ code: 'password-unknown' });
    if (order.action !== 'apply') {
      const obstacle = await findObstacle(camera, fit.wanted.server, signal);
      if (obstacle !== undefined) result.warnings.push({ code: OBSTACLES[obstacle] });
    }
    if (order.action === 'plan') {
      result.requests = plan.writes.map(({ method, shown }) => ({ method, ...shown }));
      result.outcome = 'planned';
    } else if (verifying) {
      result.outcome = plan.changes.length === 0 ? 'verified' : 'drifted';
    } else {
      if (impossible !== undefined && plan.changes.length > 0) {
        throw new CameraEmailError('unsupported', `${impossible.field}: ${impossible.code}`, {
          params: { field: impossible.field, ...impossible.params },
        });
      }
      await this.#apply(camera, identity, reading, fit.wanted, plan, driver.experimentalTest === true);
    }
  }

  async #apply(
    camera: Camera,
    identity: DeviceIdentity,
    before: EmailReading,
    wanted: WantedEmail,
    plan: EmailPlan,
    experimental: boolean,
  ): Promise<void> {
    const { order, result, services, signal } = this;
    if (plan.changes.length === 0) {
      result.outcome = 'unchanged';
      if (order.enabled === undefined && !(await this.#isProven()))
        await this.#proveUnchanged(camera, before.settings, wanted, experimental);
      return;
    }
    const switching = order.enabled !== undefined;
    if (!switching) result.warnings.push(...((await services.verifyAccount?.(signal)) ?? []));
    const previousPassword = before.settings.password ?? (await services.written.previousPassword(this.#key));
    result.backup = await this.#backUp(identity, before);
    // A switch changes nothing of what is known about the password.
    if (!switching) await services.written.forget(this.#key);
    let after: EmailReading;
    try {
      result.warnings.push(...(await camera.apply(plan, signal)));
      after = await camera.read({ events: wanted.events !== undefined }, signal);
      const left = changesTo(after.settings, { ...wanted, writePassword: false });
      if (left.length > 0) {
        throw new CameraEmailError('not-applied', `the device kept ${left.map(({ field }) => field).join(', ')}`, {
          params: { field: left.map(({ field }) => field).join(', ') },
        });
      }
    } catch (error) {
      await this.#undo(camera, before, previousPassword, wanted, asCameraEmailError(error));
      return;
    }
    result.outcome = 'applied';
    if (switching) return;
    if (order.test === 'none') {
      this.#keep(undefined);
      return;
    }
    const test = await services.prove({ camera, settings: after.settings, wanted, depth: order.test, experimental }, signal);
    this.#take(test);
    if (isFailure(test))
      await this.#undo(camera, before, previousPassword, wanted, test.error ?? new CameraEmailError('test-failed', 'the test mail failed'));
    else this.#keep(test.verdict === 'inconclusive' ? undefined : order.test);
  }

  #keep(proven: 'camera' | 'arrival' | undefined): void {
    const { wanted } = this.order;
    if (wanted === undefined) return;
    this.#keeping = this.services.written.remember(this.#key, wanted.password, proven);
    this.#keeping.catch(() => undefined);
  }

  async #isProven(): Promise<boolean> {
    if (this.order.test === 'none') return true;
    const proven = await this.services.written.provenBy(this.#key);
    return proven === 'arrival' || proven === this.order.test;
  }

  /** Nothing was written, but nobody has seen a mail of this camera yet: the user asked for the proof. */
  async #proveUnchanged(camera: Camera, settings: EmailSettings, wanted: WantedEmail, experimental: boolean): Promise<void> {
    if (this.order.test === 'none') return;
    const test = await this.services.prove({ camera, settings, wanted, depth: this.order.test, experimental }, this.signal);
    this.#take(test);
    if (isFailure(test)) this.fail(test.error ?? new CameraEmailError('test-failed', 'the test mail failed'));
    else if (test.verdict !== 'inconclusive') this.#keep(this.order.test);
  }

  #take(test: TestResult): void {
    this.result.test = test;
    this.result.warnings.push(...test.warnings);
    if (test.verdict === 'inconclusive') this.result.warnings.push({ code: 'test-inconclusive' });
    if (isCameraEmailError(test.error, 'in-spam')) this.result.warnings.push({ code: 'in-spam' });
  }

  /** After a failed write or test: the old settings back, if that is wanted and needed. */
  async #undo(camera: Camera, before: EmailReading, previous: EmailPassword, wanted: WantedEmail, error: CameraEmailError): Promise<void> {
    this.fail(error);
    if (!this.order.rollback || isCameraEmailError(error, 'unauthorized', 'locked-out', 'cancelled')) return;
    try {
      if (this.result.test === undefined && (await this.#isAsBefore(camera, before))) return;
      const password = previous ?? (belongsToAccount(before, wanted) ? wanted.password : undefined);
      if (password === undefined && before.settings.authentication === true) this.result.warnings.push({ code: 'password-not-restored' });
      // A camera whose time is up gets its settings back all the same; a job that was stopped is carried on later.
      await camera.restore(before, password, this.signal.aborted ? AbortSignal.timeout(LIMITS.device.undoMs) : this.signal);
      if (previous !== undefined) await this.services.written.remember(this.#key, previous, undefined);
      this.result.outcome = 'rolled-back';
    } catch (undoError) {
      const { code } = asCameraEmailError(undoError);
      this.result.warnings.push({ code: 'rollback-failed', params: { value: code } });
    }
  }

  async #isAsBefore(camera: Camera, before: EmailReading): Promise<boolean> {
    const now = await camera.read({ events: before.settings.events !== undefined }, this.signal);
    return JSON.stringify(now.documents) === JSON.stringify(before.documents);
  }

  async #backUp(identity: DeviceIdentity, reading: EmailReading): Promise<string> {
    const { password: _never, ...settings } = reading.settings;
    const takenAt = new Date(this.services.clock.now()).toISOString();
    return this.services.backups.save({ version: 1, takenAt, camera: this.#backupCamera(), identity, reading: { ...reading, settings } });
  }

  #backupCamera() {
    const { name, address, channel } = this.target;
    return { name, host: address.host, port: address.port, channel };
  }

  async #restore(camera: Camera, identity: DeviceIdentity): Promise<void> {
    const { order, result, services, signal } = this;
    const { fileName, backup } = await services.backups.load(this.#backupCamera(), order.backup);
    if (backup.identity.vendor !== identity.vendor || (backup.identity.serial !== '' && backup.identity.serial !== identity.serial)) {
      throw new CameraEmailError('bad-input', 'the backup belongs to another device', { params: { field: 'backup', value: fileName } });
    }
    const events = backup.reading.settings.events !== undefined;
    const before = await camera.read({ events }, signal);
    const password = order.wanted !== undefined && belongsToAccount(backup.reading, order.wanted) ? order.wanted.password : undefined;
    await services.written.forget(this.#key);
    await camera.restore(backup.reading, password, signal);
    const after = await camera.read({ events }, signal);
    result.changes = settingsChanges(before, after);
    result.backup = fileName;
    const left = settingsChanges(after, backup.reading);
    if (left.length > 0) {
      const fields = left.map(({ field }) => field).join(', ');
      throw new CameraEmailError('not-applied', `the device kept ${fields}`, { params: { field: fields } });
    }
    if (password === undefined && backup.reading.settings.authentication === true) result.warnings.push({ code: 'password-not-restored' });
    result.outcome = 'restored';
  }
}

type EmailPassword = WantedEmail['password'] | undefined;

function isFailure(test: TestResult): boolean {
  return !test.ok && test.verdict !== 'inconclusive' && !isCameraEmailError(test.error, 'in-spam');
}

function settingsChanges(from: EmailReading, to: EmailReading): Change[] {
  const fields = new Set([...Object.keys(from.settings), ...Object.keys(to.settings)]) as Set<keyof EmailReading['settings']>;
  fields.delete('password');
  return [...fields]
    .filter((field) => JSON.stringify(from.settings[field]) !== JSON.stringify(to.settings[field]))
    .map((field) => ({ field, from: from.settings[field], to: to.settings[field] }));
}
