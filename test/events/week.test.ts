import assert from 'node:assert/strict';
import { Cgi } from '../../src/cameras/foscam/cgi.ts';
import { FoscamSimulator } from '../../src/cameras/foscam/simulator.ts';
import { alarmChanges } from '../../src/cameras/foscam/state-polling.ts';
import { alertStream } from '../../src/cameras/hikvision/alert-stream.ts';
import { Isapi } from '../../src/cameras/hikvision/isapi.ts';
import { HikvisionSimulator } from '../../src/cameras/hikvision/simulator.ts';
import { OnvifSimulator } from '../../src/cameras/onvif/simulator.ts';
import { OnvifDevice } from '../../src/cameras/onvif-device.ts';
import { pullEvents } from '../../src/cameras/pull-point.ts';
import { Secret } from '../../src/core/secret.ts';
import { createEventHub } from '../../src/events/hub.ts';
import type { EventSource } from '../../src/events/source.ts';
import { createDeviceConnections } from '../../src/http/device-connections.ts';
import { memoryOnly } from '../../src/http/device-memory.ts';
import type { DeviceHttp } from '../../src/http/types.ts';
import type { SimulatedCamera, SimulatorOptions } from '../../src/sandbox/camera-simulator.ts';
import { VirtualClock } from './virtual-clock.ts';

const HOUR = 3_600_000;
const DAYS = 7;
const login = { username: 'admin', password: 'camera-secret' };
const options: SimulatorOptions = { login, sendMail: async () => ({ ok: true, reply: '' }) };

/** A real simulator on loopback, with a clock that runs as fast as the test wants. */
interface Subject {
  device: SimulatedCamera;
  source(http: DeviceHttp): EventSource;
  raise(state: 'active' | 'inactive'): void;
  /** Whether it listens to us right now, on a connection of its present life. */
  isHeard(): boolean;
  /** What a restart costs: connections, and what it remembers. */
  forget(): void;
  /** Times that we asked to be told of events. */
  subscribed(): number;
}

function hikvision(clock: VirtualClock): Subject {
  const device = new HikvisionSimulator(options);
  return {
    device,
    source: (http) => (signal) => alertStream(http, Isapi.of(http), signal),
    raise(state) {
      device.view.clockAheadMs = clock.now() - Date.now();
      device.view.alert({ type: 'VMD', state });
    },
    isHeard: () => device.view.streams === 1,
    forget: () => device.view.drop(),
    subscribed: () => device.view.opened,
  };
}

function foscam(clock: VirtualClock): Subject {
  const device = new FoscamSimulator(options);
  return {
    device,
    source: (http) => (signal) => alarmChanges(new Cgi(http), signal, clock),
    raise: (state) => device.raise('motion', state),
    isHeard: () => true,
    forget() {
      // Enough that the poll which may be missed is not the only one.
      device.view.faults = { hangUps: 4 };
    },
    subscribed: () => 0,
  };
}

function pullPoint(clock: VirtualClock): Subject {
  const device = new OnvifSimulator({ ...options, clock });
  const { events } = device.service;
  return {
    device,
    source: (http) => (signal) => pullEvents(new OnvifDevice(http, { clock }), {}, signal),
    raise: (state) => device.raise('motion', state),
    isHeard: () => events.pulling,
    forget: () => events.expire(),
    subscribed: () => events.created,
  };
}

describe('a week of restarts, lost networks and midnight reboots, over real sockets', () => {
  for (const [name, create] of Object.entries({
    'a stream (Hikvision)': hikvision,
    'polling (Foscam)': foscam,
    'a pull point': pullPoint,
  })) {
    it(`${name}: no event after a reconnection is lost, no login storm`, async () => {
      const clock = new VirtualClock();
      const subject = create(clock);
      const { device } = subject;
      const port = await device.listen();
      const connections = createDeviceConnections({ memory: memoryOnly(), clock });
      const secret = { username: login.username, password: new Secret(login.password) };
      const http = connections.open({ host: '127.0.0.1', port, protocol: 'http', trust: 'any' }, secret);
      const told: string[] = [];
      const links: boolean[] = [];
      const stop = createEventHub({ clock, random: () => 0.5 }).listen(
        { key: 'camera', host: '127.0.0.1', login: secret },
        subject.source(http),
        {
          clearAfterMs: 30_000,
          onEvent: ({ event }) => told.push(`${event.type} ${event.state}`),
          onPicture: () => undefined,
          onLink: ({ connected }) => links.push(connected),
        },
      );
      /** Time goes on while the sockets do their work. */
      const until = async (condition: () => boolean) => {
        while (!condition()) await clock.pass(500);
      };
      const connected = () => links.at(-1) === true && subject.isHeard();
      let outages = 0;
      let expected = 0;
      try {
        for (let hour = 0; hour < DAYS * 24; hour += 4) {
          if (hour % 12 === 8) {
            // The network is gone, or the device is off: it refuses everybody for some minutes.
            outages += 1;
            await device.server.close();
            await until(() => links.at(-1) === false);
            await clock.pass((hour % 7) * 60_000);
            await device.server.listen(port);
          } else if (hour % 24 === 0 && hour > 0) {
            outages += 1;
            subject.forget();
            await until(() => links.at(-1) === false || !subject.isHeard());
          }
          await until(connected);
          for (const [state, word] of [
            ['active', 'started'],
            ['inactive', 'ended'],
          ] as const) {
            await until(connected);
            subject.raise(state);
            expected += 1;
            await until(() => told.length >= expected);
            assert.equal(told.at(-1), `motion ${word}`, `hour ${hour}`);
          }
          await clock.pass(4 * HOUR);
        }
        assert.equal(told.length, expected, 'nothing twice');
        assert.equal(device.refusedLogins, 0);
        const losses = links.filter((one) => !one).length;
        // A machine that is slower than its clock may lose a connection more.
        assert.ok(losses >= outages && losses <= outages + DAYS, `${losses} losses told for ${outages} outages`);
        assert.ok(subject.subscribed() <= losses + 1, `${subject.subscribed()} subscriptions for ${losses} losses`);
      } finally {
        await stop();
        await connections.close();
        await device.close();
      }
      assert.equal(clock.sleeping, 0, 'nothing waits any longer');
    }).timeout(60_000);
  }
});
