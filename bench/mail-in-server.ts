// The server's side of bench/mail-in.ts, in a process of its own: our listener, or the peer's node in Node-RED's own runtime.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listenerContext, ownCertificates } from '../src/relay/certificates.ts';
import { startRelay } from '../src/relay/listener.ts';
import type { MailInReply, MailInRequest, MailInServer } from './mail-in.ts';

const directory = mkdtempSync(join(tmpdir(), 'camera-email-bench-'));
let events = 0;
let peakBytes = 0;
let idle = process.cpuUsage();

async function ours(port: number): Promise<void> {
  await startRelay({
    host: '127.0.0.1',
    port,
    auth: 'network',
    users: new Map(),
    allow: ['127.0.0.0/8'],
    secureContext: listenerContext(await ownCertificates(directory, Date.now()), false),
    implicitTls: false,
    maxBytes: 25 * 1024 * 1024,
    directory: join(directory, 'incoming'),
    onMail: () => {
      events += 1;
    },
    onRefusedLogin: () => undefined,
    onProblem: (problem) => console.error(problem),
  });
}

async function peer(port: number): Promise<void> {
  const helper = require('node-red-node-test-helper');
  helper.init(require.resolve('node-red'));
  helper.settings({ userDir: directory });
  await new Promise<void>((ready) => helper.startServer(ready));
  const flow = [
    { id: 'in', type: 'e-mail mta', port: String(port), secure: false, starttls: false, auth: false, users: '[]', wires: [['out']] },
    { id: 'out', type: 'helper' },
  ];
  await helper.load(require(require.resolve('node-red-node-email/61-email.js', { paths: [__dirname] })), flow);
  helper.getNode('out').on('input', () => {
    events += 1;
  });
}

process.on('message', (request: MailInRequest) => {
  if (request === 'reset') {
    global.gc?.();
    events = 0;
    peakBytes = process.memoryUsage().rss;
    idle = process.cpuUsage();
  }
  const { user, system } = process.cpuUsage(idle);
  const reply: MailInReply = { events, cpuMs: (user + system) / 1000, rssBytes: process.memoryUsage().rss, peakBytes };
  process.send?.(reply);
});
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
process.on('disconnect', () => process.exit());
setInterval(() => {
  peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
}, 10).unref();

async function main([kind, port]: string[]): Promise<void> {
  await ((kind as MailInServer) === 'ours' ? ours(Number(port)) : peer(Number(port)));
  process.send?.('ready');
}

void main(process.argv.slice(2));
