import assert from 'node:assert/strict';
import type { CameraOutcome } from '../../src/cameras/configure.ts';
import { HikvisionSimulator } from '../../src/cameras/hikvision/simulator.ts';
import { configureFleet } from '../../src/fleet/configure-fleet.ts';
import type { DeviceServer } from '../../src/sandbox/device-server.ts';
import { Fleet, fleetOrder, fleetServices, type Wishes } from './fixture.ts';

const LOGIN = { username: 'admin', password: 'Camera-2026' };

/** `401 GET /System/deviceInfo`, without prefix and query. */
function asked({ requests }: DeviceServer): string[] {
  return requests.map(({ method, path, status }) => `${status} ${method} ${path.replace(/^\/ISAPI/, '').replace(/\?.*/, '')}`);
}

const BY_HEART = ['200 PUT /System/Network/mailing/1', '200 GET /System/Network/mailing/1', '200 POST /System/Network/mailing/test'];

describe('Hikvision cameras over plain http', () => {
  let fleet: Fleet;
  let services: ReturnType<typeof fleetServices>;

  beforeEach(async () => {
    fleet = await Fleet.start(1);
    services = fleetServices(fleet.directory);
  });
  afterEach(async () => {
    await services.close();
    await fleet.close();
  });

  /** One after the other in the same process. */
  const run = async (wishes: Wishes, port = fleet.setup.cameras[0]?.port ?? 0): Promise<CameraOutcome> => {
    const order = fleetOrder({ ...fleet.setup, cameras: [{ name: 'Cam 1', port }] }, wishes);
    const { outcomes } = await configureFleet(order, services, () => undefined, new AbortController().signal);
    const [outcome] = outcomes;
    assert.ok(outcome);
    return outcome;
  };

  it('are asked nothing at first contact that makes no difference', async () => {
    assert.equal((await run({ test: 'camera' })).outcome, 'applied');
    assert.deepEqual(asked(fleet.device(1).server), [
      '401 GET /System/deviceInfo',
      '200 GET /System/deviceInfo',
      '200 GET /System/Network/mailing/1',
      '200 GET /Security/capabilities',
      ...BY_HEART,
    ]);
  });

  it('are asked for their limits when a value may be too long', async () => {
    const recipients = `${'long-name-'.repeat(4)}@example.test`;
    const wishes = { recipients, senderName: '', attachment: 'keep', minInterval: undefined, events: [] } as const;
    assert.equal((await run({ wishes })).outcome, 'applied');
    assert.ok(asked(fleet.device(1).server).includes('200 GET /System/Network/mailing/capabilities'));
  });

  for (const encryptsFields of [true, false]) {
    it(`are asked nothing twice after a plan${encryptsFields ? '' : ', also when they cannot encrypt'}`, async () => {
      const device = new HikvisionSimulator({ login: LOGIN, sendMail: async () => ({ ok: true, reply: '250 OK' }), encryptsFields });
      const port = await device.listen();
      try {
        await run({ action: 'plan' }, port);
        device.server.requests.length = 0;
        assert.equal((await run({ test: 'camera' }, port)).outcome, 'applied');
        assert.deepEqual(asked(device.server), ['200 GET /System/Network/mailing/1', ...BY_HEART]);
        assert.equal(device.server.connections, 1);
      } finally {
        await services.close();
        await device.close();
      }
    });
  }

  it('are asked again how they encrypt when they were too busy to say', async () => {
    const { server } = fleet.device(1);
    server.intercept = (request, response) => {
      if (!request.url?.includes('/Security/capabilities')) return false;
      response.writeHead(503).end();
      return true;
    };
    assert.deepEqual((await run({ action: 'plan' })).warnings, [{ code: 'plain-http' }]);
    server.intercept = undefined;
    const { warnings, outcome } = await run({});
    assert.deepEqual([outcome, warnings], ['applied', []]);
    assert.match(server.writes()[0]?.path ?? '', /\?security=1&iv=[0-9a-f]{32}$/);
  });

  it('get the encrypted form in the plan, with bullets for what is in it', async () => {
    const { requests, warnings } = await run({ action: 'plan' });
    const [request] = requests ?? [];
    assert.equal(request?.path, '/ISAPI/System/Network/mailing/1?security=1&iv=•');
    assert.match(request?.body ?? '', /<accountName>•<\/accountName>\s*<password>•<\/password>/);
    assert.match(request?.body ?? '', /<emailAddress>cameras@gmail\.test</);
    assert.deepEqual(warnings, []);
  });

  it('are told of when they take the login in clear', async () => {
    const device = fleet.device(1) as HikvisionSimulator;
    const pair = `Basic ${Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString('base64')}`;
    device.guard.admit = (request, response) => {
      if (request.headers.authorization === pair) return LOGIN.username;
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="camera"' }).end();
      return undefined;
    };
    const { outcome, warnings } = await run({});
    assert.deepEqual([outcome, warnings], ['applied', [{ code: 'plain-http' }]]);
  });
});
