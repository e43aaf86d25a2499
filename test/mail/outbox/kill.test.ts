import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { FailureRule } from '../../../src/sandbox/mail/failure-rules.ts';
import { GMAIL_REPLIES } from '../../../src/sandbox/mail/gmail-replies.ts';
import type { SmtpSession } from '../../../src/sandbox/mail/session-log.ts';
import { until } from '../../waiting.ts';
import { PASSWORD, YOU } from '../servers.ts';
import { Bench } from './fixture.ts';

const TOTAL = 1_000;
const TOPICS = 7;
const TROUBLE: readonly [FailureRule, ...FailureRule[]] = [
  { stage: 'greeting', action: { drop: true } },
  { stage: 'data', action: { reply: GMAIL_REPLIES.temporaryProblem } },
  { stage: 'mail', action: { drop: true } },
  { stage: 'data', action: { drop: true } },
  { stage: 'greeting', action: { reply: GMAIL_REPLIES.tryAgainLater } },
];

describe('outbox of a killed process', () => {
  let bench: Bench;
  let child: ChildProcess | undefined;

  beforeEach(async () => {
    bench = await Bench.start();
  });
  afterEach(async () => {
    child?.kill('SIGKILL');
    await bench.close();
  });

  const accepted = new Set<number>();
  let lines: string[] = [];
  let before = 0;

  /** Starts the process; what it has accepted is what it has said. */
  function start(from: number, to: number): void {
    lines = [];
    before = bench.sandbox.log.length;
    const { directory, account } = bench;
    const ORDER = JSON.stringify({ directory, account: { ...account, dailyLimit: 0 }, password: PASSWORD, from, to, topics: TOPICS });
    const env = { ...process.env, ORDER };
    const started = spawn(process.execPath, ['--import', 'tsx', join(__dirname, 'kill-child.ts')], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let rest = '';
    started.stdout.on('data', (data: Buffer) => {
      const parts = (rest + data.toString('latin1')).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts);
      for (const part of parts) if (part.startsWith('accepted ')) accepted.add(Number(part.slice(9)));
    });
    child = started;
  }

  async function kill(): Promise<void> {
    const ended = child === undefined ? undefined : once(child, 'exit');
    child?.kill('SIGKILL');
    await ended;
  }

  /** The connections of the process that runs now. */
  const sessions = () => bench.sandbox.log.slice(before).filter(({ closed }) => !closed);
  const hasMail = ({ codes, transactions }: SmtpSession) => codes.at(-1) === 354 && transactions.at(-1)?.delivered === true;
  const isIdle = ({ commands, codes }: SmtpSession) =>
    ['DATA', 'AUTH', 'RSET'].includes(commands.at(-1) ?? '') && [250, 235].includes(codes.at(-1) ?? 0);

  /** Until all connections stand still, at least one at `stage`: then none has content under way whose answer is missing, unless it hangs. */
  async function stopAt(stage: 'mail' | 'rcpt', hanging = 0): Promise<() => void> {
    const stop = bench.sandbox.script({ stage, action: { delayMs: 60_000 } });
    const command = stage === 'rcpt' ? 'RCPT' : 'MAIL';
    const still = () => {
      const open = sessions();
      const stopped = open.filter(({ commands }) => commands.at(-1) === command);
      const quiet = open.filter((session) => stopped.includes(session) || isIdle(session) || hasMail(session));
      return stopped.length + hanging > 0 && quiet.length === open.length && open.filter(hasMail).length === hanging;
    };
    for (let steady = 0; steady < 50; steady += 1) {
      if (!still()) steady = 0;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return stop;
  }

  it(`${TOTAL} mails, 421s, lost connections and kill -9 five times: none lost, at most one twice, in order`, async function () {
    this.timeout(60_000);
    let turn = 0;
    let disturbed = 0;
    // One after the other: each only when mails have been delivered since the last one.
    const troubling = setInterval(() => {
      if (bench.arrived.length < disturbed + 10) return;
      disturbed = bench.arrived.length;
      bench.sandbox.script({ ...(TROUBLE[turn++ % TROUBLE.length] ?? TROUBLE[0]), times: 1 });
    }, 10);
    const next = () => Math.max(-1, ...accepted) + 1;
    const delivered = () => lines.filter((line) => line.startsWith('delivered')).length;
    try {
      // In the middle of accepting: what it has not said yet is not owed.
      const closed = bench.sandbox.script({ stage: 'greeting', action: { delayMs: 60_000 } });
      start(0, TOTAL);
      await until(() => accepted.size >= 100);
      await kill();
      closed();

      for (const stage of ['mail', 'rcpt', 'mail'] as const) {
        start(next(), Math.min(TOTAL, next() + 250));
        await until(() => delivered() >= 50);
        const release = await stopAt(stage);
        await kill();
        release();
      }

      // The worst moment: the server has the mail, and its answer does not arrive.
      start(next(), TOTAL);
      await until(() => delivered() >= 20);
      const hang = bench.sandbox.script({ stage: 'delivered', times: 1, action: { delayMs: 60_000 } });
      await until(() => sessions().some(hasMail));
      const release = await stopAt('mail', 1);
      await kill();
      hang();
      release();

      start(next(), TOTAL);
      await until(async () => lines.includes('all accepted') && (await bench.waitingFiles()) === 0);

      const numbers = bench.arrived.map((subject) => Number(subject.slice(5)));
      const seen = new Set(numbers);
      assert.deepEqual(
        [...accepted].filter((number) => !seen.has(number)),
        [],
        'lost',
      );
      assert.ok(accepted.size > TOTAL - 20 * 5, `${accepted.size} accepted`);
      // By Message-ID: a mail that was stored and not yet confirmed when the process died has been handed in anew.
      const ids = bench.sandbox.mailbox(YOU).inbox.mails.map(({ raw }) => /^Message-ID: (.*)$/im.exec(raw.toString('latin1'))?.[1]);
      assert.equal(ids.length - new Set(ids).size, 1, 'twice');
      for (let topic = 0; topic < TOPICS; topic += 1) {
        // Of a number that was handed in anew, the later mail: what was not yet confirmed may have been stored with gaps.
        const inOrder = [...new Set(numbers.toReversed())].reverse().filter((number) => number % TOPICS === topic);
        assert.deepEqual(
          inOrder,
          [...inOrder].sort((one, other) => one - other),
          `order of topic ${topic}`,
        );
      }
    } finally {
      clearInterval(troubling);
    }
  });
});
