import assert from 'node:assert/strict';
import { axis } from '../../../src/cameras/axis/driver.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { answerAll, failsWith, forever, planFor } from '../fixture.ts';
import { axisBench, fault, IDENTITY, soapOf } from './fixture.ts';

describe('axis refusals', () => {
  const { bench, camera } = axisBench();

  it('costs one refused login, however often it is asked', async () => {
    const { device, http } = await bench.start(camera(), {}, { password: 'wrong-password' });
    for (let count = 0; count < 3; count += 1) {
      await assert.rejects(axis.open(http, 1, IDENTITY).read({ events: false }, forever), failsWith('unauthorized'));
    }
    assert.equal(device.refusedLogins, 1);
  });

  for (const [status, answer, code] of [
    [400, fault('ter:NotAuthorized', 'no'), 'forbidden'],
    [500, fault('ter:ActionNotSupported', 'no'), 'unsupported'],
    [200, fault('aa:SomeFault', 'no'), 'rejected'],
    [200, soapOf('<aa:GetSomethingResponse/>'), 'unreadable'],
    [200, soapOf(''), 'unreadable'],
    [200, soapOf('<aa:GetActionRulesResponse>').slice(0, 200), 'unreadable'],
    [200, '', 'unreadable'],
    [200, '<html><body>Welcome</body></html>', 'unreadable'],
    [200, 'OK', 'unreadable'],
    [404, '<html>404</html>', 'unsupported'],
    [403, '', 'forbidden'],
    [503, 'busy', 'busy'],
    [200, `<!DOCTYPE a [<!ENTITY b "c">]>${soapOf('&b;')}`, 'unreadable'],
  ] as const) {
    it(`gives ${code} for ${status} ${answer.slice(0, 20)}…${answer.length}`, async () => {
      const { device, http } = await bench.start(camera());
      const { camera: opened, plan } = await planFor(axis, http);
      answerAll(device, status, answer);
      await assert.rejects(opened.apply(plan, forever), failsWith(code));
      await assert.rejects(axis.open(http, 1, IDENTITY).read({ events: true }, forever), failsWith(code));
    });
  }

  it('does not take in a flood', async () => {
    const { device, http } = await bench.start(camera());
    answerAll(device, 200, Buffer.alloc(LIMITS.device.bodyBytes + 1, '<a>'));
    await assert.rejects(axis.open(http, 1, IDENTITY).read({ events: true }, forever), failsWith('unreadable'));
  });
});
