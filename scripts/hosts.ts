import { execFile } from 'node:child_process';
import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A Node-RED that the package supports, with the Node.js that runs it. */
export interface Host {
  name: string;
  packages: readonly string[];
  /** Below the host's directory; absent = the Node.js that runs this script. */
  node?: string;
  /** Its editor has a dark theme. */
  dark: boolean;
}

export interface InstalledHost {
  directory: string;
  /** `red.js`. */
  nodeRed: string;
  nodeBinary: string;
}

const INSTALL_MS = 300_000;
const ROOT = join(__dirname, '..', '.hosts');
// npm's `node` fetches its binary with an install script, which may be switched off; this package holds the binary itself.
const NODE_24 = `node-${process.platform}-${process.arch}`;
const run = promisify(execFile);

export const HOSTS: readonly Host[] = [
  { name: 'Node-RED 4.1', packages: ['node-red@4.1'], dark: false },
  { name: 'Node-RED 5 on Node 24', packages: ['node-red@5', `${NODE_24}@24`], node: `node_modules/${NODE_24}/bin/node`, dark: true },
];

/** Installs a host with npm, once for each checkout: the browser tests and check-hosts share it. */
export async function installHost({ packages, node }: Host): Promise<InstalledHost> {
  const directory = join(ROOT, packages.join('_').replaceAll('@', '-'));
  const installed = {
    directory,
    nodeRed: join(directory, 'node_modules/node-red/red.js'),
    nodeBinary: node === undefined ? process.execPath : join(directory, node),
  };
  const complete = await access(installed.nodeRed).then(
    () => true,
    () => false,
  );
  if (!complete) {
    const unfinished = `${directory}.${process.pid}`;
    await install(unfinished, packages);
    await rm(directory, { recursive: true, force: true });
    await rename(unfinished, directory);
  }
  await access(installed.nodeBinary);
  return installed;
}

export async function install(directory: string, packages: readonly string[]): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'package.json'), '{ "private": true }\n');
  await npm(directory, ['install', '--no-audit', '--no-fund', ...packages]);
}

export async function npm(cwd: string, args: readonly string[]): Promise<string> {
  return (await run('npm', [...args], { cwd, timeout: INSTALL_MS, maxBuffer: 16 * 1024 * 1024 })).stdout;
}
