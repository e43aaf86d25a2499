import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { Secret } from '../../src/core/secret.ts';
import { mailAccount } from '../../src/mail/account.ts';
import { Outbox } from '../../src/mail/outbox/outbox.ts';
import { listenerContext, ownCertificates } from '../../src/relay/certificates.ts';
import { forwardWhole } from '../../src/relay/forward.ts';
import { startRelay } from '../../src/relay/listener.ts';

/** A listener with its outbox in a process of its own, to be killed. Prints `ready` when it listens. */
async function main([directory = '', port = '', smtpPort = '', ca = '', email = '', appPassword = '']: string[]): Promise<void> {
  const account = mailAccount({
    id: 'a',
    email,
    service: 'custom',
    security: 'tls',
    host: 'localhost',
    port: smtpPort,
    appPassword,
    // A client that is cut off before its 250 sends the mail again: more than 500 leave.
    dailyLimit: '0',
    tls: { ca },
  });
  const outbox = await Outbox.open({ directory: join(directory, 'outbox'), account, say: (key) => key });
  outbox.setAccount(account);
  await startRelay({
    host: '127.0.0.1',
    port: Number(port),
    auth: 'login',
    users: new Map([['cam', new Secret('Secret-1')]]),
    allow: [],
    secureContext: listenerContext(await ownCertificates(directory, Date.now()), false),
    implicitTls: false,
    maxBytes: 1024 * 1024,
    directory: join(directory, 'incoming'),
    relay: {
      sender: email,
      to: [email],
      senderName: () => '',
      forward: forwardWhole(async (raw, { messageId, subject, id }) => {
        await outbox.add({ messageId, envelope: { from: email, to: [email] }, raw }, { topic: '', subject, reference: id });
      }),
    },
    onMail: ({ subject }) => appendFileSync(join(directory, 'events.txt'), `${subject}\n`),
    onRefusedLogin: () => undefined,
    onProblem: (problem) => process.stderr.write(`${problem}\n`),
  });
  process.stdout.write('ready\n');
}

void main(process.argv.slice(2));
