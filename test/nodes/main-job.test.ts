import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { HikvisionSimulator } from '../../src/cameras/hikvision/simulator.ts';
import { Bench } from './fixture.ts';
import { logged } from './runtime.ts';

const APPLY = { action: 'apply', test: 'arrival', rollback: true, recipients: '', senderName: '{camera}' };

interface CameraPayload {
  camera: { name: string; vendor: string; model: string };
  outcome: string;
  changes: { field: string; from: unknown; to: unknown }[];
  requests?: { method: string; path: string; body: string }[];
  warnings: { code: string; message: string }[];
  test?: { ok: boolean; verdict: string; arrival?: { found: boolean; mailbox?: string; latencyMs?: number }; error?: { code: string } };
  error?: { code: string; message: string; advice: string };
  backup?: string;
}

const payloadOf = (message: { payload?: unknown } | undefined) => message?.payload as CameraPayload;

describe('configure-camera-email with one camera', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await Bench.start();
  });
  afterEach(() => bench.close());
  const device = () => bench.sandbox.cameras[0]?.device as HikvisionSimulator;

  it('applies, tests and proves; a second time it says unchanged and writes nothing', async () => {
    await bench.load('configure-camera-email', APPLY);
    const first = await bench.run({ payload: 'go', other: 1 });
    const result = payloadOf(first.each[0]);
    assert.equal(result.outcome, 'applied');
    assert.equal(first.each[0]?.topic, 'Front');
    assert.equal(first.each[0]?.other, 1);
    assert.equal(result.camera.model, 'DS-2CD2143G2-I');
    assert.equal(result.test?.verdict, 'arrived');
    assert.equal(result.test?.arrival?.mailbox, 'INBOX');
    assert.equal(typeof result.test?.arrival?.latencyMs, 'number');
    assert.deepEqual(first.summary?.payload && (first.summary.payload as { counts: object }).counts, { applied: 1 });
    assert.equal(first.error, undefined);
    assert.equal(first.completed, 1);
    const writes = device().server.writes().length;
    const second = await bench.run({ payload: 'go' });
    assert.equal(payloadOf(second.each[0]).outcome, 'unchanged');
    assert.equal(device().server.writes().length, writes);
  });

  it('plans without writing; the requests shown are those that apply sends', async () => {
    await bench.load('configure-camera-email', { ...APPLY, test: 'none' });
    const planned = payloadOf((await bench.run({ action: 'plan' })).each[0]);
    assert.equal(planned.outcome, 'planned');
    assert.deepEqual(device().server.writes(), []);
    await bench.run({});
    const [write] = device().server.writes();
    const shown = planned.requests?.[0];
    assert.equal(`${shown?.method} ${shown?.path}`, `${write?.method} ${write?.path}`);
    assert.equal(
      shown?.body,
      Buffer.from(write?.body ?? '', 'latin1')
        .toString('utf8')
        .replace(bench.sandbox.account.appPassword, '•'),
    );
  });

  it('keeps every byte that it does not change', async () => {
    const before = device().mailing;
    await bench.load('configure-camera-email', { ...APPLY, test: 'none' });
    await bench.run({});
    const after = device().mailing;
    const changed = before.split('\r\n').filter((line, index) => after.split('\r\n')[index] !== line);
    assert.deepEqual(
      changed.map((line) => /^<(\w+)/.exec(line)?.[1]),
      ['emailAddress', 'name', 'enableSSL', 'hostName', 'portNo', 'accountName', 'name', 'emailAddress'],
    );
    assert.ok(after.includes('<vendorExtension   flavour=\'x>y\'><!-- kept --><mode a="1"/>'));
  });

  it('restores the state before the last write, also after an unchanged apply', async () => {
    const before = device().documents();
    await bench.load('configure-camera-email', { ...APPLY, test: 'none', events: ['motion'] });
    await bench.run({});
    await bench.run({});
    const restored = await bench.run({ action: 'restore' });
    assert.equal(payloadOf(restored.each[0]).outcome, 'restored');
    assert.equal(device().documents(), before);
  });

  it('finds drift', async () => {
    await bench.load('configure-camera-email', { ...APPLY, test: 'none' });
    await bench.run({});
    assert.equal(payloadOf((await bench.run({ action: 'verify' })).each[0]).outcome, 'verified');
    device().driftServer('mail.elsewhere.test');
    const drifted = payloadOf((await bench.run({ action: 'verify' })).each[0]);
    assert.equal(drifted.outcome, 'drifted');
    assert.deepEqual(drifted.changes, [{ field: 'server', from: 'mail.elsewhere.test', to: 'localhost' }]);
  });

  for (const [element, code] of [
    ['PrimaryDNS', 'dns-missing'],
    ['DefaultGateway', 'gateway-missing'],
  ] as const) {
    it(`plan and verify warn of a camera that cannot find the mail server: ${code}`, async () => {
      await bench.load('configure-camera-email', { ...APPLY, test: 'none' });
      const warned = async (action: string) => payloadOf((await bench.run({ action })).each[0]).warnings.map((warning) => warning.code);
      assert.ok(!(await warned('plan')).includes(code));
      const camera = device();
      camera.ipAddress = camera.ipAddress.replace(new RegExp(`(<${element}>\\s*<ipAddress>)[^<]*`), '$10.0.0.0');
      assert.ok((await warned('plan')).includes(code));
      assert.ok((await warned('verify')).includes(code));
    });
  }

  it('tries a wrong camera password once, whatever is asked again', async () => {
    await bench.load('configure-camera-email', APPLY, { credentials: { cam0: { username: 'admin', password: 'Wrong-2026' } } });
    for (const action of ['apply', 'plan', 'verify']) {
      const { each, error } = await bench.run({ action });
      const result = payloadOf(each[0]);
      assert.equal(result.outcome, 'failed');
      assert.equal(result.error?.code, 'unauthorized');
      assert.notEqual(result.error?.advice, '');
      assert.equal(error?.code, 'cameras-failed');
    }
    assert.equal(device().refusedLogins, 1);
    const identify = await bench
      .admin()
      .post('/camera-email/identify')
      .send({
        id: 'cam0',
        config: { host: '127.0.0.1', port: bench.sandbox.cameras[0]?.port, protocol: 'https' },
        credentials: { username: 'admin', password: '__PWRD__' },
      });
    assert.equal((identify.body.error as { code: string; frozen: boolean }).frozen, true);
    assert.equal(device().refusedLogins, 1);
  });

  for (const [what, appPassword, code] of [
    ['a wrong app password', 'ponmlkjihgfedcba', 'bad-app-password'],
    ['the account password', 'My-Account-Passw0rd', 'app-password-required'],
  ] as const) {
    it(`writes nothing with ${what}, and says ${code}`, async () => {
      await bench.load('configure-camera-email', APPLY, { credentials: { account: { appPassword } } });
      const result = payloadOf((await bench.run({})).each[0]);
      assert.equal(result.outcome, 'failed');
      assert.equal(result.error?.code, code);
      assert.notEqual(result.error?.advice, '');
      assert.deepEqual(device().server.writes(), []);
    });
  }

  it('puts the old settings back when the mail does not arrive', async () => {
    const before = device().documents();
    bench.sandbox.mail.script({ stage: 'delivered', action: { deliver: 'lost' } });
    await bench.load('configure-camera-email', APPLY);
    const { each, error } = await bench.run({ timeout: 2 });
    const result = payloadOf(each[0]);
    assert.equal(result.outcome, 'rolled-back');
    assert.equal(result.error?.code, 'not-arrived');
    assert.equal(result.test?.verdict, 'accepted');
    assert.equal(device().documents(), before);
    assert.equal(error?.code, 'cameras-failed');
  });

  it('does not undo a camera whose mail lands in the spam folder, and says so', async () => {
    bench.sandbox.mail.script({ stage: 'delivered', action: { deliver: 'spam' } });
    await bench.load('configure-camera-email', APPLY);
    const result = payloadOf((await bench.run({})).each[0]);
    assert.equal(result.outcome, 'applied');
    assert.equal(result.test?.verdict, 'arrived');
    assert.equal(result.test?.error?.code, 'in-spam');
    assert.ok(result.warnings.some(({ code, message }) => code === 'in-spam' && message !== code));
  });

  it('rotates when the app password changed since the last write', async () => {
    await bench.load('configure-camera-email', { ...APPLY, test: 'none' });
    await bench.run({});
    await bench.unload();
    await bench.load(
      'configure-camera-email',
      { ...APPLY, test: 'none' },
      { account: { host: '127.0.0.2' }, credentials: { account: { appPassword: 'ponmlkjihgfedcba' } } },
    );
    const result = payloadOf((await bench.run({ action: 'verify' })).each[0]);
    assert.ok(result.changes.some(({ field }) => field === 'password'));
  });

  it('keeps secrets out of messages, logs, files and admin answers', async () => {
    await bench.load('configure-camera-email', APPLY);
    const handled = [await bench.run({ action: 'plan' }), await bench.run({}), await bench.run({ action: 'restore' })];
    const { cameras, login, account } = bench.sandbox;
    const camera = { name: 'Sent', host: '127.0.0.1', port: cameras[0]?.port, protocol: 'https', ...login };
    handled.push(await bench.run({ cameras: [camera], action: 'verify' }));
    const config = { host: '127.0.0.1', port: cameras[0]?.port, protocol: 'https' };
    const identify = await bench
      .admin()
      .post('/camera-email/identify')
      .send({ id: 'cam0', config, credentials: { username: 'admin', password: '__PWRD__' } });
    assert.equal(identify.body.ok, true);
    const everything = [
      JSON.stringify(handled),
      JSON.stringify(identify.body),
      logged(),
      JSON.stringify(bench.statuses()),
      ...filesBelow(join(bench.userDir, 'camera-email')),
    ].join('\n');
    for (const secret of [login.password, account.appPassword]) {
      for (const form of [secret, Buffer.from(secret).toString('base64'), encodeURIComponent(secret)])
        assert.ok(!everything.includes(form), `found ${form}`);
    }
    assert.ok(handled.every(({ each, summary, seen }) => [...each, summary ?? {}, ...seen].every((message) => !('cameras' in message))));
  });

  it('neither keeps nor writes back a password that the camera shows, or its mask', async () => {
    for (const shown of ['******', 'Old-Mail-Passw0rd']) {
      device().mailing = device().mailing.replace(/(<\/accountName>)(?:<password>[^<]*<\/password>)?/, `$1<password>${shown}</password>`);
      await bench.load('configure-camera-email', { ...APPLY, test: 'none' });
      await bench.run({ rotate: true });
      await bench.run({ action: 'restore' });
      await bench.unload();
      const sent = device().server.requests.filter(({ method }) => method === 'PUT');
      assert.ok(sent.length > 0 && sent.every(({ body }) => !body.includes(`>${shown}<`)));
      assert.ok(filesBelow(join(bench.userDir, 'camera-email', 'backups')).every((text) => !text.includes(shown)));
    }
  });

  it('links the events that the camera has and says which it has not', async () => {
    await bench.load('configure-camera-email', { ...APPLY, test: 'none', events: ['motion', 'person', 'region-exit'] });
    const result = payloadOf((await bench.run({})).each[0]);
    assert.equal(result.outcome, 'applied');
    const missing = result.warnings.filter(({ code }) => code === 'event-not-available').map(({ message }) => message);
    assert.deepEqual(missing, ['This camera does not have an event that was asked for: Person, Leaving a region.']);
    assert.equal(payloadOf((await bench.run({ action: 'verify' })).each[0]).outcome, 'verified');
  });

  it('keeps a backup of each of many cameras that share a name', async () => {
    await bench.load('configure-camera-email', { ...APPLY, test: 'none' });
    const { login, cameras } = bench.sandbox;
    const camera = { name: 'Same', host: '127.0.0.1', port: cameras[0]?.port, protocol: 'https', ...login };
    const { each } = await bench.run({ rotate: true, cameras: [1, 2, 3, 4].map((channel) => ({ ...camera, channel })) });
    assert.equal(new Set(each.map((message) => payloadOf(message).backup)).size, 4);
  });

  it('sends a stored password only to the address it was deployed with', async () => {
    await bench.load('configure-camera-email', APPLY);
    const elsewhere = { host: '127.0.0.1', port: 1, protocol: 'http' };
    const { body } = await bench
      .admin()
      .post('/camera-email/identify')
      .send({ id: 'cam0', config: elsewhere, credentials: { username: 'admin', password: '__PWRD__' } });
    assert.equal((body.error as { code: string }).code, 'bad-input');
    const verify = await bench
      .admin()
      .post('/camera-email/verify')
      .send({ id: 'cam0', config: elsewhere, credentials: { appPassword: '__PWRD__' } });
    assert.equal(verify.body.ok, false);
  });

  it('only switches the mail of a camera without a switch by its events', async () => {
    await bench.load('configure-camera-email', { ...APPLY, test: 'none', events: ['motion'] });
    await bench.run({});
    const before = device().documents();
    const off = payloadOf((await bench.run({ enabled: false })).each[0]);
    assert.equal(off.outcome, 'applied');
    assert.deepEqual(off.changes, [{ field: 'events', from: ['motion'], to: [] }]);
    assert.equal(payloadOf((await bench.run({ enabled: false })).each[0]).outcome, 'unchanged');
    await bench.run({ enabled: true });
    assert.equal(device().documents(), before);
    assert.equal(payloadOf((await bench.run({})).each[0]).outcome, 'unchanged');
  });

  it('does not pretend to switch what it cannot', async () => {
    await bench.load('configure-camera-email', { ...APPLY, test: 'none' });
    assert.equal(payloadOf((await bench.run({ enabled: false })).each[0]).error?.code, 'not-applied');
    await bench.run({});
    const before = device().documents();
    for (const enabled of [true, false]) assert.equal(payloadOf((await bench.run({ enabled })).each[0]).error?.code, 'unsupported');
    assert.equal(device().documents(), before);
  });

  it('keeps its files to itself', async () => {
    await bench.load('configure-camera-email', { ...APPLY, test: 'none' });
    const { backup } = payloadOf((await bench.run({})).each[0]);
    const folder = join(bench.userDir, 'camera-email', 'backups', 'Front');
    assert.deepEqual(readdirSync(folder), [backup]);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    assert.equal(statSync(join(folder, backup ?? '')).mode & 0o777, 0o600);
  });
});

describe('configure-camera-email with bad input', () => {
  let bench: Bench;
  before(async () => {
    bench = await Bench.start();
  });
  after(() => bench.close());
  afterEach(() => bench.unload());

  const refused: [string, object, object][] = [
    ['a list that is none', {}, { cameras: 'Front' }],
    ['an empty list', {}, { cameras: [] }],
    ['an unknown action', {}, { action: 'explode' }],
    ['an action that is no text', {}, { action: { toString: 1 } }],
    ['no account', { account: '' }, {}],
    ['a deleted account', { account: 'gone' }, {}],
  ];
  for (const [what, properties, message] of refused) {
    it(`refuses ${what} once, with advice`, async () => {
      await bench.load('configure-camera-email', { ...APPLY, ...properties });
      const { each, summary, error, completed } = await bench.run({ ...message });
      assert.deepEqual([each.length, summary, completed], [0, undefined, 0]);
      assert.equal(error?.code, 'bad-input');
      const cause = error?.cause as { advice: string; retryable: boolean };
      assert.notEqual(cause.advice, '');
      assert.equal(cause.retryable, false);
    });
  }

  it('fails what cannot be used and does the rest', async () => {
    await bench.load('configure-camera-email', { ...APPLY, test: 'none' });
    const { login, cameras } = bench.sandbox;
    const good = { name: 'Good', host: '127.0.0.1', port: cameras[0]?.port, protocol: 'https', ...login };
    const list = [
      null,
      5,
      [],
      { host: 'x y' },
      { ...good, port: 'abc' },
      { ...good, vendor: 'acme' },
      { ...good, username: '' },
      'unknown',
      { ...good, port: 1, name: 'Dead' },
      good,
      'Front',
    ];
    const { each, summary, error } = await bench.run({ cameras: list, action: 'verify' });
    const outcomes = Object.fromEntries(each.map((message) => [payloadOf(message).camera.name, payloadOf(message)]));
    assert.equal(each.length, list.length);
    assert.equal(outcomes.Dead?.error?.code, 'unreachable');
    assert.equal(outcomes.unknown?.error?.code, 'bad-input');
    assert.equal(payloadOf(each.find((message) => message.topic === 'Front')).outcome, 'drifted');
    assert.equal((summary?.payload as { counts: { failed: number } } | undefined)?.counts.failed, 9);
    assert.equal(error?.code, 'cameras-failed');
    assert.ok(each.filter((message) => payloadOf(message).outcome === 'failed').every((message) => payloadOf(message).error?.advice));
  });
});

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
}
