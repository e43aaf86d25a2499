import assert from 'node:assert/strict';
import type { DeviceIdentity } from '../../../src/cameras/driver.ts';
import { vivotek } from '../../../src/cameras/vivotek/driver.ts';
import { VivotekSimulator, type VivotekSimulatorOptions, variants } from '../../../src/cameras/vivotek/simulator.ts';
import type { DeviceHttp } from '../../../src/http/types.ts';
import { answerAll, failsWith, forever, useBench } from '../fixture.ts';

const IDENTITY: DeviceIdentity = { vendor: 'vivotek', brand: 'Vivotek', model: 'IB8369A', firmware: '', serial: '', kind: 'camera' };

describe('vivotek events', () => {
  const bench = useBench();

  const start = (options: Partial<VivotekSimulatorOptions> = {}, password?: string) =>
    bench.start(new VivotekSimulator({ ...bench.options, ...options }), {}, { password });
  const listen = (http: DeviceHttp) => bench.listen((signal) => vivotek.open(http, 1, IDENTITY).events?.(signal));
  const picture = (http: DeviceHttp, channel = 1) => vivotek.open(http, 1, IDENTITY).snapshot?.(channel, forever) ?? assert.fail();

  for (const { name, create } of variants) {
    it(`come by ONVIF, and the place is given back: ${name}`, async () => {
      const { device, http } = await bench.start(create(bench.options) as VivotekSimulator);
      assert.equal((await vivotek.identify(http, forever))?.vendor, 'vivotek');
      const listener = listen(http);
      for (const [count, [type, state]] of (
        [
          ['motion', 'active'],
          ['alarm-input', 'active'],
          ['motion', 'inactive'],
        ] as const
      ).entries()) {
        await device.onvif.events.untilPulled();
        device.raise(type, state);
        await listener.until('event', count + 1);
      }
      assert.deepEqual(
        listener.events.map(({ at: _at, ...event }) => event),
        [
          { kind: 'event', type: 'motion', state: 'active', vendorType: 'VideoSource/MotionAlarm', channel: 1, endsItself: true },
          {
            kind: 'event',
            type: 'alarm-input',
            state: 'active',
            vendorType: 'Device/Trigger/DigitalInput',
            rule: 'DI_1',
            endsItself: true,
          },
          { kind: 'event', type: 'motion', state: 'inactive', vendorType: 'VideoSource/MotionAlarm', channel: 1, endsItself: true },
        ],
      );
      assert.equal((await listener.stop())?.code, 'cancelled');
      assert.equal(device.onvif.events.subscriptions, 0);
      assert.equal(device.refusedLogins, 0);
    });
  }

  it('tell the sensor of a device that has several', async () => {
    const { device, http } = await start({ sources: ['a', 'b'] });
    const listener = listen(http);
    await device.onvif.events.untilPulled();
    device.raise('motion', 'active', 2);
    await listener.until('event');
    assert.equal(listener.events[0]?.channel, 2);
  });

  it('cost one refused login with a wrong password, and one at ONVIF where its users are others', async () => {
    const wrong = await start({}, 'wrong-password');
    for (let count = 0; count < 3; count += 1) await assert.rejects(vivotek.identify(wrong.http, forever), failsWith('unauthorized'));
    assert.equal(wrong.device.refusedLogins, 1);
    const { device, http } = await start({ onvifPassword: 'another-password' });
    for (let count = 0; count < 3; count += 1) assert.equal((await listen(http).ended())?.code, 'forbidden');
    assert.equal(device.refusedLogins, 1);
    assert.equal((await vivotek.identify(http, forever))?.vendor, 'vivotek');
  });

  it('say that ONVIF is switched off, or offers no detection', async () => {
    const off = await start({ withoutOnvif: true });
    const error = await listen(off.http).ended();
    assert.deepEqual([error?.code, error?.params.field], ['unsupported', 'onvif']);
    assert.equal(off.device.refusedLogins, 0);
    const { device, http } = await start();
    const warnings = () => vivotek.open(http, 1, IDENTITY).eventWarnings?.(forever);
    assert.deepEqual(await warnings(), []);
    device.onvif.events.topics = ['tns1:Device/Trigger/DigitalInput'];
    assert.deepEqual(await warnings(), [{ code: 'no-detection' }]);
  });

  it('end with connection-lost when the subscription is gone or a pull is cut, and with unreadable for garbage', async () => {
    const endAfter = async (fault: (device: VivotekSimulator) => void) => {
      const { device, http } = await start();
      const listener = listen(http);
      await device.onvif.events.untilPulled();
      fault(device);
      return (await listener.ended())?.code;
    };
    const faulty = (faults: VivotekSimulator['onvif']['events']['faults']) => (device: VivotekSimulator) => {
      device.onvif.events.faults = faults;
      device.raise('motion');
    };
    assert.equal(await endAfter((device) => device.onvif.events.expire()), 'connection-lost');
    assert.equal(await endAfter(faulty({ drop: true })), 'connection-lost');
    assert.equal(await endAfter(faulty({ garbage: '<html>Login</html>' })), 'unreadable');
  });

  it('have pictures, of the other sensors too', async () => {
    const { device, http } = await start({ sources: ['a', 'b'] });
    assert.deepEqual(await picture(http), device.image);
    assert.equal(device.server.requests.at(-1)?.path, '/cgi-bin/viewer/video.jpg');
    assert.deepEqual(await picture(http, 2), device.image);
    assert.equal(device.server.requests.at(-1)?.path, '/onvif-picture?profile=main_1&quality=80');
    await assert.rejects(picture(http, 3), failsWith('unsupported'));
  });

  it('recognize what is no picture', async () => {
    const { device, http } = await start();
    const whole = Buffer.from(device.image);
    for (const image of ['', '<html>Login</html>', 'ERROR: Invalid command!\r\n', whole.subarray(0, 300)]) {
      device.image = image;
      await assert.rejects(picture(http), failsWith('unreadable'));
    }
    for (const [status, code] of [
      [403, 'forbidden'],
      [404, 'unsupported'],
      [503, 'busy'],
    ] as const) {
      answerAll(device, status, 'no');
      await assert.rejects(picture(http), failsWith(code));
    }
  });
});
