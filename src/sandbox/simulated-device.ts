import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SimulatedCamera, SimulatorOptions } from './camera-simulator.ts';
import { DeviceServer } from './device-server.ts';

/** What the simulators of all vendors share: a server on loopback that hands each request to `handle`. */
export abstract class SimulatedDevice<Options extends SimulatorOptions = SimulatorOptions> implements SimulatedCamera {
  abstract readonly vendor: string;
  abstract readonly mailPassword: string;
  abstract readonly refusedLogins: number;
  readonly server: DeviceServer;
  forgetsWrites = false;

  constructor(protected readonly options: Options) {
    this.server = new DeviceServer((request, response, body) => this.handle(request, response, body), options.certificate);
  }

  abstract documents(): string;
  abstract driftServer(host: string): void;

  listen(port?: number): Promise<number> {
    return this.server.listen(port);
  }

  close(): Promise<void> {
    return this.server.close();
  }

  protected abstract handle(request: IncomingMessage, response: ServerResponse, body: Buffer): void;
}
