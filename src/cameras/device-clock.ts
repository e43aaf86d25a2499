import type { Clock } from '../core/clock.ts';
import { LIMITS } from '../core/limits.ts';
import type { DeviceHttp, DeviceRequest, DeviceResponse } from '../http/types.ts';

const MINUTE = 60_000;
const QUARTER = 15 * MINUTE;
const DAY = 24 * 60 * MINUTE;

/** A device that notes by the Date of its answers how far its clock is off. */
export interface ClockedHttp extends DeviceHttp {
  /** Milliseconds that its clock is ahead of ours; undefined when its answers have no date. */
  readonly clockSkewMs: number | undefined;
}

const clocked = new WeakMap<DeviceHttp, ClockedHttp>();

/** The same device seen through its clock; always the same object for the same device, because drivers remember things by it. */
export function withDeviceClock(http: DeviceHttp, clock: Clock): ClockedHttp {
  const seen = clocked.get(http) ?? clockedHttp(http, clock);
  clocked.set(http, seen);
  return seen;
}

/**
 * More than a few minutes off. Whole quarters of an hour up to a day are no sign: firmware that sends its local time as GMT is common,
 * and its clock is right.
 */
export function isClockWrong(skewMs: number | undefined): boolean {
  if (skewMs === undefined || Math.abs(skewMs) < LIMITS.fleet.clockSkewMs) return false;
  const fromZone = Math.abs(skewMs - Math.round(skewMs / QUARTER) * QUARTER);
  return Math.abs(skewMs) > DAY || fromZone > 2 * MINUTE;
}

function clockedHttp(http: DeviceHttp, clock: Clock): ClockedHttp {
  let clockSkewMs: number | undefined;
  return {
    get host() {
      return http.host;
    },
    get login() {
      return http.login;
    },
    get origin() {
      return http.origin;
    },
    get secure() {
      return http.secure;
    },
    get plainChosen() {
      return http.plainChosen;
    },
    get loginInClear() {
      return http.loginInClear;
    },
    get clockSkewMs() {
      return clockSkewMs;
    },
    async request(request: DeviceRequest, signal?: AbortSignal): Promise<DeviceResponse> {
      const response = await http.request(request, signal);
      const told = Date.parse(response.headers.date ?? '');
      if (!Number.isNaN(told)) clockSkewMs = told - clock.now();
      return response;
    },
    stream: (request, signal) => http.stream(request, signal),
    assertLoginAllowed: () => http.assertLoginAllowed(),
    loginRefused: (deviceSays) => http.loginRefused(deviceSays),
    deviceLocked: (until, deviceSays) => http.deviceLocked(until, deviceSays),
  };
}
