import assert from 'node:assert/strict';
import { LIMITS } from '../../src/core/limits.ts';
import { type Fixture, fixture, open, standingClock } from './fixture.ts';
import { respond } from './strict-device.ts';

describe('device connections', () => {
  const clock = standingClock();
  let all: Fixture;
  beforeEach(() => {
    all = fixture(undefined, clock);
  });
  afterEach(() => all.close());

  it('keep a client for as long as it is used, and drop it some minutes later', async () => {
    const device = await all.device();
    const http = open(all.connections, device);
    clock.move(LIMITS.device.idleClientMs - 1);
    await http.request({ method: 'GET', path: '/' });
    clock.move(LIMITS.device.idleClientMs - 1);
    assert.equal(open(all.connections, device), http);
    clock.move(2);
    assert.notEqual(open(all.connections, device), http);
  });

  it('keep a client with an open stream', async () => {
    const device = await all.device({ handler: (_request, response) => void response.write('x') });
    const http = open(all.connections, device);
    const stop = new AbortController();
    const stream = await http.stream({ method: 'GET', path: '/' }, stop.signal);
    clock.move(LIMITS.device.idleClientMs + 1);
    assert.equal(open(all.connections, device), http);
    const closed = new Promise((resolve) => stream.once('close', resolve));
    stop.abort();
    await closed;
  });

  it('let a dropped client wait its turn with its successor, and end it at the close', async () => {
    const device = await all.device({ handler: (_request, response) => setImmediate(() => respond(response, 200, 'ok')) });
    const old = open(all.connections, device);
    clock.move(LIMITS.device.idleClientMs + 1);
    const next = open(all.connections, device);
    assert.notEqual(old, next);
    await Promise.all([old, next, old, next].map((http) => http.request({ method: 'GET', path: '/' })));
    assert.equal(device.parallel, 1);
    device.options.first = () => true;
    const { requests } = device;
    const waiting = old.request({ method: 'GET', path: '/' });
    while (device.requests === requests) await new Promise(setImmediate);
    await Promise.all([assert.rejects(waiting, { code: 'cancelled' }), all.connections.close()]);
  });

  it('work with devices that close after every answer', async () => {
    const device = await all.device({ first: (_request, response) => response.setHeader('Connection', 'close') === undefined });
    const http = open(all.connections, device);
    for (const method of ['GET', 'PUT', 'POST', 'GET'] as const) assert.equal((await http.request({ method, path: '/' })).status, 200);
    assert.deepEqual([device.connections, device.challenges], [5, 1]);
  });
});
