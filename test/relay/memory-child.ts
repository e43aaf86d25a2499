import { join } from 'node:path';
import { listenerContext, ownCertificates } from '../../src/relay/certificates.ts';
import { startRelay } from '../../src/relay/listener.ts';

export interface MemoryReport {
  mails: number;
  /** Of the process, at its highest. */
  peakBytes: number;
}

/** A listener in a process of its own, so that the memory is its own. Tells its port first, then answers every message with a report. */
async function main([directory = '']: string[]): Promise<void> {
  let mails = 0;
  let peakBytes = 0;
  const look = () => {
    peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
  };
  setInterval(look, 5);
  const relay = await startRelay({
    host: '127.0.0.1',
    port: 0,
    auth: 'network',
    users: new Map(),
    allow: ['127.0.0.0/8'],
    secureContext: listenerContext(await ownCertificates(directory, Date.now()), false),
    implicitTls: false,
    maxBytes: 25 * 1024 * 1024,
    directory: join(directory, 'incoming'),
    onMail: () => {
      mails += 1;
    },
    onRefusedLogin: () => undefined,
    onProblem: (problem) => process.stderr.write(`${problem}\n`),
  });
  process.on('message', () => {
    look();
    process.send?.({ mails, peakBytes } satisfies MemoryReport);
  });
  process.on('disconnect', () => process.exit());
  process.send?.(relay.port);
}

void main(process.argv.slice(2));
