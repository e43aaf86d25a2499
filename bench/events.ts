// Parsing of event streams: npx tsx bench/events.ts. Peers are used when bench/node_modules has them.
import { type ChildProcess, fork } from 'node:child_process';
import { get } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { alertStream } from '../src/cameras/hikvision/alert-stream.ts';
import { readAlert } from '../src/cameras/hikvision/events.ts';
import { Isapi } from '../src/cameras/hikvision/isapi.ts';
import { Secret } from '../src/core/secret.ts';
import { createEventHub } from '../src/events/hub.ts';
import { createDeviceConnections } from '../src/http/device-connections.ts';
import { memoryOnly } from '../src/http/device-memory.ts';
import { MultipartReader, multipartParts } from '../src/http/multipart-stream.ts';
import { eventStream, serve, split } from './event-device.ts';

const PARTS = 2_000;
const ROUNDS = 40;
const BURST = 20_000;
const IDLE = 500;
const PEER = 'node-red-contrib-hikvision-ultimate';

/** Microseconds of CPU per part: the best of several runs, after warming up. */
function measure(work: () => number): number {
  for (let round = 0; round < ROUNDS / 2; round += 1) work();
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 5; run += 1) {
    const before = process.cpuUsage();
    for (let round = 0; round < ROUNDS / 4; round += 1) work();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / ((ROUNDS / 4) * PARTS));
  }
  return best;
}

/** What any reader has to do at least: look at each byte once. */
function byteScan(chunks: readonly Buffer[]): number {
  let dashes = 0;
  for (const chunk of chunks) for (let at = 0; at < chunk.length; at += 1) if (chunk[at] === 0x2d) dashes += 1;
  return dashes;
}

function ours(chunks: readonly Buffer[]): number {
  const reader = new MultipartReader('multipart/mixed; boundary=boundary');
  let events = 0;
  for (const chunk of chunks) {
    for (const part of reader.push(chunk)) {
      if (part.firstByte === 0xff) events += part.body.length > 0 ? 1 : 0;
      else if (readAlert(part.latin1())?.kind === 'event') events += 1;
    }
  }
  if (events !== PARTS) throw new Error(`${events} of ${PARTS} parts`);
  return events;
}

function row(name: string, ...values: (number | string)[]): void {
  console.log(name.padEnd(44), ...values.map((value) => (typeof value === 'number' ? value.toFixed(2) : value).padStart(12)));
}

function inMemory(): void {
  row('CPU per part, in memory (µs)', 'byte scan', 'ours', 'ratio');
  for (const [name, pictures] of [
    ['XML', false],
    ['5 % pictures of 200 KiB', true],
  ] as const) {
    const stream = eventStream(PARTS, pictures);
    for (const size of [64 * 1024, 1460]) {
      const chunks = split(stream, size);
      const scan = measure(() => byteScan(chunks));
      const own = measure(() => ours(chunks));
      row(`${name}, chunks of ${size}`, scan, own, own / scan);
    }
  }
}

/** CPU of this process for one burst over a real connection, from the request to the last event. */
async function overHttp(receive: (done: () => void) => void): Promise<number> {
  const before = process.cpuUsage();
  await new Promise<void>((resolve) => receive(resolve));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / BURST;
}

function receiveOurs(port: number): (done: () => void) => void {
  return (done) => {
    get({ host: '127.0.0.1', port, path: '/ISAPI/Event/notification/alertStream' }, async (message) => {
      let events = 0;
      for await (const part of multipartParts(message, '127.0.0.1')) {
        if (readAlert(part.latin1())?.kind === 'event') events += 1;
        if (events === BURST) break;
      }
      done();
    });
  };
}

/** The peer's parser is inside its configuration node: it runs in a stand-in of Node-RED that has just what it asks for. */
function receivePeer(port: number): ((done: () => void) => void) | undefined {
  const load = createRequire(join(__dirname, 'package.json'));
  let install: (RED: object) => void;
  try {
    install = load(`${PEER}/nodes/Hikvision-config.js`);
  } catch {
    return undefined;
  }
  return (done) => {
    let events = 0;
    const client = {
      setNodeStatus: () => undefined,
      sendPayload: ({ payload }: { payload: { eventType?: string } }) => {
        if (payload?.eventType !== undefined) events += 1;
        if (events === BURST) done();
      },
    };
    install({
      nodes: {
        createNode: (node: object) => Object.assign(node, { credentials: { user: 'a', password: 'b' }, on: () => undefined }),
        registerType: (_type: string, create: new (config: object) => { addClient?: (client: object) => void; nodeClients: object[] }) => {
          const node = new create({ host: `127.0.0.1:${port}`, protocol: 'http', authentication: 'basic' });
          node.nodeClients.push(client);
        },
        getNode: () => null,
      },
      httpAdmin: { get: () => undefined, post: () => undefined },
      auth: { needsPermission: () => undefined },
      log: { info: () => undefined, error: () => undefined, warn: () => undefined },
    });
  };
}

async function throughHttp(port: number): Promise<void> {
  const own: number[] = [];
  for (let run = 0; run < 4; run += 1) own.push(await overHttp(receiveOurs(port)));
  const best = Math.min(...own);
  row(`\nCPU per event over HTTP, ${BURST} events (µs)`, '', '', 'ratio');
  row('ours', best, '', 1);
  const peer = receivePeer(port);
  if (peer === undefined) row(PEER, 'not installed');
  else {
    const cpu = await overHttp(peer);
    row(PEER, cpu, '', cpu / best);
  }
}

/**
 * In a process of its own: how much the memory grows with so many idle streams. As many are open before: V8 lets its young generation
 * grow by some 20 MiB while the first ones are opened, which is not theirs. Sends KiB per stream.
 */
async function idle(kind: string, port: number): Promise<void> {
  const address = { host: '127.0.0.1', port, protocol: 'http', trust: 'any' } as const;
  const login = { username: 'admin', password: new Secret('camera-secret') };
  const http = createDeviceConnections({ memory: memoryOnly() }).open(address, login);
  const quiet = idleOnly(http);
  const hub = createEventHub();
  const open = (index: number) =>
    new Promise<void>((resolve) => {
      if (kind === 'plain')
        get({ host: '127.0.0.1', port, path: '/idle', agent: false }, (message) => message.once('data', () => resolve()));
      else {
        const source = (signal: AbortSignal) => alertStream(quiet, Isapi.of(quiet), signal);
        const listener = { clearAfterMs: 30_000, onEvent: () => undefined, onPicture: () => undefined, onLink: () => resolve() };
        hub.listen({ key: String(index), host: '127.0.0.1', login }, source, listener);
      }
    });
  const settle = async () => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    for (let turn = 0; turn < 4; turn += 1) (globalThis as { gc?: () => void }).gc?.();
  };
  for (let index = 0; index < IDLE; index += 1) await open(-1 - index);
  await settle();
  const before = process.memoryUsage().rss;
  // One after another: what counts is what stays, not the garbage of opening all at once.
  for (let index = 0; index < IDLE; index += 1) await open(index);
  await settle();
  process.send?.((process.memoryUsage().rss - before) / 1024 / IDLE, () => process.exit());
}

/** The same device, asked for the path on which nothing happens. */
function idleOnly(http: ReturnType<ReturnType<typeof createDeviceConnections>['open']>): typeof http {
  return {
    ...http,
    host: http.host,
    login: http.login,
    stream: (request, signal) => http.stream({ ...request, path: '/idle' }, signal),
  } as typeof http;
}

const answerOf = (child: ChildProcess) => new Promise<number>((resolve) => child.once('message', (message) => resolve(Number(message))));

async function main(): Promise<void> {
  const [mode, kind = '', port = ''] = process.argv.slice(2);
  if (mode === 'serve') return serve(BURST);
  if (mode === 'idle') return idle(kind, Number(port));
  inMemory();
  const device = fork(__filename, ['serve']);
  const devicePort = await answerOf(device);
  await throughHttp(devicePort);
  row(`\nMemory of one more idle stream, ${IDLE} to ${2 * IDLE} (KiB RSS)`);
  for (const one of ['plain', 'ours']) {
    const child = fork(__filename, ['idle', one, String(devicePort)], { execArgv: [...process.execArgv, '--expose-gc'] });
    row(one === 'plain' ? 'plain http reader' : 'ours: connection, reader, tracker, watchdog', await answerOf(child));
  }
  device.disconnect();
  process.exit();
}

void main();
