import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { setConfigPath } from '../../../src/cameras/dahua/config-table.ts';
import { isCameraEmailError } from '../../../src/core/errors.ts';
import { signal } from '../fixture.ts';
import { type DahuaBench, dahuaStarter, gmail, planFor } from './fixture.ts';

const ANSWERS: Record<string, (response: ServerResponse) => void> = {
  'an empty body': (response) => response.writeHead(200).end(),
  'a web page': (response) => response.writeHead(200).end('<html><title>Login</title></html>'),
  'bytes of no charset': (response) => response.writeHead(200).end(Buffer.from([0, 255, 254, 61, 10, 13, 0])),
  'a table cut off in a key': (response) => response.writeHead(200).end('table.Email.Address=a\r\ntable.Email.Us'),
  'fewer bytes than announced': (response) => {
    response.writeHead(200, { 'Content-Length': '500' }).write('table.Email.Address=a\r\n');
    response.socket?.end();
  },
  'more than fits': (response) => {
    response.on('error', () => undefined).writeHead(200);
    response.end(Buffer.alloc(9 * 1024 * 1024, 'a'));
  },
  'an error of the server': (response) => response.writeHead(500).end('Internal Error'),
  'a closed connection': (response) => response.socket?.destroy(),
};

/** Takes over every request that carries a login. */
function instead({ simulator }: DahuaBench, answer: (response: ServerResponse) => void): void {
  simulator.server.intercept = (request, response) => {
    if (request.headers.authorization === undefined && !request.url?.startsWith('/RPC2')) return false;
    request.resume();
    answer(response);
    return true;
  };
}

describe('dahua against hostile answers', () => {
  const start = dahuaStarter();
  const ours = (error: unknown) => isCameraEmailError(error) && error.code !== 'internal' && error.code !== 'unauthorized';

  for (const [name, answer] of Object.entries(ANSWERS)) {
    it(`ends with an error code on ${name}`, async () => {
      const bench = await start();
      const { plan, reading } = await planFor(bench.camera, gmail({ events: ['motion'] }));
      const before = bench.simulator.documents();
      instead(bench, answer);
      await assert.rejects(bench.camera.read({ events: true }, signal()), ours);
      await assert.rejects(bench.camera.identity(signal()), ours);
      await assert.rejects(bench.camera.apply(plan, signal()), ours);
      await assert.rejects(bench.camera.restore(reading, undefined, signal()), ours);
      await bench.camera.sendTestEmail?.(gmail(), signal()).then(
        ({ accepted }) => assert.equal(accepted, undefined),
        (error) => assert.ok(ours(error), String(error)),
      );
      assert.equal(bench.simulator.documents(), before);
    });
  }

  it('never sends a key back that a device made up to change other settings', async () => {
    const bench = await start();
    instead(bench, (response) =>
      response.writeHead(200).end('table.Email.Address=a\r\ntable.Email.Receivers[0]&Users[0].Password=x\r\ntable.Email.Port=25\r\n'),
    );
    const { plan } = await planFor(bench.camera, gmail({ writePassword: false }));
    assert.deepEqual(
      plan.writes.map(({ path }) => path),
      ['/cgi-bin/configManager.cgi?action=setConfig&Email.Address=smtp.example.test&Email.Port=465&Email.Receivers[0]=me%40example.test'],
    );
  });

  it('takes JSON of any shape from the test page', async () => {
    for (const text of [
      'null',
      '[]',
      '7',
      '{}',
      '{"error":[],"params":null,"session":{}}',
      '{"result":true}',
      '{"result":"x","error":{"code":"y"}}',
    ]) {
      const bench = await start();
      instead(bench, (response) => response.writeHead(200).end(text));
      assert.equal((await bench.camera.sendTestEmail?.(gmail(), signal()))?.accepted, undefined, text);
    }
  });

  it('writes keys raw and values encoded', () => {
    const path = setConfigPath([
      ['MotionDetect[0].EventHandler.TimeSection[1][0]', '1 00:00:00-23:59:59'],
      ['Email.Title', 'a+b&c=d#e%'],
    ]);
    assert.equal(
      path,
      '/cgi-bin/configManager.cgi?action=setConfig&MotionDetect[0].EventHandler.TimeSection[1][0]=1%2000%3A00%3A00-23%3A59%3A59&Email.Title=a%2Bb%26c%3Dd%23e%25',
    );
  });
});
