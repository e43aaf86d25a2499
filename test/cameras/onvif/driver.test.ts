import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { DeviceIdentity } from '../../../src/cameras/driver.ts';
import { onvif } from '../../../src/cameras/onvif/driver.ts';
import { sample, variants } from '../../../src/cameras/onvif/simulator.ts';
import { OnvifDevice, securityHeader } from '../../../src/cameras/onvif-device.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { Secret } from '../../../src/core/secret.ts';
import { child, childText, XmlDocument } from '../../../src/http/xml.ts';
import { standingClock } from '../../http/fixture.ts';
import { answerAll, failsWith, forever, WANTED } from '../fixture.ts';
import { GARBAGE } from '../hostile.ts';
import { onvifBench } from './fixture.ts';

const IDENTITY: DeviceIdentity = {
  vendor: 'onvif',
  brand: 'Example & Sons',
  model: 'EX-4000',
  firmware: '2.4.1',
  serial: '00005E005361',
  kind: 'unknown',
};
const FORMS = ['message', 'http', 'both', 'nowhere'] as const;

describe('onvif', () => {
  const { bench, start } = onvifBench();

  for (const { name, create } of variants) {
    it(`identifies: ${name}`, async () => {
      const { device, http } = await bench.start(create(bench.options));
      assert.deepEqual(await onvif.identify(http, forever), IDENTITY);
      assert.deepEqual(await onvif.open(http, 1, IDENTITY).identity(forever), IDENTITY);
      assert.equal(device.refusedLogins, 0);
    });
  }

  for (const loginIn of FORMS) {
    for (const hidesClock of [false, true]) {
      it(`logs in where the device wants it: ${loginIn}${hidesClock ? ', its clock hidden' : ''}`, async () => {
        const { device, http } = await start({ loginIn, hidesClock });
        assert.equal((await onvif.identify(http, forever))?.model, 'EX-4000');
        assert.equal(device.refusedLogins, 0);
      });
    }
  }

  for (const clockOffsetMs of [-86_400_000 * 365, -90_000, 90_000, 86_400_000 * 30]) {
    it(`goes by the device's clock: ${clockOffsetMs / 1000} s away`, async () => {
      const { device, http } = await start({ clockOffsetMs });
      assert.equal((await onvif.identify(http, forever))?.model, 'EX-4000');
      assert.equal(device.refusedLogins, 0);
    });
  }

  it('tells how far the clocks are apart', async () => {
    const clock = standingClock(1_800_000_000_000);
    const { http } = await start({ clock, clockOffsetMs: 65_000 });
    assert.equal(await new OnvifDevice(http, { clock }).clockOffset(forever), 65_000);
  });

  it('takes the time of the HTTP answer where the device hides its clock', async () => {
    const clock = standingClock(1_800_000_000_000);
    const { device, http } = await start();
    answerAll(device, 401, '', { Date: new Date(clock.now() - 3_600_000).toUTCString() });
    assert.equal(await new OnvifDevice(http, { clock }).clockOffset(forever), -3_600_000);
  });

  it('sends just these requests', async () => {
    const { device, http } = await start();
    await onvif.identify(http, forever);
    const envelope = (operation: string) =>
      `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header></s:Header>` +
      `<s:Body><${operation} xmlns="http://www.onvif.org/ver10/device/wsdl"/></s:Body></s:Envelope>`;
    const [first, second, third, ...more] = device.server.requests;
    assert.deepEqual([first?.path, first?.body], ['/onvif/device_service', envelope('GetSystemDateAndTime')]);
    assert.deepEqual([second?.body, second?.status], [envelope('GetDeviceInformation'), 400]);
    assert.match(third?.body ?? '', /<s:Header><Security s:mustUnderstand="1" .*<\/Security><\/s:Header>/);
    assert.deepEqual(more, []);
  });

  it('digests nonce, time and password in UTF-8, and escapes the name', () => {
    const nonce = Buffer.from('Nzg1MDE2OTYz', 'base64');
    const header = securityHeader({ username: 'a<b&c', password: new Secret('pässwörd') }, new Date('2014-12-24T16:20:37.475Z'), nonce);
    const token = child(XmlDocument.parse(`<s:Header xmlns:s="x">${header}</s:Header>`).root, 'Security', 'UsernameToken');
    const expected = createHash('sha1')
      .update(Buffer.concat([nonce, Buffer.from('2014-12-24T16:20:37.475Zpässwörd', 'utf8')]))
      .digest('base64');
    assert.deepEqual(
      ['Username', 'Password', 'Nonce', 'Created'].map((name) => childText(token, name)),
      ['a<b&c', expected, 'Nzg1MDE2OTYz', '2014-12-24T16:20:37.475Z'],
    );
    assert.ok(!header.includes('pässwörd'));
  });

  it('logs in with characters that XML and ASCII do not have', async () => {
    const login = { username: 'zoë<&>', password: 'pässwörd "1"' };
    const { http } = await start({ login }, login);
    assert.equal((await onvif.identify(http, forever))?.model, 'EX-4000');
  });

  for (const loginIn of ['message', 'http', 'both'] as const) {
    it(`costs one refused login, however often it is asked: ${loginIn}`, async () => {
      const { device, http } = await start({ loginIn }, { password: 'wrong-password' });
      for (let count = 0; count < 3; count += 1) await assert.rejects(onvif.identify(http, forever), failsWith('unauthorized'));
      assert.equal(device.refusedLogins, 1);
      assert.equal(device.server.requests.filter(({ body }) => body.includes('UsernameToken')).length, loginIn === 'message' ? 1 : 0);
    });
  }

  it('recognizes a refusal by its words', async () => {
    const { http } = await start({ withoutSubcode: true }, { password: 'wrong-password' });
    await assert.rejects(onvif.identify(http, forever), failsWith('unauthorized', 'Sender – Sender not authorized'));
  });

  it('leaves a locked account alone', async () => {
    const { device, http } = await start({ lockAfter: 1 }, { password: 'wrong-password' });
    const tokens = () => device.server.requests.filter(({ body }) => body.includes('UsernameToken')).length;
    await assert.rejects(onvif.identify(http, forever), failsWith('locked-out', 'NotAuthorized – The account is locked'));
    await assert.rejects(onvif.identify(http, forever), failsWith('locked-out'));
    assert.equal(tokens(), 1);
  });

  it('asks for a login when none is given', async () => {
    for (const loginIn of ['message', 'http'] as const) {
      const { http } = await start({ loginIn }, { username: '' });
      await assert.rejects(onvif.identify(http, forever), failsWith('unauthorized'));
    }
  });

  it('says that e-mail cannot be set, and what was seen', async () => {
    const { device, http } = await start();
    const camera = onvif.open(http, 1, IDENTITY);
    const refused = failsWith('unsupported', 'Example & Sons EX-4000');
    const reading = { settings: {}, documents: [] };
    await assert.rejects(camera.read({ events: false }, forever), refused);
    await assert.rejects(camera.apply({ changes: [], writes: [], warnings: [] }, forever), refused);
    await assert.rejects(camera.restore(reading, undefined, forever), refused);
    assert.throws(() => camera.plan(reading, WANTED, {}), refused);
    assert.equal(camera.sendTestEmail, undefined);
    assert.equal(device.server.requests.length, 0);
  });

  describe('devices of another kind', () => {
    for (const [name, body] of [
      ...GARBAGE,
      ['another document', '<Envelope><Body/></Envelope>'],
      ['a fault', fault('s:Receiver', 'x')],
    ] as const) {
      for (const status of [200, 404, 500]) {
        it(`are not taken for ONVIF: ${name}, HTTP ${status}`, async () => {
          const { device, http } = await start();
          answerAll(device, status, body);
          assert.equal(await onvif.identify(http, forever), undefined);
        });
      }
    }

    it('cost no login and freeze none when they answer everything with a bare 401', async () => {
      const { device, http } = await start();
      answerAll(device, 401, '{"error":"unauthorized"}');
      assert.equal(await onvif.identify(http, forever), undefined);
      http.assertLoginAllowed();
    });

    it('do not flood', async () => {
      const { device, http } = await start();
      answerAll(device, 200, Buffer.alloc(LIMITS.device.bodyBytes + 1, '<'));
      assert.equal(await onvif.identify(http, forever), undefined);
    });

    it('that answer only busy stay busy', async () => {
      const { device, http } = await start();
      answerAll(device, 503, '');
      await assert.rejects(onvif.identify(http, forever), failsWith('busy'));
    });
  });

  it('leaves what the device does not tell empty', async () => {
    const { device, http } = await start();
    answerAll(device, 200, sample('device-information.xml').replace(/<tds:(Manufacturer|SerialNumber)>.*\n/g, ''));
    const { brand, serial } = (await onvif.identify(http, forever)) ?? IDENTITY;
    assert.deepEqual([brand, serial], ['ONVIF', '']);
  });
});

function fault(code: string, reason: string): string {
  return `<s:Envelope xmlns:s="x"><s:Body><s:Fault><s:Code><s:Value>${code}</s:Value></s:Code><s:Reason><s:Text>${reason}</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>`;
}
