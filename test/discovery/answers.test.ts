import assert from 'node:assert/strict';
import fc from 'fast-check';
import { dhip } from '../../src/discovery/dhip.ts';
import type { DiscoveryProtocol, Sighting } from '../../src/discovery/found-camera.ts';
import { mdns } from '../../src/discovery/mdns.ts';
import { sadp } from '../../src/discovery/sadp.ts';
import { wisenet } from '../../src/discovery/wisenet.ts';
import { wsDiscovery } from '../../src/discovery/ws-discovery.ts';
import { answerMdns } from '../../src/sandbox/discovery/mdns.ts';
import { answerProbe } from '../../src/sandbox/discovery/onvif.ts';
import type { Announced, Respond } from '../../src/sandbox/discovery/responder.ts';
import { answerDhip, answerSadp, answerWisenet } from '../../src/sandbox/discovery/vendors.ts';

const DEVICE: Announced = {
  brand: 'Hikvision',
  model: 'DS-2CD2143G2-I',
  serial: 'DS-2CD2143G2-I20230101AAWRK00000001',
  mac: '02:00:5e:10:00:01',
  firmware: 'V5.7.3',
  port: 8443,
  protocol: 'https',
  activated: true,
};

const SIDES: readonly [DiscoveryProtocol, Respond][] = [
  [wsDiscovery, answerProbe],
  [sadp, answerSadp],
  [dhip, answerDhip],
  [wisenet, answerWisenet],
  [mdns, answerMdns],
];

function only(sightings: Sighting[]): Sighting {
  assert.equal(sightings.length, 1);
  return sightings[0] as Sighting;
}

/** Reads as the scan does: what throws is no answer. */
function read(protocol: DiscoveryProtocol, datagram: Buffer): Sighting[] {
  try {
    return protocol.read(datagram);
  } catch (error) {
    assert.ok(error instanceof Error);
    return [];
  }
}

function assertHarmless(sightings: Sighting[]): void {
  assert.ok(sightings.length <= 8);
  for (const { addresses, port, activated, via, ...texts } of sightings) {
    assert.ok(port === undefined || (Number.isInteger(port) && port > 0 && port < 65_536));
    assert.ok(activated === undefined || typeof activated === 'boolean');
    for (const text of [...addresses, ...Object.values(texts)]) {
      if (text === undefined) continue;
      assert.ok(typeof text === 'string' && text.length <= 80, `${via}: ${text}`);
      assert.doesNotMatch(text, /[\u0000-\u001f\u007f]|\$\{/);
    }
  }
}

function answerOf(protocol: DiscoveryProtocol, respond: Respond): Buffer {
  const [probe] = protocol.probes();
  assert.ok(probe);
  const answer = respond(probe, DEVICE);
  assert.ok(answer, 'the simulated device understands the probe');
  return answer;
}

describe('answers of discovery protocols', () => {
  for (const [protocol, respond] of SIDES) {
    it(`${protocol.via}: nothing that can be sent does harm`, () => {
      fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => assertHarmless(read(protocol, Buffer.from(bytes)))));
    });

    it(`${protocol.via}: nor does a real answer with bytes changed, repeated or cut off`, () => {
      const answer = answerOf(protocol, respond);
      const change = fc.tuple(fc.nat({ max: answer.length - 1 }), fc.nat({ max: 255 }));
      fc.assert(
        fc.property(fc.array(change, { maxLength: 20 }), fc.nat({ max: answer.length }), (changes, length) => {
          const changed = Buffer.from(answer);
          for (const [at, byte] of changes) changed[at] = byte;
          assertHarmless(read(protocol, changed));
          assertHarmless(read(protocol, changed.subarray(0, length)));
          assertHarmless(read(protocol, Buffer.concat([changed, changed.subarray(length)])));
        }),
      );
    });

    it(`${protocol.via}: its own probe is no answer`, () => {
      for (const probe of protocol.probes()) assert.deepEqual(read(protocol, probe), []);
    });
  }

  const onvif = (scopes: string, xaddrs: string, types = 'dn:NetworkVideoTransmitter') =>
    Buffer.from(
      `<s:Envelope><s:Body><d:ProbeMatches><d:ProbeMatch><d:Types>${types}</d:Types><d:Scopes>${scopes}</d:Scopes><d:XAddrs>${xaddrs}</d:XAddrs></d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>`,
    );
  const SCOPES = 'onvif://www.onvif.org/name/AXIS%20P3245-V onvif://www.onvif.org/hardware/P3245-V';

  it('ONVIF: name, model, brand and the encrypted address are read', () => {
    const found = only(wsDiscovery.read(onvif(SCOPES, 'https://192.168.1.7:8443/onvif/device_service')));
    const { vendor, brand, model, name, port, protocol } = found;
    assert.deepEqual(
      { vendor, brand, model, name, port, protocol },
      { vendor: 'axis', brand: 'Axis', model: 'P3245-V', name: 'AXIS P3245-V', port: 8443, protocol: 'https' },
    );
  });

  it('ONVIF: one plain address among others means that encryption is not certain', () => {
    const found = only(wsDiscovery.read(onvif(SCOPES, 'https://192.168.1.7/onvif http://169.254.3.4/onvif http://[fe80::1]/onvif')));
    assert.equal(found.protocol, undefined);
    assert.equal(found.port, undefined);
    assert.deepEqual(found.addresses, ['192.168.1.7', '169.254.3.4']);
  });

  it('ONVIF: a malformed address with two ports, and scopes that are not percent-encoded rightly, are read as far as possible', () => {
    const found = only(wsDiscovery.read(onvif('onvif://www.onvif.org/name/100%', 'http://192.168.1.7:8106:8106/onvif')));
    assert.equal(found.name, '100%');
    assert.equal(found.port, 8106);
  });

  it("ONVIF: the port of a brand's separate ONVIF server is not taken for its web server's", () => {
    for (const port of [8000, 888]) assert.equal(only(wsDiscovery.read(onvif(SCOPES, `http://192.168.1.7:${port}/onvif`))).port, undefined);
  });

  it('ONVIF: a printer is no camera', () => {
    assert.deepEqual(wsDiscovery.read(onvif('', 'http://192.168.1.9/wsd', 'wsdp:Device pub:PrintDeviceType')), []);
  });

  it('ONVIF: a word inside another is no brand', () => {
    const found = only(wsDiscovery.read(onvif('onvif://www.onvif.org/name/Taxisstand', 'http://192.168.1.7/onvif')));
    assert.equal(found.vendor, undefined);
  });

  it('SADP: an answer as cameras send it', () => {
    const found = only(
      sadp.read(
        Buffer.from(
          '<?xml version="1.0" encoding="UTF-8"?>\n<ProbeMatch>\n<Uuid>x</Uuid>\n<Types>inquiry</Types>\n<DeviceDescription>DS-2CD2143G2-I</DeviceDescription>\n<DeviceSN>DS-2CD2143G2-I20230101AAWR000000001</DeviceSN>\n<HttpPort>80</HttpPort>\n<MAC>02-00-5E-10-00-01</MAC>\n<IPv4Address>192.168.1.64</IPv4Address>\n<Activated>false</Activated>\n</ProbeMatch>\r\n\0',
        ),
      ),
    );
    assert.equal(found.mac, '02:00:5e:10:00:01');
    assert.equal(found.activated, false);
    assert.equal(found.port, undefined);
  });

  it('SADP: old firmware that says nothing of activation counts neither as activated nor as fresh', () => {
    assert.equal(only(sadp.read(Buffer.from('<ProbeMatch><DeviceSN>A1</DeviceSN></ProbeMatch>'))).activated, undefined);
  });

  it('Dahua: a header of another length, a private label, and a device that is not initialized', () => {
    const info = { DeviceType: 'IP4M-1041B', SerialNo: 'AMC1', Vendor: 'Amcrest', HttpPort: 8080, Init: 149, MachineName: 'Hall' };
    const json = JSON.stringify({ mac: '02:00:5e:10:00:02', method: 'client.notifyDevInfo', params: { deviceInfo: info } });
    const found = only(dhip.read(Buffer.concat([Buffer.from('\x20\0\0\0DHIP'), Buffer.alloc(32), Buffer.from(`${json}\n\0\0`)])));
    const { vendor, brand, model, name, port, activated } = found;
    assert.deepEqual(
      { vendor, brand, model, name, port, activated },
      { vendor: 'dahua', brand: 'Amcrest', model: 'IP4M-1041B', name: 'Hall', port: 8080, activated: false },
    );
  });

  it('Axis: a door station of another brand with the same service is not called Axis', () => {
    const [probe] = mdns.probes();
    assert.ok(probe);
    const answer = answerMdns(probe, { ...DEVICE, brand: 'Doorstation', model: 'D101' });
    assert.ok(answer);
    assert.equal(only(mdns.read(answer)).vendor, undefined);
  });

  it('a camera cannot get at environment variables by its name', () => {
    const found = only(wsDiscovery.read(onvif('onvif://www.onvif.org/hardware/$%7BHOME%7D onvif://www.onvif.org/name/$$%7B{HOME}', '')));
    for (const text of [found.model, found.name]) assert.ok(text?.includes('HOME') && !text.includes('${'), text);
  });

  it('mDNS: names that point at themselves end', () => {
    const loop = Buffer.from([0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0xc0, 0x0c, 0, 12, 0, 1, 0, 0, 0, 0, 0, 0]);
    assert.throws(() => mdns.read(loop), RangeError);
  });
});
