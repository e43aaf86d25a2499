import assert from 'node:assert/strict';
import { Wire } from '../wire.ts';
import { begin, LOGIN, MAIL, PASSWORD, TestRelay, USER } from './fixture.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('relay: what cameras send', () => {
  let relay: TestRelay;
  beforeEach(async () => {
    relay = await TestRelay.start({ patience: { bareDotMs: 150 } });
  });
  afterEach(() => relay.close());

  async function deliver(wire: Wire, mail = MAIL): Promise<string> {
    assert.match((await begin(wire)).at(-1) ?? '', /^354/);
    wire.send(`${mail}.\r\n`);
    return wire.reply();
  }

  it('offers a login, STARTTLS and the size of a mail', async () => {
    const wire = await Wire.plain(relay.port);
    assert.match(await wire.reply(), /^220 \S+ ESMTP$/);
    const offer = await wire.smtp('EHLO camera');
    for (const line of ['AUTH PLAIN LOGIN', 'STARTTLS', 'SIZE 4194304', '8BITMIME']) assert.ok(offer.includes(line), offer);
    assert.match(await wire.smtp('QUIT'), /^221/);
  });

  for (const [name, lines] of [
    ['AUTH PLAIN with its answer at once', [`AUTH PLAIN ${LOGIN}`]],
    ['AUTH PLAIN in two steps', ['AUTH PLAIN', LOGIN]],
    ['AUTH PLAIN without an identity', [`AUTH PLAIN ${base64(`${USER}\0${PASSWORD}`)}`]],
    ['AUTH LOGIN', ['AUTH LOGIN', base64(USER), base64(PASSWORD)]],
    ['AUTH LOGIN with the name at once', [`auth login ${base64(USER)}`, base64(PASSWORD)]],
  ] as const) {
    it(`logs in by ${name}`, async () => {
      const wire = await relay.client({ login: false });
      let reply = '';
      for (const line of lines) reply = await wire.smtp(line);
      assert.match(reply, /^235/);
      assert.match(await deliver(wire), /^250/);
      assert.equal((await relay.received(1))[0]?.arrival.login, USER);
    });
  }

  it('takes a mail and becomes ready for the next one', async () => {
    const wire = await relay.client();
    assert.match(await deliver(wire), /^250/);
    assert.match(await deliver(wire, MAIL.replace('Motion', 'Second')), /^250/);
    const subjects = (await relay.received(2)).map(({ mail }) => mail.subject);
    assert.deepEqual(subjects, ['Motion', 'Second']);
    assert.equal(relay.forwarded.length, 2);
  });

  for (const hello of ['EHLO', 'HELO', 'EHLO my camera', 'HELO _cam', 'EHLO [192.168.1.9]', 'ehlo 摄像头']) {
    it(`takes "${hello}" as a greeting`, async () => {
      const wire = await Wire.plain(relay.port);
      await wire.reply();
      assert.match(await wire.smtp(hello), /^250/);
      await wire.smtp(`AUTH PLAIN ${LOGIN}`);
      assert.match(await deliver(wire), /^250/);
    });
  }

  for (const [from, address] of [
    ['MAIL FROM:cam@example.com', 'cam@example.com'],
    ['MAIL FROM: <cam@example.com>', 'cam@example.com'],
    ['MAIL FROM:<camera>', 'camera'],
    ['MAIL FROM:<>', ''],
    ['mail from : < cam@example.com > SIZE=1000 BODY=8BITMIME', 'cam@example.com'],
  ] as const) {
    it(`takes "${from}"`, async () => {
      const wire = await relay.client();
      const replies = await begin(wire, from, 'RCPT TO: me@gmail.test');
      assert.deepEqual(
        replies.map((reply) => reply.slice(0, 3)),
        ['250', '250', '354'],
      );
      wire.send(`${MAIL}.\r\n`);
      await wire.reply();
      const [{ arrival } = assert.fail()] = await relay.received(1);
      assert.deepEqual(arrival.envelope, { from: address, to: ['me@gmail.test'] });
    });
  }

  it('takes commands that end in a bare LF, and a mail in bare LF that ends in CRLF.CRLF', async () => {
    const wire = await relay.client();
    wire.send('MAIL FROM:<a@b.c>\nRCPT TO:<d@e.f>\nDATA\n');
    for (const code of ['250', '250', '354']) assert.ok((await wire.reply()).startsWith(code));
    wire.send('Subject: bare\n\nline\n\r\n.\r\n');
    assert.match(await wire.reply(), /^250/);
    assert.ok(!/(?<!\r)\n/.test(relay.forwarded[0]?.raw ?? '\n'));
  });

  it('takes a mail that ends in LF.LF when the client then waits, and then wants a new connection', async () => {
    const wire = await relay.client();
    await begin(wire);
    wire.send('Subject: bare\n\nline\n.\n');
    assert.match(await wire.reply(), /^250/);
    assert.match(relay.forwarded[0]?.raw ?? '', /\r\n\r\nline\r\n$/);
    assert.match(await wire.smtp('NOOP'), /^250/);
    assert.match(await wire.smtp('MAIL FROM:<a@b.c>'), /^421/);
  });

  it('takes a whole mail that came at once with its commands', async () => {
    const wire = await relay.client();
    wire.send(`MAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\n${MAIL}.\r\nQUIT\r\n`);
    for (const code of ['250', '250', '354', '250', '221']) assert.ok((await wire.reply()).startsWith(code), code);
  });

  it('keeps a mail whose client resets the connection after the last dot', async () => {
    const wire = await relay.client();
    await begin(wire);
    wire.send(`${MAIL}.\r\n`);
    wire.reset();
    await relay.received(1);
    assert.equal(relay.forwarded.length, 1);
  });

  it('drops a mail whose client leaves before the last dot', async () => {
    const wire = await relay.client();
    await begin(wire);
    wire.send(MAIL);
    await wire.end();
    assert.match(await deliver(await relay.client()), /^250/);
    assert.equal((await relay.received(1)).length, 1);
  });

  for (const type of ['ecdsa', 'rsa'] as const) {
    it(`encrypts by STARTTLS with its own certificate (${type})`, async () => {
      const wire = await relay.client({ login: false });
      assert.match(await wire.smtp('STARTTLS'), /^220/);
      await wire.upgrade(relay.ca, type === 'rsa' ? { ciphers: 'AES128-GCM-SHA256:AES128-SHA', maxVersion: 'TLSv1.2' } : {});
      const offer = await wire.smtp('EHLO camera');
      assert.ok(!offer.includes('STARTTLS'));
      await wire.smtp(`AUTH PLAIN ${LOGIN}`);
      assert.match(await deliver(wire), /^250/);
    });
  }

  it('refuses TLS 1.0 unless old encryption is allowed', async () => {
    const wire = await relay.client({ login: false });
    await wire.smtp('STARTTLS');
    await assert.rejects(wire.upgrade(relay.ca, { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }));
  });

  it('speaks TLS 1.0 when old encryption is allowed', async () => {
    const old = await TestRelay.start({ legacyTls: true });
    try {
      const wire = await old.client({ login: false });
      await wire.smtp('STARTTLS');
      await wire.upgrade(old.ca, { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' });
      assert.match(await wire.smtp('EHLO camera'), /^250/);
    } finally {
      await old.close();
    }
  });

  it('speaks TLS from the first byte on a port for that', async () => {
    const implicit = await TestRelay.start({ implicitTls: true });
    try {
      const wire = await Wire.tls(implicit.port, implicit.ca);
      await wire.reply();
      await wire.smtp('EHLO camera');
      await wire.smtp(`AUTH PLAIN ${LOGIN}`);
      assert.match(await deliver(wire), /^250/);
    } finally {
      await implicit.close();
    }
  });

  it('keeps its certificates over a restart', async () => {
    const before = relay.ca;
    await relay.stop();
    await relay.open();
    assert.equal(relay.ca, before);
  });

  it('takes no login from clear text into the encrypted session', async () => {
    const wire = await relay.client();
    await wire.smtp('STARTTLS');
    await wire.upgrade(relay.ca);
    await wire.smtp('EHLO camera');
    assert.match(await wire.smtp('MAIL FROM:<a@b.c>'), /^530/);
  });
});
