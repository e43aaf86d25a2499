import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { freePort } from './free-port.ts';

export interface HostOptions {
  /** Made anew; Node-RED's userDir. */
  userDir: string;
  flows: object[];
  credentials: Record<string, Record<string, string>>;
  /** The package's folder, linked into the userDir. */
  packageDir: string;
  /** More of settings.js. */
  settings?: object;
  /** Default: Node-RED of the package's own node_modules, run by this Node. */
  nodeRed?: string;
  nodeBinary?: string;
  /** Beside the environment of this process. */
  env?: Record<string, string>;
  onOutput?: (text: string) => void;
}

export interface NodeRedHost {
  url: string;
  /** Everything it has printed. */
  output(): string;
  /** Resolves when what it has printed meets the condition. Rejects after `ms`, with the output. */
  printed(condition: (output: string) => boolean, ms: number): Promise<void>;
  /** Resolves with the exit code when the process has ended. */
  ended: Promise<number | null>;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** A real Node-RED as a process of its own, listening on loopback. Resolves when its editor answers and its flows have started. */
export async function startNodeRed(options: HostOptions): Promise<NodeRedHost> {
  const { userDir, flows, credentials, packageDir, onOutput } = options;
  rmSync(userDir, { recursive: true, force: true });
  mkdirSync(join(userDir, 'node_modules'), { recursive: true });
  symlinkSync(resolve(packageDir), join(userDir, 'node_modules', 'node-red-contrib-camera-email'), 'dir');
  writeFileSync(
    join(userDir, 'package.json'),
    JSON.stringify({ name: 'camera-email-sandbox', dependencies: { 'node-red-contrib-camera-email': '*' } }),
  );
  writeFileSync(join(userDir, 'flows.json'), JSON.stringify(flows, null, 2));
  writeFileSync(join(userDir, 'flows_cred.json'), JSON.stringify(credentials, null, 2));
  const port = await freePort();
  writeFileSync(
    join(userDir, 'settings.js'),
    `module.exports = ${JSON.stringify({ ...settings(port, userDir), ...options.settings }, null, 2)};\n`,
  );

  const script = options.nodeRed ?? join(packageDir, 'node_modules/node-red/red.js');
  const child = spawn(options.nodeBinary ?? process.execPath, [script, '--userDir', userDir], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'en_US.UTF-8', ...options.env },
  });
  let output = '';
  const watchers = new Set<() => void>();
  const collect = (chunk: Buffer) => {
    output += chunk.toString();
    onOutput?.(chunk.toString());
    for (const watcher of watchers) watcher();
  };
  const printed = (condition: (text: string) => boolean, ms: number) =>
    new Promise<void>((done, reject) => {
      const timer = setTimeout(() => {
        watchers.delete(check);
        reject(new Error(`not printed within ${ms} ms:\n${output}`));
      }, ms);
      const check = () => {
        if (!condition(output)) return;
        clearTimeout(timer);
        watchers.delete(check);
        done();
      };
      watchers.add(check);
      check();
    });
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const ended = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
  const url = `http://127.0.0.1:${port}`;
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal);
    await ended;
  };
  await Promise.race([
    // The editor answers before the flows have started, and an inject node cannot be pressed until then.
    Promise.all([answers(`${url}/nodes`), printed((text) => text.includes('Started flows'), 60_000)]),
    ended.then(() => {
      throw new Error(`Node-RED ended:\n${output}`);
    }),
  ]).catch(async (error) => {
    await stop('SIGKILL');
    throw error;
  });
  return { url, output: () => output, printed, ended, stop };
}

function settings(uiPort: number, fileWorkingDirectory: string) {
  return {
    uiHost: '127.0.0.1',
    uiPort,
    flowFile: 'flows.json',
    fileWorkingDirectory,
    credentialSecret: false,
    logging: { console: { level: 'info', metrics: false, audit: false } },
    telemetry: { enabled: false, updateNotification: false },
    editorTheme: { tours: false, projects: { enabled: false } },
    externalModules: { palette: { allowInstall: false }, modules: { allowInstall: false } },
  };
}

async function answers(url: string): Promise<void> {
  const until = Date.now() + 60_000;
  while (Date.now() < until) {
    const response = await fetch(url, { headers: { Accept: 'application/json' } }).catch(() => undefined);
    if (response?.ok) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`${url} did not answer within 60 s`);
}
