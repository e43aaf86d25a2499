import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { CameraWish, Sandbox } from './sandbox.ts';
import { SIMULATORS } from './simulators.ts';

/** One line of the CSV text with which the demo's fleet is set up. */
export interface InventoryLine {
  name: string;
  host: string;
  vendor: string;
  port: number;
  protocol: string;
  channel: number;
  username: string;
  password: string;
}

/** One device of every vendor, one recorder, and one more of which the user will not know the password. */
export function mixedFleet(): CameraWish[] {
  const rest = Object.entries(SIMULATORS).filter(([vendor]) => vendor !== 'hikvision');
  return [
    { name: 'Front door', vendor: 'hikvision', variant: 'camera' },
    { name: 'Recorder', vendor: 'hikvision', variant: 'recorder' },
    ...rest.flatMap(([vendor, variants]) =>
      variants.slice(0, 1).map(({ name: variant }) => ({ name: `Camera of ${vendor}`, vendor, variant })),
    ),
    { name: 'Wrong password', vendor: 'hikvision', variant: 'camera' },
  ];
}

export function inventoryOf({ cameras, login }: Sandbox): InventoryLine[] {
  return cameras.map(({ name, port, protocol }) => ({
    name,
    host: '127.0.0.1',
    vendor: 'auto',
    port,
    protocol,
    channel: 1,
    username: login.username,
    password: name === 'Wrong password' ? `${login.password}?` : login.password,
  }));
}

/** As a spreadsheet exports it. */
export function inventoryCsv(inventory: readonly InventoryLine[]): string {
  const columns = ['name', 'host', 'vendor', 'port', 'protocol', 'channel', 'username', 'password'] as const;
  const lines = inventory.map((line) => columns.map((column) => `"${String(line[column]).replaceAll('"', '""')}"`).join(','));
  return [columns.join(','), ...lines].join('\n');
}

/** A device that takes connections and never says a word. */
export async function startSilentDevice(): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return {
    port: address.port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
