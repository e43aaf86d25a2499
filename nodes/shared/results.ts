import type { CameraOutcome } from '../../src/cameras/configure.ts';
import type { DeviceIdentity } from '../../src/cameras/driver.ts';
import type { CameraTarget } from '../../src/cameras/target.ts';
import type { TestResult } from '../../src/cameras/test-result.ts';
import { publicError, publicWarnings } from './errors.ts';
import type { Message, NodeRed } from './node-red.ts';

/** `camera` of every result. */
export function publicCamera(name: string, target?: CameraTarget, identity?: DeviceIdentity) {
  return {
    name,
    host: target?.address.host ?? '',
    vendor: identity?.vendor ?? target?.vendor ?? '',
    model: identity?.model ?? '',
    firmware: identity?.firmware ?? '',
    serial: identity?.serial ?? '',
  };
}

/** A test as messages carry it. */
export function publicTest(RED: NodeRed, test: TestResult) {
  return {
    ok: test.ok,
    verdict: test.verdict,
    stages: test.stages,
    ...(test.arrival === undefined ? {} : { arrival: test.arrival }),
    ...(test.error === undefined ? {} : { error: publicError(RED, test.error) }),
  };
}

/** The payload of one camera's message from configure-camera-email. */
export function publicOutcome(RED: NodeRed, outcome: CameraOutcome) {
  const { target, identity, action, requests, test, backup, error, ms } = outcome;
  return {
    camera: publicCamera(outcome.name, target, identity),
    action,
    outcome: outcome.outcome,
    changes: outcome.changes,
    ...(requests === undefined ? {} : { requests }),
    warnings: publicWarnings(RED, outcome.warnings),
    ...(test === undefined ? {} : { test: { via: 'camera' as const, ...publicTest(RED, test) } }),
    ...(backup === undefined ? {} : { backup }),
    ...(error === undefined ? {} : { error: publicError(RED, error) }),
    ms,
  };
}

/** The message that came in, for sending on with another payload: the cameras and their passwords stay behind. */
export function onward(RED: NodeRed, message: Message, payload: unknown, topic?: string): Message {
  const { cameras: _cameras, ...rest } = message;
  const copy = RED.util.cloneMessage({ ...rest, payload: undefined });
  copy.payload = payload;
  if (topic !== undefined) copy.topic = topic;
  return copy;
}

export function countBy<T>(items: readonly T[], key: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1;
  return counts;
}
