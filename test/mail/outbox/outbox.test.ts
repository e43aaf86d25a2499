import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Secret } from '../../../src/core/secret.ts';
import { forgetRefusedLogin } from '../../../src/mail/login-guard.ts';
import { GMAIL_REPLIES } from '../../../src/sandbox/mail/gmail-replies.ts';
import { until } from '../../waiting.ts';
import { PASSWORD, YOU } from '../servers.ts';
import { Bench, HOUR, MINUTE } from './fixture.ts';

describe('outbox', () => {
  let bench: Bench;

  beforeEach(async () => {
    bench = await Bench.start();
  });
  afterEach(() => bench.close());

  const files = (folder: string) => readdir(join(bench.directory, folder));
  const empty = (outbox: { state(): { waiting: number } }) => until(() => outbox.state().waiting === 0);

  it('sends what it has accepted, and tells it', async () => {
    const outbox = await bench.open();
    const mail = await bench.mail('Tür 木');
    const { id, held } = await outbox.add(mail, { topic: 'door', subject: 'Tür 木', owner: 'node', reference: 'message' });
    await empty(outbox);
    assert.equal(held, false);
    const [delivered] = bench.of('delivered');
    assert.deepEqual(
      [delivered?.mail.id, delivered?.mail.messageId, delivered?.accepted, delivered?.mail.attempts],
      [id, mail.messageId, [YOU], 1],
    );
    assert.deepEqual([delivered?.mail.owner, delivered?.mail.reference, delivered?.mail.restored], ['node', 'message', false]);
    assert.match(delivered?.response ?? '', /^250 2\.0\.0 OK/);
    assert.deepEqual([await files('new'), await files('cur')], [[], []]);
  });

  it('relays the bytes as they were handed in', async () => {
    const outbox = await bench.open();
    const mail = await bench.mail('bytes');
    const raw = Buffer.concat([mail.raw, Buffer.from('\r\n.leading dot\r\n\xfe\xff\r\n', 'latin1')]);
    await outbox.add({ ...mail, raw }, { topic: '' });
    await empty(outbox);
    const body = (bytes: Buffer) => bytes.subarray(bytes.indexOf('\r\n\r\n'));
    const arrived = bench.sandbox.mailbox(YOU).inbox.mails[0]?.raw ?? Buffer.alloc(0);
    assert.deepEqual(body(arrived), body(raw));
  });

  it('logs in once for 200 mails of one topic and keeps their order', async () => {
    const outbox = await bench.open();
    const subjects = Array.from({ length: 200 }, (_, index) => `mail ${index}`);
    await Promise.all(subjects.map((subject) => bench.add(outbox, subject, { topic: 'door' })));
    await empty(outbox);
    assert.equal(bench.logins, 1);
    const order = (one: string) => Number(one.slice(5));
    assert.deepEqual(
      bench.arrived,
      [...bench.arrived].sort((one, other) => order(one) - order(other)),
    );
    assert.equal(new Set(bench.arrived).size, 200);
  });

  it('delivers 40 mails to a server that takes 10 connections', async () => {
    let open = 0;
    bench.sandbox.script({ stage: 'greeting', action: { delayMs: 0 } });
    const outbox = await bench.open();
    await Promise.all(Array.from({ length: 40 }, (_, index) => bench.add(outbox, `mail ${index}`)));
    await until(() => {
      open = Math.max(open, bench.sandbox.log.filter(({ closed }) => !closed).length);
      return outbox.state().waiting === 0;
    });
    assert.equal(new Set(bench.arrived).size, 40);
    assert.equal(bench.arrived.length, 40);
    assert.ok(open <= 5, `${open} connections`);
  });

  it('sends after a restart what was waiting, and says that it is restored', async () => {
    const stop = bench.sandbox.script({ stage: 'connect', action: { drop: true } });
    const first = await bench.open();
    await bench.add(first, 'one', { topic: 'door', owner: 'node' });
    await bench.add(first, 'two', { topic: 'door', owner: 'node' });
    await first.close();
    stop();
    const second = await bench.open();
    await empty(second);
    assert.deepEqual(bench.arrived, ['one', 'two']);
    assert.deepEqual(
      bench.of('delivered').map(({ mail }) => [mail.restored, mail.owner]),
      [
        [true, 'node'],
        [true, 'node'],
      ],
    );
  });

  it('keeps the Message-ID from one try to the next', async () => {
    bench.sandbox.script({ stage: 'data', times: 1, action: { drop: true } });
    const outbox = await bench.open();
    const mail = await bench.mail('again');
    await outbox.add(mail, { topic: '' });
    await until(() => outbox.state().hold !== undefined);
    bench.clock.advance(MINUTE);
    await empty(outbox);
    assert.ok(bench.sandbox.mailbox(YOU).inbox.mails[0]?.raw.includes(mail.messageId));
    assert.equal(outbox.state().possibleDuplicates, 1);
    assert.equal(bench.of('delivered')[0]?.mail.attempts, 2);
  });

  it('counts no possible duplicate when the content has not left', async () => {
    bench.sandbox.script({ stage: 'mail', times: 1, action: { drop: true } });
    const outbox = await bench.open();
    await bench.add(outbox, 'one');
    await until(() => outbox.state().hold !== undefined);
    bench.clock.advance(MINUTE);
    await empty(outbox);
    assert.deepEqual([bench.arrived, outbox.state().possibleDuplicates], [['one'], 0]);
  });

  it('takes a second try as a possible duplicate when the answer was lost', async () => {
    bench.sandbox.script({ stage: 'delivered', times: 1, action: { drop: true } });
    const outbox = await bench.open();
    await bench.add(outbox, 'one');
    await until(() => outbox.state().hold !== undefined);
    bench.clock.advance(MINUTE);
    await empty(outbox);
    assert.deepEqual([bench.arrived, outbox.state().possibleDuplicates], [['one', 'one'], 1]);
  });

  describe('a refused login', () => {
    it('stops the account at once, over restarts, until it is edited', async () => {
      const wrong = { ...bench.account, password: new Secret('wrongwrongwrongw') };
      const first = await bench.open({ account: wrong });
      await Promise.all(['one', 'two', 'three'].map((subject) => bench.add(first, subject, { topic: 'door' })));
      await until(() => first.state().hold !== undefined && first.state().sending === 0);
      assert.deepEqual(
        bench.of('stopped').map(({ error }) => error.code),
        ['bad-app-password'],
      );
      first.setAccount({ ...wrong });
      await first.flush();
      bench.clock.advance(24 * HOUR);
      await first.close();
      forgetRefusedLogin(wrong);
      const second = await bench.open({ account: wrong });
      assert.equal(second.state().hold?.error.code, 'bad-app-password');
      await bench.add(second, 'four', { topic: 'door' });
      assert.equal(bench.logins, 1);
      second.setAccount({ ...wrong, password: new Secret(PASSWORD) });
      await empty(second);
      assert.deepEqual([bench.logins, bench.arrived], [2, ['one', 'two', 'three', 'four']]);
    });

    it('is tried again after a verification', async () => {
      bench.sandbox.script({ stage: 'auth', times: 1, action: { reply: GMAIL_REPLIES.webLogin } });
      const outbox = await bench.open();
      await bench.add(outbox, 'one');
      await until(() => outbox.state().hold !== undefined && outbox.state().sending === 0);
      assert.equal(outbox.state().hold?.error.code, 'web-login-required');
      outbox.resume();
      await empty(outbox);
      assert.deepEqual(bench.arrived, ['one']);
    });
  });

  describe('waiting', () => {
    const waits: [name: string, stage: 'greeting' | 'auth' | 'mail' | 'data', reply: string, minutes: number[]][] = [
      ['421 try again later', 'greeting', GMAIL_REPLIES.tryAgainLater, [5, 10, 20, 40, 60, 60]],
      ['421 temporary problem', 'data', GMAIL_REPLIES.temporaryProblem, [1, 2, 4, 8, 16, 32, 60]],
      ['451 temporary problem', 'mail', GMAIL_REPLIES.temporaryProblem451, [1, 2, 4]],
      ['454 temporary problem with the login', 'auth', GMAIL_REPLIES.loginTemporary, [1, 2, 4]],
      ['421 unusual rate', 'data', GMAIL_REPLIES.unsolicitedRate, [60, 120]],
      ['550 daily limit', 'mail', GMAIL_REPLIES.dailyLimit, [60, 60, 60]],
    ];
    for (const [name, stage, reply, minutes] of waits) {
      it(`${name}: ${minutes.join(', ')} minutes`, async () => {
        const stop = bench.sandbox.script({ stage, action: { reply } });
        const outbox = await bench.open();
        await bench.add(outbox, 'one', { topic: 'door' });
        for (const wait of minutes) {
          await until(() => outbox.state().hold !== undefined && outbox.state().sending === 0);
          const ms = (outbox.state().hold?.until ?? 0) - bench.clock.now();
          assert.equal(ms / MINUTE, wait);
          bench.clock.advance(ms - 1);
          assert.notEqual(outbox.state().hold, undefined);
          const before = outbox.state().hold;
          bench.clock.advance(2_000);
          await until(() => outbox.state().hold !== before);
        }
        stop();
        await until(() => {
          bench.clock.advance(5 * HOUR);
          return outbox.state().waiting === 0;
        });
        assert.deepEqual(bench.arrived, ['one']);
      });
    }

    it('too many logins: 15 minutes, one attempt', async () => {
      bench.sandbox.script({ stage: 'auth', times: 1, action: { reply: GMAIL_REPLIES.tooManyLogins } });
      const outbox = await bench.open();
      await Promise.all(Array.from({ length: 10 }, (_, index) => bench.add(outbox, `mail ${index}`)));
      await until(() => outbox.state().hold !== undefined && outbox.state().sending === 0);
      assert.equal(bench.logins, 1);
      assert.ok(Math.abs((outbox.state().hold?.until ?? 0) - bench.clock.now() - 15 * MINUTE) < 2_000);
    });

    it('adds up to a fifth at random', async () => {
      bench.sandbox.script({ stage: 'mail', times: 1, action: { reply: GMAIL_REPLIES.temporaryProblem451 } });
      const outbox = await bench.open({ random: () => 0.5 });
      await bench.add(outbox, 'one');
      await until(() => outbox.state().hold !== undefined);
      assert.equal((outbox.state().hold?.until ?? 0) - bench.clock.now(), 1.1 * MINUTE);
    });

    it('lets one mail try before the others', async () => {
      const stop = bench.sandbox.script({ stage: 'mail', action: { reply: GMAIL_REPLIES.temporaryProblem451 } });
      const outbox = await bench.open();
      await bench.add(outbox, 'first');
      await until(() => outbox.state().hold !== undefined && outbox.state().sending === 0);
      await Promise.all(Array.from({ length: 10 }, (_, index) => bench.add(outbox, `mail ${index}`)));
      const mails = () => bench.sandbox.log.flatMap(({ commands }) => commands.filter((command) => command === 'MAIL')).length;
      assert.equal(mails(), 1);
      const before = outbox.state().hold;
      bench.clock.advance(MINUTE);
      await until(() => outbox.state().hold !== before && outbox.state().hold !== undefined && outbox.state().sending === 0);
      assert.equal(mails(), 2);
      stop();
      bench.clock.advance(HOUR);
      await empty(outbox);
      assert.equal(bench.arrived.length, 11);
    });

    it('a recipient who gets too much does not hold up the others', async () => {
      bench.sandbox.script({
        stage: 'rcpt',
        recipient: 'busy@example.org',
        times: 1,
        action: { reply: GMAIL_REPLIES.receivingTooQuickly },
      });
      const outbox = await bench.open();
      await bench.add(outbox, 'held up', { topic: 'door', to: 'busy@example.org' });
      await bench.add(outbox, 'behind it', { topic: 'door' });
      await bench.add(outbox, 'elsewhere', { topic: 'garden' });
      await until(() => bench.arrived.length === 1 && outbox.state().sending === 0);
      assert.deepEqual([bench.arrived, outbox.state().hold], [['elsewhere'], undefined]);
      bench.clock.advance(15 * MINUTE);
      await empty(outbox);
      assert.deepEqual([bench.arrived, bench.sandbox.outside.length], [['elsewhere', 'behind it'], 1]);
    });

    it('can be cut short', async () => {
      bench.sandbox.script({ stage: 'mail', times: 1, action: { reply: GMAIL_REPLIES.temporaryProblem451 } });
      const outbox = await bench.open();
      await bench.add(outbox, 'one');
      await until(() => outbox.state().hold !== undefined && outbox.state().sending === 0);
      await outbox.flush();
      await empty(outbox);
      assert.deepEqual(bench.arrived, ['one']);
    });
  });

  describe('the daily limit', () => {
    it('of the account counts 24 hours, over restarts', async () => {
      const account = { ...bench.account, dailyLimit: 3 };
      const first = await bench.open({ account });
      for (const subject of ['1', '2']) await bench.add(first, subject, { topic: 'door' });
      await empty(first);
      await first.close();
      bench.clock.advance(HOUR);
      const second = await bench.open({ account });
      await Promise.all(['3', '4', '5', '6'].map((subject) => bench.add(second, subject, { topic: 'door' })));
      await until(() => bench.arrived.length === 3 && second.state().sending === 0);
      const { hold, waiting, sentToday } = second.state();
      assert.deepEqual([hold?.error.code, hold?.until, waiting, sentToday], ['daily-limit', bench.clock.now() + 23 * HOUR, 3, 3]);
      bench.clock.advance(23 * HOUR);
      await until(() => bench.arrived.length === 5 && second.state().sending === 0);
      assert.equal(second.state().waiting, 1);
    });

    it('of Gmail is remembered over a restart', async () => {
      bench.sandbox.script({ stage: 'mail', times: 1, action: { reply: GMAIL_REPLIES.dailyLimit } });
      const first = await bench.open();
      await bench.add(first, 'one');
      await until(() => first.state().hold !== undefined && first.state().sending === 0);
      await first.close();
      const second = await bench.open();
      assert.deepEqual([second.state().hold?.error.code, second.state().hold?.until], ['daily-limit', bench.clock.now() + HOUR]);
      bench.clock.advance(HOUR);
      await empty(second);
      assert.deepEqual(bench.arrived, ['one']);
    });
  });

  describe('recipients', () => {
    it('a mail that is refused for good is kept, and the next one is sent', async () => {
      const outbox = await bench.open();
      await bench.add(outbox, 'bad', { topic: 'door', to: 'nobody@gmail.com' });
      await bench.add(outbox, 'good', { topic: 'door' });
      await empty(outbox);
      const [failed] = bench.of('failed');
      assert.deepEqual([failed?.error.code, failed?.expired, bench.arrived], ['recipient-refused', false, ['good']]);
      assert.deepEqual((await files('failed')).map((name) => name.replace(/^.*\./, '')).sort(), ['eml', 'json']);
    });

    it('those who were refused are told with the others', async () => {
      const outbox = await bench.open();
      await bench.add(outbox, 'both', { to: [YOU, 'nobody@gmail.com'] });
      await empty(outbox);
      const [delivered] = bench.of('delivered');
      assert.deepEqual(delivered?.accepted, [YOU]);
      assert.deepEqual(
        delivered?.rejected.map(({ address, error }) => [address, error.code]),
        [['nobody@gmail.com', 'recipient-refused']],
      );
    });

    it('more than the server takes get it in another message, nobody twice', async () => {
      const to = Array.from({ length: 130 }, (_, index) => `r${index}@example.org`);
      const outbox = await bench.open();
      await bench.add(outbox, 'many', { to });
      await empty(outbox);
      const served = bench.sandbox.outside.flatMap(({ envelope }) => envelope.to);
      assert.deepEqual([...served].sort(), [...to].sort());
      assert.deepEqual([...(bench.of('delivered')[0]?.accepted ?? [])].sort(), [...to].sort());
    });

    it('who is served already is known after a restart', async () => {
      bench.sandbox.script({ stage: 'rcpt', recipient: 'full@example.org', times: 1, action: { reply: GMAIL_REPLIES.overQuota } });
      const first = await bench.open();
      await bench.add(first, 'both', { to: [YOU, 'full@example.org'] });
      await until(async () => (await files('state')).length === 1 && first.state().sending === 0);
      await first.close();
      const second = await bench.open();
      await empty(second);
      assert.deepEqual([bench.arrived, bench.sandbox.outside.map(({ envelope }) => envelope.to)], [['both'], [['full@example.org']]]);
      assert.deepEqual(bench.of('delivered')[0]?.accepted, [YOU, 'full@example.org']);
    });
  });
});
