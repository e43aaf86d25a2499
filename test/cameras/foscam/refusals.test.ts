import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { foscam } from '../../../src/cameras/foscam/driver.ts';
import type { ErrorCode } from '../../../src/core/errors.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { configure, rejects, signal } from '../fixture.ts';
import { type FoscamBench, foscamStarter, IDENTITY, wanted } from './fixture.ts';

describe('foscam refusals', () => {
  const start = foscamStarter();
  const paths = ({ simulator }: FoscamBench) => simulator.server.requests.map(({ path }) => path.replace('/cgi-bin/CGIProxy.fcgi?', ''));

  it('makes one refused login of a wrong password', async () => {
    const { simulator, connect } = await start();
    const http = connect('wrong-secret');
    await rejects(foscam.identify(http, signal()), 'unauthorized');
    await rejects(foscam.identify(http, signal()), 'unauthorized');
    await rejects(foscam.open(http, 1, IDENTITY).read({ events: false }, signal()), 'unauthorized');
    assert.equal(simulator.refusedLogins, 1);
  });

  it('writes a login literally but for what breaks an address', async () => {
    const password = 'p^w!$@*~&=+#% ';
    const on = await start({ login: { username: 'admin', password } });
    assert.equal((await foscam.identify(on.connect(password), signal()))?.model, 'FI9821W+V2');
    assert.equal(paths(on)[1], 'cmd=getDevInfo&usr=admin&pwd=p^w!$@*~%26%3D%2B%23%25%20');
  });

  it('sends no login over http that the user did not choose', async () => {
    const on = await start();
    await rejects(foscam.identify(on.connect('camera-secret', { protocol: 'auto' }), signal()), 'plain-http');
    await rejects(
      foscam.open(on.connect('camera-secret', { protocol: 'auto' }), 1, IDENTITY).read({ events: false }, signal()),
      'plain-http',
    );
    assert.ok(paths(on).every((path) => path === 'cmd=x'));
  });

  it('tells a missing right, a busy device, a refused value and the recorders’ form apart', async () => {
    await rejects((await start({ visitor: true })).camera().read({ events: false }, signal()), 'forbidden');
    const { simulator, camera } = await start();
    for (const [fault, code] of [
      [-5, 'busy'],
      [-1, 'unsupported'],
      [-6, 'rejected'],
    ] as const) {
      simulator.faults.push(fault);
      await rejects(camera().read({ events: false }, signal()), code);
    }
    await rejects(configure(camera(), wanted({ server: 'x'.repeat(61) })), 'rejected');
    simulator.server.intercept = (_request, response) => {
      response.end('<CGI_Result><result>0</result><isEnable>1</isEnable><username>a</username><reciever1>b</reciever1></CGI_Result>');
      return true;
    };
    await rejects(camera().read({ events: false }, signal()), 'unsupported');
  });

  const HOSTILE: [string, (response: ServerResponse) => void, ErrorCode[]][] = [
    ['garbage', (response) => response.end('\u0000\u0001garbage'), ['unreadable']],
    ['nothing', (response) => response.end(), ['unreadable']],
    ['a page', (response) => response.end('<html>Please log in</html>'), ['unreadable']],
    ['half a document', (response) => response.end('<CGI_Result><result>0</result><isEnable>1'), ['unreadable']],
    ['an empty document', (response) => response.end('<CGI_Result><result>0</result></CGI_Result>'), ['unsupported']],
    [
      'half an answer',
      (response) => response.writeHead(200, { 'Content-Length': '900' }).write('<CGI', () => response.destroy()),
      ['connection-lost'],
    ],
    ['a restart', (response) => response.writeHead(503).end(), ['busy']],
    ['a missing page', (response) => response.writeHead(404).end('<html></html>'), ['rejected']],
    ['more than anybody wants', (response) => response.end(Buffer.alloc(LIMITS.device.bodyBytes + 1, 0x3c)), ['unreadable']],
    ['brackets', (response) => response.end(`<CGI_Result>${'<a>'.repeat(300_000)}</CGI_Result>`), ['unreadable']],
    ['broken percent signs', (response) => response.end('<CGI_Result><result>%%%</result></CGI_Result>'), ['unreadable']],
  ];
  for (const [name, answer, codes] of HOSTILE) {
    it(`turns ${name} into an error`, async () => {
      const { simulator, camera } = await start();
      simulator.server.intercept = (request, response) => {
        request.resume();
        answer(response);
        return true;
      };
      await rejects(camera().read({ events: true }, signal()), ...codes);
    });
  }
});
