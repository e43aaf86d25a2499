import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NodeRedHost, startNodeRed } from '../../src/sandbox/node-red-host.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { example, press, root } from './example.ts';
import { Listener, Mosquitto } from './mosquitto.ts';

describe('example 07 with a real broker', function () {
  this.timeout(120_000);
  const userDir = mkdtempSync(join(tmpdir(), 'camera-email-07-'));
  const told: string[] = [];
  let tell: () => void = () => undefined;
  const channel = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      response.end('ok');
      told.push(text);
      tell();
    });
  });
  let sandbox: Sandbox;
  let broker: Mosquitto;
  let home: Listener;
  let nodeRed: NodeRedHost;

  before(async () => {
    sandbox = await startSandbox([{ name: 'Front door', vendor: 'hikvision', variant: 'camera' }]);
    broker = await Mosquitto.start();
    home = await Listener.on(broker);
    await once(channel.listen(0, '127.0.0.1'), 'listening');
    const { flows, credentials } = example('07 - Nightly proof.json', sandbox, broker, ['Front door']);
    const [notify] = (flows.find(({ type }) => type === 'tab')?.env ?? []) as { name: string; value: string }[];
    assert.equal(notify?.name, 'NOTIFY_URL');
    if (notify !== undefined) notify.value = `http://127.0.0.1:${(channel.address() as AddressInfo).port}/alarm`;
    const set = { z: '07set0000000tab1', x: 1, y: 1 };
    const night = flows.map((node) => (node.type === 'test-email' ? { ...node, timeout: 5 } : node));
    // The example is for a camera that has been set up.
    const setup = [
      { ...set, id: 'set-up', type: 'inject', props: [{ p: 'action', v: 'apply', vt: 'str' }], wires: [['configure']] },
      {
        ...set,
        id: 'configure',
        type: 'configure-camera-email',
        account: '07acc00000000001',
        cameras: ['07cam00000000001'],
        wires: [['07hom00000000001'], []],
      },
    ];
    nodeRed = await startNodeRed({ userDir, flows: [...night, ...setup], credentials, packageDir: root });
  });

  after(async () => {
    await nodeRed?.stop();
    await home?.close();
    await broker?.close();
    await sandbox?.close();
    channel.close();
    rmSync(userDir, { recursive: true, force: true });
  });

  const problem = (value: string) =>
    home.until(
      () =>
        home
          .last(/\/problem$/)
          .values()
          .next()
          .value?.toString() === value,
    );
  const reason = () =>
    JSON.parse(
      String(
        home
          .last(/\/problem\/attributes$/)
          .values()
          .next().value,
      ),
    );
  const next = async (count: number) => {
    while (told.length < count) {
      await new Promise<void>((resolve) => {
        tell = resolve;
      });
    }
    return told[count - 1] ?? '';
  };
  const night = async () => {
    home.messages.splice(0);
    await press(nodeRed, '07inj00000000001');
  };

  it('a mail that arrives is proof, and nobody is told', async () => {
    await press(nodeRed, 'set-up');
    await problem('OFF');
    await night();
    const proven = await home.until(
      () =>
        home
          .last(/\/last_mail$/)
          .values()
          .next().value,
    );
    assert.ok(Date.parse(proven.toString()) > 0);
    await problem('OFF');
    assert.deepEqual(told, []);
  });

  for (const [where, code] of [
    ['lost', 'not-arrived'],
    ['spam', 'in-spam'],
  ] as const) {
    it(`a mail that is ${where} is a problem in Home Assistant, and is told by the other channel`, async () => {
      const before = told.length;
      const stop = sandbox.mail.script({ stage: 'delivered', action: { deliver: where } });
      await night();
      await problem('ON');
      assert.match(await next(before + 1), /^Front door: \S.*\.$/);
      assert.equal((await home.until(() => home.last(/attributes$/).size > 0 && reason())).code, code);
      assert.deepEqual([...home.last(/\/last_mail$/)], []);
      stop();
    });
  }

  it('a camera that cannot even be asked is a problem too', async () => {
    const before = told.length;
    const camera = sandbox.cameras[0];
    assert.ok(camera !== undefined);
    camera.device.server.intercept = (_request, response) => {
      response.writeHead(503).end();
      return true;
    };
    await night();
    await problem('ON');
    assert.match(await next(before + 1), /^Front door: \S.*\.$/);
  });

  it('each failure was told once', () => assert.equal(told.length, 3));
});
