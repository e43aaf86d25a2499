import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeRedHost } from '../../src/sandbox/node-red-host.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { CA, type FlowNode } from '../nodes/flow.ts';
import type { Mosquitto } from './mosquitto.ts';

export type Credentials = Record<string, Record<string, string>>;

export const root = join(__dirname, '../..');

/** An example as it is shipped, with the address of the broker, the account and the cameras filled in, as its user would. */
export function example(
  file: string,
  sandbox: Sandbox,
  broker: Mosquitto,
  names: readonly string[],
): { flows: FlowNode[]; credentials: Credentials } {
  const flows = JSON.parse(readFileSync(join(root, 'examples', file), 'utf8')) as FlowNode[];
  const credentials: Credentials = { ca: { cadata: sandbox.mail.ca } };
  const cameras: FlowNode[] = [];
  for (const node of flows) {
    if (node.type === 'mqtt-broker') Object.assign(node, { broker: '127.0.0.1', port: String(broker.port) });
    if (node.type === 'gmail-account') {
      const { mail, account } = sandbox;
      const servers = { host: 'localhost', port: mail.ports.smtps, imapHost: 'localhost', imapPort: mail.ports.imaps };
      Object.assign(node, { email: account.email, service: 'custom', security: 'tls', imapSecurity: 'tls', tls: 'ca', ...servers });
      credentials[node.id] = { appPassword: account.appPassword };
    }
    if (node.type !== 'camera-device') continue;
    // The first camera is the example's own; a site has more of them.
    for (const [index, name] of names.entries()) {
      const camera = sandbox.cameras.find((one) => one.name === name);
      assert.ok(camera !== undefined, name);
      const id = index === 0 ? node.id : `${node.id}-${index}`;
      cameras.push({ ...node, id, name, host: '127.0.0.1', port: camera.port, protocol: camera.protocol });
      credentials[id] = { ...sandbox.login };
    }
  }
  const others = flows.filter(({ type }) => type !== 'camera-device');
  return {
    flows: [CA, ...cameras, ...others],
    credentials,
  };
}

/** Presses the button of an inject node, with other values than its own if need be. */
export async function press({ url }: NodeRedHost, id: string, values?: Record<string, unknown>): Promise<void> {
  const props = Object.entries(values ?? {}).map(([p, v]) => ({ p, v: JSON.stringify(v), vt: 'json' }));
  const body = values === undefined ? {} : { __user_inject_props__: props };
  const response = await fetch(`${url}/inject/${id}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 200, `inject ${id}`);
}
