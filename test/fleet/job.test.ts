import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock.ts';
import { StateFile } from '../../src/core/state-file.ts';
import { type JobIdentity, openJob } from '../../src/fleet/job.ts';

const IDENTITY: JobIdentity = { node: 'n1', action: 'apply', accountTag: 'tag', cameras: ['a#1', 'b#1', 'c#1'], rotate: true };
const DAY = 24 * 3_600_000;

describe('the job file of a fleet', () => {
  let directory: string;
  let damaged: string[];
  const open = (identity: Partial<JobIdentity> = {}, clock = systemClock) =>
    openJob(directory, { ...IDENTITY, ...identity }, clock, (file) => damaged.push(file));

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'camera-email-job-'));
    damaged = [];
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('is carried on by the same job only, however the cameras are sorted', async () => {
    const first = await open();
    await first.finish('a#1', true);
    await first.close(false);
    const others: Partial<JobIdentity>[] = [{ node: 'n2' }, { accountTag: 'other' }, { rotate: false }, { cameras: ['a#1', 'b#1'] }];
    for (const other of others) {
      const job = await open(other);
      assert.equal(job.finishedBefore.size, 0);
      await job.close(false);
    }
    const again = await open({ cameras: ['c#1', 'a#1', 'b#1'] });
    assert.deepEqual([...again.finishedBefore], ['a#1']);
    assert.equal(again.rotationBefore, true);
    await again.close(true);
    assert.deepEqual(readdirSync(directory), []);
  });

  it('belongs to its owner alone', async () => {
    const job = await open();
    await job.finish('a#1', false);
    await job.close(false);
    const [name = ''] = readdirSync(directory);
    assert.equal(statSync(join(directory, name)).mode & 0o777, 0o600);
  });

  it('is not shared by two runs at the same time', async () => {
    const one = await open();
    await one.finish('a#1', false);
    const two = await open();
    assert.equal(two.finishedBefore.size, 0);
    await two.finish('b#1', false);
    await two.close(true);
    assert.equal(readdirSync(directory).length, 1);
    await one.close(true);
  });

  it('counts for a day, then it is forgotten', async () => {
    const job = await open();
    await job.finish('a#1', false);
    await job.close(false);
    const later = { ...systemClock, now: () => Date.now() + DAY + 60_000 };
    const next = await open({}, later);
    assert.equal(next.finishedBefore.size, 0);
    await next.close(true);
    writeFileSync(join(directory, 'abandoned.json'), '{}');
    utimesSync(join(directory, 'abandoned.json'), 0, 0);
    await (await open()).close(true);
    assert.deepEqual(readdirSync(directory), []);
  });

  it('is moved aside when it is damaged', async () => {
    for (const content of ['{"version":1,', 'null', '{"version":1,"startedAt":1,"rotation":false,"finished":[7]}']) {
      const job = await open();
      await job.finish('a#1', false);
      await job.close(false);
      const [name = ''] = readdirSync(directory);
      writeFileSync(join(directory, name), content);
      const next = await open();
      assert.equal(next.finishedBefore.size, 0);
      await next.close(true);
      const moved = damaged.pop() ?? '';
      assert.equal(readFileSync(moved, 'utf8'), content);
      rmSync(moved);
    }
  });

  it('is on disk when a camera is called finished, with few writes for many cameras', async () => {
    let writes = 0;
    let state = 0;
    const file = new StateFile(join(directory, 'state'), () => {
      writes += 1;
      return String(state);
    });
    await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        state = index + 1;
        await file.save();
        assert.ok(Number(readFileSync(join(directory, 'state'), 'utf8')) >= index + 1);
      }),
    );
    assert.ok(writes <= 2, `${writes} writes`);
  });
});
