// The demo: a real Node-RED with the example flows, a Gmail-like mail server and simulated cameras, all on this machine.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { demoFlows } from '../src/sandbox/demo-flows.ts';
import { startSimulatedNetwork } from '../src/sandbox/discovery/simulated-network.ts';
import { inventoryOf, mixedFleet, startSilentDevice } from '../src/sandbox/mixed-fleet.ts';
import { startNodeRed } from '../src/sandbox/node-red-host.ts';
import { startSandbox } from '../src/sandbox/sandbox.ts';

const root = join(__dirname, '..');
const userDir = join(root, '.demo', 'node-red');

async function main(): Promise<void> {
  const sandbox = await startSandbox(mixedFleet());
  const silent = await startSilentDevice();
  const network = await startSimulatedNetwork(sandbox.cameras, silent.port);
  const caFile = join(root, '.demo', 'authority.pem');
  mkdirSync(join(root, '.demo'), { recursive: true });
  writeFileSync(caFile, sandbox.mail.ca);
  const cameras = inventoryOf(sandbox);
  const inventory = [...cameras, ...cameras.slice(0, 1).map((camera) => ({ ...camera, name: 'Out of order', port: silent.port }))];
  const { flows, credentials } = demoFlows(join(root, 'examples'), sandbox, caFile, inventory);
  const settings = { cameraEmail: { discovery: network.destinations } };
  const onOutput = (text: string) => process.stdout.write(text);
  const nodeRed = await startNodeRed({ userDir, flows, credentials, packageDir: root, settings, onOutput });
  const stop = () => {
    void nodeRed
      .stop()
      .then(() => Promise.all([sandbox.close(), silent.close(), network.close()]))
      .then(() => process.exit(0));
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  process.stdout.write(
    `\nOpen ${nodeRed.url} and click the buttons of "Set up one camera" or "Set up many cameras from a CSV". Nothing leaves this machine. Ctrl+C ends it.\n\n`,
  );
  process.exitCode = (await nodeRed.ended) ?? 1;
  await Promise.all([sandbox.close(), silent.close(), network.close()]);
}

main().catch((error) => {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exit(1);
});
