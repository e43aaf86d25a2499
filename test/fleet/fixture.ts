import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBackups } from '../../src/cameras/backups.ts';
import type { CameraOutcome } from '../../src/cameras/configure.ts';
import { openWrittenRecord } from '../../src/cameras/written.ts';
import { systemClock } from '../../src/core/clock.ts';
import { Lane } from '../../src/core/lane.ts';
import { Secret } from '../../src/core/secret.ts';
import {
  configureFleet,
  type FleetCamera,
  type FleetOrder,
  type FleetResult,
  type FleetServices,
} from '../../src/fleet/configure-fleet.ts';
import { createDeviceConnections } from '../../src/http/device-connections.ts';
import { memoryOnly } from '../../src/http/device-memory.ts';
import { type MailAccount, mailAccount } from '../../src/mail/account.ts';
import { type Sandbox, type SandboxCamera, startSandbox } from '../../src/sandbox/sandbox.ts';

/** What a process needs to know to work on the fleet; the child of the kill test gets it as JSON. */
export interface Setup {
  directory: string;
  ca: string;
  email: string;
  appPassword: string;
  ports: { smtps: number; imaps: number };
  login: { username: string; password: string };
  cameras: { name: string; port: number }[];
}

export type Wishes = Partial<Pick<FleetOrder, 'action' | 'rotate' | 'canary' | 'concurrency' | 'test' | 'rollback' | 'account' | 'wishes'>>;

export function fleetOrder(setup: Setup, wishes: Wishes = {}): FleetOrder {
  const { login } = setup;
  const cameras = setup.cameras.map(({ name, port }): FleetCamera => {
    const address = { host: '127.0.0.1', port, protocol: 'http', trust: 'any' } as const;
    return {
      name,
      target: { name, vendor: 'hikvision', channel: 1, address, login: { username: login.username, password: new Secret(login.password) } },
    };
  });
  return {
    node: 'n1',
    action: 'apply',
    cameras,
    account: accountOf(setup),
    wishes: { recipients: '', senderName: '{camera}', attachment: 'keep', minInterval: undefined, events: [] },
    arrivalMs: 10_000,
    test: 'none',
    rollback: true,
    rotate: false,
    canary: false,
    concurrency: 4,
    ...wishes,
  };
}

export function accountOf({ email, appPassword, ports, ca }: Setup): MailAccount {
  const custom = { service: 'custom', host: 'localhost', port: ports.smtps, imapHost: 'localhost', imapPort: ports.imaps };
  return mailAccount({ email, appPassword, ...custom, tls: { ca, verify: true } });
}

export function fleetServices(directory: string, damaged: string[] = []): FleetServices & { close(): Promise<void> } {
  const connections = createDeviceConnections({ memory: memoryOnly() });
  const lanes = new Map<string, Lane>();
  return {
    connect: ({ address, login }) => connections.open(address, login),
    backups: openBackups(join(directory, 'backups')),
    written: openWrittenRecord(join(directory, 'written.json'), (file) => damaged.push(file)),
    clock: systemClock,
    jobsDirectory: join(directory, 'jobs'),
    reportDamaged: (file) => damaged.push(file),
    exclusively(target, signal, work) {
      const lane = lanes.get(target.name) ?? new Lane();
      lanes.set(target.name, lane);
      return lane.run(signal, work);
    },
    close: () => connections.close(),
  };
}

/** Simulated Hikvision cameras on plain http, a mail server, and a directory for what is remembered. */
export class Fleet {
  readonly directory = mkdtempSync(join(tmpdir(), 'camera-email-fleet-'));
  readonly damaged: string[] = [];
  readonly outcomes: CameraOutcome[] = [];

  private constructor(readonly sandbox: Sandbox) {}

  static async start(count: number): Promise<Fleet> {
    const wishes = Array.from({ length: count }, (_, index) => ({
      name: `Cam ${index + 1}`,
      vendor: 'hikvision',
      variant: 'camera',
      protocol: 'http' as const,
    }));
    return new Fleet(await startSandbox(wishes));
  }

  get setup(): Setup {
    const { account, mail, login, cameras } = this.sandbox;
    return {
      directory: this.directory,
      ca: mail.ca,
      email: account.email,
      appPassword: account.appPassword,
      ports: mail.ports,
      login,
      cameras: cameras.map(({ name, port }) => ({ name, port })),
    };
  }

  /** A run in this process, as after a restart: nothing is remembered but what is on disk. */
  async run(
    wishes: Wishes = {},
    change: (order: FleetOrder) => FleetOrder = (order) => order,
    signal = new AbortController().signal,
  ): Promise<FleetResult> {
    const services = fleetServices(this.directory, this.damaged);
    this.outcomes.length = 0;
    try {
      return await configureFleet(change(fleetOrder(this.setup, wishes)), services, (outcome) => this.outcomes.push(outcome), signal);
    } finally {
      await services.close();
    }
  }

  device(number: number): SandboxCamera['device'] {
    const camera = this.sandbox.cameras[number - 1];
    if (camera === undefined) throw new RangeError(`no camera ${number}`);
    return camera.device;
  }

  /** Settings written into each camera since the last look. */
  takeWrites(): number[] {
    return this.sandbox.cameras.map(({ device }) => {
      const writes = device.server.writes().filter(({ method }) => method === 'PUT').length;
      device.server.requests.length = 0;
      return writes;
    });
  }

  jobFiles(): string[] {
    try {
      return readdirSync(join(this.directory, 'jobs'));
    } catch {
      return [];
    }
  }

  async close(): Promise<void> {
    await this.sandbox.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function told(outcomes: readonly CameraOutcome[]): string[] {
  return outcomes.map(({ name, outcome, error }) => [name, outcome, ...(error === undefined ? [] : [error.code])].join(' '));
}
