import { deviceWords } from '../core/text.ts';
import type { CameraEvent } from '../events/vocabulary.ts';
import { bridgeTopic, deviceTopic, type Topics } from './ids.ts';
import type { MailProblem } from './observations.ts';

/** For the core `mqtt out`. */
export interface Publication {
  topic: string;
  payload: string | Buffer;
  retain: boolean;
  qos: 0 | 1;
}

export function retained(topic: string, payload: string | Buffer): Publication {
  return { topic, payload, retain: true, qos: 1 };
}

/** Makes the broker forget what it retains. */
export function forgotten(topic: string): Publication {
  return retained(topic, '');
}

export function bridgeOnline(topics: Topics): Publication {
  return retained(bridgeTopic(topics), 'online');
}

/** QoS 0: delivered twice it would be two events. Not retained: it would happen again after every restart. */
export function occurred(topics: Topics, { id, name }: { id: string; name: string }, event: CameraEvent): Publication {
  const { type, state: _state, vendorType, ...facts } = event;
  const payload = JSON.stringify({ event_type: type, camera: deviceWords(name, 80), ...facts, vendor_type: vendorType });
  return { topic: deviceTopic(topics, id, 'event'), payload, retain: false, qos: 0 };
}

/** Attributes of the problem sensor. */
export function problemAttributes(problem: MailProblem | null, now: number): string {
  if (problem === null) return '{}';
  const { code, message, advice, deviceSays } = problem;
  return JSON.stringify({ code, message, advice, device_says: deviceSays, since: new Date(now).toISOString() });
}
