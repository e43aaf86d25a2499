// Camera mails of 300 KiB, one connection a mail: our listener (fsynced before the 250, then parsed) against node-red-node-email's
// "e-mail mta" (parsed, stored nowhere). Usage: npm install --prefix bench && tsx bench/mail-in.ts [mails=300] [rounds=5]
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';

export type MailInServer = 'ours' | 'peer';
export type MailInRequest = 'reset' | 'counts';

export interface MailInReply {
  events: number;
  cpuMs: number;
  rssBytes: number;
  peakBytes: number;
}

interface Round {
  perSecond: number;
  cpuMs: number;
  firstByteMs: number;
  growthMiB: number;
}

const MAILS = Number(process.argv[2] ?? 300);
const ROUNDS = Number(process.argv[3] ?? 5);
const MAIL = Buffer.from(
  [
    'From: <cam@example.com>',
    'Subject: Motion',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary="b"',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    'Alarm Event: Motion Detect',
    '--b',
    'Content-Type: image/jpeg; name="shot.jpg"',
    'Content-Transfer-Encoding: base64',
    '',
    randomBytes(300 * 1024)
      .toString('base64')
      .replace(/.{76}/g, '$&\r\n'),
    '--b--',
    '',
    '.',
    '',
  ].join('\r\n'),
);

async function main(): Promise<void> {
  const hasPeer = existsSync(join(__dirname, 'node_modules/node-red-node-email'));
  const kinds: MailInServer[] = hasPeer ? ['ours', 'peer'] : ['ours'];
  if (!hasPeer) console.log('The peer is not installed: npm install --prefix bench');
  const servers = new Map<MailInServer, { child: ChildProcess; port: number }>();
  for (const kind of kinds) servers.set(kind, await start(kind));
  const rounds = new Map<MailInServer, Round[]>(kinds.map((kind) => [kind, []]));
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const [kind, server] of servers) {
      const result = await measure(server);
      if (round >= 0) rounds.get(kind)?.push(result);
    }
  }
  const table = [...rounds].map(([server, all]) => ({
    server,
    'mails/s (20 connections)': median(all.map(({ perSecond }) => perSecond)).toFixed(0),
    'CPU ms/mail': median(all.map(({ cpuMs }) => cpuMs)).toFixed(2),
    'connect to 250, p50 ms': median(all.map(({ firstByteMs }) => firstByteMs)).toFixed(1),
    'peak over idle, 200 connections, MiB': median(all.map(({ growthMiB }) => growthMiB)).toFixed(0),
  }));
  console.table(table);
  const [own = 0, other = 0] = kinds.map((kind) => median((rounds.get(kind) ?? []).map(({ perSecond }) => perSecond)));
  if (hasPeer) console.log(`ours / e-mail mta: ${(own / other).toFixed(2)} (goal 2.1)`);
  for (const { child } of servers.values()) child.disconnect();
}

async function start(kind: MailInServer): Promise<{ child: ChildProcess; port: number }> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  await new Promise((closed) => probe.close(closed));
  const child = fork(join(__dirname, 'mail-in-server.ts'), [kind, String(port)], { execArgv: ['--expose-gc', '--import', 'tsx'] });
  await once(child, 'message');
  return { child, port };
}

async function measure({ child, port }: { child: ChildProcess; port: number }): Promise<Round> {
  await ask(child, 'reset');
  const started = performance.now();
  await sendAll(port, MAILS, 20);
  const perSecond = (MAILS * 1000) / (performance.now() - started);
  const { cpuMs } = await allEvents(child, MAILS);
  const singles: number[] = [];
  for (let turn = 0; turn < 15; turn += 1) {
    const begun = performance.now();
    await send(port);
    singles.push(performance.now() - begun);
  }
  await allEvents(child, MAILS + 15);
  const { rssBytes } = await ask(child, 'reset');
  await sendAll(port, 400, 200);
  const { peakBytes } = await allEvents(child, 400);
  return { perSecond, cpuMs: cpuMs / MAILS, firstByteMs: median(singles), growthMiB: (peakBytes - rssBytes) / 1024 / 1024 };
}

async function allEvents(child: ChildProcess, count: number): Promise<MailInReply> {
  for (;;) {
    const counts = await ask(child, 'counts');
    if (counts.events >= count) return counts;
    await new Promise((later) => setTimeout(later, 5));
  }
}

async function ask(child: ChildProcess, request: MailInRequest): Promise<MailInReply> {
  child.send(request);
  const [reply] = await once(child, 'message');
  return reply as MailInReply;
}

async function sendAll(port: number, mails: number, connections: number): Promise<void> {
  let left = mails;
  const client = async () => {
    while (left-- > 0) await send(port);
  };
  await Promise.all(Array.from({ length: connections }, client));
}

/** Rejects on any reply that is not the one to be expected. */
function send(port: number): Promise<void> {
  const says: (string | Buffer)[] = ['EHLO cam\r\n', 'MAIL FROM:<a@b.c>\r\n', 'RCPT TO:<d@e.f>\r\n', 'DATA\r\n', MAIL, 'QUIT\r\n'];
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    let step = 0;
    socket.setNoDelay(true).on('error', reject);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (!/^\d{3} .*\r\n/m.test(text)) return;
      if (!/^[23]/.test(text)) return void reject(new Error(text));
      text = '';
      if (step === says.length - 1) resolve();
      const line = says[step++];
      if (line === undefined) socket.destroy();
      else socket.write(line);
    });
  });
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}

void main();
