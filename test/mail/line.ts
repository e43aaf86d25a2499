import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A line between a client and a server on this host, for counting and for delay. */
export interface Line {
  port: number;
  /** How often the client has said something after the server had, over all connections: each costs a round trip. */
  turns: number;
  connections: number;
  close(): Promise<void>;
}

/** `delayMs`: one way. */
export async function layLine(target: number, delayMs = 0): Promise<Line> {
  const sockets = new Set<Socket>();
  const line: Line = { port: 0, turns: 0, connections: 0, close: async () => undefined };
  const server = createServer((client) => {
    line.connections += 1;
    const host = connect({ port: target, host: '127.0.0.1', noDelay: true });
    client.setNoDelay(true);
    let speaking: Socket | undefined;
    const pass = (from: Socket, to: Socket) => {
      sockets.add(from);
      from.on('data', (data) => {
        if (from === client && speaking !== client) line.turns += 1;
        speaking = from;
        if (delayMs === 0) to.write(data);
        else setTimeout(() => to.write(data), delayMs);
      });
      from.on('error', () => undefined);
      from.on('close', () => (delayMs === 0 ? to.destroy() : setTimeout(() => to.destroy(), delayMs)));
    };
    pass(client, host);
    pass(host, client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  line.port = (server.address() as AddressInfo).port;
  line.close = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return line;
}
