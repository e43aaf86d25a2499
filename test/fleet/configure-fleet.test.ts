import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { FleetOrder } from '../../src/fleet/configure-fleet.ts';
import type { DeviceServer } from '../../src/sandbox/device-server.ts';
import { accountOf, Fleet, told } from './fixture.ts';

const NEW_PASSWORD = 'ponmlkjihgfedcba';

describe('a fleet of cameras', () => {
  let fleet: Fleet;

  const start = async (count: number) => {
    fleet = await Fleet.start(count);
  };

  afterEach(() => fleet.close());

  it('writes each camera once, and nothing the second time', async () => {
    await start(3);
    assert.deepEqual(told((await fleet.run()).outcomes).sort(), ['Cam 1 applied', 'Cam 2 applied', 'Cam 3 applied']);
    assert.deepEqual(fleet.takeWrites(), [1, 1, 1]);
    const again = await fleet.run();
    assert.deepEqual(told(again.outcomes).sort(), ['Cam 1 unchanged', 'Cam 2 unchanged', 'Cam 3 unchanged']);
    assert.equal(again.rotation, undefined);
    assert.deepEqual(fleet.takeWrites(), [0, 0, 0]);
    assert.deepEqual(fleet.jobFiles(), []);
  });

  it('a canary that fails leaves the others untouched', async () => {
    await start(3);
    fleet.device(1).forgetsWrites = true;
    assert.deepEqual(told((await fleet.run({ canary: true })).outcomes), ['Cam 1 failed not-applied', 'Cam 2 skipped', 'Cam 3 skipped']);
    for (const number of [2, 3]) assert.deepEqual(fleet.device(number).server.requests, []);
  });

  it('a canary that works is finished, test mail included, before the others are asked anything', async () => {
    await start(3);
    const before: number[] = [];
    fleet.device(1).server.intercept = (request) => {
      if (request.url?.includes('/mailing/test')) before.push(...[2, 3].map((number) => fleet.device(number).server.connections));
      return false;
    };
    const { outcomes } = await fleet.run({ canary: true, test: 'arrival' });
    assert.deepEqual(told(outcomes).sort(), ['Cam 1 applied', 'Cam 2 applied', 'Cam 3 applied']);
    assert.deepEqual(before, [0, 0]);
    assert.equal(outcomes[0]?.test?.verdict, 'arrived');
  });

  it('a refused account stops a rotation before any camera is touched', async () => {
    await start(3);
    await fleet.run();
    fleet.takeWrites();
    const account = accountOf({ ...fleet.setup, appPassword: NEW_PASSWORD });
    const connections = fleet.sandbox.cameras.map(({ device }) => device.server.connections);
    const { outcomes, rotation } = await fleet.run({ account });
    assert.deepEqual(
      told(outcomes),
      [1, 2, 3].map((number) => `Cam ${number} skipped bad-app-password`),
    );
    assert.deepEqual(
      fleet.sandbox.cameras.map(({ device }) => device.server.connections),
      connections,
    );
    assert.equal(rotation?.oldPasswordMayBeRevoked, false);
    assert.deepEqual(rotation?.pending, ['Cam 1', 'Cam 2', 'Cam 3']);
  });

  it('a refused account stops a first run after the cameras that had begun', async () => {
    await start(5);
    const account = accountOf({ ...fleet.setup, appPassword: NEW_PASSWORD });
    const { outcomes } = await fleet.run({ account, concurrency: 2 });
    assert.deepEqual(told(outcomes).sort(), [
      ...[1, 2].map((number) => `Cam ${number} failed bad-app-password`),
      ...[3, 4, 5].map((number) => `Cam ${number} skipped bad-app-password`),
    ]);
    assert.deepEqual(fleet.takeWrites(), [0, 0, 0, 0, 0]);
  });

  it('two test mails in a row that Gmail refuses for the account stop the run, one does not', async () => {
    await start(4);
    for (const number of [1, 3, 4]) refuseTestMail(fleet.device(number).server);
    const alone = await fleet.run({ test: 'camera', concurrency: 1 }, (order) => ({ ...order, cameras: order.cameras.slice(0, 2) }));
    assert.deepEqual(told(alone.outcomes), ['Cam 1 rolled-back web-login-required', 'Cam 2 applied']);
    const { outcomes } = await fleet.run({ test: 'camera', concurrency: 1, rollback: false }, (order) => ({
      ...order,
      cameras: [1, 2, 3, 0].flatMap((index) => order.cameras[index] ?? []),
    }));
    assert.deepEqual(told(outcomes), [
      'Cam 2 unchanged',
      'Cam 3 failed web-login-required',
      'Cam 4 failed web-login-required',
      'Cam 1 skipped web-login-required',
    ]);
    assert.equal(fleet.jobFiles().length, 1, 'a job that was stopped is kept');
  });

  it('killed in the middle of a rotation, the next run writes only what was not finished', async () => {
    await start(5);
    await fleet.run();
    fleet.takeWrites();
    const reached = new Promise<void>((resolve) => {
      fleet.device(3).server.intercept = (request) => {
        if (request.method === 'PUT') resolve();
        return request.method === 'PUT';
      };
    });
    const script = join(__dirname, 'killed-run.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(fleet.setup)], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const ended = once(child, 'exit');
    await Promise.race([reached, ended.then(() => assert.fail('the child ended by itself'))]);
    child.kill('SIGKILL');
    await ended;
    assert.deepEqual(fleet.takeWrites().slice(0, 2), [1, 1]);
    const [jobFile = ''] = fleet.jobFiles();
    assert.ok(!readFileSync(join(fleet.directory, 'jobs', jobFile), 'utf8').includes(fleet.setup.appPassword));
    fleet.device(3).server.intercept = undefined;

    const { outcomes, rotation } = await fleet.run({ rotate: true, concurrency: 1 });
    assert.deepEqual(told(outcomes), ['Cam 3 applied', 'Cam 4 applied', 'Cam 5 applied', 'Cam 1 unchanged', 'Cam 2 unchanged']);
    assert.deepEqual(fleet.takeWrites(), [0, 0, 1, 1, 1]);
    assert.equal(rotation?.oldPasswordMayBeRevoked, true);
    assert.deepEqual(fleet.jobFiles(), [], 'a finished job is forgotten');
    assert.deepEqual((await fleet.run({ rotate: true })).rotation?.done, 5);
    assert.deepEqual(fleet.takeWrites(), [1, 1, 1, 1, 1], 'a new job begins anew');
  });

  it('stopped by a deploy, the job is carried on, also when its file was damaged meanwhile', async () => {
    await start(3);
    const stop = new AbortController();
    fleet.device(2).server.intercept = (request) => {
      if (request.method === 'PUT') stop.abort();
      return request.method === 'PUT';
    };
    const { outcomes } = await fleet.run({ rotate: true, concurrency: 1 }, undefined, stop.signal);
    assert.deepEqual(told(outcomes), ['Cam 1 applied', 'Cam 2 failed cancelled', 'Cam 3 skipped']);
    fleet.device(2).server.intercept = undefined;
    const [jobFile = ''] = fleet.jobFiles();
    writeFileSync(join(fleet.directory, 'jobs', jobFile), '{"version":1,"finished":7}');
    fleet.takeWrites();
    const after = await fleet.run({ rotate: true, concurrency: 1 });
    assert.deepEqual(told(after.outcomes), ['Cam 1 applied', 'Cam 2 applied', 'Cam 3 applied']);
    assert.deepEqual(fleet.takeWrites(), [1, 1, 1]);
    assert.equal(fleet.damaged.length, 1);
    assert.deepEqual(
      fleet.jobFiles().map((name) => name.includes('.json.damaged-')),
      [true],
    );
  });

  it('a dead camera holds one place only, and its result tells what is wrong', async () => {
    await start(6);
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const stop = new AbortController();
    const address = silent.address();
    assert.ok(typeof address === 'object' && address !== null);
    const setup = { ...fleet.setup.cameras[0], name: 'Dead', port: address.port };
    try {
      const running = fleet.run(
        { concurrency: 2 },
        (order) => {
          const [first] = order.cameras;
          assert.ok(first !== undefined && 'target' in first);
          const dead = { ...first.target, name: setup.name, address: { ...first.target.address, port: setup.port } };
          return { ...order, cameras: [{ name: dead.name, target: dead }, ...order.cameras] };
        },
        stop.signal,
      );
      await until(() => fleet.outcomes.length === 6);
      stop.abort();
      const { outcomes } = await running;
      assert.deepEqual(told(outcomes).at(-1), 'Dead failed cancelled');
      assert.ok(outcomes.slice(0, 6).every(({ outcome }) => outcome === 'applied'));
    } finally {
      silent.close();
    }
  });

  it('channels of one recorder are worked on one after the other', async () => {
    await start(1);
    const { outcomes } = await fleet.run({ rotate: true, concurrency: 8 }, (order) => ({
      ...order,
      cameras: [1, 2, 3].flatMap((channel) =>
        order.cameras.map((camera) => ('target' in camera ? { ...camera, target: { ...camera.target, channel } } : camera)),
      ),
    }));
    assert.ok(outcomes.every(({ outcome }) => outcome === 'applied'));
    const settings = fleet.device(1).server.requests.filter(({ path, status }) => path.includes('/mailing/1') && status === 200);
    assert.equal(settings.map(({ method }) => method).join(' '), 'GET PUT GET GET PUT GET GET PUT GET');
  });

  it('many cameras share the durable writes of what is remembered', async () => {
    await start(12);
    const { outcomes } = await fleet.run({ concurrency: 12 });
    assert.ok(outcomes.every(({ outcome }) => outcome === 'applied'));
    assert.equal(Object.keys(JSON.parse(readFileSync(join(fleet.directory, 'written.json'), 'utf8')).cameras).length, 12);
    assert.equal(readdirSync(join(fleet.directory, 'backups')).length, 12);
  });

  it('a camera whose clock is wrong is told, one that sends its local time is not', async () => {
    await start(3);
    const shift = (number: number, ms: number) => {
      fleet.device(number).server.intercept = (_request, response) => {
        response.sendDate = false;
        response.setHeader('Date', new Date(Date.now() + ms).toUTCString());
        return false;
      };
    };
    shift(1, -400 * 86_400_000);
    shift(2, 2 * 3_600_000);
    const { outcomes } = await fleet.run({ action: 'verify' });
    const warned = outcomes.filter(({ warnings }) => warnings.some(({ code }) => code === 'clock-wrong')).map(({ name }) => name);
    assert.deepEqual(warned, ['Cam 1']);
  });

  function refuseTestMail(server: DeviceServer): void {
    server.intercept = (request, response) => {
      if (!request.url?.includes('/mailing/test')) return false;
      request.resume();
      const says =
        '534-5.7.9 Please log in with your web browser and then try again. 534 5.7.9 https://support.google.com/mail/?p=WebLoginRequired';
      response.writeHead(500, { 'Content-Type': 'application/xml' });
      response.end(
        `<ResponseStatus version="2.0"><statusCode>3</statusCode><statusString>Device Error</statusString><subStatusCode>deviceError</subStatusCode><errorMsg>${says}</errorMsg></ResponseStatus>`,
      );
      return true;
    };
  }

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setImmediate(resolve));
  }

  it('channels that share a sender agree on one name, and the second run finds it there', async () => {
    await start(1);
    const channels = (numbers: readonly number[]) => (order: FleetOrder) => ({
      ...order,
      cameras: numbers.flatMap((channel) =>
        order.cameras.map((camera) => {
          if (!('target' in camera)) return camera;
          const name = `Channel ${channel}`;
          return { name, target: { ...camera.target, name, channel } };
        }),
      ),
    });
    const { outcomes } = await fleet.run({ concurrency: 4 }, channels([2, 1]));
    const [second, first] = ['Channel 2', 'Channel 1'].map((name) => outcomes.find((outcome) => outcome.name === name));
    assert.match(fleet.device(1).documents(), /<name>Channel 1</);
    const shared = { code: 'name-shared', params: { value: 'Channel 1' } };
    assert.deepEqual(
      [second, first].map((outcome) => outcome?.warnings.filter(({ code }) => code === 'name-shared')),
      [[shared], []],
    );
    fleet.takeWrites();
    const again = await fleet.run({ concurrency: 4 }, channels([1, 2]));
    assert.deepEqual(told(again.outcomes).sort(), ['Channel 1 unchanged', 'Channel 2 unchanged']);
    assert.deepEqual(fleet.takeWrites(), [0]);
  });
});
