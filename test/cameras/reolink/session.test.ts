import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { reolink } from '../../../src/cameras/reolink/driver.ts';
import { JsonApi } from '../../../src/cameras/reolink/json-api.ts';
import { createCertificate } from '../../../src/core/certificate.ts';
import { type ErrorCode, isCameraEmailError } from '../../../src/core/errors.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { configure, rejects, signal } from '../fixture.ts';
import { IDENTITY, reolinkStarter, wanted } from './fixture.ts';

describe('reolink session', () => {
  const start = reolinkStarter();

  it('logs in once for a whole job and gives the token back, once', async () => {
    const { simulator, camera } = await start({ maxSessions: 1 });
    const device = camera();
    await configure(device, wanted());
    await device.sendTestEmail?.(wanted(), signal());
    assert.equal(simulator.tokens.size, 1);
    await device.close?.(signal());
    await device.close?.(signal());
    assert.equal(simulator.tokens.size, 0);
    assert.deepEqual([simulator.logins, simulator.commands().filter((cmd) => cmd === 'Logout').length, simulator.poisoned], [1, 1, false]);
  });

  it('works in a short session over https when all sessions are taken, and logs nothing out', async () => {
    const { simulator, http, camera } = await start({
      maxSessions: 0,
      certificate: createCertificate({ commonName: 'RLC-810A', subjectAltNames: ['IP:127.0.0.1'] }),
    });
    assert.equal((await reolink.identify(http, signal()))?.model, 'RLC-810A');
    await configure(camera(), wanted());
    assert.equal(simulator.mailPassword, 'abcdefghijklmnop');
    assert.ok(!simulator.commands().includes('Logout'));
  });

  it('calls a device busy whose sessions are taken and that has no short ones, and freezes nothing', async () => {
    const { simulator, camera, http } = await start({ maxSessions: 0, shortSessions: false });
    await rejects(camera().read({ events: false }, signal()), 'busy');
    assert.equal(simulator.refusedLogins, 0);
    http.assertLoginAllowed();
  });

  for (const tokens of [true, false]) {
    it(`makes one refused login of a wrong password, with ${tokens ? 'tokens' : 'short sessions'}`, async () => {
      const { simulator, connect } = await start({ tokens });
      const http = connect('wrong-secret');
      await rejects(reolink.identify(http, signal()), 'unauthorized');
      await rejects(reolink.identify(http, signal()), 'unauthorized');
      await rejects(reolink.open(http, 1, IDENTITY).read({ events: false }, signal()), 'unauthorized');
      assert.equal(simulator.refusedLogins, 1);
      assert.ok(!simulator.commands().includes('Logout'));
    });
  }

  it('leaves a locked account alone', async () => {
    const { simulator, camera } = await start({ lockAfter: 0 });
    await rejects(camera().read({ events: false }, signal()), 'locked-out');
    const asked = simulator.commands().length;
    await rejects(camera().read({ events: false }, signal()), 'locked-out');
    assert.deepEqual(simulator.commands().slice(asked), []);
  });

  it('sends no login over http that the user did not choose', async () => {
    const { simulator, connect } = await start();
    await rejects(reolink.identify(connect('camera-secret', { protocol: 'auto' }), signal()), 'plain-http');
    await rejects(
      reolink.open(connect('camera-secret', { protocol: 'auto' }), 1, IDENTITY).read({ events: false }, signal()),
      'plain-http',
    );
    assert.deepEqual([...new Set(simulator.commands())], ['GetDevInfo']);
    assert.ok(!simulator.server.requests.some(({ path, body }) => `${path}${body}`.includes('camera-secret')));
  });

  it('logs in anew when the device forgot the token, without a Logout in between', async () => {
    const { simulator, camera } = await start();
    const device = camera();
    await device.read({ events: false }, signal());
    simulator.tokens.clear();
    await device.read({ events: false }, signal());
    assert.deepEqual([simulator.logins, simulator.poisoned], [2, false]);
  });

  it('gives up on a device that takes no token of its own, and logs nothing out', async () => {
    const { simulator, camera } = await start();
    simulator.poisoned = true;
    const device = camera();
    await rejects(device.read({ events: false }, signal()), 'busy');
    await device.close?.(signal());
    assert.deepEqual([simulator.logins, simulator.commands().includes('Logout')], [2, false]);
  });

  it('renews a token before its lease ends', async () => {
    const { simulator, http } = await start();
    let now = 1_800_000_000_000;
    const api = new JsonApi(http, () => now);
    await api.get('GetDevInfo', {}, 0, signal());
    now += 3_299_000;
    await api.get('GetDevInfo', {}, 0, signal());
    now += 2_000;
    await api.get('GetDevInfo', {}, 0, signal());
    assert.deepEqual([simulator.logins, simulator.tokens.size], [2, 1]);
    now += 3_700_000;
    await api.close(signal());
    assert.deepEqual([simulator.poisoned, simulator.tokens.size], [false, 1]);
  });

  it('repeats a command once for a camera that wakes up, and only then', async () => {
    const { simulator, http } = await start();
    const api = new JsonApi(http);
    await api.get('GetDevInfo', {}, 0, signal());
    for (const [code, expected] of [
      [-12, 2],
      [-13, 2],
      [-17, 2],
      [-31, 1],
      [-4, 1],
    ] as const) {
      const asked = simulator.commands().length;
      simulator.faults.push({ code, detail: 'fault' });
      await api.get('GetDevInfo', {}, 0, signal()).catch((error: unknown) => assert.ok(isCameraEmailError(error, 'busy', 'rejected')));
      assert.equal(simulator.commands().length - asked, expected);
    }
    simulator.faults.push({ code: -12, detail: 'get config failed' }, { code: -12, detail: 'get config failed' });
    await rejects(api.get('GetDevInfo', {}, 0, signal()), 'busy');
    await api.close(signal());
  });

  const HOSTILE: [string, (response: ServerResponse) => void, ErrorCode[]][] = [
    ['garbage', (response) => response.end('\u0000\u0001garbage'), ['unreadable']],
    ['nothing', (response) => response.end(), ['unreadable']],
    ['a page', (response) => response.end('<html>Please log in</html>'), ['unreadable']],
    ['an empty list', (response) => response.end('[]'), ['unreadable']],
    ['a foreign list', (response) => response.end('[{"cmd":"GetEmailV20","code":0,"value":{"Email":[]}}]'), ['unreadable']],
    ['an Email without a server', (response) => response.end('[{"cmd":"GetEmailV20","code":0,"value":{"Email":{}}}]'), ['unreadable']],
    [
      'half an answer',
      (response) => response.writeHead(200, { 'Content-Length': '900' }).write('[{"cmd"', () => response.destroy()),
      ['connection-lost'],
    ],
    ['a restart', (response) => response.writeHead(502).end('<html>Bad Gateway</html>'), ['busy']],
    ['the wish for https', (response) => response.writeHead(300).end(), ['wrong-security']],
    ['more than anybody wants', (response) => response.end(Buffer.alloc(LIMITS.device.bodyBytes + 1, 0x5b)), ['unreadable']],
    ['deep nonsense', (response) => response.end('['.repeat(100_000)), ['unreadable']],
  ];
  for (const [name, answer, codes] of HOSTILE) {
    it(`turns ${name} into an error`, async () => {
      const { simulator, camera } = await start();
      simulator.server.intercept = (request, response) => {
        if (!request.url?.includes('cmd=GetEmailV20')) return false;
        request.resume().on('end', () => answer(response));
        return true;
      };
      await rejects(camera().read({ events: true }, signal()), ...codes);
    });
  }

  it('reads odd values without a crash', async () => {
    const { simulator, camera } = await start();
    const Email = {
      smtpServer: 'x',
      smtpPort: '465',
      ssl: 'yes',
      addr1: null,
      interval: 7,
      attachmentType: 9,
      schedule: { table: { MD: 5, __proto__: '1' } },
    };
    simulator.server.intercept = (request, response) => {
      if (!request.url?.includes('cmd=GetEmailV20')) return false;
      request
        .resume()
        .on('end', () => response.end(JSON.stringify([{ cmd: 'GetEmailV20', code: 0, range: { Email: 7 }, value: { Email } }])));
      return true;
    };
    const device = camera();
    const reading = await device.read({ events: true }, signal());
    assert.deepEqual(
      [reading.settings.port, reading.settings.recipients, reading.settings.attachment, reading.settings.events],
      [undefined, [], undefined, []],
    );
    device.plan(reading, wanted({ events: ['motion'] }), await device.capabilities(signal()));
  });

  it('stops when it is told to, and still logs out', async () => {
    const { simulator, camera } = await start();
    const device = camera();
    await device.read({ events: false }, signal());
    const stop = new AbortController();
    simulator.server.intercept = (request) => {
      if (!request.url?.includes('cmd=GetEmailV20')) return false;
      stop.abort();
      return true;
    };
    await rejects(device.read({ events: false }, stop.signal), 'cancelled');
    await device.close?.(signal());
    assert.equal(simulator.tokens.size, 0);
  });
});
