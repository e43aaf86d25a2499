import assert from 'node:assert/strict';
import type { KnownCamera } from '../../src/homeassistant/devices.ts';
import { observationsOf } from '../../src/homeassistant/observations.ts';
import { Entities, type Observed } from '../../src/homeassistant/states.ts';
import { RecordedBroker } from './broker.ts';

export const topics = { prefix: 'homeassistant', base: 'camera_email' };
export const origin = {
  name: 'node-red-contrib-camera-email',
  sw: '1.0.0',
  url: 'https://flows.nodered.org/node/node-red-contrib-camera-email',
};
const now = Date.parse('2026-05-04T03:02:01Z');
export const front: KnownCamera = {
  nodeId: 'cam0',
  name: 'Front door',
  channel: 1,
  url: 'https://192.0.2.7/',
  brand: 'Hikvision',
  model: 'DS-2CD2042WD-I',
  firmware: 'V5.5.0',
  serial: 'DS-2CD2042WD-I20160101',
};
export const id = front.serial;
export const camera = { id: 'cam0', name: 'Front door', host: '192.0.2.7', vendor: 'hikvision' };
export const answered = {
  name: 'Front door',
  host: '192.0.2.7',
  vendor: 'hikvision',
  model: 'DS-2CD2042WD-I',
  firmware: 'V5.6.0',
  serial: id,
};
export const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 0, 0xff, 0xd9]);

export const event = (type: string, state: string, more: object = {}) => ({
  topic: `Front door/${type}`,
  payload: { type, state, channel: 1, at: '2026-05-04T03:02:00Z', camera, vendorType: 'VMD', ...more },
});

export class House {
  readonly broker = new RecordedBroker();

  constructor(public entities = new Entities(topics, origin)) {}

  take(message: object, known: KnownCamera | null = front): Observed[] {
    const observations = observationsOf(message as Record<string, unknown>);
    assert.ok(observations !== undefined, 'not understood');
    return observations.map((observation) => {
      const observed = this.entities.observe(observation, known ?? undefined, now);
      this.broker.publish(observed.publications);
      return observed;
    });
  }

  start(): this {
    this.broker.publish([this.entities.online(), ...this.entities.announce()]);
    return this;
  }
}

export function take(message: object, known: KnownCamera | null = front): House {
  const house = new House().start();
  house.take(message, known);
  return house;
}
