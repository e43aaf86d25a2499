// A fleet of digest cameras behind a round trip: how close a run comes to nothing but waiting for the network.
// What runs is the build (npm run build first): the loader for TypeScript would add work of its own to every call.
// Usage: tsx bench/fleet.ts [cameras=500] [rounds=5] [cameras at a time=16,64]
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FleetOrder, FleetServices } from '../src/fleet/configure-fleet.ts';

const { openBackups } = require('../dist/src/cameras/backups.js') as typeof import('../src/cameras/backups.ts');
const { openWrittenRecord } = require('../dist/src/cameras/written.js') as typeof import('../src/cameras/written.ts');
const { systemClock } = require('../dist/src/core/clock.js') as typeof import('../src/core/clock.ts');
const { Secret } = require('../dist/src/core/secret.js') as typeof import('../src/core/secret.ts');
const { configureFleet } = require('../dist/src/fleet/configure-fleet.js') as typeof import('../src/fleet/configure-fleet.ts');
const { createDeviceConnections } = require('../dist/src/http/device-connections.js') as typeof import('../src/http/device-connections.ts');
const { memoryOnly } = require('../dist/src/http/device-memory.js') as typeof import('../src/http/device-memory.ts');
const { mailAccount } = require('../dist/src/mail/account.js') as typeof import('../src/mail/account.ts');

export interface DevicesSetup {
  count: number;
  rttMs: number;
  login: { username: string; password: string };
  account: { email: string; appPassword: string };
}

export type DevicesRequest = 'new devices' | 'counts';

export interface DevicesReply {
  mail?: { ca: string; ports: { smtps: number; imaps: number } };
  ports?: number[];
  connections?: number[];
  challenges?: number[];
  requests?: number[];
}

interface Measured {
  wallMs: number;
  cpuMs: number;
  counts: DevicesReply;
}

const COUNT = Number(process.argv[2] ?? 500);
const ROUNDS = Number(process.argv[3] ?? 5);
const AT_A_TIME = (process.argv[4] ?? '16,64').split(',').map(Number);
const RTT_MS = 40;
const LOGIN = { username: 'admin', password: 'Camera-2026' };
const USER = { email: 'cameras@gmail.test', appPassword: 'abcdefghijklmnop' };

/** Round trips of one camera. The yardstick is the least that any client needs: connect, 401, read, write, read back, test. */
const YARDSTICK = 6;
const JOBS = [
  { name: 'apply, first contact', trips: 8, what: 'connect, 401, identity, read, key parameters, write, read back, test' },
  { name: 'apply, straight after plan', trips: 4, what: 'read, write, read back, test' },
  { name: 'digest-fetch, one client a camera', trips: 6, what: 'connect, 401, read, write, read back, test' },
  { name: 'node:http, five answers of 401', trips: 6, what: 'connect, five requests: what the sockets alone cost here and now' },
] as const;

const child = fork(join(__dirname, 'fleet-devices.ts'), [JSON.stringify({ count: COUNT, rttMs: RTT_MS, login: LOGIN, account: USER })], {
  execArgv: ['--import', 'tsx'],
});

function reply(): Promise<DevicesReply> {
  return new Promise((resolve) => child.once('message', (message) => resolve(message as DevicesReply)));
}

function ask(request: DevicesRequest): Promise<DevicesReply> {
  const answer = reply();
  child.send(request);
  return answer;
}

async function measure(work: () => Promise<void>): Promise<Measured> {
  await ask('counts');
  const cpu = process.cpuUsage();
  const started = performance.now();
  await work();
  const wallMs = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs, cpuMs: (user + system) / 1000, counts: await ask('counts') };
}

type Mail = NonNullable<DevicesReply['mail']>;

/** Plan and apply of a fresh process, without what earlier rounds have learned. */
async function ours(mail: Mail, atATime: number): Promise<{ cold: Measured; warm: Measured }> {
  const run = async (ports: number[], plan: boolean): Promise<Measured> => {
    const directory = mkdtempSync(join(tmpdir(), 'camera-email-bench-'));
    const connections = createDeviceConnections({ memory: memoryOnly() });
    const services = {
      connect: ({ address, login }: Parameters<FleetServices['connect']>[0]) => connections.open(address, login),
      backups: openBackups(join(directory, 'backups')),
      written: openWrittenRecord(join(directory, 'written.json'), () => undefined),
      clock: systemClock,
      jobsDirectory: join(directory, 'jobs'),
      reportDamaged: () => undefined,
      exclusively: <T>(_target: unknown, _signal: unknown, work: () => Promise<T>) => work(),
    };
    const signal = new AbortController().signal;
    const order = orderFor(mail, ports, atATime);
    try {
      if (plan) await configureFleet({ ...order, action: 'plan' }, services, () => undefined, signal);
      return await measure(async () => {
        const { outcomes } = await configureFleet(order, services, () => undefined, signal);
        const bad = outcomes.find(({ outcome }) => outcome !== 'applied');
        if (bad !== undefined) throw new Error(`${bad.name}: ${bad.outcome} ${bad.error?.message ?? ''}`);
      });
    } finally {
      await connections.close();
      rmSync(directory, { recursive: true, force: true });
    }
  };
  const cold = await run((await ask('new devices')).ports ?? [], false);
  return { cold, warm: await run((await ask('new devices')).ports ?? [], true) };
}

function orderFor({ ca, ports }: Mail, cameras: number[], atATime: number): FleetOrder {
  const custom = { service: 'custom', host: 'localhost', port: ports.smtps, imapHost: 'localhost', imapPort: ports.imaps };
  return {
    node: 'bench',
    action: 'apply',
    account: mailAccount({ ...USER, ...custom, tls: { ca, verify: true } }),
    cameras: cameras.map((port) => {
      const name = `camera ${port}`;
      const address = { host: '127.0.0.1', port, protocol: 'http', trust: 'any' } as const;
      const login = { username: LOGIN.username, password: new Secret(LOGIN.password) };
      return { name, target: { name, vendor: 'hikvision', channel: 1, address, login } };
    }),
    wishes: { recipients: '', senderName: '', attachment: 'keep', minInterval: undefined, events: [] },
    arrivalMs: 10_000,
    test: 'camera',
    rollback: true,
    rotate: false,
    canary: false,
    concurrency: atATime,
  };
}

interface DigestClient {
  fetch(url: string, options?: object): Promise<Response>;
}

/** What a flow of http requests does: no identity, no backup, no comparison, no proof kept. */
async function peer(atATime: number): Promise<Measured> {
  const { default: DigestFetch } = (await import('digest-fetch')) as unknown as {
    default: new (user: string, password: string) => DigestClient;
  };
  const waiting = [...((await ask('new devices')).ports ?? [])];
  const one = async (port: number) => {
    const client = new DigestFetch(LOGIN.username, LOGIN.password);
    const say = async (method: string, path: string, body?: string) => {
      const response = await client.fetch(`http://127.0.0.1:${port}${path}`, { method, body });
      const text = await response.text();
      if (response.status !== 200) throw new Error(`${method} ${path}: ${response.status} ${text}`);
      return text;
    };
    const resource = '/ISAPI/System/Network/mailing';
    const document = (await say('GET', `${resource}/1`)).replace(/<hostName>[^<]*</, '<hostName>smtp.example<');
    const whole = document.replace('</smtp>', `<password>${USER.appPassword}</password></smtp>`);
    await say('PUT', `${resource}/1`, whole);
    await say('GET', `${resource}/1`);
    await say('POST', `${resource}/test`, whole);
  };
  return measure(() => inTurns(waiting, atATime, one));
}

/** The floor: nothing is computed, nothing is kept. */
async function floor(atATime: number): Promise<Measured> {
  const waiting = [...((await ask('new devices')).ports ?? [])];
  const get = (port: number, agent: Agent) =>
    new Promise<void>((resolve, reject) => {
      request({ agent, host: '127.0.0.1', port, path: '/ISAPI/System/Network/mailing/1' }, (answer) => answer.resume().once('end', resolve))
        .once('error', reject)
        .end();
    });
  const one = async (port: number) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let count = 0; count < 5; count += 1) await get(port, agent);
    agent.destroy();
  };
  return measure(() => inTurns(waiting, atATime, one));
}

async function inTurns(waiting: number[], atATime: number, one: (port: number) => Promise<void>): Promise<void> {
  const worker = async () => {
    for (let port = waiting.shift(); port !== undefined; port = waiting.shift()) await one(port);
  };
  await Promise.all(Array.from({ length: atATime }, worker));
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function most(values: number[] | undefined): number {
  return Math.max(...(values ?? []));
}

async function main(): Promise<void> {
  const { mail } = await reply();
  if (mail === undefined) throw new Error('the devices did not start');
  console.log(`${COUNT} digest cameras, RTT ${RTT_MS} ms, median of ${ROUNDS} interleaved rounds`);
  console.log(`"of 6 trips": time over ${YARDSTICK} round trips a camera; "of its own": over the round trips that the job needs\n`);
  for (const atATime of AT_A_TIME) {
    const rows: Measured[][] = JOBS.map(() => []);
    for (let round = 0; round < ROUNDS; round += 1) {
      const { cold, warm } = await ours(mail, atATime);
      for (const [index, measured] of [cold, warm, await peer(atATime), await floor(atATime)].entries()) rows[index]?.push(measured);
    }
    const turns = Math.ceil(COUNT / atATime);
    const table = JOBS.map(({ name, trips }, index) => {
      const runs = rows[index] ?? [];
      const wall = median(runs.map(({ wallMs }) => wallMs));
      return {
        job: name,
        seconds: Number((wall / 1000).toFixed(2)),
        'of 6 trips': Number((wall / (turns * YARDSTICK * RTT_MS)).toFixed(3)),
        'of its own': `${(wall / (turns * trips * RTT_MS)).toFixed(3)} of ${trips}`,
        'CPU ms/camera': Number((median(runs.map(({ cpuMs }) => cpuMs)) / COUNT).toFixed(2)),
        connections: most(runs.flatMap(({ counts }) => counts.connections ?? [])),
        '401s': most(runs.flatMap(({ counts }) => counts.challenges ?? [])),
        requests: median(runs.flatMap(({ counts }) => counts.requests ?? [])),
      };
    });
    console.log(`${atATime} at a time, load ${loadavg()[0]?.toFixed(1)}`);
    console.table(table);
  }
  for (const { name, what } of JOBS) console.log(`${name}: ${what}`);
  child.disconnect();
  child.kill();
}

void main();
