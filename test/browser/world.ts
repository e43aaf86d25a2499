import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Host, installHost } from '../../scripts/hosts.ts';
import { startSimulatedNetwork } from '../../src/sandbox/discovery/simulated-network.ts';
import { freePort } from '../../src/sandbox/free-port.ts';
import { type NodeRedHost, startNodeRed } from '../../src/sandbox/node-red-host.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';

/** A Node-RED without any flow, beside simulated cameras, one of them fresh from the factory, and a mail server whose certificate it trusts as it trusts a public one. */
export interface World {
  sandbox: Sandbox;
  nodeRed: NodeRedHost;
  /** Deploys these nodes and no others. */
  deploy(flows: readonly object[]): Promise<void>;
  close(): Promise<void>;
}

export async function startWorld(host: Host): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), 'camera-email-browser-'));
  const sandbox = await startSandbox([
    { name: 'Front door', vendor: 'hikvision', variant: 'camera' },
    { name: 'Yard', vendor: 'dahua', variant: 'camera' },
  ]);
  const network = await startSimulatedNetwork(sandbox.cameras, await freePort());
  const clear = async () => {
    await network.close();
    await sandbox.close();
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const authority = join(directory, 'authority.pem');
    writeFileSync(authority, sandbox.mail.ca);
    const { nodeRed: script, nodeBinary } = await installHost(host);
    const nodeRed = await startNodeRed({
      userDir: join(directory, 'user'),
      flows: [],
      credentials: {},
      packageDir: join(__dirname, '../..'),
      nodeRed: script,
      nodeBinary,
      env: { NODE_EXTRA_CA_CERTS: authority },
      settings: { cameraEmail: { discovery: network.destinations } },
    });
    return {
      sandbox,
      nodeRed,
      async deploy(flows) {
        const headers = { 'Content-Type': 'application/json' };
        const response = await fetch(`${nodeRed.url}/flows`, { method: 'POST', headers, body: JSON.stringify(flows) });
        if (!response.ok) throw new Error(`the flows were not taken: ${response.status}`);
      },
      async close() {
        await nodeRed.stop();
        await clear();
      },
    };
  } catch (error) {
    await clear();
    throw error;
  }
}
