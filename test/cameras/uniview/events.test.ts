import assert from 'node:assert/strict';
import type { DeviceIdentity } from '../../../src/cameras/driver.ts';
import { uniview } from '../../../src/cameras/uniview/driver.ts';
import { UniviewSimulator, type UniviewSimulatorOptions, variants } from '../../../src/cameras/uniview/simulator.ts';
import type { DeviceHttp } from '../../../src/http/types.ts';
import { failsWith, forever, useBench } from '../fixture.ts';

const IDENTITY: DeviceIdentity = { vendor: 'uniview', brand: 'Uniview', model: 'IPC', firmware: '', serial: '', kind: 'camera' };

describe('uniview events', () => {
  const bench = useBench();

  const start = (options: Partial<UniviewSimulatorOptions> = {}) => bench.start(new UniviewSimulator({ ...bench.options, ...options }));
  const listen = (http: DeviceHttp) => bench.listen((signal) => uniview.open(http, 1, IDENTITY).events?.(signal));
  const picture = (http: DeviceHttp, channel = 1, kind = IDENTITY.kind) =>
    uniview.open(http, 1, { ...IDENTITY, kind }).snapshot?.(channel, forever) ?? assert.fail();

  it('come by ONVIF, and the place is given back', async () => {
    const { device, http } = await start();
    assert.equal((await uniview.identify(http, forever))?.vendor, 'uniview');
    const listener = listen(http);
    await device.onvif.events.untilPulled();
    device.raise('motion');
    await listener.until('event');
    await device.onvif.events.untilPulled();
    device.raise('motion', 'inactive');
    await listener.until('event', 2);
    assert.deepEqual(
      listener.events.map(({ type, state, channel }) => [type, state, channel]),
      [
        ['motion', 'active', 1],
        ['motion', 'inactive', 1],
      ],
    );
    await listener.stop();
    assert.equal(device.onvif.events.subscriptions, 0);
    assert.equal(device.refusedLogins, 0);
  });

  it('try another ONVIF user once, and leave the login of LAPI alone', async () => {
    const { device, http } = await start({ onvifPassword: 'another-password' });
    for (let count = 0; count < 3; count += 1) assert.equal((await listen(http).ended())?.code, 'forbidden');
    assert.equal(device.refusedLogins, 1);
    assert.equal((await uniview.identify(http, forever))?.vendor, 'uniview');
  });

  it('say that ONVIF is switched off, or offers no detection', async () => {
    const off = await start({ withoutOnvif: true });
    const error = await listen(off.http).ended();
    assert.deepEqual([error?.code, error?.params.field], ['unsupported', 'onvif']);
    const { device, http } = await start();
    const warnings = () => uniview.open(http, 1, IDENTITY).eventWarnings?.(forever);
    assert.deepEqual(await warnings(), []);
    device.onvif.events.topics = ['tns1:Device/Trigger/DigitalInput'];
    assert.deepEqual(await warnings(), [{ code: 'no-detection' }]);
  });

  for (const { name, create } of variants) {
    it(`have pictures: ${name}`, async () => {
      const { device, http } = await bench.start(create(bench.options) as UniviewSimulator);
      await uniview.identify(http, forever);
      assert.deepEqual(await picture(http), device.image);
      assert.equal(device.server.requests.at(-1)?.path, '/LAPI/V1.0/Channels/0/Media/Video/Streams/0/Snapshot');
      await picture(http, 4, 'recorder');
      assert.equal(device.server.requests.at(-1)?.path, '/LAPI/V1.0/Channels/4/Media/Video/Streams/0/Snapshot');
    });
  }

  it('recognize what is no picture', async () => {
    const { device, http } = await start();
    device.image = 'refused';
    await assert.rejects(picture(http), failsWith('unsupported'));
    for (const image of ['', '<html>Login</html>', '{"a":1}']) {
      device.image = image;
      await assert.rejects(picture(http), failsWith('unreadable'));
    }
  });
});
