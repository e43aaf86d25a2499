import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Secret } from '../../../src/core/secret.ts';
import { composeFitting } from '../../../src/mail/outbox/fit-size.ts';
import type { Outbox } from '../../../src/mail/outbox/outbox.ts';
import { until } from '../../waiting.ts';
import { YOU } from '../servers.ts';
import { Bench, HOUR, MINUTE, say } from './fixture.ts';

const PICTURE = Buffer.from('ffd8ffe000104a464946ffd9', 'hex');

describe('outbox, mails that come too fast or too late', () => {
  let bench: Bench;

  beforeEach(async () => {
    bench = await Bench.start();
  });
  afterEach(() => bench.close());

  const bodies = () => bench.sandbox.mailbox(YOU).inbox.mails.map(({ raw }) => raw.toString('utf8'));
  const quiet = (outbox: Outbox) => until(() => outbox.state().waiting === 0);

  async function alert(outbox: Outbox, text: string, key = 'door') {
    const attachments = [{ filename: `${text}.jpg`, content: PICTURE, contentType: 'image/jpeg' }];
    const input = { to: YOU, subject: `Motion ${text}`, text, attachments };
    const mail = await bench.mail(`Motion ${text}`);
    return outbox.add(mail, { topic: key, subject: input.subject, digest: { key, intervalMs: 10 * MINUTE, input } });
  }

  it('sends the first at once, and the others as one when the time is over', async () => {
    const outbox = await bench.open();
    assert.equal((await alert(outbox, 'a')).held, false);
    bench.clock.advance(MINUTE);
    const held = [await alert(outbox, 'b'), await alert(outbox, 'c')];
    assert.ok(held.every((receipt) => receipt.held && receipt.id === held[0]?.id));
    await quiet(outbox);
    assert.deepEqual([bench.arrived, outbox.state().held], [['Motion a'], 2]);
    bench.clock.advance(9 * MINUTE);
    await until(() => bench.of('delivered').length === 2);
    assert.equal(bench.arrived[1], 'Motion c (2 messages)');
    const body = bodies()[1] ?? '';
    assert.ok(
      body.includes('Motion b') && body.includes('Motion c') && body.includes('filename=c.jpg') && !body.includes('filename=b.jpg'),
    );
    assert.equal(bench.of('delivered')[1]?.mail.digest?.count, 2);
    await alert(outbox, 'd');
    assert.equal(outbox.state().held, 1);
  });

  it('keeps topics apart', async () => {
    const outbox = await bench.open();
    await alert(outbox, 'a', 'door');
    await alert(outbox, 'b', 'garden');
    await quiet(outbox);
    assert.deepEqual([...bench.arrived].sort(), ['Motion a', 'Motion b']);
  });

  it('a single held mail is sent as it is, and after a quiet interval the next goes out at once', async () => {
    const outbox = await bench.open();
    await alert(outbox, 'a');
    await alert(outbox, 'b');
    bench.clock.advance(10 * MINUTE);
    await until(() => bench.arrived.length === 2);
    assert.equal(bench.arrived[1], 'Motion b');
    bench.clock.advance(10 * MINUTE);
    await until(async () => (await readdir(join(bench.directory, 'held'))).length === 0);
    assert.equal((await alert(outbox, 'c')).held, false);
  });

  it('loses nothing in a restart', async () => {
    const first = await bench.open();
    await alert(first, 'a');
    await alert(first, 'b');
    await quiet(first);
    await first.close();
    const second = await bench.open();
    await alert(second, 'c');
    assert.equal(second.state().held, 2);
    await second.close();
    bench.clock.advance(HOUR);
    const third = await bench.open();
    await until(() => bench.arrived.length === 2);
    assert.equal(bench.arrived[1], 'Motion c (2 messages)');
    await until(() => third.state().held === 0);
  });

  it('calls off held mails, and keeps the interval', async () => {
    const outbox = await bench.open();
    await alert(outbox, 'a');
    await alert(outbox, 'b');
    await quiet(outbox);
    assert.equal(await outbox.cancel(({ topic }) => topic === 'door'), 1);
    assert.equal((await alert(outbox, 'c')).held, true);
  });

  it('gives mails up that are too old, and tells of them in one mail', async () => {
    const wrong = { ...bench.account, password: new Secret('wrongwrongwrongw') };
    const outbox = await bench.open({ account: wrong, caps: { ageMs: 2 * HOUR } });
    for (const subject of ['one', 'two', 'three']) await bench.add(outbox, subject, { topic: 'door' });
    await until(() => outbox.state().hold !== undefined && outbox.state().sending === 0);
    await until(() => {
      bench.clock.advance(5 * MINUTE);
      return bench.of('failed').length === 3;
    });
    assert.deepEqual([...new Set(bench.of('failed').map(({ expired, error }) => `${expired} ${error.code}`))], ['true bad-app-password']);
    await until(() => outbox.state().waiting === 1);
    outbox.setAccount(bench.account);
    await quiet(outbox);
    assert.deepEqual(bench.arrived, ['3 camera mails could not be sent in time']);
    assert.ok(['one', 'two', 'three'].every((subject) => bodies()[0]?.includes(subject)));
    await until(async () => !(await readdir(bench.directory)).includes('expired.json'));
  });

  describe('a mail that is too large', () => {
    const input = {
      to: YOU,
      subject: 'x',
      html: '<p>hello</p><img src="cid:big"><img src="cid:small">',
      attachments: [
        { filename: 'big.jpg', content: Buffer.alloc(200_000), cid: 'big' },
        { filename: 'small.jpg', content: Buffer.alloc(2_000), cid: 'small' },
      ],
    };

    it('fails before anything is sent', async () => {
      await assert.rejects(composeFitting(input, bench.account, { shrink: false, say, limit: 20_000 }), { code: 'message-too-large' });
    });

    it('goes without its largest attachment where that is allowed, and says so', async () => {
      const mail = await composeFitting(input, bench.account, { shrink: true, say, limit: 20_000 });
      const text = mail.raw.toString('utf8').replaceAll('=\r\n', '');
      assert.ok(mail.raw.length <= 20_000);
      assert.deepEqual(
        ['small.jpg', 'Left out', 'big.jpg (0.2 MiB)', 'cid:small', 'cid:big'].map((part) => text.includes(part)),
        [true, true, true, true, false],
      );
    });
  });
});
