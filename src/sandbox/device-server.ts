import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

/** One request as a simulated device logged it. */
export interface LoggedRequest {
  method: string;
  path: string;
  body: string;
  status: number;
}

/** The socket side of every simulated device: an http or https server on loopback that counts connections and logs requests. */
export class DeviceServer {
  connections = 0;
  readonly requests: LoggedRequest[] = [];
  /** Takes a request over before the device sees it; true: handled. For faults. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(
    handle: (request: IncomingMessage, response: ServerResponse, body: Buffer) => void,
    certificate?: { cert: string; key: string },
  ) {
    const listener: RequestListener = (request, response) => {
      const parts: Buffer[] = [];
      request.on('error', () => undefined);
      if (this.intercept?.(request, response)) return;
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const body = Buffer.concat(parts);
        const entry: LoggedRequest = { method: request.method ?? '', path: request.url ?? '', body: body.toString('latin1'), status: 0 };
        this.requests.push(entry);
        response.on('finish', () => {
          entry.status = response.statusCode;
        });
        handle(request, response, body);
      });
    };
    this.#server = certificate === undefined ? createServer(listener) : createSecureServer(certificate, listener);
    this.#server.on(certificate === undefined ? 'connection' : 'secureConnection', () => {
      this.connections += 1;
    });
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('clientError', (_error, socket) => socket.destroy());
  }

  /** Resolves with the port. */
  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', resolve);
    });
    this.#server.removeAllListeners('error');
    return (this.#server.address() as AddressInfo).port;
  }

  /** Requests other than reads, in order: what a device was told to change or do. */
  writes(): LoggedRequest[] {
    return this.requests.filter(({ method, status }) => method !== 'GET' && status !== 401);
  }

  /** Closes connections on which nothing is under way, as devices do after some seconds. */
  closeIdle(): void {
    this.#server.closeIdleConnections();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
