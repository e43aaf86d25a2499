import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { CameraEmailError } from '../../src/core/errors.ts';
import { LIMITS } from '../../src/core/limits.ts';
import type { DeviceHttp, DeviceRequest } from '../../src/http/types.ts';
import { at, type Fixture, fixture, login, open } from './fixture.ts';
import { respond } from './strict-device.ts';

const get = (http: DeviceHttp, more: Partial<DeviceRequest> = {}, signal?: AbortSignal) =>
  http.request({ method: 'GET', path: '/', ...more }, signal);

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

describe('hostile and broken devices', () => {
  let all: Fixture;
  beforeEach(() => {
    all = fixture();
  });
  afterEach(() => all.close());

  /** A device that sends this text after each request, and then goes on with `then`. */
  const saying = (words: string, then: (socket: Socket) => void = () => undefined) =>
    all.raw((socket) => socket.on('data', () => socket.write(words, 'latin1', () => then(socket))));

  it('nobody there is unreachable', async () => {
    await assert.rejects(get(open(all.connections, { port: await closedPort() })), { code: 'unreachable', params: { host: '127.0.0.1' } });
    for (const protocol of ['http', 'https', 'auto'] as const) {
      const http = all.connections.open(at(await closedPort(), { host: 'localhost', protocol }), login());
      await assert.rejects(get(http), { code: 'unreachable', params: { host: 'localhost' } });
    }
    await assert.rejects(get(all.connections.open(at(80, { host: 'no-such-camera.invalid' }), login())), { code: 'unreachable' });
  });

  it('silence is a timeout, with the host and the seconds', async () => {
    const http = open(all.connections, { port: await all.raw((socket) => socket.resume()) });
    await assert.rejects(get(http, { timeoutMs: 100 }), { code: 'timeout', params: { host: '127.0.0.1', seconds: 1 } });
  });

  it('a body that drips for ever is a timeout, and does not hold up the next request', async () => {
    let timer: NodeJS.Timeout | undefined;
    let first = true;
    const port = await all.raw((socket) => {
      socket.on('data', () => {
        if (!first) {
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
          return;
        }
        first = false;
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n');
        timer = setInterval(() => socket.write('x'), 10);
        socket.once('close', () => clearInterval(timer));
      });
    });
    const http = open(all.connections, { port });
    const dripping = get(http, { timeoutMs: 150 });
    const next = get(http);
    await assert.rejects(dripping, { code: 'timeout' });
    assert.equal((await next).text(), 'ok');
  });

  it('headers that drip for ever are a timeout', async () => {
    const port = await all.raw((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\n');
        const timer = setInterval(() => socket.write('X-A: b\r\n'), 10);
        socket.once('close', () => clearInterval(timer));
      });
    });
    await assert.rejects(get(open(all.connections, { port }), { timeoutMs: 150 }), { code: 'timeout' });
  });

  it('a body without end is unreadable beyond the limit', async () => {
    const chunk = 'x'.repeat(64 * 1024);
    const flood = (socket: Socket) => {
      const more = (): unknown => !socket.destroyed && socket.write(chunk, more);
      more();
    };
    const http = open(all.connections, { port: await saying('HTTP/1.1 200 OK\r\n\r\n', flood) });
    await assert.rejects(get(http), { code: 'unreadable' });
    await assert.rejects(get(http, { maxBytes: 1000 }), { code: 'unreadable' });
  });

  it('a 401 page without end is unreadable as well', async () => {
    const device = await all.device({
      first: (_request, response) => {
        response.setHeader('WWW-Authenticate', 'Digest realm="r", nonce="n"');
        response.statusCode = 401;
        response.end(Buffer.alloc(LIMITS.device.bodyBytes + 1));
        return true;
      },
    });
    await assert.rejects(get(open(all.connections, device)), { code: 'unreadable' });
  });

  it('headers beyond the limit are unreadable', async () => {
    const huge = `HTTP/1.1 200 OK\r\n${`X-A: ${'y'.repeat(1000)}\r\n`.repeat(80)}\r\n`;
    await assert.rejects(get(open(all.connections, { port: await saying(huge) })), { code: 'unreadable' });
  });

  it('a status line that is none is unreadable', async () => {
    for (const garbage of ['SSH-2.0-dropbear\r\n', '\u0000\u0001\u0002\u0003', 'HTTP/9 what\r\n\r\n']) {
      const http = open(all.connections, { port: await saying(garbage) });
      await assert.rejects(get(http, { timeoutMs: 2000 }), { code: 'unreadable' }, garbage);
    }
  });

  it('garbage in the middle of a chunked body is unreadable', async () => {
    const http = open(all.connections, { port: await saying('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzzz\r\n') });
    await assert.rejects(get(http, { timeoutMs: 2000 }), { code: 'unreadable' });
  });

  it('a reset in the middle of an answer is a lost connection', async () => {
    for (const end of [(socket: Socket) => socket.resetAndDestroy(), (socket: Socket) => socket.end()]) {
      const http = open(all.connections, { port: await saying('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc', end) });
      await assert.rejects(get(http), { code: 'connection-lost', params: { host: '127.0.0.1' } });
    }
  });

  it('a connection closed without an answer is lost', async () => {
    for (const end of [(socket: Socket) => socket.resetAndDestroy(), (socket: Socket) => socket.end()]) {
      const http = open(all.connections, { port: await all.raw((socket) => socket.once('data', () => end(socket))) });
      await assert.rejects(get(http), { code: 'connection-lost' });
    }
  });

  it('the slips of old firmware are read', async () => {
    const answer = 'HTTP/1.1 200 OK\nServer: old\nX-Odd: \u0001\nContent-Length: 2\n\nok';
    assert.equal((await get(open(all.connections, { port: await saying(answer) }))).text(), 'ok');
    const untilEnd = await saying('HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nvar a=1', (socket) => socket.end());
    assert.equal((await get(open(all.connections, { port: untilEnd }))).text(), 'var a=1');
  });

  it('an answer that never comes ends with the caller', async () => {
    const device = await all.device({ first: () => true });
    const http = open(all.connections, device);
    const stop = new AbortController();
    const waiting = get(http, {}, stop.signal);
    while (device.requests === 0) await new Promise(setImmediate);
    stop.abort();
    await assert.rejects(waiting, { code: 'cancelled' });
    const reason = new CameraEmailError('timeout', 'the job took too long');
    await assert.rejects(get(http, {}, AbortSignal.abort(reason)), reason);
    await assert.rejects(http.stream({ method: 'GET', path: '/' }, AbortSignal.abort()), { code: 'cancelled' });
    device.options.first = undefined;
    assert.equal((await get(http)).status, 200);
  });

  it('a mistake in a driver is not blamed on the network', async () => {
    const device = await all.device({ password: 'other' });
    const judgeRefusal = () => {
      throw new TypeError('oops');
    };
    await assert.rejects(get(open(all.connections, device), { judgeRefusal }), { code: 'internal' });
  });

  it('an idle connection does not keep the process alive', async () => {
    const device = await all.device({ handler: (_request, response) => respond(response, 200, 'ok') });
    const script = `
      const { createDeviceConnections } = require('./src/http/device-connections.ts');
      const { memoryOnly } = require('./src/http/device-memory.ts');
      const { Secret } = require('./src/core/secret.ts');
      const http = createDeviceConnections({ memory: memoryOnly() }).open(
        { host: '127.0.0.1', port: ${device.port}, protocol: 'http', trust: 'pin' }, { username: 'admin', password: new Secret('camera-secret') });
      http.request({ method: 'GET', path: '/' }).then(({ status }) => console.log(status));`;
    const child = spawn(process.execPath, ['--import', 'tsx', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    child.stdout.on('data', (data) => {
      printed += data;
    });
    const [code] = await once(child, 'exit');
    assert.deepEqual([code, printed.trim(), device.connections], [0, '200', 1]);
  });
});
