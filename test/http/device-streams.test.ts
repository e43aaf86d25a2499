import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { DeviceHttp } from '../../src/http/types.ts';
import { type Fixture, fixture, open } from './fixture.ts';
import { respond } from './strict-device.ts';

const get = (http: DeviceHttp, path = '/', signal?: AbortSignal) => http.request({ method: 'GET', path }, signal);

describe('device client: streams', () => {
  let all: Fixture;
  beforeEach(() => {
    all = fixture();
  });
  afterEach(() => all.close());

  it('have a connection of their own, outside the queue', async () => {
    const device = await all.device({
      handler: (request, response) => {
        if (request.url === '/events') response.write('first ');
        else respond(response, 200, 'ok');
      },
    });
    const http = open(all.connections, device);
    await get(http);
    const stop = new AbortController();
    const message = await http.stream({ method: 'GET', path: '/events' }, stop.signal);
    assert.equal(message.statusCode, 200);
    const [chunk] = await once(message, 'data');
    assert.equal(String(chunk), 'first ');
    assert.equal((await get(http)).status, 200);
    assert.equal(device.connections, 2);
    const failed = once(message, 'error');
    stop.abort();
    const [error] = await failed;
    assert.equal(error.code, 'cancelled');
    assert.equal((await get(http)).status, 200);
  });

  it('end with the device, and pass a status on', async () => {
    const device = await all.device({ handler: (_request, response) => respond(response, 503, 'later') });
    const message = await open(all.connections, device).stream({ method: 'GET', path: '/' }, new AbortController().signal);
    assert.equal(message.statusCode, 503);
    assert.equal(await text(message), 'later');
  });

  it('that are read to their end hand their connection and their nonce on', async () => {
    const device = await all.device({ handler: (_request, response) => respond(response, 200, 'pulled') });
    const http = open(all.connections, device);
    const pull = async () => text(await http.stream({ method: 'POST', path: '/pull', body: 'x' }, new AbortController().signal));
    for (let count = 0; count < 4; count += 1) assert.equal(await pull(), 'pulled');
    assert.deepEqual([device.connections, device.challenges, device.requests], [1, 1, 5]);
    assert.deepEqual(await Promise.all([pull(), pull()]), ['pulled', 'pulled']);
    assert.equal(device.connections, 2);
    await pull();
    assert.equal(device.connections, 2);
  });

  it('end at the deadline when the page of a 401 never ends', async () => {
    const device = await all.device({
      first: (_request, response) => {
        response.writeHead(401, { 'WWW-Authenticate': 'Digest realm="x", nonce="y"' });
        response.write('<html>');
        return true;
      },
    });
    const http = open(all.connections, device);
    await assert.rejects(http.stream({ method: 'GET', path: '/', timeoutMs: 200 }, new AbortController().signal), { code: 'timeout' });
  });

  it('that are left in the middle close their connection', async () => {
    const device = await all.device({ handler: (_request, response) => void response.write('x') });
    const http = open(all.connections, device);
    for (let count = 1; count <= 2; count += 1) {
      const message = await http.stream({ method: 'GET', path: '/' }, new AbortController().signal);
      await once(message, 'data');
      message.destroy();
      assert.equal(device.connections, count);
    }
  });

  it('are bound to the deadline until the headers only', async () => {
    const device = await all.device({ handler: () => undefined });
    const http = open(all.connections, device);
    await assert.rejects(http.stream({ method: 'GET', path: '/', timeoutMs: 200 }, new AbortController().signal), { code: 'timeout' });
    let write: (text: string) => void = () => undefined;
    device.options.handler = (_request, response) => {
      response.flushHeaders();
      write = (words) => response.end(words);
    };
    const message = await http.stream({ method: 'GET', path: '/', timeoutMs: 200 }, new AbortController().signal);
    await new Promise((resolve) => setTimeout(resolve, 250));
    write('late');
    assert.equal(await text(message), 'late');
  });

  it('end when all connections are closed', async () => {
    const device = await all.device({ handler: (_request, response) => void response.write('x') });
    const message = await open(all.connections, device).stream({ method: 'GET', path: '/' }, new AbortController().signal);
    const failed = once(message, 'error');
    await all.connections.close();
    assert.equal((await failed)[0].code, 'cancelled');
    await assert.rejects(get(open(all.connections, device)), { code: 'cancelled' });
  });
});
