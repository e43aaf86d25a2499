import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/core/clock.ts';
import { Secret } from '../../src/core/secret.ts';
import { createDeviceConnections, type DeviceConnections } from '../../src/http/device-connections.ts';
import { type DeviceMemory, memoryOnly } from '../../src/http/device-memory.ts';
import type { DeviceAddress, DeviceHttp } from '../../src/http/types.ts';
import { type StrictDevice, type StrictOptions, strictDevice } from './strict-device.ts';

export interface Fixture {
  connections: DeviceConnections;
  memory: DeviceMemory;
  device(options?: StrictOptions): Promise<StrictDevice>;
  /** A raw server: `talk` has the socket from the first byte on. Answers the port. */
  raw(talk: (socket: Socket) => void): Promise<number>;
  /** Another set of connections, as after a restart or in another runtime. */
  again(memory: DeviceMemory, clock?: Clock): DeviceConnections;
  directory(): string;
  close(): Promise<void>;
}

export function fixture(memory: DeviceMemory = memoryOnly(), clock?: Clock): Fixture {
  const closers: (() => Promise<unknown> | unknown)[] = [];
  const again = (other: DeviceMemory, otherClock?: Clock) => {
    const connections = createDeviceConnections({ memory: other, ...(otherClock === undefined ? {} : { clock: otherClock }) });
    closers.unshift(() => connections.close());
    return connections;
  };
  return {
    memory,
    connections: again(memory, clock),
    again,
    async device(options) {
      const device = await strictDevice(options);
      closers.push(() => device.close());
      return device;
    },
    async raw(talk) {
      const sockets = new Set<Socket>();
      const server = createServer((socket) => {
        sockets.add(socket);
        socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
        talk(socket);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      closers.push(() => {
        for (const socket of sockets) socket.destroy();
        return new Promise((resolve) => server.close(resolve));
      });
      return (server.address() as AddressInfo).port;
    },
    directory() {
      const path = mkdtempSync(join(tmpdir(), 'device-http-'));
      closers.push(() => rmSync(path, { recursive: true }));
      return path;
    },
    async close() {
      for (const closer of closers) await closer();
    },
  };
}

export function at(port: number, more: Partial<DeviceAddress> = {}): DeviceAddress {
  return { host: '127.0.0.1', port, protocol: 'http', trust: 'pin', ...more };
}

export function login(password = 'camera-secret', username = 'admin'): { username: string; password: Secret } {
  return { username, password: new Secret(password) };
}

export function open(connections: DeviceConnections, device: { port: number }, more: Partial<DeviceAddress> = {}): DeviceHttp {
  return connections.open(at(device.port, more), login());
}

/** A clock that stands until it is moved. */
export function standingClock(start = 1_800_000_000_000): Clock & { move(ms: number): void } {
  let now = start;
  return {
    now: () => now,
    sleep: async (ms) => {
      now += ms;
    },
    move(ms) {
      now += ms;
    },
  };
}
