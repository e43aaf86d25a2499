import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sendCameraMail } from '../../src/sandbox/camera-smtp.ts';
import { freePort } from '../../src/sandbox/free-port.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';

const MAILS = 500;
const CLIENTS = 6;
/** After so many accepted mails the listener is killed. */
const KILLS = [60, 170, 320];

describe('relay: killed at random', () => {
  let sandbox: Sandbox;
  let child: ChildProcess | undefined;
  const directory = mkdtempSync(join(tmpdir(), 'camera-email-kill-'));
  before(async () => {
    sandbox = await startSandbox([]);
  });
  after(async () => {
    child?.kill('SIGKILL');
    await sandbox.close();
    rmSync(directory, { recursive: true, force: true });
  });

  async function start(port: number): Promise<void> {
    const { mail, account } = sandbox;
    const script = join(__dirname, 'relay-kill-child.ts');
    const settings = [directory, String(port), String(mail.ports.smtps), mail.ca, account.email, account.appPassword];
    const started = spawn(process.execPath, ['--import', 'tsx', script, ...settings], { stdio: ['ignore', 'pipe', 'inherit'] });
    child = started;
    await once(started.stdout, 'data');
  }

  it(`every one of ${MAILS} mails that got its 250 arrives in the inbox and as an event`, async function () {
    this.timeout(60_000);
    const port = await freePort();
    let running = start(port);
    await running;
    const accepted = new Set<string>();
    const kills = [...KILLS];
    let next = 0;
    const client = async () => {
      while (next < MAILS) {
        const subject = `mail-${next++}-end`;
        for (let done = false; !done; ) {
          await running;
          done = await send(port, subject);
        }
        accepted.add(subject);
        if (accepted.size < (kills[0] ?? Number.POSITIVE_INFINITY)) continue;
        kills.shift();
        const dying = child;
        running = (async () => {
          dying?.kill('SIGKILL');
          if (dying !== undefined && dying.exitCode === null && dying.signalCode === null) await once(dying, 'exit');
          await start(port);
        })();
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    assert.equal(accepted.size, MAILS);
    const inbox = sandbox.mail.mailbox(sandbox.account.email).inbox;
    const arrived = () => new Set(inbox.mails.map(({ subject }) => subject));
    const events = () =>
      new Set(existsSync(join(directory, 'events.txt')) ? readFileSync(join(directory, 'events.txt'), 'utf8').split('\n') : []);
    const complete = () => {
      const mails = arrived();
      const told = events();
      return [...accepted].every((subject) => mails.has(subject) && told.has(subject));
    };
    while (!complete()) await new Promise((later) => setTimeout(later, 50));
    const sent = sandbox.mail.log.flatMap(({ transactions }) => transactions).length;
    assert.ok(sent <= MAILS * 1.1, `${sent} mails for ${MAILS}`);
  });
});

async function send(port: number, subject: string): Promise<boolean> {
  const { ok } = await sendCameraMail({
    host: '127.0.0.1',
    port,
    security: 'none',
    authentication: { username: 'cam', password: 'Secret-1' },
    heloName: 'cam',
    from: 'cam@example.com',
    to: ['me@example.com'],
    message: `Subject: ${subject}\r\n\r\n${'picture\r\n'.repeat(500)}`,
    timeoutMs: 10_000,
  });
  return ok;
}
