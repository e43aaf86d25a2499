import assert from 'node:assert/strict';
import { axis } from '../../../src/cameras/axis/driver.ts';
import { variants } from '../../../src/cameras/axis/simulator.ts';
import { createCertificate } from '../../../src/core/certificate.ts';
import type { DeviceHttp } from '../../../src/http/types.ts';
import { XmlDocument } from '../../../src/http/xml.ts';
import { APP_PASSWORD, answerAll, codes, failsWith, forever, planFor, WANTED } from '../fixture.ts';
import { axisBench, changesSeen, fault, operations } from './fixture.ts';

describe('axis', () => {
  const { bench, camera } = axisBench();

  it('identifies a camera without a login', async () => {
    const { device, http } = await bench.start(camera());
    assert.deepEqual(await axis.identify(http, forever), {
      vendor: 'axis',
      brand: 'AXIS',
      model: 'P3245-LV',
      firmware: '11.11.141',
      serial: '00005E005331',
      kind: 'camera',
    });
    assert.equal(device.guard.counts.accepted + device.guard.counts.challenges, 0);
  });

  it('identifies old firmware by its realm, with one login', async () => {
    const { device, http } = await bench.start(camera({ basicInfo: false }));
    const identity = await axis.identify(http, forever);
    assert.deepEqual([identity?.model, identity?.serial, identity?.kind], ['M1065-L', '00005E005331', 'camera']);
    assert.equal(device.guard.counts.accepted, 1);
  });

  it('leaves devices of other makes alone', async () => {
    const { device, http } = await bench.start(camera());
    for (const [status, answer] of [
      [200, '<html>login</html>'],
      [404, ''],
      [200, '{"data":{"propertyList":{"Brand":"2N"}}}'],
      [401, 'null'],
    ] as const) {
      answerAll(device, status, answer, { 'WWW-Authenticate': 'Digest realm="IP Camera", nonce="1"' });
      assert.equal(await axis.identify(http, forever), undefined, answer);
    }
  });

  it('reads a camera on which nobody has set up mail', async () => {
    const { http } = await bench.start(camera());
    const { reading, plan } = await planFor(axis, http, { events: [] });
    assert.deepEqual(
      [reading.settings.server, reading.settings.authentication, reading.settings.recipients, reading.settings.events],
      ['', false, [], []],
    );
    assert.deepEqual(operations(plan.writes.map(({ body }) => body)), ['AddRecipientConfiguration com.axis.recipient.smtp']);
    assert.deepEqual(codes(plan.warnings), ['not-linked', 'plain-http']);
  });

  it('stores a recipient with every parameter of the template, and shows bullets', async () => {
    const { device, http } = await bench.start(camera());
    const { camera: opened, plan } = await planFor(axis, http);
    const [write] = plan.writes;
    const body = (password: string) => `<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope" xmlns:aa="http://www.axis.com/vapix/ws/action1">
<soap:Body><aa:AddRecipientConfiguration xmlns="http://www.axis.com/vapix/ws/action1"><NewRecipientConfiguration><TemplateToken>com.axis.recipient.smtp</TemplateToken><Name>E-mail</Name><Parameters><Parameter Name="email_to" Value="first@example.test"/><Parameter Name="email_from" Value="me@example.test"/><Parameter Name="host" Value="smtp.example.test"/><Parameter Name="port" Value="465"/><Parameter Name="login" Value="me@example.test"/><Parameter Name="password" Value="${password}"/><Parameter Name="pop_host" Value=""/><Parameter Name="pop_port" Value=""/><Parameter Name="pop_login" Value=""/><Parameter Name="pop_password" Value=""/><Parameter Name="qos" Value="0"/><Parameter Name="encryption" Value="ssl"/><Parameter Name="validate_server_cert" Value="0"/></Parameters></NewRecipientConfiguration></aa:AddRecipientConfiguration></soap:Body>
</soap:Envelope>
`;
    assert.equal(write?.body, body(APP_PASSWORD));
    assert.equal(write?.shown.body, body('•'));
    await opened.apply(plan, forever);
    const sent = device.server.writes().find((request) => request.body.includes('AddRecipientConfiguration'));
    assert.equal(sent?.body, write?.body);
    assert.equal(device.mailPassword, APP_PASSWORD);
  });

  for (const [security, port, encryption] of [
    ['tls', 465, 'ssl'],
    ['starttls', 587, 'tls'],
    ['none', 25, 'none'],
  ] as const) {
    it(`writes ${security} as ${encryption}`, async () => {
      const { device, http } = await bench.start(camera());
      const { camera: opened, plan } = await planFor(axis, http, { security, port });
      assert.deepEqual(
        codes(plan.warnings).filter((code) => code.startsWith('no-')),
        [],
      );
      await opened.apply(plan, forever);
      assert.equal(device.recipients[0]?.parameters.encryption, encryption);
    });
  }

  it('makes a rule with its own action for each wanted event', async () => {
    const { device, http } = await bench.start(camera());
    const { camera: opened, plan } = await planFor(axis, http, { events: ['motion', 'tamper', 'face'], attachment: 'snapshot' });
    assert.deepEqual(operations(plan.writes.map(({ body }) => body)), [
      'AddActionConfiguration com.axis.action.fixed.send_images.smtp',
      'AddActionConfiguration com.axis.action.fixed.send_images.smtp',
      'AddActionRule ID-OF-WRITE-1',
      'AddActionRule ID-OF-WRITE-2',
    ]);
    assert.deepEqual(plan.warnings[0], { code: 'event-not-available', params: { value: 'face' } });
    await opened.apply(plan, forever);
    assert.deepEqual(
      device.rules.map(({ name, enabled, action, start }) => [name, enabled, action, start?.topic]),
      [
        ['Camera alert: motion', true, '20', 'tnsaxis:CameraApplicationPlatform/VMD/Camera1ProfileANY'],
        ['Camera alert: tamper', true, '21', 'tns1:VideoSource/tnsaxis:Tampering'],
      ],
    );
    const again = await planFor(axis, http, { events: ['motion', 'tamper'], attachment: 'snapshot', writePassword: false });
    assert.deepEqual([again.plan.changes, again.plan.writes], [[], []]);
  });

  it('renews every recipient, mail action and rule, new before old, and leaves all else alone', async () => {
    const { device, http } = await bench.start(camera({ withRules: true, tellsPasswords: true }));
    const foreign = () =>
      JSON.stringify(
        [device.recipients, device.actions, device.rules].map((list) => list.filter(({ id }) => ['2', '5', '8'].includes(id))),
      );
    const before = foreign();
    const { camera: opened, plan } = await planFor(axis, http, { recipients: undefined });
    await opened.apply(plan, forever);
    assert.deepEqual(changesSeen(device), [
      'AddRecipientConfiguration com.axis.recipient.smtp',
      'AddActionConfiguration com.axis.action.unlimited.send_images.smtp',
      'AddActionConfiguration com.axis.action.fixed.notification.smtp',
      'AddActionRule 21',
      'AddActionRule 22',
      'RemoveActionRule 6',
      'RemoveActionRule 7',
      'RemoveActionConfiguration 3',
      'RemoveActionConfiguration 4',
      'RemoveRecipientConfiguration 1',
    ]);
    assert.equal(foreign(), before);
    const [picture, text] = device.actions.filter(({ template }) => template.endsWith('.smtp'));
    assert.deepEqual(picture?.parameters, {
      stream_options: 'resolution%3D640x480',
      pre_duration: '1000',
      post_duration: '1000',
      create_folder: '',
      filename: 'image%25y-%25m-%25d.jpg',
      max_sequence_number: '0',
      max_images: '3',
      images_per_mail: '3',
      subject: 'Haus "Süd" <Hof> & Co',
      message: 'Bewegung %25T',
      email_to: 'guard@example.test',
      email_from: 'me@example.test',
      host: 'smtp.example.test',
      port: '465',
      login: 'me@example.test',
      password: APP_PASSWORD,
      pop_host: '',
      pop_port: '',
      pop_login: '',
      pop_password: '',
      qos: '7',
      encryption: 'ssl',
      validate_server_cert: '0',
    });
    assert.equal(text?.parameters.email_to, 'office@example.test');
    assert.equal(device.recipients.find(({ template }) => template.endsWith('.smtp'))?.name, 'Büro & Co');
    assert.deepEqual(
      device.rules.find(({ name }) => name === 'Motion by mail')?.conditions.map(({ topic, content }) => [topic, content]),
      [
        [
          'tns1:UserAlarm/tnsaxis:Recurring/tnsaxis:Interval',
          'boolean(//SimpleItem[@Name="id" and @Value="com.axis.schedules.after_hours"]) and boolean(//SimpleItem[@Name="active" and @Value="1"])',
        ],
        ['tnsaxis:CameraApplicationPlatform/VMD/Camera1ProfileANY', 'boolean(//SimpleItem[@Name="active" and @Value="1"])'],
      ],
    );
  });

  it('switches rules of unwanted events off by making them anew, and on again', async () => {
    const { device, http } = await bench.start(camera({ withRules: true }));
    await applyWish(http, {});
    const off = await planFor(axis, http, { recipients: undefined, writePassword: false, events: ['motion'] });
    assert.deepEqual(
      operations(off.plan.writes.map(({ body }) => body)).map((name) => name.split(' ')[0]),
      ['AddActionRule', 'RemoveActionRule'],
    );
    await off.camera.apply(off.plan, forever);
    assert.deepEqual(
      device.rules.filter(({ enabled }) => !enabled).map(({ name }) => name),
      ['Tampering by mail'],
    );
    const on = await planFor(axis, http, { recipients: undefined, writePassword: false, events: ['motion', 'tamper'] });
    await on.camera.apply(on.plan, forever);
    assert.deepEqual(
      device.rules.filter(({ enabled }) => !enabled),
      [],
    );
  });

  it('turns a text mail into one with a picture', async () => {
    const { device, http } = await bench.start(camera({ withRules: true }));
    await applyWish(http, { attachment: 'snapshot' });
    assert.deepEqual(
      device.actions.filter(({ template }) => template.endsWith('.smtp')).map(({ name, template }) => [name, template]),
      [
        ['Mail a picture', 'com.axis.action.unlimited.send_images.smtp'],
        ['Mail only', 'com.axis.action.fixed.send_images.smtp'],
      ],
    );
  });

  async function applyWish(http: DeviceHttp, wish: Partial<typeof WANTED>) {
    const session = await planFor(axis, http, { recipients: undefined, ...wish });
    await session.camera.apply(session.plan, forever);
    return session;
  }

  for (const { name, create } of variants) {
    it(`${name}: plans nothing the second time, sees drift, restores what was`, async () => {
      const { device, http } = await bench.start(create(bench.options));
      const before = device.documents();
      const wish = { events: ['motion'] };
      const first = await planFor(axis, http, wish);
      assert.equal(device.documents(), before);
      await first.camera.apply(first.plan, forever);
      assert.equal(device.mailPassword, APP_PASSWORD);
      const after = device.documents();

      const second = await planFor(axis, http, { ...wish, writePassword: false });
      assert.deepEqual([second.plan.changes, second.plan.writes], [[], []]);
      assert.equal(device.documents(), after);

      device.driftServer('other.example.test');
      const third = await planFor(axis, http, { ...wish, writePassword: false });
      assert.deepEqual(third.plan.changes, [{ field: 'server', from: 'other.example.test', to: 'smtp.example.test' }]);

      await third.camera.restore(first.reading, WANTED.password, forever);
      assert.equal(device.documents(), before);
    });
  }

  it('sees drift in one action among several', async () => {
    const { device, http } = await bench.start(camera({ withRules: true }));
    await applyWish(http, {});
    const last = device.actions.filter(({ template }) => template.endsWith('.smtp')).at(-1);
    assert.ok(last);
    last.parameters.port = '2525';
    const { plan } = await planFor(axis, http, { recipients: undefined, writePassword: false });
    assert.deepEqual(plan.changes, [{ field: 'port', from: 2525, to: 465 }]);
    assert.deepEqual(
      operations(plan.writes.map(({ body }) => body)).map((name) => name.split(' ')[0]),
      ['AddActionConfiguration', 'AddActionRule', 'RemoveActionRule', 'RemoveActionConfiguration'],
    );
  });

  it('restores nothing that is still as it was, and keeps its password', async () => {
    const { device, http } = await bench.start(camera({ withRules: true }));
    const { camera: opened, reading } = await planFor(axis, http);
    const count = changesSeen(device).length;
    await opened.restore(reading, undefined, forever);
    assert.equal(changesSeen(device).length, count);
    assert.equal(device.mailPassword, 'old-Mail-1');
  });

  it('takes back what it added when the camera refuses a rule', async () => {
    const { device, http } = await bench.start(camera({ withRules: true }));
    const before = device.documents();
    const ids = () => JSON.stringify([device.recipients, device.actions, device.rules]);
    const whole = ids();
    const { camera: opened, plan } = await planFor(axis, http);
    device.server.intercept = (request, response) => {
      if (!String(request.headers['content-type']).includes('/AddActionRule;')) return false;
      response.writeHead(400, { 'Content-Type': 'application/soap+xml' });
      response.end(fault('aa:InvalidConditionFilterFault', 'no such event'));
      return true;
    };
    await assert.rejects(opened.apply(plan, forever), failsWith('rejected', 'aa:InvalidConditionFilterFault – no such event'));
    assert.equal(device.documents(), before);
    assert.equal(ids(), whole);
  });

  it('keeps secrets of every kind out of what is read', async () => {
    const { device, http } = await bench.start(camera({ withRules: true, tellsPasswords: true }));
    device.recipients.push({
      id: '9',
      name: 'web',
      template: 'com.axis.recipient.http',
      parameters: { upload_url: 'http://user:web-Secret@host.test/in', http_headers: 'Authorization: token-Secret' },
    });
    const { reading } = await planFor(axis, http);
    const text = JSON.stringify(reading);
    for (const secret of ['old-Mail-1', 'ftp-Secret-1', 'web-Secret', 'token-Secret']) assert.ok(!text.includes(secret), secret);
    assert.ok(text.includes('http://host.test/in'));
    assert.equal(reading.settings.password, undefined);
  });

  it('sends the password over plain http only when the user chose http', async () => {
    const fallen = await bench.start(camera(), { protocol: 'auto' });
    const first = await planFor(axis, fallen.http);
    await assert.rejects(first.camera.apply(first.plan, forever), failsWith('plain-http'));
    await assert.rejects(first.camera.sendTestEmail?.(WANTED, forever) ?? Promise.resolve(), failsWith('plain-http'));
    assert.deepEqual(changesSeen(fallen.device), []);
    const certificate = createCertificate({ commonName: 'camera', subjectAltNames: ['IP:127.0.0.1'] });
    const safe = await bench.start(camera({ certificate }), { protocol: 'https' });
    const second = await planFor(axis, safe.http);
    assert.deepEqual(codes(second.plan.warnings), ['not-linked']);
    await second.camera.apply(second.plan, forever);
    assert.equal(safe.device.mailPassword, APP_PASSWORD);
  });

  it('writes well-formed documents only, whatever is in a value', async () => {
    const { http } = await bench.start(camera({ withRules: true }));
    const { plan } = await planFor(axis, http, { recipients: ['"<a&b>"@example.test'], sender: 'ü\u0001\n"@example.test' });
    for (const { body = '', shown } of plan.writes) {
      XmlDocument.parse(body);
      assert.ok(!(shown.body ?? '').includes(APP_PASSWORD));
    }
  });
});
