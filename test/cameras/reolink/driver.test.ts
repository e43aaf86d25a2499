import assert from 'node:assert/strict';
import { changesTo } from '../../../src/cameras/changes.ts';
import { reolink } from '../../../src/cameras/reolink/driver.ts';
import { isCameraEmailError } from '../../../src/core/errors.ts';
import { APP_PASSWORD, configure, signal } from '../fixture.ts';
import { reolinkStarter, wanted } from './fixture.ts';

const ALWAYS = '1'.repeat(168);
const NEVER = '0'.repeat(168);

describe('reolink', () => {
  const start = reolinkStarter();

  it('identifies a camera, a recorder and an old camera, and leaves no session behind', async () => {
    const expected = {
      camera: { model: 'RLC-810A', firmware: 'v3.1.0.1162_22110714', kind: 'camera', name: 'Hoftür' },
      recorder: { model: 'RLN8-410', firmware: 'v3.3.0.226_23031644', kind: 'recorder', name: 'Warehouse' },
      old: { model: 'RLC-411WS', firmware: 'v2.0.0.1280_17110804', kind: 'camera', name: 'Gate' },
    } as const;
    for (const kind of ['camera', 'recorder', 'old'] as const) {
      const { http, simulator } = await start({ kind, tokens: kind !== 'old' });
      assert.deepEqual(await reolink.identify(http, signal()), { vendor: 'reolink', brand: 'Reolink', serial: '', ...expected[kind] });
      assert.equal(simulator.tokens.size, 0);
      assert.equal(simulator.poisoned, false);
    }
  });

  it('says undefined of a device that answers otherwise, without ever sending a login', async () => {
    const { http, simulator } = await start();
    const answers: [number, string][] = [
      [200, '<html></html>'],
      [404, ''],
      [401, 'no'],
      [200, '{"cmd":1}'],
      [200, '[]'],
      [302, ''],
    ];
    for (const [status, body] of answers) {
      simulator.server.intercept = (request, response) => {
        request.resume().on('end', () => response.writeHead(status, status === 302 ? { Location: '/login.html' } : {}).end(body));
        return true;
      };
      assert.equal(await reolink.identify(http, signal()), undefined, `${status} ${body}`);
    }
    assert.equal(simulator.logins, 0);
  });

  it('reads, and plans without a write', async () => {
    const { simulator, camera } = await start();
    const device = camera();
    const before = simulator.documents();
    const reading = await device.read({ events: true }, signal());
    assert.deepEqual(reading.settings, {
      enabled: false,
      server: 'smtp.example.test',
      port: 587,
      security: 'starttls',
      username: 'camera@example.test',
      senderName: 'Hoftür',
      recipients: ['old-owner@example.test', 'guard@example.test'],
      attachment: 'snapshot',
      minInterval: 300,
      events: ['motion', 'person'],
    });
    assert.deepEqual(
      reading.documents.map(({ path }) => path),
      ['/cgi-bin/api.cgi?cmd=GetEmailV20'],
    );
    assert.ok(!reading.documents[0]?.body.includes('******'));
    const capabilities = await device.capabilities(signal());
    assert.deepEqual(
      [capabilities.maxRecipients, capabilities.intervals, capabilities.attachments, capabilities.events],
      [3, [30, 60, 300, 600, 1800], ['none', 'snapshot', 'clip'], ['animal', 'motion', 'person', 'vehicle']],
    );
    assert.deepEqual([capabilities.limitsFromDevice, capabilities.maxLength?.password], [true, 127]);
    const { writes } = device.plan(reading, wanted({ recipients: ['me@example.test'] }), capabilities);
    assert.deepEqual(simulator.commands(), ['Login', 'GetAbility', 'GetEmailV20']);
    assert.equal(simulator.documents(), before);
    assert.ok(!JSON.stringify(writes.map(({ shown }) => shown)).includes(APP_PASSWORD));
  });

  it('writes the changed fields and the password, and nothing else', async () => {
    const { simulator, camera } = await start();
    const want = wanted({ recipients: ['GUARD@example.test', 'me@example.test'], senderName: 'Hoftür' });
    const { plan, after, before } = await configure(camera(), want);
    const [write] = plan.writes;
    assert.equal(plan.writes.length, 1);
    assert.equal(write?.path, '/cgi-bin/api.cgi?cmd=SetEmailV20');
    assert.equal(
      write?.body,
      `[{"cmd":"SetEmailV20","action":0,"param":{"Email":{"addr1":"me@example.test","enable":1,"smtpPort":465,"smtpServer":"smtp.gmail.com","userName":"owner@example.test","password":"${APP_PASSWORD}"}}}]`,
    );
    assert.equal(write?.shown.body, write?.body?.replace(APP_PASSWORD, '•'));
    const sent = simulator.server.requests.find(({ path }) => path.includes('cmd=SetEmailV20'));
    assert.deepEqual([sent?.path, sent?.body], ['/cgi-bin/api.cgi?cmd=SetEmailV20&token=42da7586d7b81', write?.body]);
    assert.equal(simulator.mailPassword, APP_PASSWORD);
    const expected = (before.documents[0]?.body ?? '').split('"value"');
    expected[1] = expected[1]
      ?.replace('"addr1": "old-owner@example.test"', '"addr1": "me@example.test"')
      .replace('"enable": 0', '"enable": 1')
      .replace('"smtpPort": 587', '"smtpPort": 465')
      .replace('"smtpServer": "smtp.example.test"', '"smtpServer": "smtp.gmail.com"')
      .replace('"userName": "camera@example.test"', '"userName": "owner@example.test"') as string;
    assert.equal(after.documents[0]?.body, expected.join('"value"'));
  });

  it('has nothing left to write, until somebody changes the device', async () => {
    const { simulator, camera } = await start();
    const device = camera();
    const want = wanted({ recipients: ['me@example.test'], attachment: 'clip', minInterval: 60, events: ['motion', 'vehicle'] });
    await configure(device, want);
    const calm = { ...want, writePassword: false };
    const again = await configure(device, calm);
    assert.deepEqual([again.plan.changes, again.plan.writes], [[], []]);
    simulator.driftServer('smtp.elsewhere.test');
    const { settings } = await device.read({ events: true }, signal());
    assert.deepEqual(changesTo(settings, calm), [{ field: 'server', from: 'smtp.elsewhere.test', to: 'smtp.gmail.com' }]);
  });

  it('sends every table of a schedule, and keeps the hours of an event that has some', async () => {
    const { simulator, camera } = await start();
    const { plan } = await configure(camera(), wanted({ enabled: false, events: ['person', 'animal'] }));
    const { Email } = JSON.parse(plan.writes[0]?.body ?? '')[0].param;
    assert.deepEqual(Object.keys(Email.schedule.table), ['AI_DOG_CAT', 'AI_PEOPLE', 'AI_VEHICLE', 'MD']);
    const { table } = JSON.parse(simulator.documents()).channels[0].schedule;
    const officeHours = `${'0'.repeat(8)}${'1'.repeat(10)}${'0'.repeat(6)}`.repeat(7);
    assert.deepEqual(table, { AI_DOG_CAT: ALWAYS, AI_PEOPLE: officeHours, AI_VEHICLE: NEVER, MD: NEVER });
  });

  it('gives a recorder one mail account and each channel its own schedule', async () => {
    const { simulator, camera } = await start({ kind: 'recorder', maxSessions: 2 });
    await configure(camera(2), wanted({ events: ['vehicle'], channel: 2 }));
    const stored = JSON.parse(simulator.documents());
    assert.equal(stored.smtpServer, 'smtp.gmail.com');
    assert.equal(stored.diskFullAlert, 1);
    assert.deepEqual(stored.channels[0].schedule.table, { AI_PEOPLE: NEVER, AI_VEHICLE: NEVER, MD: ALWAYS, VL: NEVER });
    assert.deepEqual(stored.channels[1].schedule.table, { AI_PEOPLE: NEVER, AI_VEHICLE: ALWAYS, MD: NEVER, VL: NEVER });
    await assert.rejects(camera(7).read({ events: false }, signal()), (error) => isCameraEmailError(error, 'bad-input'));
  });

  it('switches one channel of a recorder off, and the master switch only where there is no other', async () => {
    const { simulator, camera } = await start({ kind: 'recorder' });
    await configure(camera(1), wanted());
    const { plan, after } = await configure(camera(2), wanted({ enabled: false, writePassword: false, channel: 2 }));
    assert.match(plan.writes[0]?.body ?? '', /"Email":\{"scheduleEnable":0,"schedule":\{"channel":1,"table":\{/);
    assert.equal(after.settings.enabled, false);
    const stored = JSON.parse(simulator.documents());
    assert.deepEqual([stored.enable, stored.channels[0].scheduleEnable, stored.channels[1].scheduleEnable], [1, 1, 0]);
  });

  it('speaks the old form in a short session', async () => {
    const { simulator, camera } = await start({ kind: 'old', tokens: false });
    const device = camera();
    const { plan, after, before } = await configure(device, wanted({ attachment: 'none', minInterval: 30, events: [] }));
    assert.equal(
      plan.writes[0]?.body,
      `[{"cmd":"SetEmail","action":0,"param":{"Email":{"attachment":"no","interval":"30 Seconds","schedule":{"enable":1,"table":"${NEVER}"},"smtpServer":"smtp.gmail.com","userName":"owner@example.test","password":"${APP_PASSWORD}"}}}]`,
    );
    assert.deepEqual(
      plan.warnings.map(({ code }) => code),
      ['plain-http', 'schedule-empty'],
    );
    const sent = simulator.server.requests.find(({ path }) => path.includes('cmd=SetEmail'));
    assert.equal(sent?.path, '/cgi-bin/api.cgi?cmd=SetEmail&user=admin&password=camera-secret');
    assert.deepEqual([after.settings.events, after.settings.enabled], [[], true]);
    await device.restore(before, undefined, signal());
    assert.deepEqual((await device.read({ events: true }, signal())).documents, before.documents);
    await device.close?.(signal());
    assert.ok(!simulator.commands().includes('Logout'));
  });

  for (const [scheduleVersion, kind, expected] of [
    [1, 'old', ['GetEmailV20', 'GetEmail']],
    [0, 'camera', ['GetEmail', 'GetEmailV20']],
    [null, 'old', ['GetEmailV20', 'GetEmail']],
  ] as const) {
    it(`finds the form by asking when the ability says ${scheduleVersion} of ${kind === 'old' ? 'old' : 'new'} firmware`, async () => {
      const { simulator, camera } = await start({ kind, scheduleVersion });
      await camera().read({ events: false }, signal());
      assert.deepEqual(simulator.commands().slice(2), expected);
    });
  }

  it('restores what was there, with the password that belongs to it', async () => {
    for (const kind of ['camera', 'recorder', 'old'] as const) {
      const { simulator, camera } = await start({ kind });
      const device = camera();
      const before = simulator.documents();
      const want = wanted({ recipients: [], attachment: 'none', minInterval: 1800, senderName: 'x', events: ['motion'] });
      const { before: reading } = await configure(device, want);
      assert.notEqual(simulator.documents(), before);
      await device.restore(JSON.parse(JSON.stringify(reading)), wanted().password, signal());
      assert.equal(simulator.documents(), before);
      assert.equal(simulator.mailPassword, APP_PASSWORD);
      await device.restore(reading, undefined, signal());
      assert.equal(simulator.mailPassword, APP_PASSWORD);
    }
  });

  it('says before a write what one SSL switch and one address cannot hold', async () => {
    const { camera } = await start();
    const device = camera();
    const reading = await device.read({ events: false }, signal());
    const capabilities = await device.capabilities(signal());
    const plan = (more: object) => device.plan(reading, wanted(more), capabilities);
    assert.equal(plan({ security: 'starttls', port: 587 }).impossible, undefined);
    for (const more of [
      { security: 'starttls', port: 2525 },
      { security: 'tls', port: 587 },
    ]) {
      assert.deepEqual(plan(more).impossible?.field, 'security');
    }
    assert.deepEqual(plan({ sender: 'alarm@example.test' }).warnings, [
      { code: 'plain-http' },
      { code: 'sender-is-username', params: { value: 'owner@example.test' } },
    ]);
  });

  it('has the device test what is wanted, before or after it is saved', async () => {
    const { simulator, camera, mails } = await start();
    const before = simulator.documents();
    assert.deepEqual(await camera().sendTestEmail?.(wanted(), signal()), { accepted: true, deviceSays: '(200)' });
    const sent = simulator.server.requests.at(-1);
    assert.equal(
      sent?.body,
      `[{"cmd":"TestEmail","action":0,"param":{"Email":{"addr1":"old-owner@example.test","addr2":"","addr3":"guard@example.test","interval":"5 Minutes","nickName":"Hoftür","smtpPort":465,"smtpServer":"smtp.gmail.com","ssl":1,"userName":"owner@example.test","password":"${APP_PASSWORD}"}}}]`.replace(
        'ü',
        'Ã¼',
      ),
    );
    assert.equal(simulator.documents(), before);
    const [{ to, authentication, security } = {} as (typeof mails)[number]] = mails;
    assert.deepEqual([to, authentication?.password, security], [['old-owner@example.test', 'guard@example.test'], APP_PASSWORD, 'tls']);
  });

  for (const [name, options, reply, expected] of [
    ['wrong app password', {}, '535 5.7.8 BadCredentials', { accepted: false, deviceSays: 'test email failed (-482 email auth failed)' }],
    ['unreachable server', {}, 'ECONNREFUSED', { accepted: false, deviceSays: 'test email failed (-481 email connect failed)' }],
    ['server that refuses', {}, '550 5.7.1', { accepted: false, deviceSays: 'test email failed (-484 email server error)' }],
    ['old firmware', { kind: 'old' }, '550 5.7.1', { accepted: false, deviceSays: 'test failed (-100 test failed)' }],
    ['no test at all', { tests: false }, '', { accepted: undefined, deviceSays: 'not support (-9)' }],
  ] as const) {
    it(`says how the test went: ${name}`, async () => {
      const { camera } = await start({ ...options }, { ok: false, reply });
      assert.deepEqual(await camera().sendTestEmail?.(wanted(), signal()), expected);
    });
  }

  it('sends no test to nobody', async () => {
    const { camera } = await start({ kind: 'recorder' });
    await assert.rejects(camera().sendTestEmail?.(wanted(), signal()) ?? Promise.resolve(), (error) =>
      isCameraEmailError(error, 'bad-input'),
    );
  });

  it('reports a user without rights and a value that is too long', async () => {
    const reader = await start({ mayWrite: false });
    await assert.rejects(
      configure(reader.camera(), wanted()),
      (error) => isCameraEmailError(error, 'forbidden') && error.deviceSays === 'ability error (-26)',
    );
    const { camera } = await start();
    await assert.rejects(
      configure(camera(), wanted({ senderName: 'x'.repeat(128) })),
      (error) => isCameraEmailError(error, 'rejected') && error.deviceSays === 'string exceeds the length limit (-22)',
    );
  });

  it('shows a write that the device forgot', async () => {
    const { simulator, camera } = await start();
    simulator.forgetsWrites = true;
    const { after } = await configure(camera(), wanted());
    assert.ok(changesTo(after.settings, { ...wanted(), writePassword: false }).length > 0);
  });
});
