import assert from 'node:assert/strict';
import { axis, openAxis } from '../../../src/cameras/axis/driver.ts';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import type { DeviceHttp } from '../../../src/http/types.ts';
import { standingClock } from '../../http/fixture.ts';
import { APP_PASSWORD, failsWith, forever, planFor, WANTED } from '../fixture.ts';
import { axisBench, changesSeen } from './fixture.ts';

describe('axis test mail', () => {
  const { bench, camera } = axisBench();

  const test = (http: DeviceHttp, signal = forever, clock: Clock = standingClock()) =>
    openAxis(http, 1, clock).sendTestEmail?.(WANTED, signal);

  it('goes by a temporary rule on a free virtual input, of which nothing is left', async () => {
    const { device, http } = await bench.start(camera({ withRules: true }));
    const before = device.documents();
    const clock = standingClock();
    const start = clock.now();
    assert.deepEqual(await test(http, forever, clock), { accepted: undefined, deviceSays: 'virtual input 16: StateChanged true' });
    assert.equal(clock.now() - start, LIMITS.device.testActionMs);
    assert.equal(device.documents(), before);
    assert.deepEqual([...device.inputs], []);
    const inputs = device.server.requests
      .filter(({ path, status }) => path.includes('virtualinput') && status === 200)
      .map(({ path }) => path);
    assert.deepEqual(inputs, [
      '/axis-cgi/virtualinput/activate.cgi?schemaversion=1&port=16',
      '/axis-cgi/virtualinput/deactivate.cgi?schemaversion=1&port=16',
    ]);
    const [mail, ...more] = bench.mails;
    assert.equal(more.length, 0);
    assert.deepEqual(
      [mail?.host, mail?.port, mail?.security, mail?.to, mail?.authentication?.password],
      ['smtp.example.test', 465, 'tls', ['first@example.test'], APP_PASSWORD],
    );
    assert.deepEqual(
      changesSeen(device).map((name) => name.split(' ')[0]),
      ['AddActionConfiguration', 'AddActionRule', 'RemoveActionRule', 'RemoveActionConfiguration'],
    );
  });

  it('does not touch an input that somebody has made active', async () => {
    const { device, http } = await bench.start(camera());
    for (const port of [32, 16]) device.inputs.add(port);
    assert.equal((await test(http))?.deviceSays, 'virtual input 8: StateChanged true');
    assert.deepEqual([...device.inputs], [32, 16]);
    assert.deepEqual([device.rules, device.actions], [[], []]);
  });

  it('fires nothing when a rule listens to all virtual inputs', async () => {
    const { device, http } = await bench.start(camera({ withRules: true }));
    device.rules.push({
      id: '9',
      name: 'any input',
      enabled: true,
      action: '5',
      start: { topic: 'tns1:Device/tnsaxis:IO//.' },
      conditions: [],
    });
    assert.equal((await test(http))?.accepted, undefined);
    assert.deepEqual(changesSeen(device), []);
  });

  it('removes its rule also when the job is stopped or the trigger fails', async () => {
    const { device, http } = await bench.start(camera({ withRules: true }));
    const before = device.documents();
    const stop = new AbortController();
    device.server.intercept = (request) => {
      if (request.url?.includes('deactivate')) stop.abort();
      return false;
    };
    await assert.rejects(test(http, stop.signal, systemClock) ?? Promise.resolve(), failsWith('cancelled'));
    assert.equal(device.documents(), before);
    assert.deepEqual([...device.inputs], []);
    device.server.intercept = (request, response) => {
      if (!request.url?.includes('virtualinput')) return false;
      response.writeHead(500).end('<html>500</html>');
      return true;
    };
    await assert.rejects(test(http) ?? Promise.resolve(), failsWith('rejected'));
    assert.equal(device.documents(), before);
  });

  it('removes its action also when the answer to the addition is lost', async () => {
    const { device, http } = await bench.start(camera({ withRules: true }));
    const before = device.documents();
    device.server.intercept = (request, response) => {
      if (String(request.headers['content-type']).includes('/AddActionConfiguration;')) response.end = () => response.destroy() as never;
      return false;
    };
    await assert.rejects(test(http) ?? Promise.resolve(), failsWith('connection-lost'));
    assert.equal(device.documents(), before);
  });

  it('clears away what a killed test left', async () => {
    const { device, http } = await bench.start(camera());
    device.server.intercept = (request, response) => {
      if (!/\/Remove/.test(String(request.headers['content-type']))) return false;
      response.destroy();
      return true;
    };
    await assert.rejects(test(http) ?? Promise.resolve());
    assert.equal(device.rules.length, 1);
    device.server.intercept = undefined;
    const { reading } = await planFor(axis, http, { events: [] });
    assert.deepEqual([reading.settings.server, reading.settings.events], ['', []]);
    await test(http);
    assert.deepEqual([device.rules, device.actions], [[], []]);
  });
});
