import { createHmac, randomBytes } from 'node:crypto';
import { type Clock, systemClock } from '../core/clock.ts';
import { cancelled } from '../core/deadline.ts';
import { Lane } from '../core/lane.ts';
import { LIMITS } from '../core/limits.ts';
import { type ClientLife, DeviceClient } from './device-client.ts';
import { type DeviceMemory, deviceKey } from './device-memory.ts';
import { LoginGuard, type Standing } from './login-guard.ts';
import type { DeviceAddress, DeviceHttp, DeviceLogin } from './types.ts';

/** All connections of the process, so that whoever talks to a device shares its queue, its nonce and what is known about its logins. */
export interface DeviceConnections {
  /** The same address and login give the same client. Opens nothing yet. */
  open(address: DeviceAddress, login: DeviceLogin): DeviceHttp;
  /** Ends everything under way with `cancelled`; resolves when the memory is on disk. What is opened afterwards is cancelled too. */
  close(): Promise<void>;
}

interface Device {
  lane: Lane;
  standings: Map<string, Standing>;
}

export function createDeviceConnections({ memory, clock = systemClock }: { memory: DeviceMemory; clock?: Clock }): DeviceConnections {
  const devices = new Map<string, Device>();
  const clients = new Map<string, DeviceClient>();
  let sweptAt = Number.NEGATIVE_INFINITY;
  // Passwords are part of what makes a client; this keeps them out of the map.
  const salt = randomBytes(32);
  const life: ClientLife = { clock, closed: false, running: new Set() };

  const keyOf = ({ host, port, protocol, trust, fingerprint, ca, legacyTls }: DeviceAddress, { username, password }: DeviceLogin) =>
    createHmac('sha256', salt)
      .update(JSON.stringify([host.toLowerCase(), port, protocol, trust, fingerprint, ca, legacyTls === true, username, password.reveal()]))
      .digest('base64');

  const deviceOf = (key: string): Device => {
    const device = devices.get(key) ?? { lane: new Lane(), standings: new Map<string, Standing>() };
    devices.delete(key);
    devices.set(key, device);
    dropOldest(devices, ({ lane }) => lane.idle);
    return device;
  };

  const create = (address: DeviceAddress, login: DeviceLogin): DeviceClient => {
    const key = deviceKey(address);
    const { lane, standings } = deviceOf(key);
    const pin = {
      get fingerprint() {
        return address.fingerprint || memory.fingerprint(key);
      },
      remember: (fingerprint: string) => memory.rememberFingerprint(key, fingerprint),
    };
    const guard = new LoginGuard(key, address.host, login, memory, standings, clock);
    return new DeviceClient({ address, login, pin, lane, guard, life });
  };

  return {
    open(address, login) {
      const before = clock.now() - LIMITS.device.idleClientMs;
      const isOld = ({ idleSince }: DeviceClient) => idleSince !== undefined && idleSince < before;
      if (sweptAt < before + LIMITS.device.idleClientMs / 2) {
        // A look at all of them now and then is enough, and a fleet opens hundreds at once.
        sweptAt = clock.now();
        for (const [key, client] of clients) if (isOld(client)) clients.delete(key);
      }
      const key = keyOf(address, login);
      const known = clients.get(key);
      const client = known === undefined || isOld(known) ? create({ ...address }, { ...login }) : known;
      clients.delete(key);
      clients.set(key, client);
      dropOldest(clients, ({ idleSince }) => idleSince !== undefined);
      return client;
    },
    async close() {
      life.closed = true;
      for (const controller of life.running) controller.abort(cancelled());
      for (const client of clients.values()) client.close();
      clients.clear();
      await memory.flush();
    },
  };
}

/** Both maps are kept in the order of opening: the first unused ones go when there are too many. Their sockets close by themselves. */
function dropOldest<T>(map: Map<string, T>, droppable: (value: T) => boolean): void {
  for (const [key, value] of map) {
    if (map.size <= LIMITS.device.clients) return;
    if (droppable(value)) map.delete(key);
  }
}
