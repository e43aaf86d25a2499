/** Packs this package and loads it in every Node-RED it supports, as a user who installs it would. Run from the package's root. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../src/sandbox/free-port.ts';
import { freshFlow, registrations } from './fresh-flow.ts';
import { HOSTS, type Host, type InstalledHost, install, installHost, npm } from './hosts.ts';

interface Manifest {
  name: string;
  'node-red': { nodes: Record<string, string> };
}

interface NodeSet {
  id: string;
  module: string;
  types: string[];
  enabled: boolean;
  err?: unknown;
}

const START_MS = 60_000;
const STOP_MS = 10_000;
/** Node-RED prints some errors of a flow's start as they are, without their level. */
const ERROR_LINE = /\[(error|fatal)\]|^\w*Error:|uncaught|waiting for missing types/i;

async function main(): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'camera-email-hosts-'));
  try {
    const packed = await npm(process.cwd(), ['pack', '--json', '--pack-destination', root]);
    // The build's own output comes first.
    const [{ filename }] = JSON.parse(packed.slice(packed.lastIndexOf('\n[') + 1)) as [{ filename: string }];
    for (const [index, host] of HOSTS.entries()) {
      const started = Date.now();
      await checkHost(host, join(root, `host-${index}`), join(root, filename));
      console.log(`check-hosts: ${host.name}: ok (${Math.round((Date.now() - started) / 1000)} s)`);
    }
  } finally {
    await rm(root, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function checkHost(host: Host, directory: string, tarball: string): Promise<void> {
  console.log(`check-hosts: ${host.name}: installing`);
  const userDir = join(directory, 'user');
  const installation = await installHost(host);
  await install(userDir, [tarball]);
  const manifest = JSON.parse(await readFile('package.json', 'utf8')) as Manifest;
  const installed = join(userDir, 'node_modules', manifest.name);
  const pages = await Promise.all(
    Object.values(manifest['node-red'].nodes).map((file) => readFile(join(installed, file.replace(/\.js$/, '.html')), 'utf8')),
  );
  const types = registrations(pages);
  const port = await freePort();
  await writeFile(join(userDir, 'flows.json'), JSON.stringify(freshFlow(types)));
  await writeFile(join(userDir, 'settings.js'), settings(port));
  const log = join(directory, 'log');
  const server = await startNodeRed(installation, userDir, log);
  try {
    const admin = `http://127.0.0.1:${port}`;
    const sets = (await untilUp(server, admin)).filter(({ module }) => module === manifest.name);
    assert.deepEqual(sets.flatMap((set) => set.types).sort(), [...types.keys()].sort(), 'the types that Node-RED knows');
    for (const set of sets) assert.ok(set.enabled && set.err === undefined, `${set.id} did not load: ${JSON.stringify(set.err)}`);
    await checkPages(admin, [...types.keys()]);
    await checkLocales(admin, manifest, installed);
    await checkIcons(
      admin,
      manifest.name,
      [...types.values()].flatMap(({ icon }) => icon ?? []),
    );
    await until(async () => /Started flows/.test(await readFile(log, 'utf8')), 'the flows to start');
    assert.equal(server.exitCode, null, 'Node-RED ended by itself');
    const errors = (await readFile(log, 'utf8')).split('\n').filter((line) => ERROR_LINE.test(line));
    assert.deepEqual(errors, [], 'errors in the log');
  } catch (cause) {
    throw new Error(`${host.name}\n${await readFile(log, 'utf8')}`, { cause });
  } finally {
    await stop(server);
  }
}

function settings(port: number): string {
  const values = {
    uiHost: '127.0.0.1',
    uiPort: port,
    flowFile: 'flows.json',
    credentialSecret: false,
    telemetry: { enabled: false, updateNotification: false },
    logging: { console: { level: 'info' } },
  };
  return `module.exports = ${JSON.stringify(values)};\n`;
}

async function startNodeRed({ directory, nodeRed, nodeBinary }: InstalledHost, userDir: string, log: string): Promise<ChildProcess> {
  const output = await open(log, 'a');
  try {
    const server = spawn(nodeBinary, [nodeRed, '--userDir', userDir], { cwd: directory, stdio: ['ignore', output.fd, output.fd] });
    await once(server, 'spawn');
    return server;
  } finally {
    await output.close();
  }
}

async function untilUp(server: ChildProcess, admin: string): Promise<NodeSet[]> {
  let sets: NodeSet[] = [];
  await until(async () => {
    assert.equal(server.exitCode, null, 'Node-RED ended while starting');
    const response = await get(`${admin}/nodes`).catch(() => undefined);
    if (response === undefined || !response.ok) return false;
    sets = (await response.json()) as NodeSet[];
    return true;
  }, 'the editor to answer');
  return sets;
}

async function checkPages(admin: string, types: string[]): Promise<void> {
  const html = await (await get(`${admin}/nodes`, 'text/html')).text();
  for (const type of types) {
    assert.ok(html.includes(`data-template-name="${type}"`), `${type}: no form in the editor`);
    assert.ok(html.includes(`data-help-name="${type}"`), `${type}: no help in the editor`);
  }
}

async function checkLocales(admin: string, { name, 'node-red': { nodes } }: Manifest, installed: string): Promise<void> {
  const served = (await (await get(`${admin}/nodes/messages?lng=en-US`)).json()) as Record<string, object>;
  for (const [set, file] of Object.entries(nodes)) {
    const path = join(installed, dirname(file), 'locales/en-US', `${set}.json`);
    const catalog = JSON.parse(await readFile(path, 'utf8')) as object;
    assert.deepEqual(served[`${name}/${set}`], catalog, `${set}: its locale is not served`);
  }
}

async function checkIcons(admin: string, name: string, icons: string[]): Promise<void> {
  const served = (await (await get(`${admin}/icons`)).json()) as Record<string, string[]>;
  for (const icon of icons) {
    if (icon.startsWith('font-awesome/') || served['node-red']?.includes(icon)) continue;
    // A missing icon is answered with a default one: the list tells.
    assert.ok(served[name]?.includes(icon), `${icon} is not among the package's icons`);
    const response = await get(`${admin}/icons/${name}/${icon}`, 'image/*');
    assert.ok(response.ok, `${icon}: ${response.status}`);
  }
}

function get(url: string, accept = 'application/json'): Promise<Response> {
  return fetch(url, { headers: { accept }, signal: AbortSignal.timeout(10_000) });
}

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + START_MS;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `waited too long for ${what}`);
    await delay(200);
  }
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return;
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  const killer = setTimeout(() => server.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(killer);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
