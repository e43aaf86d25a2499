import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { dahua } from '../../../src/cameras/dahua/driver.ts';
import { signal } from '../fixture.ts';
import { DEVICES, dahuaStarter } from './fixture.ts';

describe('dahua login', () => {
  const start = dahuaStarter();

  it('tries a wrong password exactly once', async () => {
    const { simulator, http } = await start({ password: 'wrong' });
    await assert.rejects(dahua.identify(http, signal()), { code: 'unauthorized', deviceSays: 'Error Invalid Authority!' });
    await assert.rejects(dahua.identify(http, signal()), { code: 'unauthorized' });
    await assert.rejects(dahua.open(http, 1, DEVICES.camera).read({ events: true }, signal()), { code: 'unauthorized' });
    assert.equal(simulator.refusedLogins, 1);
  });

  it('waits for the time that a locked account names', async () => {
    const { simulator, http } = await start();
    simulator.guard.locked = true;
    const before = Date.now();
    await assert.rejects(
      dahua.identify(http, signal()),
      (error: Error & { code: string; retryAt: number; deviceSays: string }) =>
        error.code === 'locked-out' &&
        error.retryAt >= before + 30 * 60_000 &&
        error.deviceSays === 'Error User Locked! Please try again after 30 minutes.',
    );
    const asked = simulator.server.requests.length;
    await assert.rejects(dahua.open(http, 1, DEVICES.camera).read({ events: false }, signal()), { code: 'locked-out' });
    assert.equal(simulator.server.requests.length, asked);
  });

  it('knows the lock notice also as a 403 without a challenge', async () => {
    const { simulator, http } = await start();
    simulator.server.intercept = (request, response) => {
      request.resume();
      response.writeHead(403).end('Error\r\nUser Locked! Please try again after 5 minutes.\r\n');
      return true;
    };
    await assert.rejects(dahua.identify(http, signal()), { code: 'locked-out', params: { host: '127.0.0.1', minutes: 5 } });
  });

  it('takes a 401 over full connections for a busy device, not for a wrong password', async () => {
    const { simulator, camera } = await start();
    const full = (response: ServerResponse) => {
      response.writeHead(401, { 'WWW-Authenticate': 'Digest realm="Login to ND02",qop="auth",nonce="1",opaque="2"' });
      response.end('Exceeded maximum number of connections');
    };
    simulator.server.intercept = (request, response) => {
      request.resume();
      full(response);
      return true;
    };
    await assert.rejects(camera.read({ events: false }, signal()), { code: 'busy', deviceSays: 'Exceeded maximum number of connections' });
    simulator.server.intercept = undefined;
    assert.equal((await camera.read({ events: false }, signal())).settings.server, 'mail.example.test');
  });

  it('takes a 401 after a good login for a busy device', async () => {
    const { simulator, camera } = await start();
    await camera.read({ events: false }, signal());
    simulator.server.intercept = (request, response) => {
      request.resume();
      response.writeHead(401, { 'WWW-Authenticate': 'Digest realm="Login to ND02", qop="auth", nonce="1"' }).end();
      return true;
    };
    await assert.rejects(camera.read({ events: false }, signal()), { code: 'busy' });
    simulator.server.intercept = undefined;
    await camera.read({ events: false }, signal());
  });

  it('leaves devices of other makes alone, without showing them the login', async () => {
    const answers: ((response: ServerResponse) => void)[] = [
      (response) => response.writeHead(404).end(),
      (response) => response.writeHead(200).end('<html>router</html>'),
      (response) => response.writeHead(401, { 'WWW-Authenticate': 'Digest realm="IP Camera(A1)", nonce="x", qop="auth"' }).end(),
      (response) => response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="netcam"' }).end(),
      (response) => response.writeHead(503).end(),
    ];
    for (const answer of answers) {
      const { simulator, http } = await start();
      const seen: (string | undefined)[] = [];
      simulator.server.intercept = (request, response) => {
        seen.push(request.headers.authorization);
        request.resume();
        answer(response);
        return true;
      };
      assert.equal(await dahua.identify(http, signal()), undefined);
      assert.deepEqual(seen, [undefined]);
    }
  });
});
