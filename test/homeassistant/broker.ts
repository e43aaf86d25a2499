import assert from 'node:assert/strict';
import type { Publication } from '../../src/homeassistant/publications.ts';
import { checkTopic, type ReadComponent, readDiscovery } from './discovery-schema.ts';

/** What a broker retains, and what Home Assistant makes of it; every publication is held against the rules of both. */
export class RecordedBroker {
  readonly retained = new Map<string, string | Buffer>();
  readonly events: { topic: string; payload: Record<string, unknown> }[] = [];

  publish(publications: readonly Publication[]): void {
    for (const { topic, payload, retain, qos } of publications) {
      checkTopic(topic);
      if (topic.endsWith('/event') && retain === false) {
        assert.equal(qos, 0, 'an event that is delivered twice happens twice');
        this.events.push({ topic, payload: JSON.parse(String(payload)) });
        continue;
      }
      assert.equal(retain, true, `${topic} is not retained`);
      assert.equal(qos, 1);
      if (topic.endsWith('/config') && payload.length > 0) readDiscovery(topic, payload);
      if (payload.length === 0) this.retained.delete(topic);
      else this.retained.set(topic, payload);
    }
  }

  text(topic: string): string | undefined {
    return this.retained.get(topic)?.toString();
  }

  devices(): { topic: string; device: Record<string, unknown>; components: Map<string, ReadComponent> }[] {
    const configs = [...this.retained].filter(([topic]) => topic.endsWith('/config'));
    const devices = configs.map(([topic, payload]) => ({ topic, ...readDiscovery(topic, payload) }));
    const ids = devices.flatMap(({ components }) => [...components.values()].map(({ unique_id }) => unique_id));
    assert.equal(new Set(ids).size, ids.length, 'a unique id is used twice');
    return devices;
  }

  /** The one device there is. */
  device() {
    const [device, ...others] = this.devices();
    assert.ok(device !== undefined && others.length === 0);
    return device;
  }

  /** The state of a component of the one device, by Home Assistant's rules for availability. */
  state(id: string): string | undefined {
    const component = this.device().components.get(id);
    assert.ok(component !== undefined, `no component ${id}`);
    const sources = component.availability as Record<string, string>[];
    const away = sources.some((source) => this.text(String(source.t ?? source.topic)) !== 'online');
    return away ? 'unavailable' : this.text(String(component.state_topic ?? component.image_topic));
  }
}
