// A process that fills an outbox and sends from it, made to be killed: kill.test.ts starts it again and again.
import type { Clock } from '../../../src/core/clock.ts';
import { Secret } from '../../../src/core/secret.ts';
import type { MailAccount } from '../../../src/mail/account.ts';
import { composeMail } from '../../../src/mail/compose.ts';
import { Outbox } from '../../../src/mail/outbox/outbox.ts';

interface Order {
  directory: string;
  account: MailAccount;
  password: string;
  /** Numbers of the mails to hand in. */
  from: number;
  to: number;
  topics: number;
}

const order = JSON.parse(process.env.ORDER ?? '') as Order;
const account: MailAccount = { ...order.account, password: new Secret(order.password) };

/** A thousand times as fast, so that a minute of back-off takes 60 ms. */
const fast: Clock = {
  now: () => Date.now() * 1_000,
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, ms / 1_000);
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    }),
};

async function main(): Promise<void> {
  const outbox = await Outbox.open({
    directory: order.directory,
    account,
    clock: fast,
    say: (key) => key,
    caps: { ageMs: 1e15 },
    tell: (event) => {
      if (event.kind === 'delivered') console.log(`delivered ${event.mail.subject}`);
      if (event.kind === 'failed' || event.kind === 'problem') console.log(`${event.kind} ${JSON.stringify(event)}`);
    },
  });
  console.log('open');
  for (let number = order.from; number < order.to; number += 20) {
    const subjects = Array.from({ length: Math.min(20, order.to - number) }, (_, index) => `mail ${number + index}`);
    // All before the first is handed in: they are not composed in order.
    const mails = await Promise.all(
      subjects.map((subject) => composeMail({ to: 'you@gmail.com', subject, text: 'x'.repeat(2_000) }, account)),
    );
    await Promise.all(
      mails.map(async (mail, index) => {
        const subject = subjects[index];
        await outbox.add(mail, { topic: `topic ${(number + index) % order.topics}`, subject });
        console.log(`accepted ${number + index}`);
      }),
    );
  }
  console.log('all accepted');
}

void main();
