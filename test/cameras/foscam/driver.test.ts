import assert from 'node:assert/strict';
import { changesTo, fitToDevice } from '../../../src/cameras/changes.ts';
import { foscam } from '../../../src/cameras/foscam/driver.ts';
import { isCameraEmailError } from '../../../src/core/errors.ts';
import { Secret } from '../../../src/core/secret.ts';
import { APP_PASSWORD, configure, signal } from '../fixture.ts';
import { type FoscamBench, foscamStarter, wanted } from './fixture.ts';

const CODES = [...Buffer.from(APP_PASSWORD)].join('%2C');
const LOGIN = 'usr=admin&pwd=camera-secret';

describe('foscam', () => {
  const start = foscamStarter();

  const paths = ({ simulator }: FoscamBench) => simulator.server.requests.map(({ path }) => path.replace('/cgi-bin/CGIProxy.fcgi?', ''));

  it('identifies old and new firmware with one login each', async () => {
    const old = await start();
    assert.deepEqual(await foscam.identify(old.http, signal()), {
      vendor: 'foscam',
      brand: 'Foscam',
      model: 'FI9821W+V2',
      firmware: '1.11.1.18',
      serial: '00626E000001',
      name: 'Garage & Hof',
      mac: '00005E005310',
      kind: 'camera',
    });
    assert.deepEqual(paths(old), ['cmd=x', `cmd=getDevInfo&${LOGIN}`]);
    const newer = await start({ form: 'new' });
    assert.deepEqual((await foscam.identify(newer.http, signal()))?.name, 'Garage & Hof');
  });

  it('says undefined of a device that answers otherwise, without ever sending a login', async () => {
    const on = await start();
    const answers: [number, string][] = [
      [200, '<html></html>'],
      [404, ''],
      [401, 'no'],
      [200, '<CGI_Result></CGI_Result>'],
      [200, '<CGI_Result><result>0'],
    ];
    for (const [status, body] of answers) {
      on.simulator.server.intercept = (request, response) => {
        assert.ok(!request.url?.includes('pwd'));
        response.writeHead(status).end(body);
        return true;
      };
      assert.equal(await foscam.identify(on.http, signal()), undefined, `${status} ${body}`);
    }
  });

  it('reads, and plans without a write', async () => {
    const on = await start();
    const device = on.camera();
    const before = on.simulator.documents();
    const reading = await device.read({ events: true }, signal());
    const { password, ...settings } = reading.settings;
    assert.deepEqual(settings, {
      enabled: false,
      server: 'smtp.example.test',
      port: 25,
      security: 'none',
      authentication: true,
      username: 'camera@example.test',
      sender: 'camera@example.test',
      recipients: ['old-owner@example.test', 'guard@example.test'],
      events: ['audio'],
    });
    assert.equal(password?.reveal(), 'the-former-one');
    assert.ok(!JSON.stringify(reading.documents).includes('the-former-one'));
    const capabilities = await device.capabilities(signal());
    assert.deepEqual([capabilities.maxRecipients, capabilities.maxLength?.password, capabilities.events], [4, 16, ['motion', 'audio']]);
    const { writes, warnings } = device.plan(reading, wanted({ events: ['motion', 'audio'], sender: 'me+cam@example.test' }), capabilities);
    assert.deepEqual(warnings, [
      { code: 'plain-http' },
      { code: 'plus-address', params: { value: 'me+cam@example.test' } },
      { code: 'detection-off', params: { value: 'audio' } },
    ]);
    assert.ok(paths(on).every((path) => path.startsWith('cmd=get')));
    assert.equal(on.simulator.documents(), before);
    const shown = JSON.stringify(writes.map((write) => write.shown));
    assert.ok(shown.includes('password=•') && !shown.includes(APP_PASSWORD));
  });

  it('writes all mail parameters at once, changing the wanted ones', async () => {
    const on = await start();
    const before = new Map(on.simulator.smtp);
    const { plan } = await configure(on.camera(), wanted({ recipients: ['GUARD@example.test', 'me@example.test'] }));
    const query =
      'isEnable=1&server=smtp.gmail.com&port=465&tls=1&isNeedAuth=1&user=owner%40example.test' +
      `&password=${APP_PASSWORD}&sender=owner%40example.test&reciever=me%40example.test%2C%2Cguard%40example.test%2C`;
    assert.deepEqual(
      plan.writes.map(({ path }) => path),
      [`/cgi-bin/CGIProxy.fcgi?cmd=setSMTPConfig&${query}`],
    );
    assert.deepEqual(
      paths(on).filter((path) => path.startsWith('cmd=set')),
      [`cmd=setSMTPConfig&${LOGIN}&${query}`],
    );
    before.set('isEnable', '1').set('server', 'smtp.gmail.com').set('port', '465').set('tls', '1').set('user', 'owner@example.test');
    before.set('sender', 'owner@example.test').set('reciever', 'me@example.test,,guard@example.test,');
    assert.deepEqual([...on.simulator.smtp].sort(), [...before].sort());
    assert.equal(on.simulator.mailPassword, APP_PASSWORD);
  });

  it('has nothing left to write, until somebody changes the device or the password', async () => {
    const { simulator, camera } = await start();
    const device = camera();
    const want = { ...wanted({ recipients: ['me@example.test'], events: ['motion'] }) };
    await configure(device, want);
    const calm = { ...want, writePassword: false };
    const { plan } = await configure(device, calm);
    assert.deepEqual([plan.changes, plan.writes], [[], []]);
    simulator.driftServer('smtp.elsewhere.test');
    simulator.mailPassword = 'another-password';
    const { settings } = await device.read({ events: true }, signal());
    assert.deepEqual(changesTo(settings, calm), [
      { field: 'server', from: 'smtp.elsewhere.test', to: 'smtp.gmail.com' },
      { field: 'password', from: '•', to: '•' },
    ]);
  });

  for (const form of ['new', 'mangles'] as const) {
    it(`writes the password as character codes where the older command ${form === 'new' ? 'is not known' : 'spoils it'}`, async () => {
      const on = await start({ form });
      const device = on.camera();
      const { after } = await configure(device, wanted());
      assert.equal(on.simulator.mailPassword, APP_PASSWORD);
      assert.deepEqual(changesTo(after.settings, { ...wanted(), writePassword: false }), []);
      const written = paths(on).filter((path) => path.startsWith('cmd=set'));
      assert.deepEqual(
        written.map((path) => path.split('&')[0]),
        ['cmd=setSMTPConfig', 'cmd=setSMTPConfigNew'],
      );
      assert.ok(written[1]?.includes(`&password=${CODES}&`));
      const { plan } = await configure(device, wanted());
      assert.ok(plan.writes[0]?.path.startsWith(`/cgi-bin/CGIProxy.fcgi?cmd=setSMTPConfigNew&isEnable=1`));
      assert.ok(plan.writes[0]?.shown.path.includes('&password=•&'));
      assert.equal(paths(on).filter((path) => path.startsWith('cmd=set')).length, 3);
    });
  }

  it('links events to mail and leaves all else of an alarm as it is', async () => {
    const { simulator, camera } = await start();
    const device = camera();
    const before = structuredClone(simulator.alarms);
    const { plan, after, before: reading } = await configure(device, wanted({ events: ['motion'] }));
    assert.deepEqual(after.settings.events, ['motion']);
    assert.match(
      plan.writes[1]?.path ?? '',
      /\?cmd=setMotionDetectConfig&isEnable=1&linkage=143&snapInterval=2&sensitivity=1&triggerInterval=5&schedule0=281474976710655&/,
    );
    assert.match(plan.writes[2]?.path ?? '', /\?cmd=setAudioAlarmConfig&isEnable=0&linkage=8&/);
    before.get('MotionDetectConfig')?.set('linkage', '143');
    before.get('AudioAlarmConfig')?.set('linkage', '8');
    assert.deepEqual(simulator.alarms, before);
    const { warnings } = device.plan(reading, wanted({ events: [] }), await device.capabilities(signal()));
    assert.deepEqual(warnings, [{ code: 'plain-http' }, { code: 'not-linked' }]);
  });

  it('finds the alarm command of newer firmware', async () => {
    const { simulator, camera } = await start({ form: 'new' });
    const { after } = await configure(camera(), wanted({ events: ['motion'] }));
    assert.deepEqual(after.settings.events, ['motion']);
    assert.equal(simulator.alarms.get('MotionDetectConfig1')?.get('width1'), '10000');
  });

  it('restores what was there', async () => {
    for (const form of ['old', 'new', 'mangles'] as const) {
      const { simulator, camera } = await start({ form });
      const device = camera();
      const before = simulator.documents();
      const { before: reading } = await configure(device, wanted({ recipients: [], events: ['motion'] }));
      assert.notEqual(simulator.documents(), before);
      await device.restore(reading, undefined, signal());
      assert.deepEqual([simulator.documents(), simulator.mailPassword], [before, 'the-former-one']);
      await configure(device, wanted({ events: ['motion'] }));
      const { password: _never, ...settings } = reading.settings;
      await device.restore(JSON.parse(JSON.stringify({ ...reading, settings })), undefined, signal());
      assert.deepEqual([simulator.documents(), simulator.mailPassword], [before, APP_PASSWORD]);
      await device.restore(reading, new Secret('a-third-one'), signal());
      assert.equal(simulator.mailPassword, 'a-third-one');
    }
  });

  it('never takes a mask for a password', async () => {
    const { simulator, camera } = await start({ masksPassword: true });
    const device = camera();
    const { before } = await configure(device, wanted());
    assert.equal(before.settings.password, undefined);
    assert.equal(simulator.mailPassword, APP_PASSWORD);
    await assert.rejects(device.restore(before, undefined, signal()), (error) => isCameraEmailError(error, 'rejected'));
    assert.equal(simulator.mailPassword, APP_PASSWORD);
  });

  it('warns of what the vendor’s page would not take', async () => {
    const { camera } = await start();
    const device = camera();
    const { settings } = await device.read({ events: false }, signal());
    const fit = fitToDevice(
      wanted({ password: new Secret('longer-than-sixteen'), attachment: 'none' }),
      [],
      settings,
      await device.capabilities(signal()),
    );
    assert.deepEqual(
      fit.warnings.map(({ code }) => code),
      ['value-long', 'attachment-unsupported'],
    );
    assert.equal(fit.impossible, undefined);
  });

  it('has the device test what is wanted, and sends to whom it has saved', async () => {
    const on = await start();
    assert.deepEqual(await on.camera().sendTestEmail?.(wanted(), signal()), { accepted: true, deviceSays: 'testResult 0' });
    assert.equal(
      paths(on).at(-1),
      `cmd=smtpTest&${LOGIN}&smtpServer=smtp.gmail.com&port=465&tls=1&isNeedAuth=1&user=owner%40example.test&password=${APP_PASSWORD}&sender=owner%40example.test`,
    );
    assert.deepEqual(on.mails[0]?.to, ['old-owner@example.test', 'guard@example.test']);
    assert.equal(on.mails[0]?.authentication?.password, APP_PASSWORD);
  });

  for (const [name, options, reply, expected] of [
    ['old firmware', {}, '535 no', { accepted: false, deviceSays: 'testResult -1' }],
    [
      'wrong app password',
      { form: 'new' },
      '535 5.7.8 no',
      { accepted: false, deviceSays: 'testResult 77 no permission (authentication refused): 535 5.7.8 no' },
    ],
    ['unreachable server', { form: 'new' }, 'ECONNREFUSED', { accepted: false, deviceSays: 'testResult 75 cannot connect: ECONNREFUSED' }],
    ['no right to test', { visitor: true }, '', { accepted: undefined, deviceSays: '-3 access denied' }],
  ] as const) {
    it(`says how the test went: ${name}`, async () => {
      const { camera } = await start({ ...options }, { ok: false, reply });
      assert.deepEqual(await camera().sendTestEmail?.(wanted(), signal()), expected);
    });
  }

  it('shows a write that the device forgot', async () => {
    const { simulator, camera } = await start();
    simulator.forgetsWrites = true;
    const { after } = await configure(camera(), wanted());
    assert.ok(changesTo(after.settings, { ...wanted(), writePassword: false }).length > 0);
  });
});
