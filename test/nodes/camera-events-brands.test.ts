import assert from 'node:assert/strict';
import type { Message } from '../../nodes/shared/node-red.ts';
import { HikvisionSimulator } from '../../src/cameras/hikvision/simulator.ts';
import { DRIVERS } from '../../src/cameras/registry.ts';
import { VivotekSimulator } from '../../src/cameras/vivotek/simulator.ts';
import type { SimulatedCamera } from '../../src/sandbox/camera-simulator.ts';
import { SIMULATORS } from '../../src/sandbox/simulators.ts';
import { Bench } from './fixture.ts';

type Payload = Record<string, unknown> & { warnings?: { code: string; message: string }[]; error?: { code: string; message: string } };

const payload = (message: Message | undefined) => message?.payload as Payload;

/** Somebody walks past the camera, or has passed it. */
function move(device: SimulatedCamera, state: 'active' | 'inactive'): void {
  if (device instanceof HikvisionSimulator) device.view.alert({ type: 'VMD', state });
  else if ('raise' in device && typeof device.raise === 'function') device.raise('motion', state);
  else assert.fail(`${device.vendor}: no events to raise`);
}

describe('camera-events and camera-snapshot with every brand', () => {
  let bench: Bench;
  const names = DRIVERS.map(({ vendor }) => vendor);
  before(async () => {
    bench = await Bench.start(
      names.map((vendor) => {
        const variant = SIMULATORS[vendor]?.[0]?.name ?? '';
        return { name: vendor, vendor, variant, protocol: 'http' };
      }),
    );
  });
  afterEach(() => {
    bench.clear();
    return bench.unload();
  });
  after(() => bench.close());

  for (const [index, vendor] of names.entries()) {
    it(`${vendor}: motion starts and ends, in the same words`, async () => {
      const { device } = bench.sandbox.cameras[index] ?? assert.fail();
      await bench.load('camera-events', { camera: `cam${index}`, types: ['motion'], clearAfter: 1 });
      const [connection] = await bench.untilMessages('out1', 1);
      assert.equal(payload(connection).connected, true, JSON.stringify(payload(connection).error));
      assert.equal(payload(connection).warnings, undefined);
      move(device, 'active');
      await bench.untilMessages('out0', 1);
      move(device, 'inactive');
      const events = (await bench.untilMessages('out0', 2)).map((message) => payload(message));
      assert.deepEqual(
        events.map(({ type, state, channel, camera }) => [type, state, channel, (camera as Payload).vendor]),
        ['started', 'ended'].map((state) => ['motion', state, 1, vendor]),
      );
      for (const { at } of events) assert.ok(Math.abs(Date.parse(String(at)) - Date.now()) < 60_000, String(at));
      assert.equal(bench.messages('out0')[0]?.topic, `${vendor}/motion`);
      assert.equal(device.refusedLogins, 0);
    });

    it(`${vendor}: a picture on demand`, async () => {
      await bench.load('camera-snapshot', { camera: `cam${index}` });
      const { each, error } = await bench.run({});
      assert.equal(error, undefined);
      const [message] = each;
      assert.ok(Buffer.isBuffer(message?.payload) && message.payload[0] === 0xff && message.payload[1] === 0xd8);
    });
  }
});

describe('camera-events with a camera that cannot tell anything', () => {
  let device: VivotekSimulator;
  let bench: Bench;
  beforeEach(async () => {
    bench = await Bench.start([]);
  });
  afterEach(async () => {
    await bench.close();
    await device.close();
  });

  /** The first message about the connection. */
  async function connect(options: Partial<ConstructorParameters<typeof VivotekSimulator>[0]>, prepare = (_device: VivotekSimulator) => {}) {
    device = new VivotekSimulator({ login: bench.sandbox.login, sendMail: async () => ({ ok: true, reply: '' }), ...options });
    prepare(device);
    const port = await device.listen();
    const camera = { id: 'own', type: 'camera-device', name: 'Yard', vendor: 'vivotek', host: '127.0.0.1', port, protocol: 'http' };
    await bench.load('camera-events', { camera: 'own' }, { more: [camera], credentials: { own: bench.sandbox.login } });
    return payload((await bench.untilMessages('out1', 1))[0]);
  }

  it('says that ONVIF is off, and tries again', async () => {
    const { connected, error, retryInMs } = await connect({ withoutOnvif: true });
    assert.deepEqual([connected, error?.code, error?.message], [false, 'unsupported', '127.0.0.1 does not tell its events by ONVIF.']);
    assert.ok(Number(retryInMs) > 0);
  });

  it('says that ONVIF has other users, and leaves them alone for half an hour', async () => {
    const { connected, error, retryInMs } = await connect({ onvifPassword: 'another-password' });
    assert.deepEqual(
      [connected, error?.code, error?.message],
      [false, 'forbidden', 'The camera does not know this user for ONVIF, which its events come by.'],
    );
    assert.ok(Number(retryInMs) > 29 * 60_000);
    assert.equal(device.refusedLogins, 1);
  });

  it('warns that no detection is switched on', async () => {
    const { connected, warnings } = await connect({}, (own) => {
      own.onvif.events.topics = ['tns1:Device/Trigger/DigitalInput'];
    });
    assert.deepEqual([connected, warnings?.map(({ code }) => code)], [true, ['no-detection']]);
  });
});
