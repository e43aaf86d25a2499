import assert from 'node:assert/strict';
import { hanwha } from '../../../src/cameras/hanwha/driver.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { answerAll, failsWith, forever, planFor } from '../fixture.ts';
import { hanwhaBench, IDENTITY } from './fixture.ts';

describe('hanwha refusals', () => {
  const { bench, camera } = hanwhaBench();

  it('costs one refused login, however often it is asked', async () => {
    const { device, http } = await bench.start(camera(), {}, { password: 'wrong-password' });
    for (let count = 0; count < 3; count += 1) {
      await assert.rejects(hanwha.identify(http, forever), failsWith('unauthorized'));
    }
    assert.equal(device.refusedLogins, 1);
  });

  it('leaves a blocked account alone', async () => {
    const { device, http } = await bench.start(camera());
    device.guard.locked = true;
    await assert.rejects(hanwha.identify(http, forever), failsWith('locked-out', 'HTTP 490'));
    const { length } = device.server.requests;
    await assert.rejects(hanwha.open(http, 1, IDENTITY).read({ events: false }, forever), failsWith('locked-out'));
    assert.equal(device.server.requests.length, length);
  });

  for (const [answer, code] of [
    ['NG\r\nError Code: 614\r\nError Details:\r\nService not ready\r\n', 'busy'],
    ['{"Response":"Fail","Error":{"Code":610,"Details":"Cannot Access Resource"}}', 'busy'],
    ['{"Response":"Fail","Error":{"Code":609,"Details":"Not Authorized"}}', 'forbidden'],
    ['{"Response":"Fail","Error":{"Code":604,"Details":"Invalid Input Value(s)"}}', 'rejected'],
    ['{"Response":"Fail"}', 'rejected'],
    ['NG', 'rejected'],
    ['{"Response"', 'unreadable'],
    ['<html>OK</html>', 'unreadable'],
    ['', 'unreadable'],
    ['[1,2]', 'unreadable'],
  ] as const) {
    it(`gives ${code} for ${JSON.stringify(answer.slice(0, 30))}`, async () => {
      const { device, http } = await bench.start(camera());
      const { camera: opened, plan } = await planFor(hanwha, http);
      answerAll(device, 200, answer);
      await assert.rejects(opened.apply(plan, forever), failsWith(code));
      await assert.rejects(hanwha.open(http, 1, IDENTITY).read({ events: true }, forever), failsWith(code));
    });
  }

  it('does not take in a flood', async () => {
    const { device, http } = await bench.start(camera());
    answerAll(device, 200, Buffer.alloc(LIMITS.device.bodyBytes + 1, 'a'));
    await assert.rejects(hanwha.open(http, 1, IDENTITY).read({ events: true }, forever), failsWith('unreadable'));
  });

  it('says what a user without rights is missing, and writes nothing', async () => {
    const { device, http } = await bench.start(camera({ readOnlyUser: true }));
    const before = device.documents();
    const { camera: opened, plan } = await planFor(hanwha, http);
    await assert.rejects(opened.apply(plan, forever), failsWith('forbidden', '609 Not Authorized'));
    assert.equal(device.documents(), before);
  });
});
