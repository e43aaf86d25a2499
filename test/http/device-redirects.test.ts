import assert from 'node:assert/strict';
import type { DeviceHttp } from '../../src/http/types.ts';
import { at, type Fixture, fixture, login, open } from './fixture.ts';
import { respond } from './strict-device.ts';

const get = (http: DeviceHttp, path = '/', signal?: AbortSignal) => http.request({ method: 'GET', path }, signal);

describe('device client: where it goes', () => {
  let all: Fixture;
  beforeEach(() => {
    all = fixture();
  });
  afterEach(() => all.close());

  describe('redirects', () => {
    it('are followed on the same host, three at most', async () => {
      const device = await all.device({
        handler: (request, response) => {
          const step = Number(request.url?.slice(1));
          if (step < 3) response.setHeader('Location', step === 0 ? `http://127.0.0.1:${device.port}/1` : `/${step + 1}`);
          respond(response, step < 3 ? 302 : 200, 'ok');
        },
      });
      assert.equal((await get(open(all.connections, device), '/0')).status, 200);
      device.options.handler = (request, response) => {
        response.setHeader('Location', `${request.url}x`);
        respond(response, 301, '');
      };
      await assert.rejects(get(open(all.connections, device)), { code: 'rejected' });
      device.options.handler = (_request, response) => respond(response, 200, 'ok');
      assert.equal((await get(open(all.connections, device))).status, 200);
      assert.deepEqual([device.connections, device.challenges], [1, 1]);
    });

    it('to another host or port are refused before anything is sent there', async () => {
      const other = await all.device();
      const places = [
        `http://localhost:${other.port}/`,
        `http://127.0.0.1:${other.port}/`,
        `//127.0.0.1:${other.port}/`,
        'ftp://127.0.0.1/',
        'http://[',
      ];
      const device = await all.device({
        handler: (request, response) => {
          response.setHeader('Location', places[Number(request.url?.slice(1))] ?? '');
          respond(response, 307, '');
        },
      });
      const http = open(all.connections, device);
      for (const index of places.keys()) await assert.rejects(get(http, `/${index}`), { code: 'rejected' }, places[index]);
      assert.equal(other.connections, 0);
    });

    it('of anything but GET are refused', async () => {
      const device = await all.device({
        handler: (_request, response) => {
          response.setHeader('Location', '/elsewhere');
          respond(response, 307, '');
        },
      });
      await assert.rejects(open(all.connections, device).request({ method: 'PUT', path: '/', body: 'x' }), { code: 'rejected' });
      assert.ok(device.seen.every(({ url }) => url === '/'));
    });
  });

  describe('bad input', () => {
    for (const [what, path, headers] of [
      ['a line break in the path', '/a\r\nX: y', {}],
      ['a blank in the path', '/a b', {}],
      ['a NUL in the path', '/a\0', {}],
      ['a path without slash', 'http://127.0.0.1/', {}],
      ['a line break in a header', '/', { 'X-A': 'a\r\nb: c' }],
      ['a NUL in a header', '/', { 'X-A': 'a\0' }],
      ['a header name with a colon', '/', { 'X:A': 'a' }],
    ] as const) {
      it(`refuses ${what}`, async () => {
        const device = await all.device();
        await assert.rejects(open(all.connections, device).request({ method: 'GET', path, headers: { ...headers } }), {
          code: 'bad-input',
        });
        await assert.rejects(
          open(all.connections, device).stream({ method: 'GET', path, headers: { ...headers } }, new AbortController().signal),
          {
            code: 'bad-input',
          },
        );
        assert.equal(device.connections, 0);
      });
    }

    it('refuses a host that is none', async () => {
      for (const host of ['', 'a b', 'a/b', 'user@host', 'a\r\nb', '[::1]']) {
        await assert.rejects(get(all.connections.open(at(80, { host }), login())), { code: 'bad-input' }, host);
      }
    });
  });
});
