import assert from 'node:assert/strict';
import type { DeviceIdentity } from '../../../src/cameras/driver.ts';
import { uniview } from '../../../src/cameras/uniview/driver.ts';
import { sample, UniviewSimulator, type UniviewSimulatorOptions, variants } from '../../../src/cameras/uniview/simulator.ts';
import { isCameraEmailError } from '../../../src/core/errors.ts';
import { Secret } from '../../../src/core/secret.ts';
import { APP_PASSWORD, answerAll, codes, failsWith, forever, planFor, useBench, WANTED } from '../fixture.ts';
import { itSurvivesHostileAnswers } from '../hostile.ts';

const IDENTITY: DeviceIdentity = { vendor: 'uniview', brand: '', model: '', firmware: '', serial: '', kind: 'camera' };
const EMAIL = '/LAPI/V1.0/Channel/0/NetWork/Email';
const TEST = '/LAPI/V1.0/NetWork/Email/Test';
const MOTION = '/LAPI/V1.0/Channels/0/Alarm/MotionDetection/LinkageActions';
const AUDIO = '/LAPI/V1.0/Channels/0/Alarm/AudioDetection/LinkageActions';

describe('uniview', () => {
  const bench = useBench();

  const start = (options: Partial<UniviewSimulatorOptions> = {}, password?: string) =>
    bench.start(new UniviewSimulator({ ...bench.options, ...options }), {}, { password });

  it('identifies a camera with one login', async () => {
    const { device, http } = await start();
    assert.deepEqual(await uniview.identify(http, forever), {
      vendor: 'uniview',
      brand: 'UNIVIEW',
      model: 'IPC3615SR3-DPF36',
      firmware: 'IPC_G6202-B5017P12',
      serial: '210235TESTX0000001',
      name: undefined,
      mac: '00:00:5e:00:53:42',
      kind: 'camera',
    });
    assert.equal(device.guard.counts.accepted, 1);
  });

  for (const { name, create } of variants) {
    it(`identifies, sets up, tests and restores: ${name}`, async () => {
      const { device, http } = await bench.start(create(bench.options));
      const before = device.documents();
      const first = await planFor(uniview, http, { events: ['motion'] });
      assert.equal(device.server.writes().length, 0);
      await first.camera.apply(first.plan, forever);
      assert.equal(device.mailPassword, APP_PASSWORD);
      assert.notEqual(device.documents(), before);
      const second = await planFor(uniview, http, { events: ['motion'], writePassword: false });
      assert.deepEqual([second.plan.changes, second.plan.writes], [[], []]);
      assert.deepEqual(await second.camera.sendTestEmail?.(WANTED, forever), { accepted: true, deviceSays: '0 Succeed' });
      await second.camera.restore(first.reading, undefined, forever);
      assert.equal(device.documents(), before);
      device.driftServer('other.example.test');
      const drifted = await planFor(uniview, http, { writePassword: false });
      assert.deepEqual(
        drifted.plan.changes.find(({ field }) => field === 'server'),
        { field: 'server', from: 'other.example.test', to: 'smtp.example.test' },
      );
    });
  }

  it('writes the whole object with what is wanted in it', async () => {
    const { device, http } = await start();
    const { camera, plan } = await planFor(uniview, http, { senderName: 'Yard', attachment: 'snapshot', minInterval: 5 });
    await camera.apply(plan, forever);
    const [write] = device.server.writes();
    const { RSAPublicKey, PIN, ...email } = JSON.parse(write?.body ?? '') as Record<string, unknown>;
    assert.deepEqual(email, {
      SenderInfo: { Name: 'Yard', Address: 'me@example.test' },
      ServerIPAddress: 'smtp.example.test',
      ServerPort: 465,
      SSL: 1,
      AttachmentInterval: 5,
      AttachmentType: 1,
      ServerAuth: 1,
      LoginName: 'me@example.test',
      RecipientInfo: {
        Recipients: [
          { Name: 'first', Address: 'first@example.test' },
          { Name: '', Address: '' },
          { Name: '', Address: '' },
        ],
      },
    });
    assert.deepEqual([write?.method, write?.path, Object.keys(RSAPublicKey as object)], ['PUT', EMAIL, ['RSAPublicKeyE', 'RSAPublicKeyN']]);
    assert.equal(Buffer.from(String(PIN), 'base64').length, 128);
    assert.equal(plan.writes.length, 1);
    assert.deepEqual(codes(plan.warnings), ['encrypted-write-doubt']);
    assert.match(plan.writes[0]?.shown.body ?? '', /"PIN":"•"/);
  });

  it('keeps members that it does not know, names of recipients, and the type of values', async () => {
    const { device, http } = await start();
    device.email = { ...device.email, ServerPort: '25', Unknown: { a: [1, null] } };
    const { camera, plan } = await planFor(uniview, http, { recipients: ['new@example.test', 'Guard@example.test'], port: 465 });
    await camera.apply(plan, forever);
    const { ServerPort, Unknown, RecipientInfo } = device.email;
    assert.deepEqual([ServerPort, Unknown], ['465', { a: [1, null] }]);
    assert.deepEqual(RecipientInfo, {
      Recipients: [
        { Name: 'new', Address: 'new@example.test' },
        { Name: 'Guard', Address: 'Guard@example.test' },
        { Name: '', Address: '' },
      ],
    });
  });

  it('sends no password when only other settings change', async () => {
    const { device, http } = await start();
    const first = await planFor(uniview, http);
    await first.camera.apply(first.plan, forever);
    const { camera, plan } = await planFor(uniview, http, { writePassword: false, recipients: ['other@example.test'] });
    assert.ok(!plan.writes[0]?.body?.includes('PIN'));
    await camera.apply(plan, forever);
    assert.equal(device.mailPassword, APP_PASSWORD);
  });

  it('says before any write that a device without a key cannot take the password', async () => {
    const { http } = await start({ withoutKey: true });
    const { plan } = await planFor(uniview, http);
    assert.deepEqual(plan.impossible, { field: 'password', code: 'no-password-key' });
    const open = await planFor(uniview, http, { authentication: false, writePassword: false });
    assert.equal(open.plan.impossible, undefined);
  });

  it('encrypts anew when the device has made itself a new key', async () => {
    const { device, http } = await start();
    const { camera, plan } = await planFor(uniview, http);
    device.changeKey();
    await camera.apply(plan, forever);
    assert.equal(device.mailPassword, APP_PASSWORD);
    assert.equal(device.server.writes().length, 2);
    device.changeKey();
    assert.equal((await camera.sendTestEmail?.(WANTED, forever))?.accepted, true);
  });

  it('offers TLS from the start in place of STARTTLS', async () => {
    const { http } = await start();
    const { plan } = await planFor(uniview, http, { security: 'starttls', port: 587 });
    assert.deepEqual(codes(plan.warnings), ['no-starttls', 'encrypted-write-doubt']);
    assert.deepEqual(
      plan.changes.find(({ field }) => field === 'port'),
      { field: 'port', from: 25, to: 465 },
    );
  });

  it('links and unlinks events, other actions as they are', async () => {
    const { device, http } = await start();
    const { camera, plan } = await planFor(uniview, http, { events: ['motion', 'person'] });
    assert.deepEqual(
      plan.writes.slice(1).map(({ method, path, body }) => [method, path, body]),
      [
        [
          'PUT',
          MOTION,
          '{"ActNum":3,"AlarmActCfg":[{"ActCmd":0,"ActID":0,"AlarmParam":3},{"ActCmd":101,"ActID":101},{"ActCmd":105,"ActID":105}]}\r\n',
        ],
        ['PUT', AUDIO, '{"ActNum":0,"AlarmActCfg":[]}\r\n'],
      ],
    );
    assert.ok(codes(plan.warnings).includes('event-not-available'));
    await camera.apply(plan, forever);
    const second = await planFor(uniview, http, { events: ['motion'], writePassword: false });
    assert.deepEqual(second.plan.changes, []);
    const none = await planFor(uniview, http, { events: [], writePassword: false });
    assert.ok(codes(none.plan.warnings).includes('not-linked'));
    assert.equal(device.server.requests.filter(({ path }) => path.includes('TamperDetection')).length > 0, true);
  });

  it('leaves the upload to FTP when an action that does both is unlinked', async () => {
    const { device, http } = await start({ generation: 'channels' });
    const { camera, plan } = await planFor(uniview, http, { events: ['motion'] });
    await camera.apply(plan, forever);
    assert.deepEqual(device.linkages[MOTION], {
      Num: 2,
      Actions: [{ ActID: 5, ActParam: { Num: 1, IDs: [1] } }, { ActID: 12 }],
    });
    assert.deepEqual(device.linkages[MOTION.replace('Motion', 'Tamper')], { Num: 1, Actions: [{ ActID: 11 }] });
  });

  it('asks once more on a new connection when a kept one refuses every PUT', async () => {
    const { device, http } = await start({ refusesKeptConnections: true });
    const { camera, plan } = await planFor(uniview, http);
    await camera.apply(plan, forever);
    assert.equal(device.mailPassword, APP_PASSWORD);
  });

  it('restores the password that belongs to the old settings', async () => {
    const { device, http } = await start();
    const first = await planFor(uniview, http);
    await first.camera.apply(first.plan, forever);
    const { reading } = await planFor(uniview, http);
    const next = await planFor(uniview, http, { password: new Secret('another-password'), username: 'you@example.test' });
    await next.camera.apply(next.plan, forever);
    await next.camera.restore(reading, new Secret(APP_PASSWORD), forever);
    assert.equal(device.mailPassword, APP_PASSWORD);
    assert.equal(device.email.LoginName, 'me@example.test');
  });

  describe('test mail', () => {
    const tested = async () => {
      const { device, http } = await start();
      const first = await planFor(uniview, http);
      await first.camera.apply(first.plan, forever);
      await first.camera.read({ events: false }, forever);
      return { device, test: () => first.camera.sendTestEmail?.(WANTED, forever) };
    };

    it('sends what the device holds, with the password', async () => {
      const { device, test } = await tested();
      await test();
      const { path, body } = device.server.writes().at(-1) ?? { path: '', body: '' };
      assert.equal(path, TEST);
      assert.match(body, /^\{"SenderInfo":.*"RSAPublicKey":\{.*\},"PIN":"[\w+/=]+"\}\r\n$/);
      const [mail] = bench.mails;
      assert.deepEqual([mail?.host, mail?.port, mail?.security, mail?.to], ['smtp.example.test', 465, 'tls', ['first@example.test']]);
      assert.deepEqual(mail?.authentication, { username: 'me@example.test', password: APP_PASSWORD });
    });

    for (const [reply, code, meaning] of [
      ['ECONNREFUSED', 767, 'mail server error'],
      ['535 5.7.8 Username and Password not accepted', 768, 'the mail server refused the login'],
      ['552 too big', 769, 'sending failed'],
    ] as const) {
      it(`tells what went wrong: ${code}`, async () => {
        bench.mailResult = { ok: false, reply };
        const { test } = await tested();
        assert.deepEqual(await test(), { accepted: false, deviceSays: `${code} Common Error (${meaning})` });
      });
    }

    it('is inconclusive where the device does not say that the mail failed', async () => {
      const { device, test } = await tested();
      for (const [status, body, deviceSays] of [
        [404, '<html>', 'HTTP 404'],
        [200, '{"Response":{"ResponseCode":1,"StatusCode":487,"StatusString":"Not Supported"}}', '487 Not Supported'],
        [200, '{"Response":{"ResponseCode":3,"StatusCode":0,"ResponseString":"Not Authorized"}}', '3 Not Authorized'],
      ] as const) {
        answerAll(device, status, body);
        assert.deepEqual(await test(), { accepted: undefined, deviceSays });
      }
    });
  });

  for (const challengeOn200 of [false, true]) {
    describe(challengeOn200 ? 'a login asked for with status 200' : 'a login asked for with status 401', () => {
      it('costs one refused login, however often it is asked', async () => {
        const { device, http } = await start({ challengeOn200 }, 'wrong-password');
        for (let count = 0; count < 3; count += 1) await assert.rejects(uniview.identify(http, forever), failsWith('unauthorized'));
        assert.equal(device.refusedLogins, 1);
      });

      it('leaves a locked account alone', async () => {
        const { device, http } = await start({ challengeOn200, lockAfter: 1 }, 'wrong-password');
        await assert.rejects(uniview.identify(http, forever), failsWith('locked-out', '364 Common Error'));
        const { refusedLogins } = device;
        await assert.rejects(uniview.identify(http, forever), failsWith('locked-out'));
        assert.equal(device.refusedLogins, refusedLogins);
      });

      it('goes on with a new nonce when the device drops the old one', async () => {
        const { device, http } = await start({ challengeOn200, requestsPerNonce: 2 });
        const { camera, plan } = await planFor(uniview, http, { events: ['motion'] });
        await camera.apply(plan, forever);
        assert.equal(device.mailPassword, APP_PASSWORD);
        assert.equal(device.refusedLogins, 0);
      });
    });
  }

  describe('hostile answers', () => {
    itSurvivesHostileAnswers({
      driver: uniview,
      identity: IDENTITY,
      start: () => start(),
      filler: ' ',
      statuses: [
        [403, 'forbidden'],
        [404, 'unsupported'],
        [500, 'rejected'],
        [503, 'busy'],
      ],
    });

    for (const data of [
      'null',
      '[]',
      '"text"',
      '{}',
      '{"ServerIPAddress":7}',
      '{"ServerIPAddress":"a","RecipientInfo":{"Recipients":[null,7]}}',
    ]) {
      it(`never crash: Data ${data}`, async () => {
        const { device, http } = await start();
        answerAll(device, 200, `{"Response":{"ResponseCode":0,"StatusCode":0,"Data":${data}}}`);
        await uniview
          .open(http, 1, IDENTITY)
          .read({ events: true }, forever)
          .then(
            ({ settings }) => assert.equal(settings.port, undefined),
            (error) => assert.ok(isCameraEmailError(error, 'unreadable')),
          );
      });
    }
  });

  it('takes a device that has never heard of LAPI for another make, without a login', async () => {
    const { device, http } = await start();
    answerAll(device, 404, '');
    assert.equal(await uniview.identify(http, forever), undefined);
  });

  it('removes passwords that a device might tell', async () => {
    const { device, http } = await start();
    answerAll(
      device,
      200,
      `{"Response":{"ResponseCode":0,"StatusCode":0,"Data":{"PIN":"top-secret","Password":"a\\"b", ${sample('email.json').slice(1).trim()}}}`,
    );
    const { documents } = await uniview.open(http, 1, IDENTITY).read({ events: false }, forever);
    assert.match(documents[0]?.body ?? '', /"PIN":"","Password":"", "SenderInfo"/);
  });
});
