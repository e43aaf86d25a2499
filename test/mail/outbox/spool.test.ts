import assert from 'node:assert/strict';
import { appendFile, mkdir, readdir, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { LIMITS } from '../../../src/core/limits.ts';
import { decodeEnvelope, encodeEnvelope } from '../../../src/mail/outbox/envelope.ts';
import { SpoolLock } from '../../../src/mail/outbox/lock.ts';
import type { Outbox } from '../../../src/mail/outbox/outbox.ts';
import { diskFiles, type SpoolFiles } from '../../../src/mail/outbox/spool-files.ts';
import { until } from '../../waiting.ts';
import { Bench, HOUR, MINUTE } from './fixture.ts';

describe('spool', () => {
  let bench: Bench;

  beforeEach(async () => {
    bench = await Bench.start();
  });
  afterEach(() => bench.close());

  const files = (folder: string) => readdir(join(bench.directory, folder));
  const offline = () => bench.sandbox.script({ stage: 'connect', action: { drop: true } });
  const empty = (outbox: Outbox) => until(() => outbox.state().waiting === 0 && outbox.state().sending === 0);

  it('syncs the file, renames it and syncs the directory before it says yes', async () => {
    const done: string[] = [];
    const recorded: SpoolFiles = {
      ...diskFiles,
      async writeSynced(file, parts) {
        await diskFiles.writeSynced(file, parts);
        done.push(`written and synced ${basename(join(file, '..'))}`);
      },
      async rename(from, to) {
        await diskFiles.rename(from, to);
        done.push(`renamed ${basename(join(from, '..'))} to ${basename(join(to, '..'))}`);
      },
      async syncDirectory(directory) {
        await diskFiles.syncDirectory(directory);
        done.push(`synced ${basename(directory)}`);
      },
    };
    offline();
    const outbox = await bench.open({ files: recorded });
    done.length = 0;
    await bench.add(outbox, 'one');
    assert.deepEqual(done, ['written and synced tmp', 'renamed tmp to new', 'synced new']);
  });

  it('keeps mails from others: 0700 and 0600', async () => {
    offline();
    const outbox = await bench.open();
    await bench.add(outbox, 'one');
    const [name = ''] = await files('new');
    const mode = async (...path: string[]) => (await stat(join(bench.directory, ...path))).mode & 0o777;
    assert.deepEqual([await mode('new'), await mode('new', name)], [0o700, 0o600]);
  });

  it('a stored file is a mail that other programs open', async () => {
    offline();
    const outbox = await bench.open();
    const mail = await bench.mail('Tür');
    await outbox.add(mail, { topic: 'Tür', subject: 'Tür' });
    const [name = ''] = await files('new');
    const content = await readFile(join(bench.directory, 'new', name));
    const header = content.subarray(0, content.indexOf('\r\n\r\n')).toString('latin1');
    assert.ok(header.split(/\r\n(?! )/).every((line) => /^[A-Za-z-]+: /.test(line)));
    const decoded = decodeEnvelope(content);
    assert.deepEqual([decoded?.envelope.topic, decoded?.envelope.messageId], ['Tür', mail.messageId]);
    assert.deepEqual(content.subarray(decoded?.offset), mail.raw);
  });

  it('reads back an envelope with a thousand recipients', () => {
    const to = Array.from({ length: 1_000 }, (_, index) => `recipient-${index}@example.org`);
    const facts = { version: 1 as const, id: 'x', messageId: '<a@b.c>', from: 'a@b.c', to, topic: '木 "\\ \r\n', subject: '', queuedAt: 1 };
    const bytes = encodeEnvelope(facts, Buffer.from('mail'));
    assert.ok(
      bytes
        .toString('latin1')
        .split('\r\n')
        .every((line) => line.length < 998),
    );
    assert.deepEqual(decodeEnvelope(bytes)?.envelope, { ...facts, bytes: 4, crc32: decodeEnvelope(bytes)?.envelope.crc32 });
  });

  it('shares syncs when mails come together', async () => {
    offline();
    const outbox = await bench.open();
    await Promise.all(Array.from({ length: 100 }, (_, index) => bench.add(outbox, `mail ${index}`)));
    assert.equal(outbox.commits.mails, 100);
    assert.ok(outbox.commits.syncs <= 10, `${outbox.commits.syncs} syncs`);
  });

  for (const code of ['ENOSPC', 'EROFS', 'EDQUOT']) {
    for (const step of ['writeSynced', 'rename', 'syncDirectory'] as const) {
      it(`${code} at ${step}: spool-full, and what was accepted is sent`, async () => {
        let broken = false;
        const failing = async () => {
          throw Object.assign(new Error(code), { code });
        };
        const files: SpoolFiles = { ...diskFiles };
        const original = diskFiles[step] as (...values: unknown[]) => Promise<void>;
        Object.assign(files, { [step]: (...values: unknown[]) => (broken ? failing() : original(...values)) });
        const stop = offline();
        const outbox = await bench.open({ files });
        await bench.add(outbox, 'accepted');
        broken = true;
        const refused = await Promise.allSettled(['no', 'nor this'].map((subject) => bench.add(outbox, subject)));
        assert.deepEqual(
          refused.map((result) => result.status === 'rejected' && result.reason.code),
          ['spool-full', 'spool-full'],
        );
        broken = false;
        stop();
        await bench.add(outbox, 'later');
        await outbox.flush();
        await empty(outbox);
        assert.deepEqual([...bench.arrived].sort(), ['accepted', 'later']);
        assert.deepEqual(await readdir(join(bench.directory, 'tmp')), []);
      });
    }
  }

  it('a folder that cannot be made is spool-full', async () => {
    const file = join(bench.directory, 'file');
    await writeFile(file, '');
    await assert.rejects(bench.open({ directory: join(file, 'outbox') }), { code: 'spool-full' });
  });

  it('a disk that becomes read-only does not make a mail go out twice', async () => {
    let broken = false;
    const failing = () => {
      throw Object.assign(new Error('EROFS'), { code: 'EROFS' });
    };
    const outbox = await bench.open({
      files: {
        ...diskFiles,
        remove: async (file) => (broken ? failing() : diskFiles.remove(file)),
        appendNow: (file, line) => (broken ? failing() : diskFiles.appendNow(file, line)),
        renameNow: (from, to) => (broken ? failing() : diskFiles.renameNow(from, to)),
      },
    });
    const stop = offline();
    await bench.add(outbox, 'one');
    await until(() => outbox.state().hold !== undefined);
    broken = true;
    stop();
    bench.clock.advance(MINUTE);
    await until(() => bench.of('delivered').length === 1 && outbox.state().sending === 0);
    bench.clock.advance(HOUR);
    await until(() => outbox.state().sending === 0);
    broken = false;
    await until(() => {
      bench.clock.advance(MINUTE);
      return outbox.state().waiting === 0;
    });
    assert.deepEqual([bench.arrived, await files('new')], [['one'], []]);
  });

  it('takes no more than its caps', async () => {
    offline();
    const outbox = await bench.open({ caps: { mails: 2 } });
    const results = await Promise.allSettled(['1', '2', '3'].map((subject) => bench.add(outbox, subject)));
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected'],
    );
    await outbox.close();
    const small = await bench.open({ caps: { bytes: 100 } });
    await assert.rejects(bench.add(small, 'large'), { code: 'spool-full' });
  });

  it('moves damaged files aside, says so, and sends the others', async () => {
    const stop = offline();
    const first = await bench.open();
    for (const subject of ['cut off', 'changed', 'good']) await bench.add(first, subject, { topic: 'door' });
    await first.close();
    stop();
    const [cut = '', changed = ''] = (await files('new')).sort();
    await truncate(join(bench.directory, 'new', cut), 400);
    const file = join(bench.directory, 'new', changed);
    const content = await readFile(file);
    content[content.length - 3] = 0x21;
    await writeFile(file, content);
    await writeFile(join(bench.directory, 'new', 'noise.txt'), 'noise');
    await writeFile(join(bench.directory, 'tmp', 'half.eml'), 'half');
    await appendFile(join(bench.directory, 'account.json'), '{{{');
    const second = await bench.open();
    await empty(second);
    assert.deepEqual(bench.arrived, ['good']);
    assert.deepEqual((await files('damaged')).sort(), [cut, changed, 'noise.txt'].sort());
    assert.equal(bench.of('problem').length, 3);
    assert.deepEqual(await files('tmp'), []);
  });

  describe('two processes', () => {
    it('only one sends, and takes over what the other one has accepted', async () => {
      const first = await bench.open();
      const second = await bench.open();
      assert.deepEqual([first.state().owner, second.state().owner], [true, false]);
      await bench.add(second, 'of the second');
      await bench.add(first, 'of the first');
      await empty(first);
      assert.deepEqual(bench.arrived, ['of the first']);
      assert.equal((await files('new')).length, 1);
      await first.close();
      const third = await bench.open();
      await empty(third);
      assert.deepEqual(bench.arrived, ['of the first', 'of the second']);
    });

    it('a lock that nobody renews is taken over, by one only', async () => {
      const file = join(bench.directory, 'lock');
      await mkdir(bench.directory, { recursive: true });
      await writeFile(file, JSON.stringify({ host: 'elsewhere', pid: 1, token: 'old' }));
      const locks = [new SpoolLock(bench.directory), new SpoolLock(bench.directory)];
      assert.deepEqual(await Promise.all(locks.map((lock) => lock.acquire())), [false, false]);
      const old = new Date(Date.now() - LIMITS.outbox.lockStaleMs - 1_000);
      await utimes(file, old, old);
      const taken = await Promise.all(locks.map((lock) => lock.acquire()));
      const renewed = await Promise.all(locks.map((lock) => lock.renew()));
      assert.equal(renewed.filter(Boolean).length, 1);
      assert.ok(taken.filter(Boolean).length >= 1);
      for (const lock of locks) await lock.release();
    });
  });
});
