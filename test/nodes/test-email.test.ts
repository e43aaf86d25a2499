import assert from 'node:assert/strict';
import { HikvisionSimulator } from '../../src/cameras/hikvision/simulator.ts';
import type { SimulatedCamera } from '../../src/sandbox/camera-simulator.ts';
import { Bench } from './fixture.ts';

interface TestPayload {
  via: string;
  ok: boolean;
  verdict: string;
  camera?: { name: string };
  stages: { stage: string; ok: boolean; ms: number; detail: string }[];
  arrival?: { found: boolean; mailbox?: string; messageId?: string; latencyMs?: number };
  error?: { code: string; advice: string };
  warnings?: { code: string }[];
}

const payloads = (messages: { payload?: unknown }[]) => messages.map(({ payload }) => payload as TestPayload);

describe('test-email', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await Bench.start();
  });
  afterEach(() => bench.close());
  const device = () => bench.sandbox.cameras[0]?.device as SimulatedCamera;

  it('proves the way from this host, stage by stage', async () => {
    await bench.load('test-email', { via: 'server' });
    const { each, summary, completed } = await bench.run({});
    const [test] = payloads(each);
    assert.equal(test?.verdict, 'arrived');
    assert.equal(test?.ok, true);
    assert.deepEqual(
      test?.stages.map(({ stage, ok }) => [stage, ok]),
      [
        ['dns', true],
        ['connect', true],
        ['tls', true],
        ['login', true],
        ['sender', true],
        ['recipient', true],
        ['data', true],
        ['arrival', true],
      ],
    );
    assert.equal(test?.arrival?.mailbox, 'INBOX');
    assert.deepEqual({ ...(summary?.payload as object), ms: 0, results: 0 }, { total: 1, counts: { arrived: 1 }, results: 0, ms: 0 });
    assert.equal(completed, 1);
  });

  it('tells a mail in the spam folder from one in the inbox', async () => {
    bench.sandbox.mail.script({ stage: 'delivered', action: { deliver: 'spam' } });
    await bench.load('test-email', { via: 'server' });
    const { each, error } = await bench.run({});
    const [test] = payloads(each);
    assert.equal(test?.arrival?.found, true);
    assert.equal(test?.error?.code, 'in-spam');
    assert.equal(test?.ok, false);
    assert.equal(error?.code, 'in-spam');
  });

  it('says accepted, never failed, when the server took the mail and the mailbox does not show it', async () => {
    bench.sandbox.mail.script({ stage: 'delivered', action: { deliver: 'lost' } });
    await bench.load('test-email', { via: 'server', timeout: 5 });
    const { each, error } = await bench.run({});
    const [test] = payloads(each);
    assert.equal(test?.verdict, 'accepted');
    assert.deepEqual(test?.arrival, { found: false });
    assert.equal(test?.error?.code, 'not-arrived');
    assert.equal(error?.code, 'not-arrived');
  });

  it('does not look for the mail when told so', async () => {
    await bench.load('test-email', { via: 'server', proveArrival: false });
    const [test] = payloads((await bench.run({})).each);
    assert.equal(test?.verdict, 'accepted');
    assert.equal(test?.ok, true);
    assert.equal(bench.sandbox.mail.imapLog.length, 0);
  });

  it('names the stage and the code of a wrong app password', async () => {
    await bench.load('test-email', { via: 'server' }, { credentials: { account: { appPassword: 'ponmlkjihgfedcba' } } });
    const { each, error } = await bench.run({});
    const [test] = payloads(each);
    assert.equal(test?.verdict, 'failed');
    assert.equal(test?.error?.code, 'bad-app-password');
    assert.deepEqual(test?.stages.find(({ ok, stage }) => !ok && stage !== 'arrival')?.stage, 'login');
    assert.equal(error?.code, 'bad-app-password');
  });

  it('has a camera send its own test mail, writing nothing', async () => {
    await bench.load('configure-camera-email', { action: 'apply', test: 'none' });
    await bench.run({});
    await bench.unload();
    const before = device().documents();
    await bench.load('test-email', { via: 'both' });
    const { each, summary } = await bench.run({});
    const tests = payloads(each);
    assert.deepEqual(tests.map(({ via, verdict }) => `${via} ${verdict}`).sort(), ['camera arrived', 'server arrived']);
    assert.equal(tests.find(({ via }) => via === 'camera')?.camera?.name, 'Front');
    assert.equal((summary?.payload as { total: number } | undefined)?.total, 2);
    assert.equal(device().documents(), before);
  });

  describe('when a camera cannot reach the mail server', () => {
    const failing = async (network: (document: string) => string) => {
      await bench.load('configure-camera-email', { action: 'apply', test: 'none' });
      await bench.run({});
      await bench.unload();
      bench.sandbox.mail.script({ stage: 'connect', action: { drop: true } });
      const camera = device();
      assert.ok(camera instanceof HikvisionSimulator);
      camera.ipAddress = network(camera.ipAddress);
      await bench.load('test-email', { via: 'camera', proveArrival: false });
      return payloads((await bench.run({})).each)[0];
    };
    const without = (name: string) => (document: string) => document.replace(new RegExp(`(<${name}>\\s*<ipAddress>)[^<]*`), '$10.0.0.0');

    it('says that it failed, in the camera’s own words', async () => {
      const test = await failing((document) => document);
      assert.deepEqual([test?.verdict, test?.error?.code], ['failed', 'test-failed']);
      assert.match(test?.error?.advice ?? '', /Read what the camera said/);
    });

    it('says that it has no DNS server', async () => {
      const test = await failing(without('PrimaryDNS'));
      assert.deepEqual([test?.verdict, test?.error?.code], ['failed', 'test-failed']);
      assert.match(test?.error?.advice ?? '', /as DNS server/);
    });

    it('says that it has no gateway', async () => {
      assert.match((await failing(without('DefaultGateway')))?.error?.advice ?? '', /as gateway/);
    });

    it('a device that does not tell its network settings just failed', async () => {
      assert.match((await failing(() => '<html>'))?.error?.advice ?? '', /Read what the camera said/);
    });
  });

  describe('when the mail of a camera is lost', () => {
    /** What comes to the mailbox while the camera's own mail is on its way to nowhere. */
    const meanwhile = async (senderName: string, mails: { from: string; subject: string }[], via = 'camera') => {
      await bench.load('configure-camera-email', { action: 'apply', test: 'none', senderName });
      await bench.run({});
      await bench.unload();
      const { mail, account } = bench.sandbox;
      mail.script({ stage: 'delivered', subject: 'Hikvision Mail Test', action: { deliver: 'lost' } });
      device().server.intercept = (request) => {
        if (request.url?.includes('/mailing/test')) {
          for (const { from, subject } of mails)
            mail.place(
              account.email,
              `From: "${from}" <${account.email}>\r\nTo: ${account.email}\r\nSubject: ${subject}\r\nMessage-ID: <${from.length}@other>\r\n\r\nx\r\n`,
            );
        }
        return false;
      };
      await bench.load('test-email', { via, timeout: 5 });
      return payloads((await bench.run({})).each).find((test) => test.via === 'camera');
    };

    it('a mail of another name is not taken for it', async () => {
      const test = await meanwhile('Front', [{ from: 'Front garage', subject: 'Test' }]);
      assert.deepEqual([test?.verdict, test?.error?.code], ['accepted', 'not-arrived']);
    });

    it('an alert that may be any camera’s leaves it open', async () => {
      const test = await meanwhile('Front', [{ from: '', subject: 'Motion detected' }]);
      assert.deepEqual([test?.verdict, test?.ok, test?.error], ['inconclusive', false, undefined]);
      assert.ok(test?.warnings?.some(({ code }) => code === 'arrival-unproven'));
    });

    it('the status does not count what is open as ok', async () => {
      await meanwhile('Front', [{ from: '', subject: 'Motion detected' }], 'both');
      const [{ fill, text }] = bench.statuses().at(-1) as [{ fill: string; text: string }];
      assert.deepEqual([fill, text], ['yellow', '1 ok, 1 not certain']);
    });
  });

  it('says so when the camera does not use this account', async () => {
    await bench.load('test-email', { via: 'camera' });
    const { each, error } = await bench.run({});
    const [test] = payloads(each);
    assert.equal(test?.verdict, 'failed');
    assert.equal(test?.error?.code, 'not-applied');
    assert.equal(error?.code, 'cameras-failed');
    assert.deepEqual(device().server.writes(), []);
  });

  it('says that a mail to somebody else cannot be looked for', async () => {
    await bench.load('test-email', { via: 'server', to: 'friend@elsewhere.test', timeout: 5 });
    const [test] = payloads((await bench.run({})).each);
    assert.equal(test?.verdict, 'accepted');
    assert.equal(test?.ok, true);
    assert.ok(test?.warnings?.some(({ code }) => code === 'sent-elsewhere'));
  });

  it('refuses a missing account once, with advice', async () => {
    await bench.load('test-email', { via: 'server', account: '' });
    const { each, error, completed } = await bench.run({});
    assert.deepEqual([each.length, completed, error?.code], [0, 0, 'bad-input']);
  });
});
