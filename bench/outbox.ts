// Outbox: group commit (mails per sync of the directory, rate) and a burst of 40 mails against a server that takes 10 connections in all,
// with a nodemailer transport for each mail as the peer, as node-red-node-email does it. Prints a table; nothing is asserted.

import { createTransport } from 'nodemailer';
import { systemClock } from '../src/core/clock.ts';
import { Bench, say, until } from '../test/mail/outbox/fixture.ts';
import { ME, PASSWORD, YOU } from '../test/mail/servers.ts';

const ROUNDS = 5;
const median = (values: number[]) => values.sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;

async function commits(mails: number) {
  const bench = await Bench.start();
  bench.sandbox.script({ stage: 'connect', action: { drop: true } });
  const outbox = await bench.open({ clock: systemClock, say });
  const composed = await Promise.all(Array.from({ length: mails }, (_, index) => bench.mail(`mail ${index}`)));
  const since = performance.now();
  await Promise.all(composed.map((mail) => outbox.add(mail, { topic: '' })));
  const ms = performance.now() - since;
  const { syncs } = outbox.commits;
  await bench.close();
  return { ms, perSync: mails / syncs };
}

async function burst(own: boolean) {
  const bench = await Bench.start();
  const { sandbox } = bench;
  let taken = 0;
  const guard = setInterval(() => {
    if (taken === 0 && sandbox.log.length >= 10) {
      taken = sandbox.log.length;
      sandbox.script({ stage: 'greeting', action: { drop: true } });
    }
  }, 0);
  const composed = await Promise.all(Array.from({ length: 40 }, (_, index) => bench.mail(`mail ${index}`)));
  const since = performance.now();
  if (own) {
    const outbox = await bench.open({ clock: systemClock, say });
    await Promise.all(composed.map((mail) => outbox.add(mail, { topic: '' })));
    await until(() => outbox.state().waiting === 0);
  } else {
    const { smtp, tls } = bench.account;
    const each = composed.map(({ raw }) =>
      createTransport({ host: smtp.host, port: smtp.port, secure: true, tls: { ca: tls.ca }, auth: { user: ME, pass: PASSWORD } })
        .sendMail({ raw, envelope: { from: ME, to: [YOU] } })
        .catch(() => undefined),
    );
    await Promise.all(each);
  }
  const ms = performance.now() - since;
  clearInterval(guard);
  const result = { ms, delivered: new Set(bench.arrived).size, connections: sandbox.log.length };
  await bench.close();
  return result;
}

async function main(): Promise<void> {
  const rows = [];
  for (const mails of [1, 10, 100, 500]) {
    const rounds = [];
    for (let round = 0; round < ROUNDS; round += 1) rounds.push(await commits(mails));
    const ms = median(rounds.map((round) => round.ms));
    rows.push({
      mails,
      'ms to accept': ms.toFixed(1),
      'mails/s': Math.round((mails / ms) * 1_000),
      'mails per directory sync': rounds[0]?.perSync,
    });
  }
  console.table(rows);
  const own: Awaited<ReturnType<typeof burst>>[] = [];
  const peer: typeof own = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    own.push(await burst(true));
    peer.push(await burst(false));
  }
  const line = (name: string, all: typeof own) => ({
    name,
    delivered: median(all.map(({ delivered }) => delivered)),
    connections: median(all.map(({ connections }) => connections)),
    ms: Math.round(median(all.map(({ ms }) => ms))),
  });
  console.table([line('outbox', own), line('a transport for each mail', peer)]);
}

void main();
