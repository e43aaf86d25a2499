import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { identifyDevice } from '../../src/cameras/identify.ts';
import { DRIVERS } from '../../src/cameras/registry.ts';
import { isCameraEmailError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import type { DeviceHttp } from '../../src/http/types.ts';
import { fixture } from '../http/fixture.ts';
import type { StrictDevice, StrictOptions } from '../http/strict-device.ts';
import { rejects, signal } from './fixture.ts';

const login = { username: 'admin', password: 'Camera-2026' };

describe('a device of a brand that nobody knows', () => {
  const all = fixture();
  after(() => all.close());

  async function start(options: StrictOptions, password = login.password): Promise<{ device: StrictDevice; http: DeviceHttp }> {
    const device = await all.device({ ...login, ...options });
    const address = { host: '127.0.0.1', port: device.port, protocol: 'http', trust: 'any' } as const;
    return { device, http: all.connections.open(address, { username: login.username, password: new Secret(password) }) };
  }

  const page = (status: number) => (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status, { 'Content-Type': 'text/html', Server: 'Boa/0.94.14rc21' });
    response.end('<html><head><title>NETSurveillance WEB</title></head></html>');
  };

  async function refusal(http: DeviceHttp, vendor = 'auto') {
    try {
      await identifyDevice(http, vendor, signal());
    } catch (error) {
      if (isCameraEmailError(error)) return error;
      throw error;
    }
    return assert.fail('was recognized');
  }

  for (const status of [200, 404]) {
    it(`that shows a page (${status}) for everything is described by what it shows`, async () => {
      const { device, http } = await start({ first: (request, response) => page(status)(request, response) === undefined });
      const { code, params, deviceSays } = await refusal(http);
      assert.deepEqual([code, params.field], ['unsupported', 'auto']);
      assert.equal(deviceSays, `HTTP ${status}, Boa/0.94.14rc21, "NETSurveillance WEB"`);
      assert.deepEqual(device.authorizations, [], 'nobody who does not ask for it gets a login');
    });
  }

  it('that wants a login is described by it, and logged in to once at most for each brand', async () => {
    const { device, http } = await start({ realm: 'IPCamera <Login>', handler: page(404) });
    const { code, deviceSays } = await refusal(http);
    assert.equal(code, 'unsupported');
    assert.equal(deviceSays, 'HTTP 401, login "IPCamera <Login>"');
    assert.equal(device.refused, 0);
    assert.ok(device.authorizations.length <= DRIVERS.length, `${device.authorizations.length} logins`);
  });

  it('is described when the user named a brand that it is not', async () => {
    const { http } = await start({ first: (request, response) => page(404)(request, response) === undefined });
    const { params, deviceSays } = await refusal(http, 'dahua');
    assert.deepEqual([params.field, deviceSays], ['vendor', 'HTTP 404, Boa/0.94.14rc21, "NETSurveillance WEB"']);
  });

  it('that refuses the login is asked by no other brand', async () => {
    const { device, http } = await start({ handler: page(404) }, 'Wrong-2026');
    await rejects(identifyDevice(http, 'auto', signal()), 'unauthorized');
    await rejects(identifyDevice(http, 'auto', signal()), 'unauthorized');
    for (const { vendor } of DRIVERS) await identifyDevice(http, vendor, signal()).catch(() => undefined);
    assert.equal(device.refused, 1);
  });
});
