import { bridgeTopic, type Topics } from './ids.ts';

export type Command = { kind: 'test' } | { kind: 'verify' } | { kind: 'alerts'; on: boolean };

export type Incoming =
  /** Home Assistant has started: it wants everything again. */
  | { kind: 'birth' }
  /** Our own connection to the broker is up, or an old will of ours came late. */
  | { kind: 'bridge'; online: boolean }
  | { kind: 'command'; id: string; command: Command }
  /** Our own states, seen by a subscription to all of them, and whatever nobody understands. */
  | { kind: 'nothing' };

/** True for what an `mqtt in` on `<base>/#` and `<prefix>/status` sends. Messages of other nodes hold their camera as an object, our own events its name. */
export function isFromBroker({ prefix, base }: Topics, topic: unknown, payload: unknown): topic is string {
  if (typeof topic !== 'string' || (topic !== `${prefix}/status` && !topic.startsWith(`${base}/`))) return false;
  return typeof payload !== 'object' || payload === null || !('camera' in payload) || typeof payload.camera !== 'object';
}

/**
 * Understands what the broker delivers. A retained command is none: it was given some time ago, and would be given again
 * after every restart.
 */
export function incoming(topics: Topics, message: { topic: string; payload: unknown; retain?: unknown }): Incoming {
  const text = Buffer.isBuffer(message.payload) ? message.payload.subarray(0, 64).toString() : String(message.payload ?? '');
  if (message.topic === `${topics.prefix}/status`) return text === 'online' ? { kind: 'birth' } : { kind: 'nothing' };
  if (message.topic === bridgeTopic(topics)) return { kind: 'bridge', online: text === 'online' };
  const [id, what, set, ...rest] = message.topic.slice(topics.base.length + 1).split('/');
  if (id === undefined || set !== 'set' || rest.length > 0 || message.retain === true) return { kind: 'nothing' };
  if (what === 'alerts' && (text === 'ON' || text === 'OFF')) return { kind: 'command', id, command: { kind: what, on: text === 'ON' } };
  if ((what === 'test' || what === 'verify') && text === 'PRESS') return { kind: 'command', id, command: { kind: what } };
  return { kind: 'nothing' };
}

/** What configure-camera-email (`apply`, `verify`) and test-email (`test`) take. `enabled` alone is to be written by that `apply`. */
export interface CommandMessage {
  topic: string;
  payload: { command: Command['kind']; camera: string; on?: boolean };
  cameras: [string];
  action: 'apply' | 'verify' | 'test';
  enabled?: boolean;
}

/** `nodeId` is the camera-device, because names may be empty or used twice. */
export function commandMessage(command: Command, camera: { name: string; nodeId: string }): CommandMessage {
  const { name, nodeId } = camera;
  const message = { topic: name, cameras: [nodeId] as [string] };
  if (command.kind !== 'alerts') return { ...message, payload: { command: command.kind, camera: name }, action: command.kind };
  return { ...message, payload: { command: 'alerts', camera: name, on: command.on }, action: 'apply', enabled: command.on };
}
