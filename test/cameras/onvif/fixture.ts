import type { DeviceIdentity } from '../../../src/cameras/driver.ts';
import { OnvifSimulator, type OnvifSimulatorOptions } from '../../../src/cameras/onvif/simulator.ts';
import { OnvifDevice } from '../../../src/cameras/onvif-device.ts';
import { pullEvents } from '../../../src/cameras/pull-point.ts';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
import type { DeviceHttp } from '../../../src/http/types.ts';
import { type LOGIN, useBench } from '../fixture.ts';

export const IDENTITY: DeviceIdentity = { vendor: 'onvif', brand: 'Example', model: 'EX', firmware: '', serial: '', kind: 'unknown' };

/** Waits go by in no time, and are counted. */
export function hastyClock(): Clock & { slept: number[]; skip(ms: number): void } {
  let ahead = 0;
  const slept: number[] = [];
  return {
    slept,
    skip(ms) {
      ahead += ms;
    },
    now: () => Date.now() + ahead,
    async sleep(ms) {
      slept.push(ms);
      ahead += ms;
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** For the top of a `describe`: devices, and what they say. */
export function onvifBench() {
  const bench = useBench();
  return {
    bench,
    start: (options: Partial<OnvifSimulatorOptions> = {}, login: Partial<typeof LOGIN> = {}) =>
      bench.start(new OnvifSimulator({ ...bench.options, ...options }), {}, login),
    listen: (http: DeviceHttp, clock: Clock = systemClock) =>
      bench.listen((signal) => pullEvents(new OnvifDevice(http, { clock }), {}, signal)),
  };
}

/** The SOAP operations that a device was asked for. */
export const operations = (device: OnvifSimulator) =>
  device.server.requests.map(({ body }) => /<s:Body><(\w+)/.exec(body)?.[1]).filter((name) => name !== undefined);
