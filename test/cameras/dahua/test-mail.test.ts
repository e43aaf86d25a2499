import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { loginAnswer } from '../../../src/cameras/dahua/rpc2.ts';
import { LOGIN, signal } from '../fixture.ts';
import { type DahuaBench, dahuaStarter, gmail, planFor } from './fixture.ts';

/** Answers every RPC2 request of `method` itself. */
function answerInstead({ simulator }: DahuaBench, path: string, reply: (response: ServerResponse) => void): void {
  simulator.server.intercept = (request: IncomingMessage, response: ServerResponse) => {
    if (request.url !== path) return false;
    request.resume();
    reply(response);
    return true;
  };
}

const json = (content: unknown) => (response: ServerResponse) => {
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(content));
};

describe('dahua test mail', () => {
  const start = dahuaStarter();

  it('computes the answer to the challenge as the web page does', () => {
    assert.equal(loginAnswer('admin', 'secret', 'Login to 1234', '5678'), '7070265E50DC8C7445C1F32FFEF2FB99');
  });

  it('has the device send its mail with what was written, and logs out', async () => {
    const { camera, simulator, mails } = await start();
    await camera.apply((await planFor(camera, gmail())).plan, signal());
    assert.deepEqual(await camera.sendTestEmail?.(gmail(), signal()), { accepted: true, deviceSays: 'OK' });
    assert.deepEqual(mails, [
      {
        brand: 'dahua',
        host: 'smtp.example.test',
        port: 465,
        security: 'tls',
        authentication: { username: 'me@example.test', password: 'abcdefghijklmnop' },
        from: 'me@example.test',
        fromName: '',
        to: ['me@example.test'],
        subject: 'Haus & Hof = Süd',
        body: 'This is a test mail.',
      },
    ]);
    assert.deepEqual(simulator.rpc.calls, ['global.login', 'global.login', 'netApp.sendTestMail', 'global.logout']);
    assert.equal(simulator.rpc.openSessions, 0);
  });

  it('makes exactly these requests', async () => {
    const { camera, simulator } = await start();
    await camera.sendTestEmail?.(gmail(), signal());
    const sent = simulator.server.requests.map(({ method, path, body }) => ({
      method,
      path,
      body: JSON.parse(body) as Record<string, unknown>,
    }));
    const [first, second, third, fourth] = sent;
    const form = { userName: 'admin', clientType: 'Web3.0', loginType: 'Direct' };
    assert.deepEqual(first, {
      method: 'POST',
      path: '/RPC2_Login',
      body: { method: 'global.login', params: { ...form, password: '' }, id: 1 },
    });
    assert.equal(second?.path, '/RPC2_Login');
    const { password, ...params } = (second?.body.params ?? {}) as Record<string, unknown>;
    assert.match(String(password), /^[0-9A-F]{32}$/);
    assert.deepEqual(params, { ...form, authorityType: 'Default', passwordType: 'Default' });
    const session = third?.body.session;
    assert.notEqual(session, second?.body.session);
    assert.deepEqual(third, { method: 'POST', path: '/RPC2', body: { method: 'netApp.sendTestMail', params: null, session, id: 3 } });
    assert.deepEqual(fourth, { method: 'POST', path: '/RPC2', body: { method: 'global.logout', params: null, session, id: 4 } });
    assert.ok(!JSON.stringify(sent).includes(LOGIN.password));
  });

  it('asks older firmware for an instance of the service first', async () => {
    const { camera, simulator, mails } = await start({ kind: 'recorder', test: 'instance', closes: true });
    assert.equal((await camera.sendTestEmail?.(gmail(), signal()))?.accepted, true);
    assert.equal(mails.length, 1);
    assert.deepEqual(simulator.rpc.calls.slice(2), [
      'netApp.sendTestMail',
      'netApp.factory.instance',
      'netApp.sendTestMail',
      'global.logout',
    ]);
  });

  it('passes on that the device could not send, in its words', async () => {
    const { camera, simulator } = await start({ sendMail: async () => ({ ok: false, reply: '535 no' }) });
    assert.deepEqual(await camera.sendTestEmail?.(gmail(), signal()), { accepted: false, deviceSays: 'Send mail failed!' });
    assert.equal(simulator.rpc.openSessions, 0);
  });

  it('is inconclusive where the firmware has no test', async () => {
    const { camera, simulator } = await start({ test: 'absent' });
    assert.deepEqual(await camera.sendTestEmail?.(gmail(), signal()), { accepted: undefined, deviceSays: 'Method not found!' });
    assert.equal(simulator.rpc.openSessions, 0);
  });

  it('is inconclusive where there is no such page, or no session left', async () => {
    const bench = await start();
    answerInstead(bench, '/RPC2_Login', (response) => response.writeHead(404).end('Not Found'));
    assert.deepEqual(await bench.camera.sendTestEmail?.(gmail(), signal()), { accepted: undefined, deviceSays: 'Not Found' });
    const full = await start({ sessionLimit: 0 });
    assert.deepEqual(await full.camera.sendTestEmail?.(gmail(), signal()), {
      accepted: undefined,
      deviceSays: 'Component error: user is busy!',
    });
  });

  it('is inconclusive when the connection breaks while the device sends, and still logs out', async () => {
    const bench = await start();
    let broken = 0;
    bench.simulator.server.intercept = (request) => {
      if (request.url !== '/RPC2' || broken > 0) return false;
      broken += 1;
      request.socket.destroy();
      return true;
    };
    assert.deepEqual(await bench.camera.sendTestEmail?.(gmail(), signal()), { accepted: undefined, deviceSays: '' });
    assert.equal(bench.simulator.rpc.openSessions, 0);
  });

  it('logs out when it is stopped in the middle', async () => {
    const stop = new AbortController();
    const { camera, simulator } = await start({
      sendMail: () => {
        stop.abort();
        return new Promise(() => undefined);
      },
    });
    await assert.rejects(async () => camera.sendTestEmail?.(gmail(), stop.signal), { code: 'cancelled' });
    assert.equal(simulator.rpc.openSessions, 0);
    await camera.close?.(signal());
    assert.equal(simulator.rpc.calls.filter((method) => method === 'global.logout').length, 1);
  });

  it('tries a refused login once only, and tells how many attempts are left', async () => {
    const { simulator, connect, camera } = await start({ password: 'wrong', lockAfter: 5 });
    await assert.rejects(async () => camera.sendTestEmail?.(gmail(), signal()), {
      code: 'unauthorized',
      deviceSays: 'Component error: User or password not valid! (remainLoginTimes 4)',
    });
    await assert.rejects(async () => camera.sendTestEmail?.(gmail(), signal()), { code: 'unauthorized' });
    await assert.rejects(connect('wrong').request({ method: 'GET', path: '/' }), { code: 'unauthorized' });
    assert.equal(simulator.refusedLogins, 1);
  });

  it('leaves a locked account alone for the time that the device named', async () => {
    const { simulator, camera } = await start({ lockAfter: 1 });
    simulator.guard.locked = true;
    const before = Date.now();
    await assert.rejects(
      async () => camera.sendTestEmail?.(gmail(), signal()),
      (error: Error & { code: string; retryAt: number }) => error.code === 'locked-out' && error.retryAt >= before + 1_800_000,
    );
    const calls = simulator.rpc.calls.length;
    await assert.rejects(async () => camera.sendTestEmail?.(gmail(), signal()), { code: 'locked-out' });
    assert.equal(simulator.rpc.calls.length, calls);
  });

  it('takes a second challenge, or a count of attempts, for a refusal', async () => {
    for (const refusal of [
      { error: { code: 268632079, message: 'again' }, result: false },
      { error: { code: 4711, message: 'no' }, params: { remainLoginTimes: 3 }, result: false },
    ]) {
      const bench = await start();
      let asked = 0;
      bench.simulator.server.intercept = (request, response) => {
        asked += 1;
        if (asked < 2) return false;
        request.resume();
        json(refusal)(response);
        return true;
      };
      await assert.rejects(async () => bench.camera.sendTestEmail?.(gmail(), signal()), { code: 'unauthorized' });
      await assert.rejects(async () => bench.camera.sendTestEmail?.(gmail(), signal()), { code: 'unauthorized' });
      assert.equal(asked, 2);
    }
  });

  it('does not give the password in clear to whoever asks for it', async () => {
    for (const encryption of ['Plain', 'Basic', 'OldDigest', '']) {
      const bench = await start();
      const bodies: string[] = [];
      bench.simulator.server.intercept = (request, response) => {
        request.on('data', (part: Buffer) => bodies.push(part.toString()));
        json({ error: { code: 268632079 }, params: { encryption, random: '1', realm: 'Login to x' }, result: false, session: 1 })(response);
        return true;
      };
      assert.equal((await bench.camera.sendTestEmail?.(gmail(), signal()))?.accepted, undefined);
      assert.equal(bodies.length, 1);
    }
  });

  it('says that a device without a password has to be set up first', async () => {
    const bench = await start();
    answerInstead(bench, '/RPC2_Login', json({ error: { code: 268632086, message: 'not initialised' }, result: false }));
    await assert.rejects(async () => bench.camera.sendTestEmail?.(gmail(), signal()), { code: 'not-activated' });
  });
});
