import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Message } from '../../nodes/shared/node-red.ts';
import { HikvisionSimulator } from '../../src/cameras/hikvision/simulator.ts';
import { OnvifSimulator } from '../../src/cameras/onvif/simulator.ts';
import { ReolinkSimulator } from '../../src/cameras/reolink/simulator.ts';
import { until, Waiting } from '../waiting.ts';
import { onTab, TAB } from './flow.ts';
import { logged, modules, runtime, startRuntime, stopRuntime } from './runtime.ts';

// As the namespace object is read-only.
const dns = require('node:dns') as { lookup: (...args: unknown[]) => void };

const MODULES = modules('camera-device', 'camera-events', 'camera-snapshot');
const login = { username: 'admin', password: 'Camera-2026' };
const options = { login, sendMail: async () => ({ ok: true, reply: '' }) };

type Payload = Record<string, unknown> & { camera?: { host: string; vendor: string } };

describe('camera-events stays connected and leaves nothing behind', () => {
  const userDir = mkdtempSync(join(tmpdir(), 'camera-events-staying-'));
  const closers: (() => Promise<unknown> | unknown)[] = [];
  const waiting = new Waiting();
  let received: { at: string; message: Message }[];
  let secret: { username: string; password: string };

  before(() => startRuntime({ userDir }));
  after(async () => {
    await stopRuntime();
    rmSync(userDir, { recursive: true, force: true });
  });
  beforeEach(() => {
    received = [];
    secret = login;
  });
  afterEach(async () => {
    await runtime.unload();
    for (const closer of closers.splice(0)) await closer();
  });

  async function hikvision(): Promise<{ device: HikvisionSimulator; port: number }> {
    const device = new HikvisionSimulator(options);
    device.triggers = device.triggers.replace(/<notificationMethod>\w+</, '<notificationMethod>center<');
    const port = await device.listen();
    closers.push(() => device.close());
    return { device, port };
  }

  const camera = (port: number, more: object = {}) => ({
    id: 'cam',
    type: 'camera-device',
    name: 'Yard',
    vendor: 'hikvision',
    host: '127.0.0.1',
    port,
    protocol: 'http',
    ...more,
  });

  /** A camera-events node for each id. */
  const flowOf = (device: object, ids: string[]) => [
    device,
    TAB,
    ...ids.map((id) => onTab(id, 'camera-events', { camera: 'cam', clearAfter: 1, wires: [[`${id}0`], [`${id}1`]] })),
    ...['e0', 'e1', 'f0', 'f1'].map((id) => onTab(id, 'helper')),
  ];

  async function load(device: object, ...ids: string[]): Promise<void> {
    await runtime.load(MODULES, flowOf(device, ids), { cam: secret });
    hear();
  }

  function hear(): void {
    for (const at of ['e0', 'e1', 'f0', 'f1']) {
      const node = runtime.getNode(at);
      node.on('input', (message) => {
        received.push({ at, message });
        waiting.wake();
      });
    }
  }

  const payloads = (at: string) => received.filter((one) => one.at === at).map(({ message }) => message.payload as Payload);
  const untilPayloads = (at: string, count: number) => waiting.until(() => payloads(at).length >= count && payloads(at));
  const shown = (id: string) => {
    const node = runtime.getNode(id) as unknown as { status: { args: { fill: string }[][] } };
    return node.status.args.map(([status]) => status?.fill);
  };
  const open = (resource: string) => process.getActiveResourcesInfo().filter((kind) => kind === resource).length;

  it('a camera that is lost while it is asked for warnings is not shown as connected', async () => {
    const { device, port } = await hikvision();
    const asked = new Promise<ServerResponse>((resolve) => {
      device.server.intercept = (request, response) => {
        const held = request.url?.includes('/Event/triggers') === true;
        if (held) resolve(response);
        return held;
      };
    });
    await load(camera(port), 'e');
    const response = await asked;
    device.server.intercept = undefined;
    await device.view.untilStreams(1);
    // The camera restarts: it does not come back within this test.
    await device.server.close();
    response.destroy();
    await untilPayloads('e1', 2);
    assert.deepEqual(
      payloads('e1').map(({ connected }) => connected),
      [true, false],
    );
    assert.equal(shown('e').at(-1), 'red', shown('e').join(' '));
  });

  it('a node that is deployed anew takes the shared session from nobody, and the last one gives it back', async () => {
    const device = new ReolinkSimulator(options);
    const port = await device.listen();
    closers.push(() => device.close());
    const reolink = camera(port, { vendor: 'reolink' });
    await load(reolink, 'e', 'f');
    await Promise.all([untilPayloads('e1', 1), untilPayloads('f1', 1)]);
    await runtime.setFlows(flowOf(reolink, ['f']), 'nodes');
    const { logins } = device;
    device.raise('motion', 'active');
    await untilPayloads('f0', 1);
    assert.equal(device.logins, logins, 'the stream goes on in its session');
    await runtime.setFlows(flowOf(reolink, []), 'nodes');
    assert.deepEqual([...device.tokens], []);
    assert.ok(payloads('f1').every(({ connected }) => connected));
  });

  it('has given its subscription back when it says that it is closed: devices have few', async () => {
    const device = new OnvifSimulator(options);
    const port = await device.listen();
    closers.push(() => device.close());
    const { events } = device.service;
    for (let turn = 0; turn < 3; turn += 1) {
      received = [];
      await load(camera(port, { vendor: 'onvif' }), 'e');
      await untilPayloads('e1', 1);
      await events.untilPulled();
      await runtime.unload();
      assert.equal(events.subscriptions, 0);
    }
    assert.equal(events.created, 3);
  });

  it('follows a camera to its new address, and leaves the old one', async () => {
    const old = await hikvision();
    const next = await hikvision();
    await load(camera(old.port), 'e');
    await untilPayloads('e1', 1);
    await runtime.setFlows(flowOf(camera(next.port, { host: 'localhost' }), ['e']), 'nodes');
    await next.device.view.untilStreams(1);
    await old.device.view.untilStreams(0);
    const before = payloads('e1').length;
    next.device.view.alert({ type: 'VMD' });
    const [event] = await untilPayloads('e0', 1);
    assert.equal(event?.camera?.host, 'localhost');
    assert.deepEqual([old.device.view.opened, next.device.view.opened, before], [1, 1, payloads('e1').length]);
  });

  it('a name that leads nowhere is told, and followed when it leads somewhere else', async () => {
    const first = await hikvision();
    const { lookup } = dns;
    closers.push(() => {
      dns.lookup = lookup;
    });
    let address: string | undefined = '127.0.0.1';
    dns.lookup = (name, given, callback) => {
      if (name !== 'yard.example') return lookup(name, given, callback);
      const answer = callback as (error: Error | null, found?: unknown, family?: number) => void;
      const all = (given as { all?: boolean }).all === true;
      if (address === undefined) answer(Object.assign(new Error('getaddrinfo ENOTFOUND yard.example'), { code: 'ENOTFOUND' }));
      else answer(null, all ? [{ address, family: 4 }] : address, 4);
    };
    await load(camera(first.port, { host: 'yard.example' }), 'e');
    await untilPayloads('e1', 1);
    address = undefined;
    await first.device.server.close();
    const [, lost] = await untilPayloads('e1', 2);
    assert.deepEqual([lost?.connected, lost?.reason], [false, 'connection-lost']);
    assert.ok(Number(lost?.retryInMs) >= 2000);
    // The same camera got another address from the router.
    address = '127.0.0.2';
    const moved = new HikvisionSimulator(options);
    const port = await moved.listen();
    const server = createServer((socket) => relay(socket, port)).listen(first.port, '127.0.0.2');
    await once(server, 'listening');
    closers.push(
      () => moved.close(),
      () => server.close(),
    );
    const [, , back] = await untilPayloads('e1', 3);
    assert.equal(back?.connected, true);
    moved.view.alert({ type: 'VMD' });
    await untilPayloads('e0', 1);
  }).timeout(40_000);

  it('a camera that is not known by name says so and is asked again', async () => {
    await load(camera(80, { host: 'yard.invalid' }), 'e');
    const [{ connected, reason, retryInMs } = {}] = await untilPayloads('e1', 1);
    assert.deepEqual([connected, reason], [false, 'unreachable']);
    assert.ok(Number(retryInMs) >= 2000);
  });

  it('a login that is refused is tried once, however many nodes listen and however often they are deployed', async () => {
    const { device, port } = await hikvision();
    secret = { ...login, password: 'Wrong-2026' };
    for (let turn = 0; turn < 3; turn += 1) {
      received = [];
      await load(camera(port), 'e', 'f');
      const told = (await Promise.all([untilPayloads('e1', 1), untilPayloads('f1', 1)])).flat();
      assert.deepEqual(
        told.map(({ connected, reason, retryInMs }) => [connected, reason, retryInMs]),
        [1, 2].map(() => [false, 'unauthorized', undefined]),
      );
      await runtime.unload();
    }
    assert.equal(device.refusedLogins, 1);
  });

  it('closes at once whatever the camera does: no answer, half an answer, a stream that is open', async () => {
    const sockets = new Set<Socket>();
    let greeting = '';
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
      socket.once('data', () => socket.write(greeting));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    for (greeting of ['', 'HTTP/1.1 401 Unauthorized\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n<Dev']) {
      await load(camera(port), 'e');
      await until(() => sockets.size === 1);
      await runtime.unload();
      await until(() => sockets.size === 0);
    }
  });

  it('a camera that is gone when it is to be left holds nobody up for as long as Node-RED waits', async () => {
    const device = new OnvifSimulator(options);
    const port = await device.listen();
    closers.push(() => device.close());
    const gone = camera(port, { vendor: 'onvif' });
    await load(gone, 'e');
    await untilPayloads('e1', 1);
    await device.service.events.untilPulled();
    device.server.intercept = () => true;
    await runtime.setFlows(flowOf(gone, []), 'nodes');
    assert.doesNotMatch(logged(), /timed out|stopping-error|Error stopping/);
  });

  it('ten deploys leave no socket and no timer', async () => {
    const { device, port } = await hikvision();
    const turn = async (number: number) => {
      received = [];
      await load(camera(port), 'e', 'f');
      await Promise.all([untilPayloads('e1', 1), untilPayloads('f1', 1)]);
      device.view.alert({ type: 'VMD', channel: number });
      await untilPayloads('e0', 1);
      await runtime.unload();
      await device.view.untilStreams(0);
    };
    await turn(1);
    const [timers, sockets] = [open('Timeout'), open('TCPSocketWrap')];
    for (let number = 2; number <= 10; number += 1) await turn(number);
    await until(() => open('TCPSocketWrap') <= sockets);
    assert.ok(open('Timeout') <= timers, `${timers} timers, then ${open('Timeout')}`);
    assert.equal(device.view.opened, 10, 'one stream for each deploy');
    assert.equal(device.refusedLogins, 0);
  });
});

/** Passes everything on to a port of this host. */
function relay(socket: Socket, port: number): void {
  const other = connect(port, '127.0.0.1');
  for (const [one, two] of [
    [socket, other],
    [other, socket],
  ] as const) {
    one.on('error', () => undefined).on('close', () => two.destroy());
    one.pipe(two);
  }
}
