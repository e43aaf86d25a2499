import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as events from '../../nodes/camera-events/config.ts';
import * as snapshot from '../../nodes/camera-snapshot/config.ts';
import type { Message } from '../../nodes/shared/node-red.ts';
import { problems } from '../../nodes/shared/properties.ts';
import { HikvisionSimulator } from '../../src/cameras/hikvision/simulator.ts';
import { simulatedJpeg } from '../../src/sandbox/simulated-jpeg.ts';
import { Waiting } from '../waiting.ts';
import { CATCH, onTab, TAB } from './flow.ts';
import { modules, runtime, startRuntime, stopRuntime } from './runtime.ts';

const MODULES = modules('camera-device', 'camera-events', 'camera-snapshot');
const login = { username: 'admin', password: 'Camera-2026' };

type Payload = Record<string, unknown>;
type Attachment = { filename: string; content: Buffer; contentType: string; cid: string };

describe('camera-events and camera-snapshot', () => {
  const userDir = mkdtempSync(join(tmpdir(), 'camera-events-test-'));
  let device: HikvisionSimulator;
  let port: number;
  let received: { at: string; message: Message }[];
  const waiting = new Waiting();

  before(() => startRuntime({ userDir }));
  after(async () => {
    await stopRuntime();
    rmSync(userDir, { recursive: true, force: true });
  });

  beforeEach(async () => {
    received = [];
    device = new HikvisionSimulator({ login, sendMail: async () => ({ ok: true, reply: '' }) });
    device.triggers = device.triggers.replace(/<notificationMethod>\w+</, '<notificationMethod>center<');
    port = await device.listen();
  });
  afterEach(async () => {
    await runtime.unload();
    await device.close();
  });

  /** Each node is `[id, type, properties]`; ids `e…` have outputs `<id>0` and `<id>1`. */
  async function load(nodes: [string, string, object][], credentials: object = login): Promise<void> {
    const camera = { id: 'cam', type: 'camera-device', name: 'Front door', vendor: 'hikvision', host: '127.0.0.1', port, protocol: 'http' };
    const outputs = nodes.flatMap(([id]) => [`${id}0`, `${id}1`]);
    const flow = [
      camera,
      TAB,
      ...nodes.map(([id, type, more]) => onTab(id, type, { camera: 'cam', ...more, wires: [[`${id}0`], [`${id}1`]] })),
      ...outputs.map((id) => onTab(id, 'helper')),
      ...CATCH,
    ];
    await runtime.load(MODULES, flow, { cam: credentials });
    for (const at of [...outputs, 'caught']) {
      runtime.getNode(at).on('input', (message) => {
        received.push({ at, message });
        waiting.wake();
      });
    }
  }

  const got = (at: string) => received.filter((one) => one.at === at).map(({ message }) => message);
  const payloads = (at: string) => got(at).map(({ payload }) => payload as Payload);

  const until = (condition: () => boolean) => waiting.until(condition);

  it('sends what the camera sees, and the connection once', async () => {
    await load([['e', 'camera-events', { clearAfter: 1, raw: true }]]);
    await until(() => got('e1').length === 1);
    device.view.alert({ type: 'fielddetection', more: '<detectionTarget>human</detectionTarget><regionID>2</regionID>' });
    device.view.alert({ type: 'fielddetection' });
    await until(() => got('e0').length === 2);
    const [connection] = payloads('e1');
    assert.equal(connection?.connected, true);
    assert.equal('warnings' in (connection ?? {}), false);
    const [started, ended] = payloads('e0');
    assert.deepEqual(
      { ...started, at: undefined, raw: undefined },
      {
        type: 'intrusion',
        state: 'started',
        channel: 1,
        at: undefined,
        camera: { id: 'cam', name: 'Front door', host: '127.0.0.1', vendor: 'hikvision' },
        vendorType: 'fielddetection',
        target: 'person',
        region: '2',
        raw: undefined,
      },
    );
    assert.ok(!Number.isNaN(Date.parse(String(started?.at))) && typeof started?.raw === 'object');
    assert.equal(ended?.state, 'ended');
    assert.deepEqual(
      got('e0').map(({ topic }) => topic),
      ['Front door/intrusion', 'Front door/intrusion'],
    );
  });

  it('old events that the camera sends again are no news', async () => {
    await load([['e', 'camera-events', {}]]);
    await until(() => got('e1').length === 1);
    device.view.heartbeat();
    device.view.alert({ type: 'linedetection', at: Date.now() - 3 * 60_000 });
    device.view.alert({ type: 'fielddetection', more: '<isDataRetransmission>true</isDataRetransmission>' });
    device.view.alert({ type: 'VMD' });
    await until(() => got('e0').length === 1);
    assert.equal(payloads('e0')[0]?.type, 'motion');
  });

  it('several nodes share one connection, and each takes what it asked for', async () => {
    await load([
      ['e', 'camera-events', { types: ['person'] }],
      ['f', 'camera-events', { channels: [2] }],
      ['g', 'camera-events', {}],
    ]);
    await until(() => ['e1', 'f1', 'g1'].every((at) => got(at).length === 1));
    assert.equal(device.view.opened, 1);
    device.view.alert({ type: 'linedetection', more: '<detectionTarget>human</detectionTarget>' });
    device.view.alert({ type: 'VMD', dynChannel: 2 });
    device.view.alert({ type: 'diskfull' });
    await until(() => got('g0').length === 3 && got('f0').length === 2 && got('e0').length === 1);
    assert.deepEqual(
      ['e0', 'f0', 'g0'].map((at) => payloads(at).map(({ type }) => type)),
      [['line-crossing'], ['motion', 'storage'], ['line-crossing', 'motion', 'storage']],
    );
  });

  it('attaches the picture of the stream, else a snapshot, and waits for neither too long', async () => {
    await load([['e', 'camera-events', { picture: true }]]);
    await until(() => got('e1').length === 1);
    const image = simulatedJpeg(50_000);
    device.view.alert({ type: 'linedetection', more: '<detectionPicturesNumber>1</detectionPicturesNumber>' }, image);
    device.view.alert({ type: 'VMD' });
    await until(() => got('e0').length === 2);
    const [first, second] = got('e0').flatMap(({ attachments }) => attachments as Attachment[]);
    assert.ok(first && second);
    assert.ok(first.content.equals(image) && second.content.equals(device.view.image));
    assert.match(first.filename, /^Front-door-\d{4}-\d\d-\d\d-[\d-]+\.jpg$/);
    assert.equal(first.contentType, 'image/jpeg');
    assert.notEqual(first.cid, second.cid);
    device.view.faults = { picture: 'never' };
    device.view.alert({ type: 'PIR', channel: 5 });
    await until(() => got('e0').length === 3);
    assert.equal('attachments' in (got('e0')[2] ?? {}), false);
  });

  it('tells once that the camera is lost and once that it is back', async () => {
    await load([['e', 'camera-events', {}]]);
    await until(() => got('e1').length === 1);
    device.view.drop();
    await until(() => got('e1').length === 3);
    const [, lost, back] = payloads('e1');
    assert.deepEqual([lost?.connected, lost?.reason, back?.connected], [false, 'connection-lost', true]);
    assert.ok(Number(lost?.retryInMs) >= 2000);
    const lines = runtime
      .log()
      .args.flat()
      .map((line) => String((line as { msg?: unknown }).msg))
      .filter((line) => line.startsWith('Front door: '));
    assert.deepEqual(
      lines.map((line) => (line === 'Front door: connected' ? 'back' : 'lost')),
      ['back', 'lost', 'back'],
    );
    device.view.alert({ type: 'VMD' });
    await until(() => got('e0').length === 1);
  });

  it('a refused login is tried once, and its password is nowhere', async () => {
    await load([['e', 'camera-events', {}]], { username: 'admin', password: 'Wrong-Password-1' });
    await until(() => got('e1').length === 1);
    const [refused] = payloads('e1');
    assert.deepEqual([refused?.connected, refused?.reason, refused?.retryInMs], [false, 'unauthorized', undefined]);
    assert.equal(device.refusedLogins, 1);
    assert.ok(!JSON.stringify([received, runtime.log().args]).includes('Wrong-Password-1'));
  });

  it('says why a connected camera stays silent', async () => {
    device.triggers = device.triggers.replaceAll('>center<', '>record<');
    await load([['e', 'camera-events', {}]]);
    await until(() => got('e1').length === 1);
    const { warnings } = payloads('e1')[0] as { warnings: { code: string }[] };
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['center-not-notified'],
    );
  });

  it('a redeploy leaves no connection behind, also while a picture and a reconnection are under way', async () => {
    for (let turn = 0; turn < 3; turn += 1) {
      received = [];
      await load([['e', 'camera-events', { picture: true }]]);
      await until(() => got('e1').length === 1);
      device.view.faults = { picture: 'never' };
      device.view.alert({ type: 'VMD' });
      if (turn === 1) device.view.drop();
      await runtime.unload();
      await device.view.untilStreams(0);
      assert.equal(got('e0').length, 0);
    }
  });

  it('a node without a usable camera says so and does nothing', async () => {
    await load([['e', 'camera-events', { camera: 'gone' }]]);
    await runtime.unload();
    assert.equal(device.view.opened, 0);
  });

  it('takes a snapshot on demand, of the channel that was asked for', async () => {
    await load([['s', 'camera-snapshot', { channel: '3' }]]);
    runtime.getNode('s').receive({ payload: 'now', kept: 1 });
    await until(() => got('s0').length === 1);
    const [message] = got('s0');
    assert.ok(Buffer.isBuffer(message?.payload) && message.payload.equals(device.view.image));
    assert.deepEqual([message.contentType, message.kept], ['image/jpeg', 1]);
    assert.match(String(message.filename), /^Front-door-.+\.jpg$/);
    assert.equal((message.attachments as Attachment[])[0]?.filename, message.filename);
    assert.deepEqual(device.view.pictures, ['/Streaming/channels/301/picture']);
  });

  it('an error page in place of a picture goes to Catch', async () => {
    device.view.faults = { picture: 'half' };
    await load([['s', 'camera-snapshot', {}]]);
    runtime.getNode('s').receive({});
    await until(() => got('caught').length === 1);
    assert.equal((got('caught')[0]?.error as { code?: string } | undefined)?.code, 'unreadable');
    assert.equal(got('s0').length, 0);
  });
});

describe('saved properties of camera-events and camera-snapshot', () => {
  for (const [name, { defaults, migrate, validators }] of Object.entries({ events, snapshot })) {
    it(`${name}: defaults are complete, valid, and survive odd values`, () => {
      assert.deepEqual(Object.keys(migrate({})).sort(), Object.keys(defaults).sort());
      assert.deepEqual(problems(validators, defaults), []);
      assert.deepEqual(migrate({ ...migrate({ ...defaults, name: ' Hall ' }) }), migrate({ ...defaults, name: 'Hall' }));
      for (const odd of [null, 7, {}, [], true, 'x', Number.NaN]) {
        assert.equal(migrate(Object.fromEntries(Object.keys(defaults).map((key) => [key, odd]))).version, 1);
      }
    });
  }

  it('channels and types are read from lists and texts', () => {
    const { channels, types } = events.migrate({ channels: ' 1, 3,x', types: ['motion', 'earthquake'] });
    assert.deepEqual([channels, types], [[1, 3], ['motion']]);
    assert.equal(events.validators.channels(['x'], {}), 'not-a-whole-number');
    assert.equal(events.validators.types(['earthquake']), 'unknown-choice');
  });
});

describe('examples of camera-events and camera-snapshot', () => {
  for (const [file, types] of [
    ['03 - Motion to e-mail with picture', ['camera-events', 'gmail-app-smtp', 'gmail-account', 'camera-device']],
    ['04 - Snapshot on demand', ['camera-snapshot', 'camera-device']],
  ] as const) {
    it(`${file}: every wire and every reference leads to a node of the flow`, () => {
      const nodes = JSON.parse(readFileSync(join(__dirname, '../../examples', `${file}.json`), 'utf8')) as Record<string, unknown>[];
      const ids = new Set(nodes.map(({ id }) => id));
      assert.equal(ids.size, nodes.length);
      for (const { wires = [], z, camera, account } of nodes) {
        const references = [...(wires as string[][]).flat(), z, camera, account].filter((one) => typeof one === 'string' && one !== '');
        for (const reference of references) assert.ok(ids.has(reference), String(reference));
      }
      for (const type of types)
        assert.ok(
          nodes.some((node) => node.type === type),
          type,
        );
    });
  }
});
