import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Bench } from '../mail/outbox/fixture.ts';
import { PASSWORD } from '../mail/servers.ts';
import { until } from '../waiting.ts';

interface Call {
  name: string;
  /** Files by their paths, and the first text that is written. */
  paths: string[];
  text: string;
}

/** System calls in the order in which they ended. A call that was interrupted in the log by another thread's is put together. */
function parse(log: string): Call[] {
  const begun = new Map<string, string>();
  const calls: Call[] = [];
  for (const line of log.split('\n')) {
    const [, thread = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const unfinished = /^(.*) <unfinished \.\.\.>$/.exec(rest);
    if (unfinished) begun.set(thread, unfinished[1] ?? '');
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    const whole = resumed ? `${begun.get(thread) ?? ''}${resumed[1]}` : unfinished ? '' : rest;
    const [, name = '', parameters = ''] = /^(\w+)\((.*)\) += 0*[1-9]?\d*$/.exec(whole) ?? [];
    if (name === '') continue;
    const paths = [...parameters.matchAll(/<(\/[^>]*)>|"(\/[^"]*)"/g)].map(([, open, given]) => open ?? given ?? '');
    calls.push({ name, paths, text: /"((?:[^"\\]|\\.)*)"/.exec(parameters)?.[1] ?? '' });
  }
  return calls;
}

const folderOf = (path = '') => basename(dirname(path));

describe('what the outbox asks of the disk', () => {
  let bench: Bench;
  let directory: string;
  beforeEach(async () => {
    bench = await Bench.start();
    directory = await mkdtemp(join(tmpdir(), 'strace-'));
  });
  afterEach(async () => {
    await bench.close();
    await rm(directory, { recursive: true, force: true });
  });

  /** Runs a process that hands in `total` mails and sends them, under strace. */
  async function traced(total: number): Promise<Call[]> {
    const ORDER = JSON.stringify({
      directory: bench.directory,
      account: { ...bench.account, dailyLimit: 0 },
      password: PASSWORD,
      from: 0,
      to: total,
      topics: 7,
    });
    const file = join(directory, 'log');
    const calls = 'trace=fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,write,writev,pwrite64,pwritev';
    const program = [process.execPath, '--import', 'tsx', join(__dirname, '../mail/outbox/kill-child.ts')];
    const child = spawn('strace', ['-f', '--seccomp-bpf', '-y', '-s', '80', '-e', calls, '-o', file, ...program], {
      env: { ...process.env, ORDER, UV_USE_IO_URING: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    const ended = once(child, 'exit');
    let said = '';
    child.stdout.on('data', (data: Buffer) => {
      said += data.toString('latin1');
    });
    try {
      await until(async () => {
        assert.equal(child.exitCode, null, `strace ended: ${said}`);
        return said.includes('all accepted') && (await bench.waitingFiles()) === 0;
      });
    } finally {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      await ended;
    }
    return parse(await readFile(file, 'latin1'));
  }

  it('a mail is accepted only after the syncs of its file and of the directory, and removed only after that of the log', async () => {
    const total = 200;
    const calls = await traced(total);
    const synced = new Set<string>();
    const named = new Set<string>();
    const safe = new Set<string>();
    let accepted = 0;
    let syncs = 0;
    let logged = '';
    const pending: string[] = [];
    const sent = new Set<string>();
    let removed = 0;
    for (const { name, paths, text } of calls) {
      const [path = '', target = ''] = paths;
      const file = basename(path);
      if (/^f(data)?sync$/.test(name)) {
        if (folderOf(path) === 'tmp') synced.add(file);
        if (file === 'new') for (const mail of named) safe.add(mail);
        if (folderOf(path) === 'tmp' || file === 'new') syncs += 1;
        if (file === 'sent.log') for (const mail of pending.splice(0)) sent.add(mail);
      } else if (name.startsWith('rename') && folderOf(target) === 'new' && folderOf(path) === 'tmp') {
        assert.ok(synced.has(file), `${file} was renamed before its sync`);
        named.add(basename(target));
      } else if (/^p?write/.test(name) && file === 'sent.log') {
        logged = /^\d+ (\S+)\\n$/.exec(text)?.[1] ?? '';
        pending.push(`${logged}.eml`);
      } else if (/^p?write/.test(name) && text.startsWith('accepted ')) {
        accepted += text.split('\\n').length - 1;
        assert.ok(accepted <= safe.size, `${accepted} accepted, ${safe.size} safe`);
      } else if (name.startsWith('unlink') && folderOf(path) === 'cur' && named.has(file)) {
        assert.ok(sent.has(file), `${file} was removed before the log was synced`);
        removed += 1;
      }
    }
    assert.equal(accepted, total);
    assert.equal(removed, total);
    assert.ok(syncs < 1.5 * total, `${syncs} syncs for ${total} mails`);
  });
});
