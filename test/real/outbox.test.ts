import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { ImapFlow } from 'imapflow';
import { type ParsedMail, simpleParser } from 'mailparser';
import type { Message } from '../../nodes/shared/node-red.ts';
import { Bench } from '../nodes/fixture.ts';
import { runtime } from '../nodes/runtime.ts';
import { until } from '../waiting.ts';
import { type MailHost, startMailHost } from './mail-host.ts';

const digest = (content: Buffer) => createHash('sha256').update(content).digest('hex');

describe('the queue and real Postfix and Dovecot', () => {
  let host: MailHost;
  let bench: Bench;
  let delivered: Message[];
  let caught: Message[];

  before(async () => {
    host = await startMailHost();
  });
  after(() => host.close());
  beforeEach(async () => {
    bench = await Bench.start([]);
    delivered = [];
    caught = [];
    const { camera } = host.users;
    const servers = { host: 'localhost', port: host.ports.smtps, imapHost: 'localhost', imapPort: host.ports.imaps };
    await bench.load(
      'gmail-app-smtp',
      { delivery: 'queue' },
      {
        account: { ...servers, email: camera.address, security: 'tls', imapSecurity: 'tls', fromName: 'Haus Überblick', tls: 'ca' },
        // The private authority is in the core tls-config node of the fixture.
        credentials: { ca: { cadata: host.ca }, account: { appPassword: camera.password } },
      },
    );
    runtime.getNode('out0').on('input', (message) => delivered.push(message));
    runtime.getNode('caught').on('input', (message) => caught.push(message));
  });
  afterEach(() => bench.close());

  const receive = (message: Message) => runtime.getNode('n1').receive(message);
  const owner = () => host.users.owner.address;
  const emailOf = (message: Message | undefined) =>
    message?.email as {
      messageId: string;
      accepted: string[];
      rejected: { address: string; error: { code: string; deviceSays?: string } }[];
    };

  /** All mails of the owner that carry this Message-ID, as soon as there are `count`. */
  async function arrivals(messageId: string, count = 1): Promise<ParsedMail[]> {
    const { address: user, password: pass } = host.users.owner;
    const tls = { ca: host.ca };
    const imap = new ImapFlow({ host: 'localhost', port: host.ports.imaps, secure: true, tls, auth: { user, pass }, logger: false });
    await imap.connect();
    try {
      await imap.mailboxOpen('INBOX');
      const search = async () => (await imap.search({ header: { 'message-id': messageId } }, { uid: true })) || [];
      await until(async () => {
        await imap.noop();
        return (await search()).length >= count;
      });
      const found: ParsedMail[] = [];
      for (const uid of await search()) {
        const message = await imap.fetchOne(String(uid), { source: true }, { uid: true });
        if (message !== false && message.source !== undefined) found.push(await simpleParser(message.source));
      }
      return found;
    } finally {
      imap.close();
    }
  }

  it('subjects, names, texts and file names of any script arrive as they were', async () => {
    const topic = 'Große Tür 🚪 カメラ тревога — עברית';
    const to = `"Jürgen Müller, 門番 🎥" <${owner()}>`;
    receive({ topic, to, payload: 'Grüße\n.\n..✓', attachments: [{ filename: 'Tür 門.jpg', content: Buffer.from('ffd8ffd9', 'hex') }] });
    await until(() => delivered.length === 1);
    const [mail] = await arrivals(emailOf(delivered[0]).messageId);
    assert.equal(mail?.subject, topic);
    assert.deepEqual([mail?.to].flat()[0]?.value, [{ address: owner(), name: 'Jürgen Müller, 門番 🎥' }]);
    assert.deepEqual(mail?.from?.value, [{ address: host.users.camera.address, name: 'Haus Überblick' }]);
    assert.equal(mail?.text?.trim(), 'Grüße\n.\n..✓');
    assert.equal(mail?.attachments[0]?.filename, 'Tür 門.jpg');
    assert.deepEqual(caught, []);
  });

  it('20 MB of pictures arrive byte for byte', async () => {
    const pictures = Array.from({ length: 4 }, () => Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), randomBytes(5 * 1024 * 1024)]));
    const attachments = pictures.map((content, index) => ({ filename: `${index}.jpg`, content, contentType: 'image/jpeg' }));
    receive({ topic: 'large', to: owner(), payload: 'four pictures', attachments });
    await until(() => delivered.length === 1);
    const [mail] = await arrivals(emailOf(delivered[0]).messageId);
    assert.deepEqual(
      mail?.attachments.map(({ content }) => digest(content)),
      pictures.map(digest),
    );
  });

  it('one mail reaches 100 recipients', async () => {
    const to = Array.from({ length: 100 }, (_, index) => owner().replace('@', `+${index}@`));
    receive({ topic: 'everybody', to: to.join(', '), payload: 'x' });
    await until(() => delivered.length === 1);
    assert.deepEqual([emailOf(delivered[0]).accepted, emailOf(delivered[0]).rejected], [to, []]);
    assert.equal((await arrivals(emailOf(delivered[0]).messageId, 100)).length, 100);
  });

  it('refused recipients are told one by one, the others have the mail, once', async () => {
    receive({ topic: 'some', to: `nobody@mail.test, ${owner()}, someone@elsewhere.test`, payload: 'x' });
    await until(() => delivered.length === 1 && caught.length === 1);
    const { accepted, rejected, messageId } = emailOf(delivered[0]);
    assert.deepEqual(accepted, [owner()]);
    assert.deepEqual(
      rejected.map(({ address, error }) => [address, error.code, /^5[0-9]{2}/.test(error.deviceSays ?? '')]),
      [
        ['nobody@mail.test', 'recipient-refused', true],
        ['someone@elsewhere.test', 'relay-denied', true],
      ],
    );
    assert.equal((caught[0]?.error as { code: string } | undefined)?.code, 'recipient-refused');
    assert.equal((await arrivals(messageId)).length, 1);
  });

  it('200 mails of one topic need one login', async () => {
    const before = (await host.log()).length;
    for (let number = 0; number < 200; number += 1) receive({ topic: 'door', to: owner(), payload: `alarm ${number}` });
    await until(() => delivered.length === 200);
    await bench.unload();
    const news = async () => (await host.log()).slice(before);
    await until(async () => / disconnect from /.test(await news()));
    const log = await news();
    assert.equal(log.match(/ connect from /g)?.length, 1);
    assert.match(log, / disconnect from .* auth=1 mail=200 rcpt=200 data=200 /);
    assert.equal(new Set(delivered.map((message) => emailOf(message).messageId)).size, 200);
    assert.deepEqual(
      delivered.map(({ payload }) => payload),
      Array.from({ length: 200 }, (_, number) => `alarm ${number}`),
    );
  });
});
