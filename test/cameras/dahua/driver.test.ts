import assert from 'node:assert/strict';
import { dahua } from '../../../src/cameras/dahua/driver.ts';
import { sample } from '../../../src/cameras/dahua/simulator.ts';
import { Secret } from '../../../src/core/secret.ts';
import { signal } from '../fixture.ts';
import { DEVICES, dahuaStarter, differences, gmail, planFor } from './fixture.ts';

const kinds = [
  { kind: 'camera' as const },
  { kind: 'recorder' as const, masksPassword: true, closes: true },
  { kind: 'amcrest' as const, masksPassword: true, rawBracketsOnly: true, resetsMotion: true },
];

describe('dahua driver', () => {
  const start = dahuaStarter();

  it('recognizes a device by its challenge and reads its identity with one request that carries a login', async () => {
    const { simulator, http } = await start();
    assert.deepEqual(await dahua.identify(http, signal()), DEVICES.camera);
    assert.equal(simulator.guard.counts.accepted, 1);
    assert.deepEqual(
      simulator.server.requests.map(({ path }) => path),
      Array(3).fill('/cgi-bin/magicBox.cgi?action=getSystemInfo'),
    );
  });

  it('takes a recorder’s model from updateSerial, because deviceType is a number', async () => {
    const { http } = await start({ kind: 'recorder' });
    assert.deepEqual(await dahua.identify(http, signal()), DEVICES.recorder);
  });

  it('tells firmware, name and vendor of an opened device, and does without what an Amcrest refuses', async () => {
    const dahuaCamera = await start();
    const told = await dahuaCamera.camera.identity(signal());
    assert.deepEqual([told.firmware, told.name, told.brand], ['2.800.0000000.21.R,build:2024-03-11', 'FrontDoor', 'Dahua']);
    const amcrest = await start({ kind: 'amcrest' });
    const other = await amcrest.camera.identity(signal());
    assert.deepEqual([other.model, other.brand, other.kind], ['IP4M-1041B', 'Dahua', 'camera']);
  });

  it('reads the settings in our words', async () => {
    const { camera } = await start();
    const { settings } = await camera.read({ events: true }, signal());
    const { password, ...rest } = settings;
    assert.equal(password?.reveal(), 'old-mail-password');
    assert.deepEqual(rest, {
      enabled: true,
      server: 'mail.example.test',
      port: 25,
      security: 'none',
      authentication: true,
      username: 'alarm@example.test',
      sender: 'alarm@example.test',
      recipients: ['guard@example.test'],
      attachment: 'snapshot',
      minInterval: 0,
      subject: 'Haus & Hof = Süd',
      events: ['line-crossing'],
    });
  });

  it('keeps the device’s own tables as the backup, without the password that it told in clear', async () => {
    const { camera, simulator } = await start();
    const { documents } = await camera.read({ events: false }, signal());
    const email = simulator
      .documents()
      .split('\r\n')
      .filter((line) => line.startsWith('table.Email.'));
    const expected = `${email.join('\r\n')}\r\n`.replace('Email.Password=', 'Email.Password=******');
    assert.equal(documents.length, 1);
    assert.equal(Buffer.from(documents[0]?.body ?? '', 'latin1').toString('utf8'), expected);
    assert.ok(!JSON.stringify(documents).includes('old-mail-password'));
  });

  it('never takes a mask for a password', async () => {
    const { camera } = await start({ kind: 'recorder', masksPassword: true });
    assert.equal((await camera.read({ events: false }, signal())).settings.password, undefined);
  });

  it('plans without writing, and shows the literal requests with bullets', async () => {
    const { camera, simulator } = await start();
    const before = simulator.documents();
    const { plan } = await planFor(camera, gmail({ minInterval: 60 }));
    assert.equal(simulator.documents(), before);
    assert.ok(simulator.server.requests.every(({ path }) => !path.includes('setConfig')));
    const path = (password: string) =>
      '/cgi-bin/configManager.cgi?action=setConfig&Email.Address=smtp.example.test' +
      `&Email.Password=${password}&Email.Port=465&Email.Receivers[0]=me%40example.test` +
      '&Email.SendAddress=me%40example.test&Email.SendInterv=60&Email.SslEnable=true&Email.TlsEnable=false&Email.UserName=me%40example.test';
    assert.deepEqual(plan.writes, [{ method: 'GET', path: path('abcdefghijklmnop'), shown: { path: path('•') } }]);
    assert.deepEqual(plan.warnings, [{ code: 'plain-http' }]);
  });

  it('hides a password that is percent-encoded in the request', async () => {
    const { camera } = await start();
    const { plan } = await planFor(camera, gmail({ password: new Secret('p&ss w=rd+#%') }));
    assert.match(plan.writes[0]?.path ?? '', /&Email\.Password=p%26ss%20w%3Drd%2B%23%25&/);
    assert.match(plan.writes[0]?.shown.path ?? '', /&Email\.Password=•&/);
  });

  for (const options of kinds) {
    it(`changes exactly what is wanted, finds nothing left to do, and restores the old state (${options.kind})`, async () => {
      const { camera, simulator } = await start(options);
      const before = simulator.documents();
      const wanted = gmail({ minInterval: 300, attachment: 'snapshot', recipients: ['me@example.test', 'you+cam@example.test'] });
      const { reading, plan } = await planFor(camera, wanted);
      assert.deepEqual(await camera.apply(plan, signal()), []);
      const changed = differences(before, simulator.documents()).map((line) => line.split(':')[0] ?? '');
      assert.ok(
        changed.every((key) => key.startsWith('Email.')),
        changed.join(),
      );
      assert.equal(simulator.config.get('Email.Title'), /Title=(.*)\r/.exec(sample(`config-${options.kind}.txt`))?.[1]);
      assert.equal(simulator.mailPassword, 'abcdefghijklmnop');

      const again = await planFor(camera, { ...wanted, writePassword: false });
      assert.deepEqual([again.plan.changes, again.plan.writes], [[], []]);
      assert.deepEqual(again.reading.settings.recipients, ['me@example.test', 'you+cam@example.test']);

      await camera.restore(reading, new Secret('old-mail-password'), signal());
      assert.equal(simulator.documents(), before);
      assert.equal(simulator.mailPassword, 'old-mail-password');
    });
  }

  it('restores without a password when nobody knows it, and never writes the mask', async () => {
    const { camera, simulator } = await start({ kind: 'recorder', masksPassword: true });
    const { reading, plan } = await planFor(camera, gmail());
    await camera.apply(plan, signal());
    await camera.restore(reading, undefined, signal());
    assert.equal(simulator.mailPassword, 'abcdefghijklmnop');
    assert.deepEqual((await camera.read({ events: false }, signal())).settings, reading.settings);
  });

  it('sees a server that was changed behind our back', async () => {
    const { camera, simulator } = await start({ kind: 'amcrest', masksPassword: true });
    await camera.apply((await planFor(camera, gmail())).plan, signal());
    simulator.driftServer('elsewhere.example.test');
    const { plan } = await planFor(camera, gmail({ writePassword: false }));
    assert.deepEqual(plan.changes, [{ field: 'server', from: 'elsewhere.example.test', to: 'smtp.example.test' }]);
  });

  it('keeps a recipient in its slot and empties the slots left over', async () => {
    const { camera, simulator } = await start();
    await camera.apply(
      (await planFor(camera, gmail({ recipients: ['guard@example.test', 'b@example.test', 'c@example.test'] }))).plan,
      signal(),
    );
    const slots = () => [0, 1, 2].map((index) => simulator.config.get(`Email.Receivers[${index}]`));
    assert.deepEqual(slots(), ['guard@example.test', 'b@example.test', 'c@example.test']);
    await camera.apply((await planFor(camera, gmail({ recipients: ['C@example.test'] }))).plan, signal());
    assert.deepEqual(slots(), ['', '', 'c@example.test']);
  });

  it('takes recipients beyond the elements that the device printed, and empties them again', async () => {
    const { camera, simulator } = await start();
    for (const index of [1, 2]) simulator.config.delete(`Email.Receivers[${index}]`);
    const { plan, reading } = await planFor(camera, gmail({ recipients: ['a@example.test', 'b@example.test'] }));
    await camera.apply(plan, signal());
    assert.deepEqual((await camera.read({ events: false }, signal())).settings.recipients, ['a@example.test', 'b@example.test']);
    await camera.restore(reading, undefined, signal());
    assert.deepEqual((await camera.read({ events: false }, signal())).settings.recipients, ['guard@example.test']);
  });

  it('turns both encryption switches when one is left on beside the other', async () => {
    const { camera, simulator } = await start();
    await camera.apply((await planFor(camera, gmail({ security: 'starttls', port: 587 }))).plan, signal());
    simulator.config.set('Email.SslEnable', 'true');
    const { plan } = await planFor(camera, gmail({ security: 'starttls', port: 587, writePassword: false }));
    assert.deepEqual(
      plan.writes.map(({ path }) => path),
      ['/cgi-bin/configManager.cgi?action=setConfig&Email.SslEnable=false&Email.TlsEnable=true'],
    );
  });

  it('offers only the encryptions that the device has switches for', async () => {
    const { camera, simulator } = await start();
    simulator.config.delete('Email.TlsEnable');
    await camera.read({ events: false }, signal());
    assert.deepEqual((await camera.capabilities(signal())).securities, ['none', 'tls']);
  });

  it('does not send the mail password over http that nobody chose', async () => {
    const { camera, simulator } = await start({ address: { protocol: 'auto' } });
    const before = simulator.documents();
    const { plan } = await planFor(camera, gmail());
    await assert.rejects(camera.apply(plan, signal()), { code: 'plain-http' });
    assert.equal(simulator.documents(), before);
    assert.ok(simulator.server.requests.every(({ path }) => !path.includes('abcdefghijklmnop')));
  });

  it('says that a device which cannot mail is not supported', async () => {
    const { camera, simulator } = await start();
    for (const key of [...simulator.config.keys()]) if (key.startsWith('Email.')) simulator.config.delete(key);
    await assert.rejects(camera.read({ events: false }, signal()), {
      code: 'unsupported',
      deviceSays: 'Error: Error -1 getting param in name=Email',
    });
  });

  it('tells a missing right apart from a refused value, in the device’s words', async () => {
    const reader = await start({ readOnlyUser: true });
    const { plan } = await planFor(reader.camera, gmail());
    await assert.rejects(reader.camera.apply(plan, signal()), { code: 'forbidden', deviceSays: 'Error Invalid Authority!' });
    const strict = await start();
    const long = await planFor(strict.camera, gmail({ username: `${'x'.repeat(90)}@example.test` }));
    await assert.rejects(strict.camera.apply(long.plan, signal()), { code: 'rejected', deviceSays: 'Error Bad Request!' });
  });
});
