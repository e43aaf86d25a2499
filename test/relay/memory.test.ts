import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Wire } from '../wire.ts';
import { begin } from './fixture.ts';
import type { MemoryReport } from './memory-child.ts';

const MIB = 1024 * 1024;
const LINE = `${'QUJD'.repeat(18)}\r\n`;
const PICTURE = LINE.repeat(Math.ceil((20 * MIB) / LINE.length));

describe('relay: memory', () => {
  const directory = mkdtempSync(join(tmpdir(), 'camera-email-memory-'));
  let child: ChildProcess;
  let port: number;
  before(async () => {
    child = fork(join(__dirname, 'memory-child.ts'), [directory], { execArgv: ['--import', 'tsx'] });
    [port] = await once(child, 'message');
  });
  after(() => {
    child.disconnect();
    rmSync(directory, { recursive: true, force: true });
  });

  async function report(): Promise<MemoryReport> {
    child.send('report');
    const [answer] = await once(child, 'message');
    return answer;
  }

  /** Twelve at a time, all of them half-way before the first one ends. */
  async function sendTwelve(picture: string): Promise<void> {
    const { mails } = await report();
    const wires = await Promise.all(Array.from({ length: 12 }, () => Wire.plain(port)));
    for (const wire of wires) {
      await wire.reply();
      await wire.smtp('EHLO camera');
      await begin(wire);
      wire.send(`Subject: clip\r\nMIME-Version: 1.0\r\nContent-Type: video/mp4\r\nContent-Transfer-Encoding: base64\r\n\r\n${picture}`);
    }
    for (const wire of wires) wire.send('.\r\n');
    for (const wire of wires) assert.match(await wire.reply(), /^250/);
    for (const wire of wires) wire.close();
    while ((await report()).mails < mails + wires.length);
  }

  it('five hundred connections that say nothing take less than 20 MiB', async () => {
    const { peakBytes: before } = await report();
    const sockets = Array.from({ length: 500 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    await Promise.all(sockets.map((socket) => once(socket, 'data')));
    const { peakBytes } = await report();
    for (const socket of sockets) socket.destroy();
    assert.ok(peakBytes - before < 20 * MIB, `${Math.round((peakBytes - before) / MIB)} MiB more`);
  });

  it('twelve mails of 20 MiB at the same time are never all in memory', async function () {
    this.timeout(60_000);
    await sendTwelve(LINE);
    const { peakBytes: before } = await report();
    await sendTwelve(PICTURE);
    const { peakBytes } = await report();
    assert.ok(peakBytes - before < 120 * MIB, `${Math.round((peakBytes - before) / MIB)} MiB more`);
  });
});
