import assert from 'node:assert/strict';
import { hanwha } from '../../../src/cameras/hanwha/driver.ts';
import { variants } from '../../../src/cameras/hanwha/simulator.ts';
import { createCertificate } from '../../../src/core/certificate.ts';
import { APP_PASSWORD, answerAll, codes, failsWith, forever, LOGIN, planFor, WANTED } from '../fixture.ts';
import { hanwhaBench } from './fixture.ts';

const SET = '/stw-cgi/transfer.cgi?msubmenu=smtp&action=set';
const MAIN_WRITE = `${SET}&Host=smtp.example.test&Port=465&Encryption=SSL&Username=me%40example.test&Sender=me%40example.test&Recipient=first%40example.test`;

describe('hanwha', () => {
  const { bench, camera } = hanwhaBench();

  it('identifies a camera and a recorder with one login each', async () => {
    const { device, http } = await bench.start(camera());
    assert.deepEqual(await hanwha.identify(http, forever), {
      vendor: 'hanwha',
      brand: 'Hanwha Vision',
      model: 'XNV-8080R',
      firmware: '2.21.01_20230612_R276',
      serial: 'ZKTEST0000001X',
      name: 'Camera',
      mac: '00:00:5E:00:53:21',
      kind: 'camera',
    });
    assert.equal(device.guard.counts.accepted, 1);
    const recorder = await bench.start(camera({ kind: 'recorder' }));
    assert.equal((await hanwha.identify(recorder.http, forever))?.kind, 'recorder');
  });

  it('identifies old firmware, which has no page without login', async () => {
    const { http } = await bench.start(camera({ modern: false, textOnly: true }));
    assert.equal((await hanwha.identify(http, forever))?.model, 'XNV-8080R');
  });

  it('leaves devices of other makes alone', async () => {
    const { device, http } = await bench.start(camera());
    for (const answer of ['<html>login</html>', '', '{"Model":1}']) {
      answerAll(device, 200, answer);
      assert.equal(await hanwha.identify(http, forever), undefined, answer);
    }
  });

  it('tells a device that has no password yet', async () => {
    const { device, http } = await bench.start(camera());
    answerAll(device, 200, '{"Initialized": false, "Manufacturer": "Hanwha Vision"}');
    await assert.rejects(hanwha.identify(http, forever), failsWith('not-activated'));
  });

  it('encrypts the password with the key of the device over http, in the body of a POST', async () => {
    const { device, http } = await bench.start(camera());
    const { camera: opened, plan } = await planFor(hanwha, http);
    assert.equal(device.server.writes().length, 0);
    assert.deepEqual(
      plan.writes.map(({ method, shown }) => ({ method, ...shown })),
      [{ method: 'POST', path: `${MAIN_WRITE}&IsPasswordEncrypted=True`, body: '•' }],
    );
    assert.deepEqual(await opened.apply(plan, forever), []);
    const [write] = device.server.writes();
    assert.equal(write?.path, `${MAIN_WRITE}&IsPasswordEncrypted=True`);
    assert.equal(write?.body, plan.writes[0]?.body);
    assert.match(write?.body ?? '', /^[A-Za-z0-9+/]{342}==$/);
    assert.equal(device.mailPassword, APP_PASSWORD);
  });

  it('changes exactly the wanted settings', async () => {
    const { device, http } = await bench.start(camera());
    const before = { ...device.smtp };
    const { camera: opened, plan } = await planFor(hanwha, http);
    await opened.apply(plan, forever);
    assert.deepEqual(device.smtp, {
      ...before,
      Host: 'smtp.example.test',
      Port: 465,
      Encryption: 'SSL',
      Username: 'me@example.test',
      Sender: 'me@example.test',
      Recipient: 'first@example.test',
    });
  });

  it('sends the password as a parameter over https, and shows bullets', async () => {
    const certificate = createCertificate({ commonName: 'camera', subjectAltNames: ['IP:127.0.0.1'] });
    const { device, http } = await bench.start(camera({ certificate }), { protocol: 'https' });
    const { camera: opened, plan } = await planFor(hanwha, http);
    assert.deepEqual(plan.writes, [
      { method: 'GET', path: `${MAIN_WRITE}&Password=${APP_PASSWORD}`, shown: { path: `${MAIN_WRITE}&Password=•` } },
    ]);
    await opened.apply(plan, forever);
    assert.equal(device.mailPassword, APP_PASSWORD);
  });

  it('writes a plain password over http only when the user chose http', async () => {
    const chosen = await bench.start(camera({ modern: false }));
    const first = await planFor(hanwha, chosen.http);
    assert.deepEqual(codes(first.plan.warnings), ['plain-http']);
    await first.camera.apply(first.plan, forever);
    assert.equal(chosen.device.mailPassword, APP_PASSWORD);

    const fallen = await bench.start(camera({ modern: false }), { protocol: 'auto' });
    const second = await planFor(hanwha, fallen.http);
    await assert.rejects(second.camera.apply(second.plan, forever), failsWith('plain-http'));
    assert.equal(fallen.device.mailPassword, '');
  });

  for (const { name, create } of variants) {
    it(`${name}: plans nothing the second time, sees drift, restores what was`, async () => {
      const { device, http } = await bench.start(create(bench.options));
      const before = device.documents();
      const wish = { events: ['motion'] };
      const first = await planFor(hanwha, http, wish);
      assert.equal(device.documents(), before);
      await first.camera.apply(first.plan, forever);
      assert.equal(device.mailPassword, APP_PASSWORD);
      const after = device.documents();

      const second = await planFor(hanwha, http, { ...wish, writePassword: false });
      assert.deepEqual([second.plan.changes, second.plan.writes], [[], []]);
      assert.equal(device.documents(), after);

      device.driftServer('other.example.test');
      const third = await planFor(hanwha, http, { ...wish, writePassword: false });
      assert.deepEqual(third.plan.changes, [{ field: 'server', from: 'other.example.test', to: 'smtp.example.test' }]);

      await third.camera.restore(first.reading, WANTED.password, forever);
      assert.equal(device.documents(), before);
    });
  }

  it('keeps passwords out of what is read', async () => {
    for (const textOnly of [false, true]) {
      const { device, http } = await bench.start(camera({ tellsPassword: true, textOnly }));
      device.mailPassword = 'old-"password"-1';
      const { reading } = await planFor(hanwha, http);
      assert.ok(!JSON.stringify(reading).includes('password'), reading.documents[0]?.body);
      assert.equal(reading.settings.password, undefined);
      assert.equal(reading.settings.server, 'mail.example.test');
    }
  });

  it('turns STARTTLS into 465 and says so', async () => {
    const { http } = await bench.start(camera());
    const { plan } = await planFor(hanwha, http, { security: 'starttls', port: 587 });
    assert.deepEqual(codes(plan.warnings), ['no-starttls']);
    assert.match(plan.writes[0]?.path ?? '', /Port=465&Encryption=SSL/);
  });

  it('refuses more recipients than the camera holds, and warns of plus addresses', async () => {
    const { http } = await bench.start(camera());
    const { plan } = await planFor(hanwha, http, { recipients: ['one@example.test', 'me+cam@example.test'] });
    assert.equal(plan.impossible?.code, 'too-many-recipients');
    assert.deepEqual(plan.warnings.at(-1), { code: 'plus-address', params: { value: 'me+cam@example.test' } });
    const newer = await bench.start(camera({ complexActions: true }));
    const several = await planFor(hanwha, newer.http, { recipients: ['one@example.test', 'two@example.test'] });
    assert.equal(several.plan.impossible, undefined);
    assert.match(several.plan.writes[0]?.path ?? '', /Recipient=one%40example.test,two%40example.test/);
  });

  it('switches the login off without sending a name or a password', async () => {
    const { device, http } = await bench.start(camera());
    const { camera: opened, plan } = await planFor(hanwha, http, {
      authentication: false,
      username: '',
      security: 'none',
      port: 25,
      server: 'mail.example.test',
    });
    assert.deepEqual(
      plan.writes.map(({ path }) => path),
      [`${SET}&Authentication=None&Sender=me%40example.test&Recipient=first%40example.test`],
    );
    await opened.apply(plan, forever);
    assert.equal(device.smtp.Authentication, 'None');
  });

  it('links exactly the wanted events and resends what belongs to their rules', async () => {
    const { device, http } = await bench.start(camera());
    const { camera: opened, plan } = await planFor(hanwha, http, { events: ['motion', 'alarm-input', 'line-crossing'] });
    const rules = '/stw-cgi/eventrules.cgi?msubmenu=rules&action=update';
    assert.deepEqual(
      plan.writes.slice(1).map(({ path }) => path),
      [
        `${rules}&RuleIndex=1&EventSource=AlarmInput.1&EventAction=FTP,AlarmOutput.1,SMTP&AlarmOutput.1.Duration=5s&ScheduleType=Always`,
        `${rules}&RuleIndex=2&EventSource=MotionDetection&EventAction=Record,GoToPreset,SMTP&PresetNumber=3&ScheduleType=Scheduled`,
        `${rules}&RuleIndex=3&EventSource=TamperingDetection&EventAction=&ScheduleType=Always`,
      ],
    );
    assert.deepEqual(plan.warnings, [{ code: 'event-not-available', params: { value: 'line-crossing' } }]);
    await opened.apply(plan, forever);
    assert.deepEqual(
      device.rules.map(({ EventAction }) => EventAction),
      [['FTP', 'AlarmOutput.1', 'SMTP'], ['Record', 'GoToPreset', 'SMTP'], [], ['SMTP'], []],
    );
  });

  it('warns when no event is to send mail, and when a detection is off', async () => {
    const { http } = await bench.start(camera());
    assert.deepEqual(codes((await planFor(hanwha, http, { events: [] })).plan.warnings), ['not-linked']);
    assert.deepEqual((await planFor(hanwha, http, { events: ['tamper'] })).plan.warnings, [
      { code: 'detection-off', params: { value: 'tamper' } },
    ]);
  });

  it('writes complex actions of its own channel', async () => {
    const { device, http } = await bench.start(camera({ complexActions: true }));
    const { camera: opened, plan } = await planFor(hanwha, http, { events: ['motion', 'tamper'] });
    assert.deepEqual(
      plan.writes.slice(1).map(({ path }) => path),
      [
        '/stw-cgi/eventactions.cgi?msubmenu=complexaction&action=set&EventType=Channel.0.MotionDetection&EventAction=Record,AlarmOutput.1,SMTP&AlarmOutput.1.Duration=10s&ScheduleType=Always',
      ],
    );
    await opened.apply(plan, forever);
    assert.match(device.documents(), /"Record","AlarmOutput.1","SMTP"/);
  });

  it('has the recorder’s users hold the recipients', async () => {
    const { device, http } = await bench.start(camera({ kind: 'recorder' }));
    const users = '/stw-cgi/transfer.cgi?msubmenu=smtpusers';
    const first = await planFor(hanwha, http, { recipients: ['office@example.test', 'new@example.test', 'new@other.test'] });
    assert.deepEqual(
      first.plan.writes.slice(1).map(({ path }) => path),
      [
        `${users}&action=update&UserIndex=1&UserName=new&Recipient=new%40example.test`,
        `${users}&action=add&GroupID=Group%201&UserName=new2&Recipient=new%40other.test`,
      ],
    );
    await first.camera.apply(first.plan, forever);
    assert.deepEqual(
      device.users.map(({ Recipient }) => Recipient),
      ['new@example.test', 'office@example.test', 'new@other.test'],
    );
    const second = await planFor(hanwha, http, { recipients: ['office@example.test'] });
    assert.deepEqual(
      second.plan.writes.slice(1).map(({ path }) => path),
      [`${users}&action=remove&UserIndex=3`, `${users}&action=remove&UserIndex=1`],
    );
  });

  it('makes a group for the first recipient of a recorder that has none', async () => {
    const { device, http } = await bench.start(camera({ kind: 'recorder' }));
    device.users = [];
    device.server.intercept = (request, response) => {
      if (!request.url?.includes('smtpgroups')) return false;
      response.writeHead(200).end('{"SMTPGroups": []}');
      return true;
    };
    const { plan } = await planFor(hanwha, http);
    assert.deepEqual(
      plan.writes.slice(1).map(({ path }) => path),
      [
        '/stw-cgi/transfer.cgi?msubmenu=smtpgroups&action=add&GroupName=Alerts',
        '/stw-cgi/transfer.cgi?msubmenu=smtpusers&action=add&GroupID=Alerts&UserName=first&Recipient=first%40example.test',
      ],
    );
  });

  it('never shows a secret', async () => {
    const { http } = await bench.start(camera({ modern: false }));
    const { plan } = await planFor(hanwha, http);
    assert.ok(!JSON.stringify(plan.writes.map(({ shown }) => shown)).includes(APP_PASSWORD));
    assert.ok(!JSON.stringify(plan.changes).includes(APP_PASSWORD));
    assert.ok(!JSON.stringify(plan.changes).includes(LOGIN.password));
  });
});
