import type { Clock } from '../core/clock.ts';
import type { CameraEmailError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import type { Secret } from '../core/secret.ts';
import type { DeviceMemory } from './device-memory.ts';
import { deviceError } from './network-errors.ts';
import type { DeviceLogin } from './types.ts';

/** How a login that has worked in this process stands with its device. */
export interface Standing {
  password: Secret;
  /** Refusals since it worked last. */
  refusals: number;
  /** Epoch milliseconds until which a device that keeps refusing it is left alone. */
  restUntil: number;
}

/** Refusals in a row after which a login that once worked counts as wrong: its password was changed on the device. */
const REFUSALS_UNTIL_REST = 2;

/** Decides whether a login may be tried on a device, and what a refusal means. Vendors lock accounts after a few wrong passwords. */
export class LoginGuard {
  readonly #device: string;
  readonly #host: string;
  readonly #login: DeviceLogin;
  readonly #memory: DeviceMemory;
  readonly #standings: Map<string, Standing>;
  readonly #clock: Clock;

  /** `standings` is shared by all logins of the device, by user name. */
  constructor(device: string, host: string, login: DeviceLogin, memory: DeviceMemory, standings: Map<string, Standing>, clock: Clock) {
    this.#device = device;
    this.#host = host;
    this.#login = login;
    this.#memory = memory;
    this.#standings = standings;
    this.#clock = clock;
  }

  /** True when this login has worked on the device in this process. */
  get proven(): boolean {
    return this.#standing() !== undefined;
  }

  /** Rejects while the login is frozen (`unauthorized`), the account locked (`locked-out`) or the device busy refusing (`busy`). */
  async check(): Promise<void> {
    this.#checkTimes();
    if (await this.#memory.isFrozen(this.#device, this.#login)) throw this.#unauthorized();
  }

  checkSync(): void {
    this.#checkTimes();
    if (this.#memory.isFrozenSync(this.#device, this.#login)) throw this.#unauthorized();
  }

  succeeded(): void {
    this.#standings.set(this.#login.username, { password: this.#login.password, refusals: 0, restUntil: 0 });
    this.#memory.loginSucceeded(this.#device, this.#login.username);
  }

  /**
   * The error for a refused login. A login that worked before gets `busy`: some devices answer 401 when they have too much to do.
   * Any other is frozen, and on disk, before this resolves with `unauthorized`.
   */
  async refused(deviceSays?: string): Promise<CameraEmailError> {
    const standing = this.#standing();
    if (standing !== undefined && standing.refusals < REFUSALS_UNTIL_REST) {
      standing.refusals += 1;
      if (standing.refusals === REFUSALS_UNTIL_REST) standing.restUntil = this.#clock.now() + LIMITS.device.busyRestMs;
      return this.#busy(standing, deviceSays);
    }
    this.#standings.delete(this.#login.username);
    await this.#memory.freeze(this.#device, this.#login);
    return this.#unauthorized(deviceSays);
  }

  refusedSync(deviceSays?: string): CameraEmailError {
    this.#standings.delete(this.#login.username);
    this.#memory.freezeSync(this.#device, this.#login);
    return this.#unauthorized(deviceSays);
  }

  /** Leaves the account alone until `until` (epoch ms; default LIMITS.device.lockMs from now). */
  locked(until = this.#clock.now() + LIMITS.device.lockMs, deviceSays?: string): CameraEmailError {
    this.#memory.lock(this.#device, this.#login.username, until);
    return this.#lockedOut(until, deviceSays);
  }

  #standing(): Standing | undefined {
    const standing = this.#standings.get(this.#login.username);
    return standing?.password.equals(this.#login.password) ? standing : undefined;
  }

  #checkTimes(): void {
    const now = this.#clock.now();
    const until = this.#memory.lockedUntil(this.#device, this.#login.username, now);
    if (until !== undefined) throw this.#lockedOut(until);
    const standing = this.#standing();
    if (standing !== undefined && standing.restUntil > now) throw this.#busy(standing);
  }

  #unauthorized(deviceSays?: string): CameraEmailError {
    return deviceError('unauthorized', this.#host, 'the login was refused and is not tried again until it is edited', says(deviceSays));
  }

  #lockedOut(until: number, deviceSays?: string): CameraEmailError {
    const minutes = Math.max(1, Math.ceil((until - this.#clock.now()) / 60_000));
    const details = { ...says(deviceSays), retryAt: until, params: { minutes } };
    return deviceError('locked-out', this.#host, `the account is locked for another ${minutes} min`, details);
  }

  #busy(standing: Standing, deviceSays?: string): CameraEmailError {
    const details = { ...says(deviceSays), ...(standing.restUntil > 0 ? { retryAt: standing.restUntil } : {}) };
    return deviceError('busy', this.#host, 'refuses a login that it accepted before', details);
  }
}

function says(deviceSays: string | undefined): { deviceSays?: string } {
  return deviceSays === undefined || deviceSays === '' ? {} : { deviceSays };
}
