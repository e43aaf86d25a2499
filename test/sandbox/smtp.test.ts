import assert from 'node:assert/strict';
import { GMAIL_REPLIES } from '../../src/sandbox/mail/gmail-replies.ts';
import { Wire } from '../wire.ts';
import { APP_PASSWORD, base64, GUARD, OWNER, plainLogin, start, useSmtp } from './fixture.ts';

describe('mail sandbox: SMTP', () => {
  const smtp = useSmtp();
  const { wires, open, greeted, loggedIn, send, transport } = smtp;

  it('keeps many clients waiting at once without a warning of Node', async () => {
    const warnings: Error[] = [];
    const collect = (warning: Error) => warnings.push(warning);
    process.on('warning', collect);
    try {
      const waiting = await Promise.all(Array.from({ length: 12 }, () => loggedIn()));
      smtp.sandbox.script({ stage: 'mail', action: { delayMs: 60_000 } });
      for (const wire of waiting) wire.send(`MAIL FROM:<${OWNER}>\r\n`);
      while (smtp.sandbox.log.some(({ commands }) => commands.at(-1) !== 'MAIL')) await new Promise(setImmediate);
      await new Promise(setImmediate);
      assert.deepEqual(warnings, []);
    } finally {
      process.off('warning', collect);
    }
  });

  it('takes a mail from nodemailer over SSL and over STARTTLS', async () => {
    for (const extra of [{}, { port: smtp.sandbox.ports.starttls, secure: false, requireTLS: true }]) {
      const mailer = transport(extra);
      const subject = `Motion ${JSON.stringify(extra)} ÄÖ`;
      const info = await mailer.sendMail({ from: OWNER, to: GUARD, subject, text: 'a dog\n.\n..dots' });
      mailer.close();
      const mail = await smtp.sandbox.mailbox(GUARD).waitForMail((candidate) => candidate.subject === subject, 5000);
      assert.equal(mail.messageId, info.messageId);
      assert.match(mail.text, /a dog\r\n\.\r\n\.\.dots/);
      assert.match(info.response, /^250 2\.0\.0 OK {2}\d{10} \S+ - gsmtp$/);
    }
    assert.deepEqual(
      smtp.sandbox.log.map(({ tls, logins }) => ({ tls, logins })),
      ['implicit', 'starttls'].map((tls) => ({ tls, logins: [{ method: 'PLAIN', user: OWNER, outcome: 'accepted' }] })),
    );
    assert.equal(smtp.sandbox.log[0]?.tlsVersion, 'TLSv1.3');
  });

  it('offers what smtp.gmail.com offers, AUTH only once encrypted', async () => {
    const wire = await open();
    assert.deepEqual((await wire.smtp('EHLO camera')).split('\r\n'), [
      '250-smtp.gmail.com at your service, [127.0.0.1]',
      '250-SIZE 100000',
      '250-8BITMIME',
      '250-AUTH LOGIN PLAIN XOAUTH2 PLAIN-CLIENTTOKEN OAUTHBEARER XOAUTH',
      '250-ENHANCEDSTATUSCODES',
      '250-PIPELINING',
      '250-CHUNKING',
      '250 SMTPUTF8',
    ]);
    const plain = await Wire.plain(smtp.sandbox.ports.starttls);
    wires.push(plain);
    await plain.reply();
    const clear = await plain.smtp('EHLO camera');
    assert.match(clear, /250-STARTTLS/);
    assert.doesNotMatch(clear, /AUTH/);
    assert.equal(await plain.smtp(plainLogin()), GMAIL_REPLIES.startTlsFirst);
    assert.equal(await plain.smtp(`MAIL FROM:<${OWNER}>`), GMAIL_REPLIES.startTlsFirst);
    assert.equal(await plain.smtp('STARTTLS'), '220 2.0.0 Ready to start TLS');
    await plain.upgrade(smtp.sandbox.ca);
    assert.equal(await plain.smtp(`MAIL FROM:<${OWNER}>`), GMAIL_REPLIES.helloFirst);
    assert.match(await plain.smtp('EHLO camera'), /AUTH/);
    assert.equal(await plain.smtp(plainLogin()), GMAIL_REPLIES.loginAccepted);
    assert.equal(await plain.smtp('STARTTLS'), GMAIL_REPLIES.badSequence);
  });

  it('throws commands away that were sent in clear behind STARTTLS', async () => {
    const wire = await Wire.plain(smtp.sandbox.ports.starttls);
    wires.push(wire);
    await wire.reply();
    await wire.smtp('EHLO camera');
    assert.equal(await wire.smtp('STARTTLS\r\nNOOP'), GMAIL_REPLIES.readyForTls);
    await wire.upgrade(smtp.sandbox.ca);
    assert.match(await wire.smtp('EHLO again'), /^250-smtp/);
    assert.ok(smtp.sandbox.log[0]?.protocolErrors.includes('commands in clear after STARTTLS'));
  });

  it('takes AUTH PLAIN and LOGIN with and without an initial response', async () => {
    const dialogues = [
      [plainLogin()],
      ['AUTH PLAIN', base64(`\0${OWNER}\0${APP_PASSWORD}`)],
      ['AUTH LOGIN', base64(OWNER), base64(APP_PASSWORD)],
      [`auth login ${base64(OWNER.toUpperCase())}`, base64(APP_PASSWORD)],
    ];
    for (const dialogue of dialogues) {
      const wire = await greeted();
      const replies: string[] = [];
      for (const line of dialogue) replies.push(await wire.smtp(line));
      assert.equal(replies.at(-1), '235 2.7.0 Accepted');
      assert.ok(replies.slice(0, -1).every((reply) => reply.startsWith('334')));
      assert.equal(await wire.smtp(plainLogin()), GMAIL_REPLIES.badSequence);
    }
    const wire = await greeted();
    assert.equal(await wire.smtp('AUTH LOGIN'), '334 VXNlcm5hbWU6');
    assert.equal(await wire.smtp(base64(OWNER)), '334 UGFzc3dvcmQ6');
  });

  it('answers each kind of wrong password in the words of Gmail', async () => {
    const wire = await greeted();
    assert.match(
      await wire.smtp(plainLogin(OWNER, 'wrong')),
      /^535-5\.7\.8 Username and Password not accepted\..*\r\n535 5\.7\.8 .*p=BadCredentials .* - gsmtp$/,
    );
    assert.match(
      await wire.smtp(plainLogin(OWNER, 'My account password 1')),
      /^534-5\.7\.9 Application-specific password required\..*\r\n534 5\.7\.9 .*p=InvalidSecondFactor .* - gsmtp$/,
    );
    assert.equal(await wire.smtp(plainLogin(OWNER, 'abcd efgh ijkl mnop')), GMAIL_REPLIES.badCredentials);
    assert.equal(await wire.smtp(plainLogin('nobody@gmail.example')), GMAIL_REPLIES.badCredentials);
    assert.equal(await wire.smtp('AUTH PLAIN ***'), GMAIL_REPLIES.cannotDecode);
    assert.equal(await wire.smtp('AUTH CRAM-MD5'), GMAIL_REPLIES.unknownAuthentication);
    assert.match(await wire.smtp(`AUTH XOAUTH2 ${base64(`user=${OWNER}\u0001auth=Bearer x\u0001\u0001`)}`), /^334 /);
    assert.equal(await wire.smtp(''), GMAIL_REPLIES.badCredentials);
    assert.equal(await wire.smtp(plainLogin()), GMAIL_REPLIES.loginAccepted);
    assert.equal(JSON.stringify(smtp.sandbox.log).includes('My account password'), false);
  });

  it('asks for patience after five refused logins, over all connections, even with the right password', async () => {
    for (let attempt = 0; attempt < 5; attempt++) {
      const wire = await greeted();
      assert.equal(await wire.smtp(plainLogin(OWNER, 'wrong')), GMAIL_REPLIES.badCredentials);
    }
    const wire = await greeted();
    assert.match(await wire.smtp(plainLogin()), /^454-4\.7\.0 Too many login attempts/);
    assert.equal(await wire.smtp(plainLogin(GUARD, 'qrstuvwxyzabcdef')), GMAIL_REPLIES.loginAccepted);
  });

  it('keeps the order of commands and the syntax', async () => {
    const wire = await open();
    assert.equal(await wire.smtp(`MAIL FROM:<${OWNER}>`), GMAIL_REPLIES.helloFirst);
    await wire.smtp('EHLO camera');
    assert.match(await wire.smtp(`MAIL FROM:<${OWNER}>`), /^530-5\.7\.0 Authentication Required/);
    await wire.smtp(plainLogin());
    assert.equal(await wire.smtp(`RCPT TO:<${GUARD}>`), GMAIL_REPLIES.mailFirst);
    assert.equal(await wire.smtp('DATA'), GMAIL_REPLIES.mailFirst);
    assert.match(await wire.smtp(`MAIL FROM:${OWNER}`), /^555 5\.5\.2 Syntax error/);
    assert.equal(await wire.smtp(`MAIL FROM:<${OWNER}> FOO=1`), GMAIL_REPLIES.syntax);
    assert.equal(await wire.smtp('MAIL FROM:<camera>'), GMAIL_REPLIES.senderAddress);
    assert.equal(await wire.smtp(`MAIL FROM:<${OWNER}> SIZE=100001`), GMAIL_REPLIES.tooLarge);
    assert.equal(await wire.smtp(`MAIL FROM: <${OWNER}> SIZE=10 BODY=8BITMIME`), GMAIL_REPLIES.senderOk);
    assert.equal(await wire.smtp('DATA'), GMAIL_REPLIES.recipientFirst);
    assert.equal(await wire.smtp(`MAIL FROM:<${OWNER}>`), GMAIL_REPLIES.badSequence);
    assert.equal(await wire.smtp('RCPT TO:guard'), GMAIL_REPLIES.syntax);
    assert.equal(await wire.smtp('RCPT TO:<guard>'), GMAIL_REPLIES.recipientAddress);
    assert.equal(await wire.smtp('RCPT TO:<guard@home>'), GMAIL_REPLIES.noSuchDomain);
    assert.equal(await wire.smtp('RCPT TO:<nobody@gmail.example>'), GMAIL_REPLIES.noSuchUser);
    assert.equal(await wire.smtp('constructor'), GMAIL_REPLIES.unknownCommand);
    assert.equal(await wire.smtp(`NOOP ${'x'.repeat(3000)}`), GMAIL_REPLIES.lineTooLong);
    assert.equal(await wire.smtp('RSET'), GMAIL_REPLIES.flushed);
    assert.equal(await wire.smtp('VRFY x'), GMAIL_REPLIES.verify);
    assert.equal(await wire.smtp('QUIT'), GMAIL_REPLIES.goodbye);
    await wire.closed();
  });

  it('closes the connection over an unusable HELO name', async () => {
    for (const [name, answer] of [
      ['', GMAIL_REPLIES.helloEmpty],
      ['front door', GMAIL_REPLIES.helloInvalid],
      ['cam_1', GMAIL_REPLIES.helloInvalid],
    ] as const) {
      const wire = await open();
      assert.equal(await wire.smtp(`EHLO ${name}`), answer);
      await wire.closed();
    }
    const wire = await open();
    assert.match(await wire.smtp('HELO [127.0.0.1]'), /^250 smtp\.gmail\.com at your service/);
  });

  it('takes 100 recipients and no more', async () => {
    const mailer = transport();
    const to = Array.from({ length: 101 }, (_, index) => `r${index}@outside.example`);
    const info = await mailer.sendMail({ from: OWNER, to, subject: 'many', text: 'x' });
    mailer.close();
    assert.equal(info.accepted.length, 100);
    assert.match(String(info.rejectedErrors?.[0]?.response), /^452-4\.5\.3 Your message has too many recipients/);
    assert.equal(smtp.sandbox.outside.length, 1);
  });

  it('refuses a message that grows too large while it comes', async () => {
    const wire = await loggedIn();
    assert.match(await send(wire, `Subject: big\r\n\r\n${'x'.repeat(99)}\r\n`.padEnd(120_000, 'y')), /^552-5\.2\.3 Your message exceeded/);
    assert.match(await send(wire, 'Subject: small\r\n\r\nx'), /^250 2\.0\.0 OK/);
  });

  it('ends a message only at CRLF dot CRLF', async () => {
    const wire = await loggedIn();
    assert.match(await send(wire, 'Subject: dots\r\n\r\na\n.\nb\r\n.\nc\n.\r\nd\r\n..e'), /^250/);
    const mail = await smtp.sandbox.mailbox(GUARD).waitForMail(({ subject }) => subject === 'dots', 5000);
    assert.equal(mail.body.toString(), 'a\n.\nb\r\n.\nc\n.\r\nd\r\n.e\r\n');
    await wire.smtp(`MAIL FROM:<${OWNER}>`);
    await wire.smtp(`RCPT TO:<${GUARD}>`);
    await wire.smtp('DATA');
    assert.match(await wire.smtp('.'), /^250/);
  });

  it('takes pipelined commands and BDAT chunks', async () => {
    const wire = await loggedIn();
    wire.send(`MAIL FROM:<${OWNER}>\r\nRCPT TO:<${GUARD}>\r\nBDAT 10\r\nSubject: cBDAT 9 LAST\r\nhunks\r\n\r\nNOOP\r\n`);
    const codes: string[] = [];
    for (let count = 0; count < 5; count++) codes.push((await wire.reply()).slice(0, 3));
    assert.deepEqual(codes, ['250', '250', '250', '250', '250']);
    await smtp.sandbox.mailbox(GUARD).waitForMail(({ subject }) => subject === 'chunks', 5000);
  });

  it('makes the account the author and repairs the Message-ID', async () => {
    const wire = await loggedIn();
    const broken = ['X-Mailer: HIKMailer', 'From: "Front\r\n door" <camera@home>', 'To: x', 'Message-ID: <1@2@3>', 'Subject: s1', '', 'x'];
    await send(wire, broken.join('\r\n'));
    const first = await smtp.sandbox.mailbox(GUARD).waitForMail(({ subject }) => subject === 's1', 5000);
    assert.equal(first.header('From'), `"Front door" <${OWNER}>`);
    assert.equal(first.header('X-Google-Original-From'), '"Front door" <camera@home>');
    assert.match(first.messageId, /^<[\w.]+@mx\.google\.com>$/);
    assert.equal(first.header('X-Google-Original-Message-ID'), '<1@2@3>');
    assert.equal(first.header('X-Mailer'), 'HIKMailer');
    assert.notEqual(first.header('Date'), undefined);

    await send(wire, `From: ${OWNER}\r\nMessage-ID: <good.id@cameras.example>\r\nSubject: s2\r\n\r\nx`);
    const second = await smtp.sandbox.mailbox(GUARD).waitForMail(({ subject }) => subject === 's2', 5000);
    assert.equal(second.messageId, '<good.id@cameras.example>');
    assert.equal(second.header('From'), OWNER);
    assert.equal(second.header('X-Google-Original-From'), undefined);

    await send(wire, 'no header at all');
    const third = await smtp.sandbox.mailbox(GUARD).waitForMail(({ text }) => text.includes('no header at all'), 5000);
    assert.equal(third.header('From'), OWNER);
  });

  it('files mail as Gmail does: inbox, sent, all mail, the rest of the world', async () => {
    const mailer = transport();
    await mailer.sendMail({ from: OWNER, to: [OWNER, 'guard+door@gmail.example', 'someone@outside.example'], subject: 'filed', text: 'x' });
    mailer.close();
    const owner = smtp.sandbox.mailbox(OWNER);
    const subjects = (name: string) => owner.folder(name).mails.map(({ subject }) => subject);
    assert.deepEqual([subjects('INBOX'), subjects('\\Sent'), subjects('\\All'), subjects('\\Junk')], [['filed'], ['filed'], ['filed'], []]);
    assert.equal(smtp.sandbox.mailbox(GUARD).inbox.entries.length, 1);
    assert.deepEqual(
      smtp.sandbox.outside.map(({ subject }) => subject),
      ['filed'],
    );
    assert.throws(() => smtp.sandbox.mailbox('someone@outside.example'), RangeError);
  });

  it('gives up waiting for a mail in time', async () => {
    await assert.rejects(
      smtp.sandbox.mailbox(GUARD).waitForMail(() => true, 20),
      { code: 'timeout' },
    );
  });

  it('lets go of its other ports when one is taken', async () => {
    await assert.rejects(start({ ports: { imapStarttls: smtp.sandbox.ports.imaps } }), { code: 'EADDRINUSE' });
  });

  it('survives garbage', async () => {
    const noise = Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 7919) % 256));
    for (const port of Object.values(smtp.sandbox.ports)) {
      const wire = await Wire.plain(port);
      wires.push(wire);
      wire.send(noise);
      wire.send('\r\nBDAT 999999999 LAST\r\nQUIT\r\n');
    }
    const wire = await open();
    wire.send(noise);
    assert.match(await wire.smtp('\r\nEHLO camera'), /5\d\d/);
    assert.match(await send(await loggedIn(), 'Subject: still here\r\n\r\nx'), /^250/);
  });
});
