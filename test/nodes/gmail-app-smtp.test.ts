import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Message } from '../../nodes/shared/node-red.ts';
import { GMAIL_REPLIES } from '../../src/sandbox/mail/gmail-replies.ts';
import { until } from '../waiting.ts';
import { Bench } from './fixture.ts';
import { runtime } from './runtime.ts';

const PICTURE = Buffer.from('ffd8ffe000104a464946ffd9', 'hex');
const EVENT = {
  type: 'person',
  state: 'started',
  channel: 1,
  at: '2026-11-22T13:03:05.000Z',
  camera: { id: 'cam0', name: 'Tür', host: '192.0.2.7', vendor: 'hikvision' },
  vendorType: 'VMD',
};

describe('gmail-app-smtp', () => {
  let bench: Bench;
  let delivered: Message[];
  let caught: Message[];
  let completed: number;

  beforeEach(async () => {
    bench = await Bench.start([]);
  });
  afterEach(() => bench.close());

  async function load(properties: object = {}, options: Parameters<Bench['load']>[2] = {}): Promise<void> {
    await bench.load('gmail-app-smtp', { delivery: 'queue', to: 'you@example.org', ...properties }, options);
    delivered = [];
    caught = [];
    completed = 0;
    runtime.getNode('out0').on('input', (message) => delivered.push(message));
    runtime.getNode('caught').on('input', (message) => caught.push(message));
    runtime.getNode('completed').on('input', () => {
      completed += 1;
    });
  }

  const receive = (message: Message) => runtime.getNode('n1').receive(message);
  const email = (message: Message | undefined) => message?.email as Record<string, unknown>;
  const failure = (message: Message | undefined) => message?.error as Record<string, unknown>;
  const mails = () => bench.sandbox.mail.outside.map(({ raw }) => raw.toString('utf8'));
  const outbox = (...path: string[]) => readdirSync(join(bench.userDir, 'camera-email/outbox/account', ...path));
  const lastStatus = () => (bench.statuses().at(-1) as [{ text?: string }] | undefined)?.[0].text ?? '';

  it('completes when the mail is on disk, and sends the message on when it is delivered', async () => {
    const stop = bench.sandbox.mail.script({ stage: 'connect', action: { drop: true } });
    await load();
    receive({ topic: 'Motion', payload: 'at the door', keep: { me: 1 } });
    await until(() => completed === 1);
    assert.deepEqual([outbox('new').length, delivered.length], [1, 0]);
    await until(() => /^1 waiting, next try/.test(lastStatus()));
    stop();
    receive({ flush: true });
    await until(() => delivered.length === 1);
    const [message] = delivered;
    assert.deepEqual([message?.keep, message?.topic, message?.payload], [{ me: 1 }, 'Motion', 'at the door']);
    const { messageId, accepted, rejected, response, attempts, queuedAt, deliveredAt, restored } = email(message);
    assert.deepEqual([accepted, rejected, attempts, restored], [['you@example.org'], [], 2, undefined]);
    assert.match(String(response), /^250 2\.0\.0 OK/);
    assert.ok(String(deliveredAt) >= String(queuedAt));
    assert.ok(mails()[0]?.includes(String(messageId)));
    const { queue } = email(message) as { queue: { sentToday: number; dailyLimit: number } };
    assert.deepEqual([queue.sentToday, queue.dailyLimit], [1, 500]);
    await until(() => outbox('new').length + outbox('cur').length === 0);
    await until(() => lastStatus() === 'sent');
  });

  it('sends after a restart what was waiting, marked as restored', async () => {
    const stop = bench.sandbox.mail.script({ stage: 'connect', action: { drop: true } });
    await load();
    receive({ _msgid: 'abc', topic: 'Motion', payload: 'at the door' });
    await until(() => completed === 1);
    await bench.unload();
    stop();
    await load();
    await until(() => delivered.length === 1);
    assert.deepEqual([delivered[0]?.topic, delivered[0]?._msgid, email(delivered[0]).restored], ['Motion', 'abc', true]);
  });

  it('tells a camera event in words, with its picture inside', async () => {
    await load();
    receive({
      topic: 'Tür/person',
      payload: EVENT,
      attachments: [{ filename: 'a.jpg', content: PICTURE, contentType: 'image/jpeg', cid: 'p1' }],
    });
    await until(() => delivered.length === 1);
    const [mail = ''] = mails();
    assert.match(mail, /^Subject: =\?UTF-8\?/m);
    assert.match(mail, /multipart\/related/);
    assert.match(mail, /Content-Id: <p1>/i);
    assert.ok(mail.includes('cid:p1'));
    assert.deepEqual(delivered[0]?.payload, EVENT);
  });

  it('a mail that is refused for good goes to a Catch node and is kept', async () => {
    const domain = bench.sandbox.account.email.split('@')[1];
    await load({ to: `nobody@${domain}` });
    receive({ topic: 'Motion', payload: 'x' });
    await until(() => caught.length === 1);
    assert.deepEqual([failure(caught[0]).code, completed, delivered.length], ['recipient-refused', 1, 0]);
    assert.equal(outbox('failed').filter((name) => name.endsWith('.eml')).length, 1);
  });

  it('a refused mail after a good one does not leave the status at sent', async () => {
    const domain = bench.sandbox.account.email.split('@')[1];
    await load();
    receive({ topic: 'Motion', payload: 'x' });
    await until(() => lastStatus() === 'sent');
    receive({ topic: 'Motion', payload: 'x', to: `nobody@${domain}` });
    await until(() => caught.length === 1 && lastStatus() === 'failed');
    receive({ topic: 'Motion', payload: 'x' });
    await until(() => delivered.length === 2 && lastStatus() === 'sent');
  });

  it('a message that cannot be a mail is an error at once', async () => {
    await load();
    receive({ topic: 'Motion', payload: 'x', to: 'not an address' });
    await until(() => caught.length === 1);
    assert.deepEqual([failure(caught[0]).code, completed], ['bad-input', 0]);
    receive({ topic: 'Motion' });
    await until(() => caught.length === 2);
    assert.match(String(failure(caught[1]).message), /The message holds nothing to mail/);
  });

  it('a disk that takes no mail is told as that', async () => {
    writeFileSync(join(bench.userDir, 'camera-email'), '');
    await load();
    receive({ topic: 'Motion', payload: 'x' });
    await until(() => caught.length === 1);
    assert.deepEqual([failure(caught[0]).code, completed], ['spool-full', 0]);
    assert.match(String(failure(caught[0]).message), /could not be written to Node-RED's disk/);
  });

  it('one refused login stops the queue, with one error, until the account is edited', async () => {
    await load({}, { credentials: { account: { appPassword: 'wrongwrongwrongw' } } });
    for (const topic of ['1', '2', '3']) receive({ topic, payload: 'x' });
    await until(() => caught.length === 1 && completed === 3 && /^3 waiting: login refused/.test(lastStatus()));
    await bench.unload();
    await load({}, { credentials: { account: { appPassword: 'wrongwrongwrongw' } } });
    await until(() => /^3 waiting: login refused/.test(lastStatus()));
    const logins = () => bench.sandbox.mail.log.flatMap((session) => session.logins).length;
    assert.equal(logins(), 1);
    await bench.unload();
    await load();
    await until(() => delivered.length === 3);
    assert.equal(logins(), 2);
  });

  it('merges what comes too soon, and sends the rest of it on a flush', async () => {
    await load({ minInterval: 3600 });
    for (const payload of ['first', 'second', 'third']) receive({ topic: 'Motion', payload });
    await until(() => completed === 3 && mails().length === 1);
    await until(() => lastStatus() === '2 merged');
    receive({ flush: true });
    await until(() => delivered.length === 2);
    assert.deepEqual([delivered[1]?.payload, email(delivered[1]).merged], ['third', 2]);
    assert.match(mails()[1] ?? '', /^Subject: Motion \(2 messages\)/m);
  });

  it('calls off what waits, all of it or one topic', async () => {
    bench.sandbox.mail.script({ stage: 'greeting', action: { reply: GMAIL_REPLIES.tryAgainLater } });
    await load();
    for (const topic of ['a', 'a', 'b']) receive({ topic, payload: 'x' });
    await until(() => completed === 3 && /next try/.test(lastStatus()));
    receive({ cancel: 'a' });
    await until(() => completed === 4);
    assert.equal(outbox('new').length, 1);
    receive({ cancel: true });
    await until(() => completed === 5);
    assert.equal(outbox('new').length, 0);
  });

  it('direct: one attempt, whose error is that of the message', async () => {
    await load({ delivery: 'direct' });
    bench.sandbox.mail.script({ stage: 'mail', times: 1, action: { reply: GMAIL_REPLIES.temporaryProblem451 } });
    receive({ topic: 'Motion', payload: 'x' });
    await until(() => caught.length === 1);
    assert.deepEqual([failure(caught[0]).code, completed], ['server-busy', 0]);
    receive({ topic: 'Motion', payload: 'y' });
    await until(() => delivered.length === 1 && completed === 1);
    assert.equal(email(delivered[0]).attempts, 1);
  });
});
