import assert from 'node:assert/strict';
import { Findings } from '../../src/discovery/findings.ts';
import type { Sighting } from '../../src/discovery/found-camera.ts';
import { addressOf, contains, isNear, networkOf, ownNetworks } from '../../src/discovery/networks.ts';
import { macOf } from '../../src/discovery/words.ts';

const HOME = networkOf('192.168.178.20', 24);
const MAC = '00:40:8c:11:22:33';
const OTHER_MAC = '00:40:8c:44:55:66';

function seen(via: Sighting['via'], facts: Partial<Sighting> = {}): Sighting {
  return { via, addresses: [], ...facts };
}

describe('findings of a scan', () => {
  it('one device at one address, whichever protocol comes first', () => {
    const findings = new Findings([HOME]);
    findings.add(seen('onvif', { model: 'from ONVIF', port: 8080 }), '192.168.178.30');
    findings.add(seen('sadp', { model: 'from SADP', mac: MAC, serial: 'S1' }), '192.168.178.30');
    findings.add(seen('onvif', { model: 'from ONVIF', port: 8080 }), '192.168.178.30');
    const [camera, ...more] = findings.cameras();
    assert.deepEqual(more, []);
    assert.deepEqual([camera?.model, camera?.port, camera?.via], ['from SADP', 8080, ['sadp', 'onvif']]);
  });

  it('a MAC address that another device names does not move a camera', () => {
    const findings = new Findings([HOME]);
    findings.add(seen('sadp', { mac: MAC }), '192.168.178.30');
    findings.add(seen('sadp', { mac: MAC, activated: true }), '192.168.178.66');
    assert.deepEqual(
      findings.cameras().map(({ address }) => address),
      ['192.168.178.30', '192.168.178.66'],
    );
  });

  it('an address that the device gave itself gives way to the real one', () => {
    const findings = new Findings([HOME]);
    findings.add(seen('mdns', { mac: MAC }), '169.254.8.9');
    findings.add(seen('onvif', { mac: MAC }), '192.168.178.30');
    findings.add(seen('mdns', { mac: MAC }), '169.254.8.9');
    assert.deepEqual(
      findings.cameras().map(({ address }) => address),
      ['192.168.178.30'],
    );
  });

  it('two devices behind one address stay two', () => {
    const findings = new Findings([HOME]);
    findings.add(seen('dhip', { mac: MAC }), '192.168.178.30');
    findings.add(seen('dhip', { mac: OTHER_MAC }), '192.168.178.30');
    findings.add(seen('sadp', { serial: 'S1' }), '192.168.178.31');
    findings.add(seen('sadp', { serial: 'S2' }), '192.168.178.31');
    assert.equal(findings.cameras().length, 4);
  });

  it('port and protocol come from the same answer', () => {
    const findings = new Findings([HOME]);
    findings.add(seen('sadp', { mac: MAC, port: 8080 }), '192.168.178.30');
    findings.add(seen('onvif', { mac: MAC, protocol: 'https' }), '192.168.178.30');
    const [camera] = findings.cameras();
    assert.deepEqual([camera?.port, camera?.protocol], [undefined, 'https']);
  });

  it('tells which cameras are in none of our networks, and sorts by address', () => {
    const findings = new Findings([HOME]);
    for (const address of ['192.168.178.100', '192.168.178.9', '192.168.1.64']) findings.add(seen('onvif'), address);
    assert.deepEqual(
      findings.cameras().map(({ address, outside }) => [address, outside]),
      [
        ['192.168.1.64', true],
        ['192.168.178.9', false],
        ['192.168.178.100', false],
      ],
    );
  });

  it('ends with a number of devices that a list can hold', () => {
    const findings = new Findings([networkOf('10.0.0.1', 8)]);
    for (let index = 0; index < 2_000; index += 1) findings.add(seen('onvif'), `10.1.${index >> 8}.${index & 255}`);
    assert.equal(findings.cameras().length, 512);
  });
});

describe('networks', () => {
  it('are those of all interfaces with IPv4, but loopback', () => {
    const base = { mac: MAC, scopeid: 0 };
    const networks = ownNetworks({
      lo: [{ ...base, address: '127.0.0.1', netmask: '255.0.0.0', family: 'IPv4', internal: true, cidr: '127.0.0.1/8' }],
      eth0: [
        { ...base, address: '192.168.178.20', netmask: '255.255.255.0', family: 'IPv4', internal: false, cidr: '192.168.178.20/24' },
        { ...base, address: 'fe80::1', netmask: 'ffff::', family: 'IPv6', internal: false, cidr: 'fe80::1/64' },
      ],
      eth1: [{ ...base, address: '10.1.2.3', netmask: '255.255.254.0', family: 'IPv4', internal: false, cidr: '10.1.2.3/23' }],
    });
    assert.deepEqual(networks, [
      { address: '192.168.178.20', prefix: 24, broadcast: '192.168.178.255' },
      { address: '10.1.2.3', prefix: 23, broadcast: '10.1.3.255' },
    ]);
  });

  it('contain what their prefix says', () => {
    assert.ok(contains(networkOf('10.1.2.3', 23), '10.1.3.200'));
    assert.ok(!contains(networkOf('10.1.2.3', 23), '10.1.4.1'));
    assert.ok(contains(networkOf('203.0.113.5', 32), '203.0.113.5'));
    assert.ok(!contains(networkOf('203.0.113.5', 32), '203.0.113.4'));
    assert.ok(contains(networkOf('1.2.3.4', 0), '200.1.1.1'));
  });

  it('only answers from private addresses and from our own networks count', () => {
    for (const near of ['192.168.1.64', '10.9.9.9', '172.31.0.1', '169.254.1.1', '203.0.113.7'])
      assert.ok(isNear(near, [networkOf('203.0.113.5', 24)]), near);
    for (const far of ['203.0.114.7', '8.8.8.8', '127.0.0.1', '::1', 'camera'])
      assert.ok(!isNear(far, [networkOf('203.0.113.5', 24)]), far);
  });

  it('a named address counts only for a device without a real one, and only in a network of ours', () => {
    assert.equal(addressOf('192.168.178.30', ['192.168.178.31'], [HOME]), '192.168.178.30');
    assert.equal(addressOf('169.254.8.9', ['203.0.113.9', '192.168.178.31'], [HOME]), '192.168.178.31');
    assert.equal(addressOf('169.254.8.9', ['203.0.113.9', '127.0.0.1', '', 'x'], [HOME]), '169.254.8.9');
    assert.equal(addressOf('169.254.8.9', ['192.168.178.20'], [HOME]), '169.254.8.9', 'our own address is not a camera');
  });

  it('MAC addresses have one spelling, and groups have none', () => {
    for (const text of ['00408C112233', '00-40-8c-11-22-33', '00:40:8C:11:22:33', '0040.8c11.2233']) assert.equal(macOf(text), MAC);
    for (const text of ['', '00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:fb', '00408c11223', 7, undefined])
      assert.equal(macOf(text), undefined);
  });
});
