import assert from 'node:assert/strict';
import { CameraEmailError } from '../../src/core/errors.ts';
import type { DeviceHttp } from '../../src/http/types.ts';
import { at, type Fixture, fixture, login, open } from './fixture.ts';
import { respond } from './strict-device.ts';

const get = (http: DeviceHttp, path = '/', signal?: AbortSignal) => http.request({ method: 'GET', path }, signal);

describe('device client', () => {
  let all: Fixture;
  beforeEach(() => {
    all = fixture();
  });
  afterEach(() => all.close());

  describe('one connection', () => {
    it('makes six requests with one connection and one 401', async () => {
      const device = await all.device();
      const http = open(all.connections, device);
      for (const method of ['GET', 'GET', 'PUT', 'GET', 'POST', 'GET'] as const) {
        assert.equal((await http.request({ method, path: '/x', ...(method === 'GET' ? {} : { body: '<a/>' }) })).status, 200);
      }
      assert.deepEqual([device.connections, device.challenges, device.requests], [1, 1, 7]);
    });

    it('keeps the connection through a long 401 page', async () => {
      const device = await all.device({
        first: (request, response) => {
          if (request.headers.authorization !== undefined) return false;
          response.setHeader('WWW-Authenticate', 'Digest realm="r", nonce="n"');
          respond(response, 401, 'x'.repeat(300_000));
          return true;
        },
        lockAfter: 0,
      });
      assert.equal((await get(open(all.connections, device))).status, 403);
      assert.equal(device.connections, 1);
    });

    it('opens a new one when the device closed the kept one, and repeats a GET that fell into it', async () => {
      let answered = 0;
      const port = await all.raw((socket) => {
        let requests = 0;
        socket.on('data', () => {
          requests += 1;
          if (requests > 1) {
            socket.resetAndDestroy();
            return;
          }
          answered += 1;
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        });
      });
      const http = open(all.connections, { port });
      assert.equal((await get(http)).status, 200);
      assert.equal((await get(http)).status, 200);
      assert.equal(answered, 2);
    });

    it('does not repeat a write that fell into a closed connection', async () => {
      let writes = 0;
      const port = await all.raw((socket) => {
        socket.on('data', (data) => {
          if (data.toString().startsWith('PUT')) {
            writes += 1;
            socket.resetAndDestroy();
          } else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        });
      });
      const http = open(all.connections, { port });
      await get(http);
      await assert.rejects(http.request({ method: 'PUT', path: '/', body: 'x' }), { code: 'connection-lost', retryable: true });
      assert.equal(writes, 1);
    });

    it('sends what curl would, and nothing more', async () => {
      const device = await all.device();
      await open(all.connections, device).request({
        method: 'POST',
        path: '/p?a[0].b=c',
        headers: { 'Content-Type': 'text/xml' },
        body: 'é',
      });
      const { authorization, ...headers } = device.seen[1]?.headers ?? {};
      assert.match(authorization ?? '', /^Digest /);
      assert.deepEqual(headers, {
        host: `127.0.0.1:${device.port}`,
        accept: '*/*',
        'content-type': 'text/xml',
        'content-length': '2',
        connection: 'keep-alive',
      });
      assert.deepEqual([device.seen[1]?.url, device.seen[1]?.body], ['/p?a[0].b=c', 'é']);
    });

    it('reaches an IPv6 host', async () => {
      const device = await all.device();
      device.server.close();
      device.server.closeAllConnections();
      await new Promise<void>((resolve) => device.server.listen(0, '::1', resolve));
      const address = device.server.address();
      const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
      const http = all.connections.open(at(port, { host: '::1' }), login());
      assert.equal((await get(http)).status, 200);
      assert.equal(http.origin, `http://[::1]:${port}`);
      assert.equal(device.seen[0]?.headers.host, `[::1]:${port}`);
    });
  });

  describe('one request at a time', () => {
    it('whoever asks, with whatever login', async () => {
      const device = await all.device({ handler: (_request, response) => setImmediate(() => respond(response, 200, 'ok')) });
      const one = open(all.connections, device);
      const other = all.connections.open(at(device.port), login('camera-secret', 'other'));
      const answers = await Promise.allSettled([
        ...Array.from({ length: 6 }, () => get(one)),
        get(other),
        get(open(all.connections, device)),
      ]);
      assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 7);
      assert.equal(device.parallel, 1);
    });

    it('gives the same client for the same address and login only', async () => {
      const device = await all.device();
      const { connections } = all;
      assert.equal(open(connections, device), open(connections, device));
      assert.notEqual(open(connections, device), connections.open(at(device.port), login('other')));
      assert.notEqual(open(connections, device), open(connections, device, { trust: 'any' }));
    });

    it('lets an aborted waiter leave the queue', async () => {
      let release: () => void = () => undefined;
      const device = await all.device({
        first: (request, response) => {
          if (request.url !== '/slow') return false;
          release = () => respond(response, 200, 'ok');
          return true;
        },
      });
      const http = open(all.connections, device);
      const slow = get(http, '/slow');
      const waiter = new AbortController();
      const waiting = get(http, '/never', waiter.signal);
      const last = get(http, '/last');
      waiter.abort();
      await assert.rejects(waiting, { code: 'cancelled' });
      while (device.requests === 0) await new Promise(setImmediate);
      release();
      assert.equal((await slow).status, 200);
      assert.equal((await last).status, 200);
      assert.ok(device.seen.every(({ url }) => url !== '/never'));
    });
  });

  describe('nonces', () => {
    it('logs in again when the device restarted', async () => {
      const device = await all.device();
      const http = open(all.connections, device);
      await get(http);
      device.restart();
      assert.equal((await get(http)).status, 200);
      assert.deepEqual([device.challenges, device.stale, device.refused], [2, 1, 0]);
    });

    for (const staleWord of ['TRUE', '"TRUE"', '"true"']) {
      it(`works with one-time nonces and stale=${staleWord}`, async () => {
        const device = await all.device({ oneTimeNonces: true, staleWord });
        const http = open(all.connections, device);
        for (let index = 0; index < 4; index += 1) assert.equal((await get(http)).status, 200);
        assert.deepEqual([device.connections, device.challenges, device.refused], [1, 4, 0]);
      });
    }

    it('follows a device that wants a nonce for each address', async () => {
      const device = await all.device({ nonceByUrl: true });
      const http = open(all.connections, device);
      for (const path of ['/a', '/b', '/b', '/a?x=1']) assert.equal((await get(http, path)).status, 200);
      assert.deepEqual([device.challenges, device.refused], [3, 0]);
    });

    it('takes a stale first login for an old nonce, not for a wrong password', async () => {
      let stale = true;
      const device = await all.device({
        first: (request) => {
          if (request.headers.authorization !== undefined && stale) {
            stale = false;
            device.restart();
          }
          return false;
        },
      });
      assert.equal((await get(open(all.connections, device))).status, 200);
      assert.deepEqual([device.stale, device.refused], [1, 0]);
    });
  });

  describe('Basic', () => {
    it('is sent over http only when the user chose http', async () => {
      const device = await all.device({ basic: true });
      const chosen = open(all.connections, device);
      assert.equal((await get(chosen)).status, 200);
      assert.equal(chosen.loginInClear, true);
      const auto = open(all.connections, device, { protocol: 'auto' });
      await assert.rejects(get(auto), { code: 'plain-http' });
      assert.equal(auto.loginInClear, false);
      assert.deepEqual([device.authorizations.length, auto.secure, auto.plainChosen], [1, false, false]);
    });

    it('is never what a device can bring a Digest login down to', async () => {
      const device = await all.device();
      const http = open(all.connections, device);
      await get(http);
      device.options.authenticate = 'Basic realm="x"';
      device.restart();
      await assert.rejects(get(http), CameraEmailError);
      assert.ok(device.authorizations.every((sent) => sent.startsWith('Digest ')));
    });

    it('needs one 401 for a run', async () => {
      const device = await all.device({ basic: true, password: 'pässword' });
      const http = all.connections.open(at(device.port), login('pässword'));
      for (let index = 0; index < 3; index += 1) await get(http);
      assert.deepEqual([device.connections, device.challenges], [1, 1]);
    });
  });

  describe('401 without a login', () => {
    it('is an answer when the request must not log in', async () => {
      const device = await all.device();
      const answer = await open(all.connections, device).request({ method: 'GET', path: '/', authenticate: false });
      assert.equal(answer.status, 401);
      assert.equal(device.authorizations.length, 0);
    });

    it('is an answer when it names no scheme', async () => {
      const device = await all.device({
        first: (_request, response) => {
          respond(response, 401, '{"error":1}');
          return true;
        },
      });
      assert.equal((await get(open(all.connections, device))).text(), '{"error":1}');
    });

    it('is unsupported when it names unknown schemes only, unauthorized when no user is given', async () => {
      const device = await all.device({ authenticate: 'Negotiate, Digest nonce="x", algorithm=TIGER' });
      await assert.rejects(get(open(all.connections, device)), { code: 'unsupported' });
      const other = await all.device();
      await assert.rejects(get(all.connections.open(at(other.port), login('', ''))), { code: 'unauthorized' });
      assert.equal(other.authorizations.length, 0);
    });
  });
});
