// The demo: a real Node-RED with the example flows, a Gmail-like mail server and simulated cameras, all on this machine.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { demoFlows } from '../src/sandbox/demo-flows.ts';
import { startNodeRed } from '../src/sandbox/node-red-host.ts';
import { startSandbox } from '../src/sandbox/sandbox.ts';

const root = join(__dirname, '..');
const userDir = join(root, '.demo', 'node-red');

async function main(): Promise<void> {
  const sandbox = await startSandbox([
    { name: 'Front door', vendor: 'hikvision', variant: 'camera' },
    { name: 'Recorder', vendor: 'hikvision', variant: 'recorder' },
  ]);
  const caFile = join(root, '.demo', 'authority.pem');
  mkdirSync(join(root, '.demo'), { recursive: true });
  writeFileSync(caFile, sandbox.mail.ca);
  const { flows, credentials } = demoFlows(join(root, 'examples'), sandbox, caFile);
  const nodeRed = await startNodeRed({ userDir, flows, credentials, packageDir: root, onOutput: (text) => process.stdout.write(text) });
  const stop = () => {
    void nodeRed
      .stop()
      .then(() => sandbox.close())
      .then(() => process.exit(0));
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  process.stdout.write(
    `\nOpen ${nodeRed.url} and click the buttons of "Set up one camera". Nothing leaves this machine. Ctrl+C ends it.\n\n`,
  );
  process.exitCode = (await nodeRed.ended) ?? 1;
  await sandbox.close();
}

main().catch((error) => {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exit(1);
});
