import assert from 'node:assert/strict';
import type { DeviceIdentity } from '../../../src/cameras/driver.ts';
import { vivotek } from '../../../src/cameras/vivotek/driver.ts';
import { VivotekSimulator, type VivotekSimulatorOptions, variants } from '../../../src/cameras/vivotek/simulator.ts';
import { createCertificate } from '../../../src/core/certificate.ts';
import { Secret } from '../../../src/core/secret.ts';
import { APP_PASSWORD, answerAll, codes, failsWith, forever, LOGIN, planFor, useBench, WANTED } from '../fixture.ts';
import { itSurvivesHostileAnswers } from '../hostile.ts';

const IDENTITY: DeviceIdentity = { vendor: 'vivotek', brand: '', model: '', firmware: '', serial: '', kind: 'camera' };
const SET = '/cgi-bin/admin/setparam.cgi';
const MAIN_WRITE =
  'server_i1_name=Email&server_i1_email_senderemail=me%40example.test&server_i1_email_recipientemail=first%40example.test' +
  '&server_i1_email_address=smtp.example.test&server_i1_email_username=me%40example.test&server_i1_email_passwd=abcdefghijklmnop' +
  '&server_i1_email_port=465&server_i1_email_sslmode=1';

describe('vivotek', () => {
  const bench = useBench();

  const start = (options: Partial<VivotekSimulatorOptions> = {}, password?: string) =>
    bench.start(new VivotekSimulator({ ...bench.options, ...options }), {}, { password });

  it('identifies a camera with one login', async () => {
    const { device, http } = await start();
    assert.deepEqual(await vivotek.identify(http, forever), {
      vendor: 'vivotek',
      brand: 'Vivotek',
      model: 'IB8369A',
      firmware: 'IB8369A-VVTK-0301d',
      serial: '00005E005351',
      mac: '00:00:5E:00:53:51',
      kind: 'camera',
    });
    assert.equal(device.guard.counts.accepted, 1);
  });

  for (const { name, create } of variants) {
    it(`identifies, sets up, tests and restores: ${name}`, async () => {
      const { device, http } = await bench.start(create(bench.options));
      const before = device.documents();
      const first = await planFor(vivotek, http, { events: ['motion'] });
      assert.equal(device.server.writes().length, 0);
      await first.camera.apply(first.plan, forever);
      assert.equal(device.mailPassword, APP_PASSWORD);
      const second = await planFor(vivotek, http, { events: ['motion'], writePassword: false });
      assert.deepEqual([second.plan.changes, second.plan.writes], [[], []]);
      assert.equal((await second.camera.sendTestEmail?.(WANTED, forever))?.accepted, true);
      device.driftServer('other.example.test');
      const drifted = await planFor(vivotek, http, { writePassword: false });
      assert.deepEqual(drifted.plan.changes, [{ field: 'server', from: 'other.example.test', to: 'smtp.example.test' }]);
      await drifted.camera.restore(first.reading, undefined, forever);
      assert.equal(device.documents(), before);
      assert.equal(device.mailPassword, '');
    });
  }

  it('changes just the parameters that differ, in the first free mail slot', async () => {
    const { device, http } = await start();
    const before = device.documents().split('\n');
    const { camera, plan } = await planFor(vivotek, http);
    await camera.apply(plan, forever);
    assert.deepEqual(
      device.server.writes().map(({ method, path, body }) => [method, path, body]),
      [['POST', SET, MAIN_WRITE]],
    );
    const changed = device
      .documents()
      .split('\n')
      .filter((line, index) => line !== before[index]);
    assert.deepEqual(changed, [
      "server_i1_name='Email'",
      "server_i1_email_address='smtp.example.test'",
      "server_i1_email_sslmode='1'",
      "server_i1_email_port='465'",
      "server_i1_email_username='me@example.test'",
      "server_i1_email_senderemail='me@example.test'",
      "server_i1_email_recipientemail='first@example.test'",
    ]);
    assert.deepEqual(
      plan.writes.map(({ shown }) => shown.body),
      [MAIN_WRITE.replace(APP_PASSWORD, '•')],
    );
    assert.deepEqual(codes(plan.warnings), ['plain-http']);
  });

  it('prefers a mail slot that has a name, and keeps the name', async () => {
    const { device, http } = await start();
    device.parameters.set('server_i3_name', 'Alerts');
    const { plan } = await planFor(vivotek, http);
    assert.match(plan.writes[0]?.body ?? '', /^server_i3_email_senderemail=/);
  });

  it('takes a free slot of another kind when there is no mail slot', async () => {
    const { device, http } = await start();
    for (const index of [1, 3, 4]) device.parameters.set(`server_i${index}_type`, 'http');
    const { camera, plan } = await planFor(vivotek, http);
    await camera.apply(plan, forever);
    assert.equal(device.parameters.get('server_i1_type'), 'email');
  });

  it('leaves servers of other kinds alone when they fill all slots', async () => {
    const { device, http } = await start();
    for (const index of [1, 3, 4]) {
      device.parameters.set(`server_i${index}_type`, 'http');
      device.parameters.set(`server_i${index}_name`, 'x');
    }
    await assert.rejects(
      planFor(vivotek, http),
      failsWith('rejected', "server_i0_type='ftp' server_i1_type='http' server_i2_type='ns' server_i3_type='http' server_i4_type='http'"),
    );
  });

  it('puts no password of any server into the backup', async () => {
    const { device, http } = await start();
    const first = await planFor(vivotek, http, { events: ['motion'] });
    await first.camera.apply(first.plan, forever);
    const { reading } = await planFor(vivotek, http, { events: ['motion'] });
    const text = JSON.stringify(reading);
    for (const secret of ['ftp-secret', 'nas-secret', APP_PASSWORD, '*****']) assert.ok(!text.includes(secret));
    assert.equal(device.parameters.get('server_i0_ftp_passwd'), 'ftp-secret');
  });

  it('links and unlinks the events that are set up, and no other', async () => {
    const { device, http } = await start();
    const { camera, plan } = await planFor(vivotek, http, { events: ['motion', 'person'] });
    assert.equal(plan.writes[1]?.body, 'event_i1_action_server_i1_enable=1&event_i2_action_server_i1_enable=0');
    assert.ok(codes(plan.warnings).includes('event-not-available'));
    await camera.apply(plan, forever);
    assert.equal(device.parameters.get('event_i0_action_server_i0_enable'), '1');
  });

  it('says when an event is switched off, never due, or none is linked', async () => {
    const { http } = await start();
    const due = await planFor(vivotek, http, { events: ['alarm-input'] });
    assert.deepEqual(codes(due.plan.warnings), ['plain-http', 'detection-off', 'schedule-empty']);
    const none = await planFor(vivotek, http, { events: [] });
    assert.deepEqual(codes(none.plan.warnings), ['plain-http', 'not-linked']);
  });

  it('takes several recipients only with the separator that the device already holds', async () => {
    const { device, http } = await start();
    const wish = { recipients: ['a@example.test', 'b@example.test'] };
    assert.equal((await planFor(vivotek, http, wish)).plan.impossible?.code, 'too-many-recipients');
    device.parameters.set('server_i1_email_recipientemail', 'x@example.test;y@example.test');
    const { plan } = await planFor(vivotek, http, wish);
    assert.match(plan.writes[0]?.body ?? '', /recipientemail=a%40example\.test%3Bb%40example\.test&/);
    assert.equal(plan.impossible, undefined);
  });

  it('reads port 587 as STARTTLS', async () => {
    const { http } = await start();
    const wish = { security: 'starttls', port: 587 } as const;
    const { camera, plan } = await planFor(vivotek, http, wish);
    await camera.apply(plan, forever);
    assert.deepEqual((await planFor(vivotek, http, { ...wish, writePassword: false })).plan.changes, []);
  });

  it('says that firmware without TLS cannot mail through a server that wants it', async () => {
    const { http } = await start({ withoutSsl: true });
    assert.equal((await planFor(vivotek, http)).plan.impossible?.field, 'security');
  });

  it('gives the old password back when it is known, and clears ours when there was no login', async () => {
    const { device, http } = await start();
    const first = await planFor(vivotek, http);
    await first.camera.apply(first.plan, forever);
    const { reading } = await planFor(vivotek, http);
    const next = await planFor(vivotek, http, { password: new Secret('another-password'), username: 'you@example.test' });
    await next.camera.apply(next.plan, forever);
    await next.camera.restore(reading, new Secret(APP_PASSWORD), forever);
    assert.equal(device.mailPassword, APP_PASSWORD);
    const open = await planFor(vivotek, http, { authentication: false, security: 'none', port: 25 });
    await open.camera.apply(open.plan, forever);
    assert.equal(device.mailPassword, '');
  });

  describe('plain http', () => {
    it('does not carry the password unless the user chose it', async () => {
      const device = new VivotekSimulator(bench.options);
      const { http } = await bench.start(device, { protocol: 'auto' });
      const before = device.documents();
      const { camera, plan } = await planFor(vivotek, http);
      await assert.rejects(camera.apply(plan, forever), failsWith('plain-http'));
      assert.equal(device.documents(), before);
    });

    it('is no matter over https', async () => {
      const certificate = createCertificate({ commonName: 'camera', subjectAltNames: ['IP:127.0.0.1'] });
      const device = new VivotekSimulator({ ...bench.options, certificate, basic: true });
      const { http } = await bench.start(device, { protocol: 'auto' });
      const { camera, plan } = await planFor(vivotek, http);
      await camera.apply(plan, forever);
      assert.deepEqual(codes(plan.warnings), []);
      assert.equal(device.mailPassword, APP_PASSWORD);
    });
  });

  describe('test mail', () => {
    const tested = async (options: Partial<VivotekSimulatorOptions> = {}) => {
      const { device, http } = await start(options);
      const { camera, plan } = await planFor(vivotek, http);
      await camera.apply(plan, forever);
      await camera.read({ events: false }, forever);
      return { device, test: () => camera.sendTestEmail?.(WANTED, forever) };
    };

    it('sends what the device holds, with the password', async () => {
      const { device, test } = await tested();
      assert.deepEqual(await test(), { accepted: true, deviceSays: 'The email has been sent successfully' });
      assert.equal(
        device.server.requests.at(-1)?.path,
        '/cgi-bin/admin/testserver.cgi?type=email&address=smtp.example.test&port=465&sslmode=1&senderemail=me%40example.test' +
          '&recipientemail=first%40example.test&username=me%40example.test&passwd=abcdefghijklmnop',
      );
      assert.deepEqual(bench.mails[0]?.authentication, { username: 'me@example.test', password: APP_PASSWORD });
    });

    it('is inconclusive for anything but a success', async () => {
      bench.mailResult = { ok: false, reply: '535' };
      const { device, test } = await tested();
      assert.deepEqual(await test(), { accepted: undefined, deviceSays: 'Sending the email failed 535' });
      answerAll(device, 200, 'ERROR: Invalid command!\r\n');
      assert.deepEqual(await test(), { accepted: undefined, deviceSays: 'ERROR: Invalid command!' });
      answerAll(device, 404, '');
      assert.deepEqual(await test(), { accepted: undefined, deviceSays: 'HTTP 404' });
    });

    it('never hands characters of a shell to the test page', async () => {
      const { device, http } = await start();
      device.parameters.set('server_i1_email_senderemail', '`reboot`@example.test');
      const { length } = device.server.requests;
      const answer = await vivotek.open(http, 1, IDENTITY).sendTestEmail?.(WANTED, forever);
      assert.deepEqual(answer, { accepted: undefined, deviceSays: '' });
      assert.ok(device.server.requests.slice(length).every(({ path }) => !path.includes('testserver')));
    });
  });

  for (const basic of [false, true]) {
    it(`costs one refused login, however often it is asked: ${basic ? 'Basic' : 'Digest'}`, async () => {
      const { device, http } = await start({ basic }, 'wrong-password');
      for (let count = 0; count < 3; count += 1) await assert.rejects(vivotek.identify(http, forever), failsWith('unauthorized'));
      assert.equal(device.refusedLogins, 1);
    });
  }

  it('says what a user without rights is missing', async () => {
    const { http } = await start({ viewerOnly: true });
    await assert.rejects(planFor(vivotek, http), failsWith('forbidden', 'HTTP 403'));
  });

  it('passes on that the device refused a write', async () => {
    const { device, http } = await start();
    const { camera, plan } = await planFor(vivotek, http);
    device.parameters.delete('server_i1_email_port');
    await assert.rejects(camera.apply(plan, forever), failsWith('rejected', 'ERROR: Invalid command!'));
  });

  describe('hostile answers', () => {
    itSurvivesHostileAnswers({
      driver: vivotek,
      identity: IDENTITY,
      start: () => start(),
      filler: 'a',
      statuses: [
        [404, 'unsupported'],
        [500, 'rejected'],
        [503, 'busy'],
      ],
    });
  });

  it('does not stop the search at a device of another make that wants Basic over plain http', async () => {
    const device = new VivotekSimulator(bench.options);
    const { http } = await bench.start(device, { protocol: 'auto' });
    answerAll(device, 401, '', { 'WWW-Authenticate': 'Basic realm="router"' });
    assert.equal(await vivotek.identify(http, forever), undefined);
    answerAll(device, 401, '', { 'WWW-Authenticate': 'Basic realm="streaming_server"' });
    await assert.rejects(vivotek.identify(http, forever), failsWith('plain-http'));
    answerAll(device, 404, '');
    assert.equal(await vivotek.identify(http, forever), undefined);
  });

  it('never shows a secret', async () => {
    const { http } = await start();
    const { plan } = await planFor(vivotek, http);
    const shown = JSON.stringify([plan.changes, plan.writes.map((write) => write.shown)]);
    assert.ok(!shown.includes(APP_PASSWORD) && !shown.includes(LOGIN.password));
  });
});
