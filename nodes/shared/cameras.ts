import { driverFor } from '../../src/cameras/registry.ts';
import type { CameraTarget } from '../../src/cameras/target.ts';
import { CameraEmailError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import { type CameraDeviceConfig, migrate, validators } from '../camera-device/config.ts';
import type { NodeRed, RuntimeNode } from './node-red.ts';
import { problems } from './properties.ts';

/** A camera-device node at run time. */
export interface CameraDeviceNode extends RuntimeNode {
  target(): CameraTarget;
}

/** A camera that can be worked on, or the reason why it cannot; either way it has a name for the results. */
export type Requested = { name: string; target: CameraTarget } | { name: string; error: CameraEmailError };

/** From properties as saved or sent. Throws `bad-input` naming the property. */
export function cameraTarget(
  saved: Record<string, unknown>,
  credentials: { username?: unknown; password?: unknown },
  id?: string,
): CameraTarget {
  const [problem] = problems(validators, {
    ...saved,
    vendor: saved.vendor ?? 'auto',
    protocol: saved.protocol ?? 'auto',
    trust: saved.trust ?? 'pin',
    channel: saved.channel ?? 1,
  });
  if (problem !== undefined) throw badInput(problem.field);
  const config: CameraDeviceConfig = migrate(saved);
  if (config.vendor !== 'auto' && driverFor(config.vendor) === undefined) throw badInput('vendor');
  const { username, password = '' } = credentials;
  // An empty name would only cost the device a refused login.
  if (typeof username !== 'string' || username === '') throw badInput('username');
  if (typeof password !== 'string') throw badInput('password');
  const { host, port, protocol, trust, fingerprint, legacyTls } = config;
  return {
    id,
    name: config.name || host,
    vendor: config.vendor,
    channel: config.channel,
    address: { host, port, protocol, trust, fingerprint: fingerprint || undefined, legacyTls },
    login: { username, password: new Secret(password) },
  };
}

/** The cameras of a message, else those of the node. Throws `bad-input` when there are none or `msg.cameras` is no list. */
export function requestedCameras(RED: NodeRed, fromMessage: unknown, fromNode: readonly string[]): Requested[] {
  if (fromMessage !== undefined && fromMessage !== null && !Array.isArray(fromMessage)) throw badInput('cameras');
  const wanted: readonly unknown[] = fromMessage ?? fromNode;
  if (wanted.length === 0) throw badInput('chosenCameras');
  return wanted.map((entry, index) => requested(RED, entry, index));
}

function requested(RED: NodeRed, entry: unknown, index: number): Requested {
  const name = typeof entry === 'string' ? entry : isRecord(entry) ? String(entry.name ?? entry.host ?? `#${index + 1}`) : `#${index + 1}`;
  try {
    const target = typeof entry === 'string' ? findNode(RED, entry).target() : targetOf(entry);
    return { name: target.name, target };
  } catch (error) {
    return { name, error: error instanceof CameraEmailError ? error : badInput('cameras') };
  }
}

function targetOf(entry: unknown): CameraTarget {
  if (!isRecord(entry)) throw badInput('cameras');
  return cameraTarget(entry, { username: entry.username, password: entry.password });
}

function findNode(RED: NodeRed, nameOrId: string): CameraDeviceNode {
  let id = nameOrId;
  RED.nodes.eachNode((config) => {
    if (config.type === 'camera-device' && config.name === nameOrId) id = config.id;
  });
  const node = RED.nodes.getNode(nameOrId) ?? RED.nodes.getNode(id);
  if (!isCameraDevice(node))
    throw new CameraEmailError('bad-input', `no camera ${nameOrId}`, { params: { field: 'camera', value: nameOrId } });
  return node;
}

function isCameraDevice(node: unknown): node is CameraDeviceNode {
  return isRecord(node) && node.type === 'camera-device' && typeof node.target === 'function';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function badInput(field: string): CameraEmailError {
  return new CameraEmailError('bad-input', `${field} is missing or wrong`, { params: { field } });
}
