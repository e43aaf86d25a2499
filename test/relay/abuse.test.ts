import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CameraEmailError } from '../../src/core/errors.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { Secret } from '../../src/core/secret.ts';
import { Policy } from '../../src/relay/policy.ts';
import { Wire } from '../wire.ts';
import { begin, LOGIN, MAIL, TestRelay } from './fixture.ts';

const SMUGGLED = 'MAIL FROM:<evil@example.com>\r\nRCPT TO:<victim@example.com>\r\nDATA\r\nSubject: smuggled\r\n\r\nhi\r\n';

describe('relay: abuse', () => {
  let relay: TestRelay;
  const use = async (...options: Parameters<typeof TestRelay.start>) => {
    relay = await TestRelay.start(...options);
  };
  afterEach(() => relay.close());

  async function alive(): Promise<void> {
    const wire = await relay.client();
    const before = relay.mails.length;
    await begin(wire);
    wire.send(`${MAIL}.\r\n`);
    assert.match(await wire.reply(), /^250/);
    await relay.received(before + 1);
    wire.close();
  }

  it('is no open relay: without a login nothing is taken, not even a sender', async () => {
    await use();
    const wire = await relay.client({ login: false });
    for (const line of ['MAIL FROM:<a@b.c>', 'RCPT TO:<d@e.f>', 'DATA']) assert.match(await wire.smtp(line), /^530/);
    assert.equal(relay.forwarded.length, 0);
  });

  it('is no open relay: it sends on only to its own recipients, whomever the camera names', async () => {
    await use();
    const wire = await relay.client();
    await begin(wire, 'MAIL FROM:<a@b.c>', 'RCPT TO:<victim@example.com>');
    wire.send('To: other@example.com\r\nBcc: third@example.com\r\nSubject: x\r\n\r\nhi\r\n.\r\n');
    assert.match(await wire.reply(), /^250/);
    assert.deepEqual(relay.forwarded[0]?.mail.to, ['me@gmail.test']);
    assert.ok(!/third@example/.test(relay.forwarded[0]?.raw ?? ''));
  });

  it('is no open relay: an address outside the allowed networks is turned away', async () => {
    await use({ auth: 'network', allow: ['192.0.2.0/24'] });
    const wire = await Wire.plain(relay.port);
    assert.match(await wire.reply(), /^554/);
    await wire.closed();
  });

  it('takes mail without a password from an allowed network, and any login as a name', async () => {
    await use({ auth: 'network', allow: ['127.0.0.0/8'] });
    const wire = await relay.client({ login: false });
    assert.match(await wire.smtp(`AUTH PLAIN ${Buffer.from('\0Yard\0anything').toString('base64')}`), /^235/);
    assert.deepEqual(
      (await begin(wire)).map((reply) => reply[0]),
      ['2', '2', '3'],
    );
  });

  it('brute force: three wrong logins end the connection, ten different ones shut the address out', async () => {
    const policy = new Policy({ auth: 'login', users: new Map([['cam', new Secret('right')]]), allow: [], now: () => clock });
    let clock = 0;
    for (let guess = 1; guess < LIMITS.relay.guesses; guess += 1) {
      const { waitMs, shutOut } = { shutOut: true, waitMs: 0, ...policy.login('192.0.2.9', 'cam', `guess ${guess}`) };
      assert.deepEqual({ waitMs, shutOut }, { waitMs: guess * LIMITS.relay.slowDownMs, shutOut: false });
    }
    const last = { shutOut: false, ...policy.login('192.0.2.9', 'cam', 'last guess') };
    assert.equal(last.shutOut, true);
    assert.match(policy.enter('192.0.2.9') ?? '', /^554/);
    assert.equal(policy.enter('192.0.2.10'), undefined);
    clock = LIMITS.relay.shutOutMs;
    assert.equal(policy.enter('192.0.2.9'), undefined);
    await use();
    const wire = await relay.client({ login: false });
    for (let turn = 0; turn < 3; turn += 1) assert.match(await wire.smtp('AUTH PLAIN AGEAYg=='), /^535/);
    await wire.closed();
    assert.equal(relay.refused.length, 3);
  });

  it('brute force: a camera that repeats one wrong password never shuts out the others behind its address', () => {
    const policy = new Policy({ auth: 'login', users: new Map([['cam', new Secret('right')]]), allow: [], now: () => 0 });
    for (let turn = 0; turn < 100; turn += 1) policy.login('192.0.2.9', 'cam', 'old password');
    assert.equal(policy.enter('192.0.2.9'), undefined);
    return use();
  });

  for (const [name, end] of [
    ['LF.LF', '\n.\n'],
    ['LF.CRLF', '\n.\r\n'],
    ['CRLF.LF', '\r\n.\n'],
    ['CR.CR', '\r.\r'],
    ['CR.CRLF', '\r.\r\n'],
    ['CRLF.CRCRLF', '\r\n.\r\r\n'],
    ['NUL CRLF.CRLF', '\r\n\0.\r\n'],
  ] as const) {
    it(`smuggling by ${name}, whole and in split packets: one mail in is one mail out`, async () => {
      await use({ patience: { bareDotMs: 2_000 } });
      for (const pieces of [
        [`Subject: real\r\n\r\nbody${end}${SMUGGLED}.\r\n`],
        [`Subject: real\r\n\r\nbody${end}`, SMUGGLED, '.', '\r\n'],
      ]) {
        const wire = await relay.client();
        await begin(wire);
        const before = relay.forwarded.length;
        for (const piece of pieces) await wire.packet(piece);
        assert.match(await wire.reply(), /^250/);
        assert.match(await wire.smtp('QUIT'), /^221/);
        assert.equal(relay.forwarded.length, before + 1);
        const raw = relay.forwarded.at(-1)?.raw ?? '';
        assert.ok(raw.includes('smuggled') && !/\r(?!\n)|(?<!\r)\n|\0/.test(raw));
        assert.ok(!/\r\n\.\r\n/.test(raw), 'a lone dot would end the mail on its way on');
      }
    });
  }

  it('smuggling by waiting: after a mail that ended in silence no further mail is taken on the connection', async () => {
    await use({ patience: { bareDotMs: 100 } });
    const wire = await relay.client();
    await begin(wire);
    wire.send('Subject: real\r\n\r\nbody\n.\n');
    assert.match(await wire.reply(), /^250/);
    wire.send(`${SMUGGLED}.\r\n`);
    assert.match(await wire.reply(), /^421/);
    await wire.closed();
    assert.equal(relay.forwarded.length, 1);
  });

  it('header injection: no line end, control character or raw byte of the camera gets into a header', async () => {
    await use();
    const wire = await relay.client();
    await begin(wire);
    wire.send(
      Buffer.from(
        'From: "x\rBcc: a@b.c" <cam@example.com>\nSubject: \xd2\xc6\xb6\xaf\0\r\nX-Bad\x07Name: 1\r\nreally no header\r\n\r\nx\r\n.\r\n',
        'latin1',
      ),
    );
    assert.match(await wire.reply(), /^250/);
    const raw = relay.forwarded[0]?.raw ?? '';
    const header = raw.slice(0, raw.indexOf('\r\n\r\n'));
    assert.ok(/^[\x20-\x7e\r\n]*$/.test(header), JSON.stringify(header));
    assert.ok(!/^Bcc|no header|Bad/m.test(header), header);
    assert.equal(relay.forwarded[0]?.mail.subject, '移动');
    assert.equal((await relay.received(1))[0]?.mail.subject, '移动');
  });

  it('a mail beyond the limit is read to its end and refused, and the connection goes on', async () => {
    await use({ maxBytes: 100_000 });
    const wire = await relay.client();
    assert.match(await wire.smtp('MAIL FROM:<a@b.c> SIZE=200000'), /^552/);
    await begin(wire);
    wire.send(`${MAIL}${'x'.repeat(70)}\r\n`.repeat(3_000));
    wire.send('.\r\n');
    assert.match(await wire.reply(), /^552/);
    await begin(wire);
    wire.send(`${MAIL}.\r\n`);
    assert.match(await wire.reply(), /^250/);
    assert.equal(relay.forwarded.length, 1);
  });

  it('too many recipients, errors, commands and a line without end are cut off', async () => {
    await use();
    const many = await relay.client();
    await many.smtp('MAIL FROM:<a@b.c>');
    many.send('RCPT TO:<a@b.c>\r\n'.repeat(LIMITS.relay.recipients + 1));
    let reply = '';
    for (let turn = 0; turn <= LIMITS.relay.recipients && !reply.startsWith('4'); turn += 1) reply = await many.reply();
    assert.match(reply, /^4(52|21)/);
    const wrong = await relay.client();
    for (let turn = 1; turn < LIMITS.relay.badCommands; turn += 1) assert.match(await wrong.smtp('FOO'), /^502/);
    assert.match(await wrong.smtp('FOO'), /^421/);
    const idle = await relay.client();
    idle.send('NOOP\r\n'.repeat(LIMITS.relay.commands));
    assert.match(await idle.closed(), /421 4\.7\.0 Too many commands/);
    const long = await relay.client();
    assert.match(await long.smtp('A'.repeat(100_000)), /^500/);
    await long.closed();
    await alive();
  });

  it('slow-loris: a login that trickles in, and a mail that does not go on, are ended by their deadlines', async () => {
    await use({ patience: { loginMs: 300, commandMs: 300 } });
    const stranger = await Wire.plain(relay.port);
    await stranger.reply();
    const trickle = setInterval(() => stranger.send('N'), 20);
    assert.match(await stranger.closed(), /^421/);
    clearInterval(trickle);
    const camera = await relay.client();
    await begin(camera);
    camera.send('Subject: x\r\n');
    assert.match(await camera.closed(), /421/);
    assert.deepEqual(readdirSync(join(relay.directory, 'incoming')), []);
    await alive();
  });

  it('slow-loris: a mail that trickles in without an end is ended by its own deadline', async () => {
    await use({ patience: { mailMs: 300 } });
    const wire = await relay.client();
    await begin(wire);
    const trickle = setInterval(() => wire.send('x\r\n'), 20);
    assert.match(await wire.closed(), /421/);
    clearInterval(trickle);
    assert.deepEqual(readdirSync(join(relay.directory, 'incoming')), []);
    assert.equal(relay.forwarded.length, 0);
  });

  it('connections from many addresses together have a limit too, and one that leaves makes room', async () => {
    const policy = new Policy({ auth: 'login', users: new Map(), allow: [], now: () => 0 });
    const address = (index: number) => `10.0.${index >> 8}.${index & 255}`;
    for (let index = 0; index < LIMITS.relay.connections; index += 1) assert.equal(policy.enter(address(index)), undefined);
    assert.match(policy.enter('192.0.2.1') ?? '', /^421/);
    policy.left(address(7));
    assert.equal(policy.enter('192.0.2.1'), undefined);
    await use();
  });

  it('500 connections: those beyond the limit are told to come again, and the others work on', async () => {
    await use();
    const wires = await Promise.all(Array.from({ length: 500 }, () => Wire.plain(relay.port)));
    const replies = await Promise.all(wires.map((wire) => wire.reply().catch(() => '421 closed')));
    const taken = replies.filter((reply) => reply.startsWith('220')).length;
    assert.equal(taken, LIMITS.relay.connectionsPerAddress);
    assert.ok(replies.filter((reply) => !reply.startsWith('220')).every((reply) => reply.startsWith('421')));
    const wire = wires[replies.findIndex((reply) => reply.startsWith('220'))];
    assert.match((await wire?.smtp('EHLO x')) ?? '', /^250/);
    assert.match((await wire?.smtp(`AUTH PLAIN ${LOGIN}`)) ?? '', /^235/);
    for (const one of wires) one.close();
    for (let open = false; !open; ) {
      const again = await Wire.plain(relay.port);
      open = (await again.reply()).startsWith('220');
      again.close();
    }
    await alive();
  });

  for (const [name, body] of [
    [
      'a part in a part, a thousand deep',
      Array.from({ length: 1_000 }, (_, n) => `Content-Type: multipart/mixed; boundary="b${n}"\r\n\r\n--b${n}\r\n`).join(''),
    ],
    ['a hundred thousand parts', `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(100_000)}`],
    ['a boundary without a name', 'Content-Type: multipart/mixed\r\n\r\n--\r\n\r\nx\r\n--\r\n'],
    ['three megabytes of text', `\r\n${`${'y'.repeat(900)}\r\n`.repeat(3_400)}`],
    ['tags without end', `Content-Type: text/html\r\n\r\n${'<div>'.repeat(45_000)}`],
    ['a nested message', `Content-Type: message/rfc822\r\n\r\n${'Content-Type: message/rfc822\r\n\r\n'.repeat(5_000)}`],
  ] as const) {
    it(`MIME bomb: ${name}`, async () => {
      await use();
      const wire = await relay.client();
      await begin(wire);
      wire.send(`Subject: bomb\r\nMIME-Version: 1.0\r\n${body}\r\n.\r\n`);
      assert.match(await wire.reply(), /^250/);
      const [{ mail } = assert.fail()] = await relay.received(1);
      assert.equal(mail.subject, 'bomb');
      assert.ok(mail.attachments.length <= LIMITS.relay.parts && mail.text.length <= LIMITS.relay.textBytes);
      assert.deepEqual(relay.problems, []);
      await alive();
    });
  }

  it('a header without end is refused', async () => {
    await use();
    const wire = await relay.client();
    await begin(wire);
    wire.send(`${'X-Long: 1\r\n'.repeat(20_000)}\r\nx\r\n.\r\n`);
    assert.match(await wire.reply(), /^552/);
    await alive();
  });

  it('a mail that goes round in circles is refused', async () => {
    await use();
    const wire = await relay.client();
    await begin(wire);
    wire.send(`${'Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n'.repeat(30)}\r\nx\r\n.\r\n`);
    assert.match(await wire.reply(), /^554/);
  });

  it('names of attachments are no paths', async () => {
    await use();
    const wire = await relay.client();
    await begin(wire);
    wire.send(
      'MIME-Version: 1.0\r\nContent-Type: image/jpeg; name="../../../etc/..\\\\.bashrc"\r\nContent-Transfer-Encoding: base64\r\n\r\n/9j/2Q==\r\n.\r\n',
    );
    await wire.reply();
    const [{ mail } = assert.fail()] = await relay.received(1);
    assert.equal(mail.attachments[0]?.filename, 'bashrc');
    assert.deepEqual(mail.attachments[0]?.content, Buffer.from([0xff, 0xd8, 0xff, 0xd9]));
  });

  it('a full outbox or disk is told as 452, so that the camera keeps its mail', async () => {
    await use();
    relay.outboxError = new CameraEmailError('spool-full', 'no room');
    const wire = await relay.client();
    await begin(wire);
    wire.send(`${MAIL}.\r\n`);
    assert.match(await wire.reply(), /^452/);
    relay.outboxError = undefined;
    await begin(wire);
    wire.send(`${MAIL}.\r\n`);
    assert.match(await wire.reply(), /^250/);
    assert.equal((await relay.received(1)).length, 1);
    assert.equal(relay.forwarded.length, 1);
  });

  it('commands in clear text behind STARTTLS are forgotten', async () => {
    await use();
    const wire = await relay.client({ login: false });
    await wire.packet('STARTTLS\r\nRSET\r\nNOOP\r\n');
    assert.match(await wire.reply(), /^220/);
    await wire.upgrade(relay.ca).catch(() => undefined);
    wire.send('EHLO x\r\n');
    const reply = await wire.reply().catch(() => '');
    assert.ok(reply === '' || reply.includes('SIZE'), reply);
    await alive();
  });
});
