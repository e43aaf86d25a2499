import assert from 'node:assert/strict';
import { onvif } from '../../../src/cameras/onvif/driver.ts';
import type { DeviceHttp } from '../../../src/http/types.ts';
import { failsWith, forever } from '../fixture.ts';
import { IDENTITY, onvifBench, operations } from './fixture.ts';

describe('onvif pictures', () => {
  const { start } = onvifBench();
  const snapshot = (http: DeviceHttp, channel = 1) => onvif.open(http, 1, IDENTITY).snapshot?.(channel, forever) ?? assert.fail();

  it('come from the address of the channel’s first profile, on the device’s own port', async () => {
    const { device, http } = await start({ sources: ['a', 'b'] });
    assert.deepEqual(await snapshot(http, 2), device.image);
    assert.equal(device.server.requests.at(-1)?.path, '/onvif-picture?profile=main_1&quality=80');
  });

  it('are asked for in one request from the second on, until one fails', async () => {
    const { device, http } = await start();
    const camera = onvif.open(http, 1, IDENTITY);
    const uris = () => operations(device).filter((name) => name === 'GetSnapshotUri').length;
    await camera.snapshot?.(1, forever);
    const before = device.server.requests.length;
    await camera.snapshot?.(1, forever);
    assert.deepEqual([uris(), device.server.requests.length - before], [1, 1]);
    const { image } = device;
    device.image = '';
    await assert.rejects(camera.snapshot?.(1, forever) ?? assert.fail(), failsWith('unreadable'));
    device.image = image;
    assert.deepEqual(await camera.snapshot?.(1, forever), image);
    assert.equal(uris(), 2);
  });

  it('are none for a channel that the device does not have', async () => {
    const { http } = await start();
    await assert.rejects(snapshot(http, 2), failsWith('unsupported'));
  });

  it('are checked', async () => {
    const { device, http } = await start();
    const whole = Buffer.from(device.image);
    for (const image of ['<error>busy</error>', '', whole.subarray(0, 300)]) {
      device.image = image;
      await assert.rejects(snapshot(http), failsWith('unreadable'));
    }
  });

  it('that want another user cost one login, and freeze none', async () => {
    const { device, http } = await start({ otherWebUsers: true });
    for (let count = 0; count < 3; count += 1) await assert.rejects(snapshot(http), failsWith('forbidden'));
    assert.equal(device.refusedLogins, 1);
    http.assertLoginAllowed();
  });
});
