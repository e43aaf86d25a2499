import { join } from 'node:path';
import { systemClock } from '../../src/core/clock.ts';
import { CameraEmailError } from '../../src/core/errors.ts';
import type { FleetOrder, FleetServices } from '../../src/fleet/configure-fleet.ts';
import type { CameraMailInNode } from '../camera-mail-in/camera-mail-in.ts';
import type { NodeRed } from './node-red.ts';
import { servicesOf } from './services.ts';

/** The listener of a camera-mail-in node. Undefined when the cameras shall mail to the account's own server. */
export function relayOf(RED: NodeRed, id: string): FleetOrder['relay'] {
  if (id === '') return undefined;
  const node = RED.nodes.getNode(id) as Partial<CameraMailInNode> | null | undefined;
  if (typeof node?.listener !== 'function') throw new CameraEmailError('bad-input', 'the relay is gone', { params: { field: 'relay' } });
  const { listener } = node;
  return ({ name, address }, signal) => listener({ name, host: address.host }, signal);
}

export function fleetServices(RED: NodeRed): FleetServices {
  const { directory, connect, backups, written, exclusively } = servicesOf(RED);
  const reportDamaged = (file: string) => RED.log.warn(`camera-email: a damaged file was moved aside: ${file}`);
  return { connect, backups, written, exclusively, clock: systemClock, jobsDirectory: join(directory, 'jobs'), reportDamaged };
}
