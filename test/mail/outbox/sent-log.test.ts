import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { SentLog } from '../../../src/mail/outbox/sent-log.ts';
import { diskFiles, type SpoolFiles } from '../../../src/mail/outbox/spool-files.ts';
import { until } from '../../waiting.ts';
import { Bench, HOUR } from './fixture.ts';

describe('sent log', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sent-log-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('lines that come while others are synced share the next sync', async () => {
    const finish: (() => void)[] = [];
    const log = new SentLog(directory, { ...diskFiles, syncFile: () => new Promise((resolve) => finish.push(resolve)) });
    await log.load(0);
    log.add(1, 'a');
    log.add(1, 'b');
    const first = Promise.all([log.synced(), log.synced()]);
    await until(() => finish.length === 1);
    const later = ['c', 'd', 'e'].map((id) => {
      log.add(2, id);
      return log.synced();
    });
    finish[0]?.();
    assert.deepEqual(await first, [true, true]);
    await until(() => finish.length === 2);
    finish[1]?.();
    assert.deepEqual(await Promise.all(later), [true, true, true]);
    assert.equal(finish.length, 2);
  });

  it('says when the disk does not take it, and tries again with the next line', async () => {
    let broken = true;
    const log = new SentLog(directory, { ...diskFiles, syncFile: async () => (broken ? Promise.reject(new Error('EIO')) : undefined) });
    await log.load(0);
    log.add(1, 'a');
    assert.equal(await log.synced(), false);
    broken = false;
    assert.equal(await log.synced(), true);
  });

  it('knows what was sent whatever the clock says by now, and counts only the last 24 hours', async () => {
    const now = 1_000 * HOUR;
    const before = new SentLog(directory, diskFiles);
    await before.load(now);
    for (const [at, id] of [
      [now - 30 * HOUR, 'long ago'],
      [now - HOUR, 'today'],
      [now + 9 * HOUR, 'before the clock was set back'],
    ] as const)
      before.add(at, id.replaceAll(' ', '-'));
    const after = new SentLog(directory, diskFiles);
    await after.load(now);
    assert.deepEqual(
      ['long-ago', 'today', 'before-the-clock-was-set-back', 'never'].map((id) => after.has(id)),
      [true, true, true, false],
    );
    assert.equal(after.count(now), 1);
  });
});

describe('outbox and a power cut', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await Bench.start();
  });
  afterEach(() => bench.close());

  it("a mail's file goes, and its delivery is told, only when the disk holds that it was sent", async () => {
    const done: string[] = [];
    const files: SpoolFiles = {
      ...diskFiles,
      appendNow(file, line) {
        done.push(`append ${basename(file)}`);
        diskFiles.appendNow(file, line);
      },
      async syncFile(file) {
        await diskFiles.syncFile(file);
        done.push(`sync ${basename(file)}`);
      },
      async remove(file) {
        if (/\/cur\//.test(file)) done.push('remove');
        await diskFiles.remove(file);
      },
    };
    const outbox = await bench.open({ files, tell: ({ kind }) => void (kind === 'delivered' && done.push('told')) });
    await bench.add(outbox, 'one');
    await until(() => outbox.state().waiting === 0);
    assert.deepEqual(done, ['append sent.log', 'sync sent.log', 'told', 'remove']);
  });

  it('a file that comes back after the power cut is not sent again, even a day later', async () => {
    const saved = await mkdtemp(join(tmpdir(), 'outbox-before-'));
    try {
      const files: SpoolFiles = {
        ...diskFiles,
        async syncFile(file) {
          await diskFiles.syncFile(file);
          // What the disk holds at this moment at least.
          await cp(bench.directory, saved, { recursive: true });
        },
      };
      const outbox = await bench.open({ files });
      await bench.add(outbox, 'one');
      await until(() => outbox.state().waiting === 0);
      await outbox.close();
      await rm(join(saved, 'lock'), { force: true, recursive: true });
      bench.clock.advance(25 * HOUR);
      const again = await bench.open({ directory: saved });
      await bench.add(again, 'two');
      await until(() => again.state().waiting === 0);
      assert.deepEqual(bench.arrived, ['one', 'two']);
      assert.equal(again.state().possibleDuplicates, 0);
      await again.close();
    } finally {
      await rm(saved, { recursive: true, force: true });
    }
  });
});
