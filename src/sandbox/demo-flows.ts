import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type InventoryLine, inventoryCsv, inventoryOf } from './mixed-fleet.ts';
import type { Sandbox } from './sandbox.ts';

type FlowNode = Record<string, unknown> & { id: string; type: string };
type Credentials = Record<string, Record<string, string>>;

const TLS_ID = 'sandbox-authority';

/** The example flows as they are shipped, with the sandbox's account and cameras filled in where a user would fill in his own. */
export function demoFlows(
  examples: string,
  sandbox: Sandbox,
  caFile: string,
  inventory: readonly InventoryLine[] = inventoryOf(sandbox),
): { flows: FlowNode[]; credentials: Credentials } {
  const flows: FlowNode[] = [authority(caFile)];
  const credentials: Credentials = {};
  for (const file of readdirSync(examples)
    .filter((name) => name.endsWith('.json'))
    .sort()) {
    let cameras = 0;
    const nodes = JSON.parse(readFileSync(join(examples, file), 'utf8')) as FlowNode[];
    // There is no broker in the sandbox, and nothing but loopback may be listened on.
    if (nodes.some(({ type }) => type === 'mqtt-broker')) continue;
    for (const node of nodes) {
      if (node.type === 'camera-mail-in') node.host = '127.0.0.1';
      if (node.type === 'gmail-account') fillAccount(node, sandbox, credentials);
      if (node.type === 'camera-device') {
        fillCamera(node, sandbox, cameras, credentials);
        cameras += 1;
      }
      if (node.type === 'template' && String(node.template).startsWith('name,host,')) node.template = inventoryCsv(inventory);
      flows.push(node);
    }
  }
  return { flows, credentials };
}

function authority(ca: string): FlowNode {
  return {
    id: TLS_ID,
    type: 'tls-config',
    name: 'Sandbox authority',
    cert: '',
    key: '',
    ca,
    certname: '',
    keyname: '',
    caname: '',
    servername: '',
    verifyservercert: true,
    alpnprotocol: '',
  };
}

function fillAccount(node: FlowNode, { account, mail }: Sandbox, credentials: Credentials): void {
  const servers = { host: 'localhost', port: mail.ports.smtps, imapHost: 'localhost', imapPort: mail.ports.imaps };
  Object.assign(node, { email: account.email, service: 'custom', security: 'tls', imapSecurity: 'tls', tls: TLS_ID, ...servers });
  credentials[node.id] = { appPassword: account.appPassword };
}

/** The n-th camera of an example is the sandbox's n-th. */
function fillCamera(node: FlowNode, { cameras, login }: Sandbox, index: number, credentials: Credentials): void {
  const camera = cameras[index % cameras.length];
  if (camera === undefined) return;
  Object.assign(node, { host: '127.0.0.1', port: camera.port, protocol: camera.protocol });
  credentials[node.id] = { ...login };
}
