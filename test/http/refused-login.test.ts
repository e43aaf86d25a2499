import assert from 'node:assert/strict';
import { join } from 'node:path';
import { CameraEmailError } from '../../src/core/errors.ts';
import { openDeviceMemory } from '../../src/http/device-memory.ts';
import type { DeviceHttp } from '../../src/http/types.ts';
import { at, type Fixture, fixture, login, open, standingClock } from './fixture.ts';
import type { StrictDevice } from './strict-device.ts';

const get = (http: DeviceHttp) => http.request({ method: 'GET', path: '/' });

describe('refused login', () => {
  let all: Fixture;
  beforeEach(() => {
    all = fixture();
  });
  afterEach(() => all.close());

  const wrong = (device: StrictDevice, more = {}) => all.connections.open(at(device.port, more), login('wrong-password'));

  it('is tried once, whoever asks, until it is edited', async () => {
    const device = await all.device();
    const http = wrong(device);
    const signal = new AbortController().signal;
    const attempts = [
      ...Array.from({ length: 5 }, () => get(http)),
      http.stream({ method: 'GET', path: '/events' }, signal),
      http.stream({ method: 'GET', path: '/events' }, signal),
      get(wrong(device, { trust: 'any' })),
      http.stream({ method: 'GET', path: '/events' }, signal),
    ];
    for (const outcome of await Promise.allSettled(attempts)) {
      assert.equal(outcome.status, 'rejected');
      assert.equal(outcome.status === 'rejected' && outcome.reason.code, 'unauthorized');
    }
    assert.equal(device.refused, 1);
    const requests = device.requests;
    await assert.rejects(get(http), { code: 'unauthorized', retryable: false, params: { host: '127.0.0.1' } });
    assert.throws(() => http.assertLoginAllowed(), { code: 'unauthorized' });
    assert.equal(device.requests, requests);
    assert.equal((await get(open(all.connections, device))).status, 200);
  });

  it('stays refused after a restart, with its freeze on disk before the error', async () => {
    const device = await all.device();
    const file = join(all.directory(), 'memory', 'devices.json');
    await assert.rejects(get(all.again(openDeviceMemory(file)).open(at(device.port), login('wrong-password'))), { code: 'unauthorized' });
    const later = all.again(openDeviceMemory(file)).open(at(device.port), login('wrong-password'));
    assert.throws(() => later.assertLoginAllowed(), { code: 'unauthorized' });
    const requests = device.requests;
    await assert.rejects(get(later), { code: 'unauthorized' });
    await assert.rejects(later.stream({ method: 'GET', path: '/' }, new AbortController().signal), { code: 'unauthorized' });
    assert.deepEqual([device.refused, device.requests], [1, requests]);
  });

  it('does not concern another device at the same address, another user or another password', async () => {
    const device = await all.device();
    const neighbor = await all.device({ password: 'wrong-password' });
    await assert.rejects(get(wrong(device)), { code: 'unauthorized' });
    assert.equal((await get(wrong(neighbor))).status, 200);
    await assert.rejects(get(all.connections.open(at(device.port), login('wrong-password', 'other'))), { code: 'unauthorized' });
    assert.equal(device.refused, 2);
    assert.equal((await get(open(all.connections, device))).status, 200);
  });

  it('stays refused when another password works, until the user wants to try once more', async () => {
    const device = await all.device();
    await assert.rejects(get(wrong(device)), { code: 'unauthorized' });
    await get(open(all.connections, device));
    await assert.rejects(get(wrong(device)), { code: 'unauthorized' });
    assert.equal(device.refused, 1);
    all.memory.clearFreeze(at(device.port));
    device.options.password = 'wrong-password';
    assert.equal((await get(wrong(device))).status, 200);
  });

  it('with Basic is tried once as well', async () => {
    const device = await all.device({ basic: true });
    await Promise.allSettled([get(wrong(device)), get(wrong(device))]);
    await assert.rejects(get(wrong(device)), { code: 'unauthorized' });
    assert.equal(device.refused, 1);
  });

  it('counts even when the page that refuses it is cut off or never ends', async () => {
    for (const react of ['cut', 'hang', 'flood'] as const) {
      let logins = 0;
      const device = await all.device({
        first: (request, response) => {
          response.setHeader('WWW-Authenticate', 'Digest realm="r", nonce="n", qop="auth"');
          response.writeHead(401);
          if (request.headers.authorization === undefined) response.end();
          else {
            logins += 1;
            response.write(react === 'flood' ? Buffer.alloc(3 * 1024 * 1024) : 'x', () => react === 'cut' && response.destroy());
          }
          return true;
        },
      });
      const http = wrong(device);
      const attempts = Array.from({ length: 3 }, () => http.request({ method: 'GET', path: '/', timeoutMs: 200 }));
      const outcomes = await Promise.allSettled(attempts);
      assert.ok(outcomes.slice(1).every((outcome) => outcome.status === 'rejected' && outcome.reason.code === 'unauthorized'));
      assert.equal(logins, 1, react);
    }
  });

  it('tells what the device said, without its tags', async () => {
    const device = await all.device();
    await assert.rejects(get(wrong(device)), { deviceSays: 'log in' });
  });

  it('of a vendor login call freezes too', async () => {
    const device = await all.device();
    const file = join(all.directory(), 'devices.json');
    const http = all.again(openDeviceMemory(file)).open(at(device.port), login());
    http.assertLoginAllowed();
    const error = http.loginRefused('password error');
    assert.deepEqual([error.code, error.deviceSays], ['unauthorized', 'password error']);
    assert.throws(() => http.assertLoginAllowed(), { code: 'unauthorized' });
    const later = all.again(openDeviceMemory(file)).open(at(device.port), login());
    assert.throws(() => later.assertLoginAllowed(), { code: 'unauthorized' });
    await assert.rejects(get(later), { code: 'unauthorized' });
    assert.equal(device.requests, 0);
  });
});

describe('refusal of a login that worked', () => {
  let all: Fixture;
  const clock = standingClock();
  beforeEach(() => {
    all = fixture(undefined, clock);
  });
  afterEach(() => all.close());

  it('is a busy device, and not held against the login', async () => {
    const device = await all.device();
    const http = open(all.connections, device);
    await get(http);
    device.busy = true;
    await assert.rejects(get(http), { code: 'busy', retryable: true });
    device.busy = false;
    assert.equal((await get(http)).status, 200);
    await assert.rejects(
      async () => {
        device.busy = true;
        await get(open(all.connections, device, { trust: 'any' }));
      },
      { code: 'busy' },
    );
  });

  it('costs a changed password four attempts at most, a minute apart', async () => {
    const device = await all.device();
    const http = open(all.connections, device);
    await get(http);
    device.options.password = 'changed-on-the-camera';
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => get(http)));
    assert.ok(outcomes.every((outcome) => outcome.status === 'rejected' && outcome.reason.code === 'busy'));
    assert.equal(device.refused, 3);
    await assert.rejects(get(http), { code: 'busy', retryAt: clock.now() + 60_000 });
    clock.move(60_001);
    await assert.rejects(get(http), { code: 'unauthorized' });
    await assert.rejects(get(http), { code: 'unauthorized' });
    assert.equal(device.refused, 4);
  });
});

describe('judgeRefusal', () => {
  let all: Fixture;
  const clock = standingClock();
  beforeEach(() => {
    all = fixture(undefined, clock);
  });
  afterEach(() => all.close());

  it('can call the device busy: nothing is frozen', async () => {
    const device = await all.device();
    const http = open(all.connections, device);
    device.busy = true;
    const bodies: string[] = [];
    const judged = http.request({
      method: 'GET',
      path: '/',
      judgeRefusal: (response) => {
        bodies.push(response.text());
        return new CameraEmailError('busy', 'too much to do');
      },
    });
    await assert.rejects(judged, { code: 'busy', message: 'too much to do' });
    assert.deepEqual(bodies, ['<html>log in</html>']);
    device.busy = false;
    assert.equal((await get(http)).status, 200);
  });

  it('can call the account locked: nobody logs in as that user before the time', async () => {
    const device = await all.device();
    const retryAt = clock.now() + 300_000;
    const wrong = all.connections.open(at(device.port), login('wrong-password'));
    const judgeRefusal = () => new CameraEmailError('locked-out', 'locked', { retryAt });
    await assert.rejects(wrong.request({ method: 'GET', path: '/', judgeRefusal }), { code: 'locked-out', retryAt });
    const http = open(all.connections, device);
    const requests = device.requests;
    await assert.rejects(get(http), { code: 'locked-out', retryAt, params: { host: '127.0.0.1', minutes: 5 } });
    assert.throws(() => http.assertLoginAllowed(), { code: 'locked-out' });
    await assert.rejects(http.stream({ method: 'GET', path: '/' }, new AbortController().signal), { code: 'locked-out' });
    assert.equal(device.requests, requests);
    await assert.rejects(get(all.connections.open(at(device.port), login('x', 'other'))), { code: 'unauthorized' });
    clock.move(300_001);
    assert.equal((await get(http)).status, 200);
  });

  it('is not asked before a login was tried', async () => {
    const device = await all.device();
    const judgeRefusal = () => assert.fail('asked');
    assert.equal((await open(all.connections, device).request({ method: 'GET', path: '/', judgeRefusal })).status, 200);
  });

  it('is not needed for vendors with a login call of their own', async () => {
    const device = await all.device();
    const http = open(all.connections, device);
    assert.equal(http.deviceLocked(undefined, 'try later').retryAt, clock.now() + 30 * 60_000);
    await assert.rejects(get(http), { code: 'locked-out' });
    clock.move(30 * 60_000 + 1);
    assert.equal((await get(http)).status, 200);
  });
});
