import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LIMITS } from '../../src/core/limits.ts';
import { type Arrival, IncomingSpool, type StoredMail } from '../../src/relay/incoming.ts';
import { begin, MAIL, TestRelay } from './fixture.ts';

describe('relay: the folder of accepted mails', () => {
  let directory: string;
  const problems: string[] = [];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'camera-email-spool-'));
    problems.length = 0;
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const arrival = (id: string): Arrival => ({
    id,
    login: 'Türkamera',
    remoteAddress: '192.0.2.7',
    heloName: 'ipc',
    envelope: { from: '', to: ['a@b.c'] },
    receivedAt: '2026-05-22T12:00:00.000Z',
  });
  const open = async () => {
    const spool = new IncomingSpool(directory, (problem) => problems.push(problem));
    return { spool, left: await spool.open() };
  };

  async function text(spool: IncomingSpool, mail: StoredMail): Promise<string> {
    let content = '';
    for await (const piece of spool.read(mail)) content += piece.toString('latin1');
    return content;
  }

  it('gives back after a restart what was kept, in order, and nothing that was not finished', async () => {
    const { spool } = await open();
    for (const id of ['b', 'a']) {
      const writer = await spool.begin(arrival(id));
      await writer.write([Buffer.from(`mail ${id}`)]);
      await spool.keep(writer, { synced: true });
    }
    const unfinished = await spool.begin(arrival('c'));
    await unfinished.write([Buffer.alloc(100_000)]);
    await unfinished.close(false);
    const { spool: next, left } = await open();
    assert.deepEqual(
      left.map((mail) => mail.arrival),
      [arrival('a'), arrival('b')],
    );
    assert.equal(left[0] === undefined ? '' : await text(next, left[0]), 'mail a');
    assert.deepEqual(readdirSync(directory).sort(), ['a.mail', 'b.mail']);
    assert.equal(statSync(join(directory, 'a.mail')).mode & 0o777, 0o600);
  });

  it('moves a damaged file aside and goes on', async () => {
    writeFileSync(join(directory, 'x.mail'), 'rubbish');
    const { left } = await open();
    assert.deepEqual(left, []);
    assert.ok(existsSync(join(directory, 'x.mail.damaged')));
    assert.match(problems[0] ?? '', /moved aside/);
  });

  it('a mail that waited for its turn becomes an event after the restart, without its header field of the folder', async () => {
    const { spool } = await open();
    const writer = await spool.begin(arrival('a'));
    await writer.write([Buffer.from(MAIL)]);
    await spool.keep(writer, { synced: false });
    const relay = await TestRelay.start({ directory });
    const [{ mail, arrival: told } = assert.fail()] = await relay.received(1);
    assert.equal(mail.subject, 'Motion');
    assert.deepEqual(told, arrival('a'));
    await relay.close();
    assert.deepEqual(readdirSync(directory), []);
  });

  it('without an account the mail is on disk before the answer, and gone when it is an event', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const relay = await TestRelay.start({ directory, forwarding: false, onMail: () => held });
    const wire = await relay.client();
    await begin(wire);
    wire.send(`${MAIL}.\r\n`);
    assert.match(await wire.reply(), /^250/);
    const [name = ''] = readdirSync(directory);
    assert.ok(readFileSync(join(directory, name), 'utf8').includes('Motion detected'));
    release();
    await relay.close();
    assert.deepEqual(readdirSync(directory), []);
  });

  it('while the flow is too far behind, cameras are told to come again', async () => {
    const line = (id: string) => `X-Camera-Email-Arrival: ${JSON.stringify({ ...arrival(id), login: '' })}\r\n`;
    for (let index = 0; index < LIMITS.relay.waitingMails; index += 1) {
      const id = `a${String(index).padStart(5, '0')}`;
      writeFileSync(join(directory, `${id}.mail`), `${line(id)}${MAIL}`);
    }
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const relay = await TestRelay.start({ directory, forwarding: false, onMail: () => held });
    const wire = await relay.client();
    assert.match((await begin(wire)).at(-1) ?? '', /^452/);
    const closed = relay.close();
    release();
    await closed;
    assert.equal(readdirSync(directory).length, LIMITS.relay.waitingMails - 1);
  });
});
