import assert from 'node:assert/strict';
import fc from 'fast-check';
import { cameraId, discoveryTopic, safeId } from '../../src/homeassistant/ids.ts';

describe('Home Assistant: ids', () => {
  it('any text becomes an id of allowed characters, and different texts become different ids', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (one, other) => {
        assert.match(safeId(one), /^[a-zA-Z0-9_-]{1,64}$/);
        assert.equal(safeId(one) === safeId(other), one === other);
      }),
    );
  });

  it('a name that is an id already stays as it is', () => {
    assert.equal(safeId('Front-door_2'), 'Front-door_2');
  });

  it('the serial number comes first, then the MAC, then the node, then the name', () => {
    const keys = { serial: 'DS-2CD2042WD-I20160101', mac: 'AA:BB:CC:00:11:22', nodeId: 'n1', name: 'Front door' };
    assert.equal(cameraId(keys), 'DS-2CD2042WD-I20160101');
    assert.equal(cameraId({ ...keys, serial: '' }), 'aabbcc001122');
    assert.equal(cameraId({ ...keys, serial: '', mac: '' }), 'n1');
    assert.match(cameraId({ name: 'Front door' }), /^Front_door_[0-9a-f]{8}$/);
  });

  it('a serial number or MAC that firmware made up does not count', () => {
    for (const serial of ['0', '00000000', 'N/A', 'unknown', '  ', '----'])
      assert.equal(cameraId({ serial, nodeId: 'n1', name: 'x' }), 'n1');
    assert.equal(cameraId({ mac: '00:00:00:00:00:00', nodeId: 'n1', name: 'x' }), 'n1');
  });

  it('channels of one recorder have ids of their own', () => {
    assert.equal(cameraId({ serial: 'NVR12345', name: 'Yard', channel: 3 }), 'NVR12345_ch3');
    assert.equal(cameraId({ serial: 'NVR12345', name: 'Yard', channel: 1 }), 'NVR12345');
  });

  it('the base is part of what Home Assistant sees, so that two Node-REDs can show the same camera', () => {
    const topic = (base: string) => discoveryTopic({ prefix: 'homeassistant', base }, 'SN1234');
    assert.equal(topic('camera_email'), 'homeassistant/device/camera_email_SN1234/config');
    assert.notEqual(topic('site/a'), topic('site/b'));
    assert.match(topic('site/a'), /^homeassistant\/device\/[\w-]+\/config$/);
  });
});
