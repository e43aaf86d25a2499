import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { dovecotConfig, HEADER_CHECKS, MAILBOX_OWNER, type MailHostLayout, postfixMain, postfixMaster } from './mail-host-config.ts';

export interface MailUser {
  address: string;
  password: string;
}

export interface MailHost {
  /** PEM of the authority that signed the servers' certificate (localhost, 127.0.0.1). */
  ca: string;
  ports: { smtps: number; submission: number; imaps: number };
  /** `owner+anything@` reaches the owner too. */
  users: { camera: MailUser; owner: MailUser };
  /** What Postfix has logged so far. */
  log(): Promise<string>;
  /** Ends every process and removes every file; safe to call twice. */
  close(): Promise<void>;
}

const WAIT_MS = 20_000;
const DOMAIN = 'mail.test';
const run = promisify(execFile);

/**
 * A private Postfix and Dovecot on free loopback ports. Postfix needs root, and both must be installed (`.ci/install`).
 * `[spam]` in a subject files the mail into Junk; `[lose]` accepts it and drops it. Mail to other domains is refused.
 */
export async function startMailHost(): Promise<MailHost> {
  const root = await mkdtemp(join(tmpdir(), 'camera-email-host-'));
  const groups: number[] = [];
  let closing: Promise<void> | undefined;
  let ports: number[] = [];
  // Nothing of theirs is kept, so there is nothing to shut down in order.
  const killAll = () => {
    for (const group of groups) killGroup(group);
  };
  const close = async () => {
    killAll();
    process.removeListener('exit', killAll);
    await Promise.all(ports.map((port) => reaches(port, false)));
    await rm(root, { recursive: true, force: true, maxRetries: 5 });
  };
  process.once('exit', killAll);
  try {
    const users = {
      camera: { address: `cam@${DOMAIN}`, password: 'abcdefghijklmnop' },
      owner: { address: `owner@${DOMAIN}`, password: 'qrstuvwxyzabcdef' },
    };
    const layout = { root, domain: DOMAIN, ports: await freePorts() };
    ports = Object.values(layout.ports);
    await writeFiles(layout, Object.values(users));
    const ca = await writeCertificate(join(root, 'tls'));
    const dovecot = await start(root, 'dovecot', ['-F', '-c', `${root}/dovecot/dovecot.conf`]);
    if (dovecot.pid !== undefined) groups.push(dovecot.pid);
    // Postfix detaches once it is up, into a group of its own.
    const postfix = await start(root, 'postfix', ['-c', `${root}/postfix/etc`, 'start']);
    if (postfix.exitCode === null) await once(postfix, 'exit', { signal: AbortSignal.timeout(WAIT_MS) });
    if (postfix.exitCode !== 0) throw new Error(`postfix start: ${postfix.exitCode}`);
    groups.push(Number.parseInt(await readFile(`${root}/postfix/queue/pid/master.pid`, 'utf8'), 10));
    await Promise.all(ports.map((port) => reaches(port, true)));
    return {
      ca,
      ports: layout.ports,
      users,
      log: () => readFile(join(root, 'postfix/log'), 'utf8'),
      close: () => {
        closing ??= close();
        return closing;
      },
    };
  } catch (cause) {
    const paths = ['dovecot/console', 'dovecot/log', 'postfix/console', 'postfix/log'];
    const logs = await Promise.all(paths.map((path) => readFile(join(root, path), 'utf8').catch(() => '')));
    await close();
    throw new Error(`The mail host did not start.\n${logs.join('\n')}`, { cause });
  }
}

async function writeFiles(layout: MailHostLayout, users: MailUser[]): Promise<void> {
  const { root } = layout;
  // mkdtemp makes it 0700, but both servers work as several unprivileged accounts.
  await chmod(root, 0o755);
  for (const directory of ['postfix/etc', 'postfix/queue', 'postfix/data', 'dovecot/run', 'dovecot/state', 'tls', 'mail']) {
    await mkdir(join(root, directory), { recursive: true });
  }
  await run('chown', ['postfix', join(root, 'postfix/data')]);
  await run('chown', [MAILBOX_OWNER, join(root, 'mail')]);
  const files: Record<string, string> = {
    'postfix/etc/main.cf': postfixMain(layout),
    'postfix/etc/master.cf': postfixMaster(layout),
    'postfix/etc/header-checks': HEADER_CHECKS,
    'postfix/etc/mailboxes': users.map(({ address }) => `${address} ok\n`).join(''),
    'dovecot/dovecot.conf': dovecotConfig(layout),
    'dovecot/users': users.map(({ address, password }) => `${address}:${password}\n`).join(''),
    // dovecot-lda reads the whole configuration as the mailboxes' owner, so its log must be there and open to it.
    'dovecot/log': '',
  };
  for (const [path, text] of Object.entries(files)) await writeFile(join(root, path), text);
  await chmod(join(root, 'dovecot/log'), 0o666);
}

/** Makes an authority of its own and a certificate for localhost and 127.0.0.1; returns the authority's PEM. */
async function writeCertificate(directory: string): Promise<string> {
  const file = (name: string) => join(directory, name);
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  await run('openssl', [...request, '-subj', '/CN=Mail host test CA', '-keyout', file('ca.key'), '-out', file('ca.pem')]);
  const signer = ['-CA', file('ca.pem'), '-CAkey', file('ca.key')];
  const names = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-addext', 'basicConstraints=critical,CA:false'];
  const output = ['-keyout', file('server.key'), '-out', file('server.pem')];
  await run('openssl', [...request, '-subj', '/CN=localhost', ...names, ...signer, ...output]);
  await chmod(file('server.key'), 0o644);
  return readFile(file('ca.pem'), 'utf8');
}

async function freePorts(): Promise<MailHostLayout['ports']> {
  const probes = [createServer(), createServer(), createServer()];
  const ports: number[] = [];
  for (const probe of probes) {
    await once(probe.listen(0, '127.0.0.1'), 'listening');
    const address = probe.address();
    if (address !== null && typeof address === 'object') ports.push(address.port);
  }
  await Promise.all(probes.map((probe) => once(probe.close(), 'close')));
  const [smtps = 0, submission = 0, imaps = 0] = ports;
  return { smtps, submission, imaps };
}

/** The program leads a process group of its own, so that its workers can be ended with it. */
async function start(root: string, command: string, args: string[]): Promise<ChildProcess> {
  // A file, since detached workers keep what they inherit open, and a pipe would never end.
  const output = await open(join(root, command, 'console'), 'a');
  try {
    const child = spawn(command, args, { detached: true, stdio: ['ignore', output.fd, output.fd] });
    await once(child, 'spawn');
    return child;
  } finally {
    await output.close();
  }
}

/** Waits until the port answers, or no longer does. */
async function reaches(port: number, listening: boolean): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while ((await answers(port)) !== listening) {
    if (Date.now() > deadline) throw new Error(`port ${port} ${listening ? 'does not answer' : 'still answers'}`);
    await delay(20);
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // The whole group has ended by itself.
  }
}
