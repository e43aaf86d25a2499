import assert from 'node:assert/strict';
import { hanwha, openHanwha } from '../../../src/cameras/hanwha/driver.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { standingClock } from '../../http/fixture.ts';
import { APP_PASSWORD, answerAll, failsWith, forever, planFor, WANTED } from '../fixture.ts';
import { hanwhaBench, IDENTITY } from './fixture.ts';

describe('hanwha test mail', () => {
  const { bench, camera } = hanwhaBench();

  const TEST = '/stw-cgi/transfer.cgi?msubmenu=smtp&action=test';

  it('looks once a second while the device is trying', async () => {
    const { device, http } = await bench.start(camera());
    const first = await planFor(hanwha, http);
    await first.camera.apply(first.plan, forever);
    device.tryings = 3;
    const clock = standingClock();
    const start = clock.now();
    const answer = await openHanwha(http, 1, IDENTITY, clock).sendTestEmail?.(WANTED, forever);
    assert.deepEqual(answer, { accepted: true, deviceSays: 'Success' });
    assert.equal(clock.now() - start, 3 * LIMITS.device.testPollMs);
    assert.equal(device.server.requests.filter(({ path }) => path === TEST).length, 4);
    const [mail] = bench.mails;
    assert.deepEqual(mail?.authentication, { username: 'me@example.test', password: APP_PASSWORD });
    assert.deepEqual([mail?.host, mail?.port, mail?.security, mail?.to], ['smtp.example.test', 465, 'tls', ['first@example.test']]);
  });

  it('tells a failure, firmware’s own words, and a test that never ends', async () => {
    const { device, http } = await bench.start(camera());
    bench.mailResult = { ok: false, reply: '535' };
    const test = () => openHanwha(http, 1, IDENTITY, standingClock()).sendTestEmail?.(WANTED, forever);
    assert.deepEqual(await test(), { accepted: false, deviceSays: 'Fail' });
    for (const [status, accepted] of [
      ['Authentication failed', false],
      ['Trying', undefined],
    ] as const) {
      answerAll(device, 200, `Status=${status}\r\n`);
      assert.deepEqual(await test(), { accepted, deviceSays: status });
    }
  });

  it('is inconclusive for a user who may not test', async () => {
    const { http } = await bench.start(camera({ readOnlyUser: true }));
    const answer = await hanwha.open(http, 1, IDENTITY).sendTestEmail?.(WANTED, forever);
    assert.deepEqual(answer, { accepted: undefined, deviceSays: '609 Not Authorized' });
  });

  it('stops waiting when the job is stopped', async () => {
    const { device, http } = await bench.start(camera());
    device.tryings = Number.POSITIVE_INFINITY;
    const stop = new AbortController();
    const test = hanwha.open(http, 1, IDENTITY).sendTestEmail?.(WANTED, stop.signal);
    device.server.intercept = () => {
      stop.abort();
      return false;
    };
    await assert.rejects(test ?? Promise.resolve(), failsWith('cancelled'));
  });
});
