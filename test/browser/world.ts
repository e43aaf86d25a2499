import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Host, installHost } from '../../scripts/hosts.ts';
import { type NodeRedHost, startNodeRed } from '../../src/sandbox/node-red-host.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';

/** A Node-RED without any flow, beside simulated cameras and a mail server whose certificate it trusts as it trusts a public one. */
export interface World {
  sandbox: Sandbox;
  nodeRed: NodeRedHost;
  /** Deploys no flow at all, as at the start. */
  empty(): Promise<void>;
  close(): Promise<void>;
}

export async function startWorld(host: Host): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), 'camera-email-browser-'));
  const sandbox = await startSandbox([{ name: 'Front door', vendor: 'hikvision', variant: 'camera' }]);
  const clear = async () => {
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
    });
    return {
      sandbox,
      nodeRed,
      async empty() {
        const headers = { 'Content-Type': 'application/json' };
        const response = await fetch(`${nodeRed.url}/flows`, { method: 'POST', headers, body: '[]' });
        if (!response.ok) throw new Error(`the flows were not emptied: ${response.status}`);
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
