import assert from 'node:assert/strict';
import { until } from '../../waiting.ts';
import { type Line, layLine } from '../line.ts';
import { Bench } from './fixture.ts';

describe('round trips of a mail', () => {
  let bench: Bench;
  let line: Line;
  beforeEach(async () => {
    bench = await Bench.start();
  });
  afterEach(async () => {
    await bench.close();
    await line.close();
  });

  for (const security of ['tls', 'starttls'] as const) {
    for (const recipients of [1, 100]) {
      it(`two on a warm connection, with ${recipients} recipients and ${security}`, async () => {
        const { ports } = bench.sandbox;
        line = await layLine(security === 'tls' ? ports.smtps : ports.starttls);
        const account = { ...bench.account, smtp: { host: 'localhost', port: line.port, security } };
        const outbox = await bench.open({ account });
        const to = Array.from({ length: recipients }, (_, index) => `you${index}@example.org`);
        const send = async (subject: string) => {
          await bench.add(outbox, subject, { to });
          await until(() => outbox.state().waiting === 0);
        };
        await send('opens the connection');
        for (const subject of ['one', 'two', 'three']) {
          const before = line.turns;
          await send(subject);
          assert.equal(line.turns - before, 2, subject);
        }
        assert.deepEqual([line.connections, bench.logins], [1, 1]);
      });
    }
  }
});
