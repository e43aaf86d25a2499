// Outbox: group commit (mails per sync of the directory, rate), then, over a line with a round trip of 50 ms, one mail on a warm connection
// and a burst of 40 mails against a server that takes 10 connections in all, with a nodemailer transport for each mail as the peer, as
// node-red-node-email does it. Prints tables; nothing is asserted.

import { createTransport } from 'nodemailer';
import { systemClock } from '../src/core/clock.ts';
import { layLine } from '../test/mail/line.ts';
import { Bench, say } from '../test/mail/outbox/fixture.ts';
import { ME, PASSWORD, YOU } from '../test/mail/servers.ts';
import { until } from '../test/waiting.ts';

const ROUNDS = 5;
const RTT_MS = 50;
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

/** A mailer for each mail, over a line of its own. */
function sendAlone(bench: Bench, port: number, raw: Buffer) {
  return createTransport({ host: 'localhost', port, secure: true, tls: { ca: bench.account.tls.ca }, auth: { user: ME, pass: PASSWORD } })
    .sendMail({ raw, envelope: { from: ME, to: [YOU] } })
    .catch(() => undefined);
}

/** From handing a mail in to the server's 250, in round trips: by the clock, and counted on the line. */
async function oneMail(own: boolean) {
  const bench = await Bench.start();
  const line = await layLine(bench.sandbox.ports.smtps, RTT_MS / 2);
  const account = { ...bench.account, smtp: { ...bench.account.smtp, port: line.port } };
  const outbox = own ? await bench.open({ clock: systemClock, say, account }) : undefined;
  const mail = await bench.mail('alarm');
  const send = async () => {
    if (outbox === undefined) return void (await sendAlone(bench, line.port, mail.raw));
    await outbox.add(mail, { topic: '' });
    await until(() => outbox.state().waiting === 0);
  };
  await send();
  const times: number[] = [];
  const before = line.turns;
  for (let round = 0; round < ROUNDS; round += 1) {
    const since = performance.now();
    await send();
    times.push((performance.now() - since) / RTT_MS);
  }
  const turns = (line.turns - before) / ROUNDS;
  await bench.close();
  await line.close();
  return { byClock: median(times), turns };
}

async function burst(own: boolean) {
  const bench = await Bench.start();
  const { sandbox } = bench;
  const line = await layLine(sandbox.ports.smtps, RTT_MS / 2);
  const account = { ...bench.account, smtp: { ...bench.account.smtp, port: line.port } };
  sandbox.script({ stage: 'greeting', times: 10, action: { delayMs: 0 } });
  sandbox.script({ stage: 'greeting', action: { drop: true } });
  const composed = await Promise.all(Array.from({ length: 40 }, (_, index) => bench.mail(`mail ${index}`)));
  const since = performance.now();
  if (own) {
    const outbox = await bench.open({ clock: systemClock, say, account });
    await Promise.all(composed.map((mail) => outbox.add(mail, { topic: '' })));
    await until(() => outbox.state().waiting === 0);
  } else {
    await Promise.all(composed.map(({ raw }) => sendAlone(bench, line.port, raw)));
  }
  const ms = performance.now() - since;
  const result = { ms, delivered: new Set(bench.arrived).size, connections: sandbox.log.length };
  await bench.close();
  await line.close();
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
  const warm = { outbox: await oneMail(true), 'a transport for each mail': await oneMail(false) };
  console.table(
    Object.entries(warm).map(([name, { byClock, turns }]) => ({
      name,
      'round trips by the clock': byClock.toFixed(2),
      'turns on the line': turns,
    })),
  );
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
