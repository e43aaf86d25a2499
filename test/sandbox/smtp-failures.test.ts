import assert from 'node:assert/strict';
import { GMAIL_REPLIES, type GmailReply } from '../../src/sandbox/mail/gmail-replies.ts';
import { Wire } from '../wire.ts';
import { GUARD, OWNER, plainLogin, useSmtp } from './fixture.ts';

describe('mail sandbox: scripted failures of SMTP', () => {
  const smtp = useSmtp();
  const { wires, greeted, loggedIn, send } = smtp;

  it('says every listed reply literally, and goes on', async () => {
    const names = (Object.keys(GMAIL_REPLIES) as GmailReply[]).filter((name) => /^[45]/.test(GMAIL_REPLIES[name]));
    for (const name of names) {
      smtp.sandbox.script({ stage: 'mail', sender: OWNER, times: 1, action: { reply: GMAIL_REPLIES[name] } });
      const wire = await loggedIn();
      assert.equal(await wire.smtp(`MAIL FROM:<${OWNER}>`), GMAIL_REPLIES[name]);
      if (GMAIL_REPLIES[name].startsWith('421')) await wire.closed();
      else assert.equal(await wire.smtp(`MAIL FROM:<${OWNER}>`), GMAIL_REPLIES.senderOk);
      wire.close();
    }
  });

  it('writes every listed reply as one well-formed SMTP reply', () => {
    for (const reply of Object.values(GMAIL_REPLIES)) {
      const lines = reply.split('\r\n');
      const code = reply.slice(0, 3);
      lines.forEach((line, index) => {
        assert.ok(line.startsWith(`${code}${index < lines.length - 1 ? '-' : ' '}`), line);
        assert.match(line, /^[\x20-\x7e]{4,510}$/);
      });
    }
  });

  it('fails at the stage, the user, the recipient or the subject that the rule names', async () => {
    const remove = smtp.sandbox.script({ stage: 'auth', user: OWNER.toUpperCase(), action: { reply: GMAIL_REPLIES.webLogin } });
    const wire = await greeted();
    assert.equal(await wire.smtp(plainLogin()), GMAIL_REPLIES.webLogin);
    remove();
    assert.equal(await wire.smtp(plainLogin()), GMAIL_REPLIES.loginAccepted);
    assert.deepEqual(
      smtp.sandbox.log[0]?.logins.map(({ outcome }) => outcome),
      ['scripted', 'accepted'],
    );

    smtp.sandbox.script({ stage: 'rcpt', recipient: /^guard@/, times: 1, action: { reply: GMAIL_REPLIES.overQuota } });
    smtp.sandbox.script({ stage: 'data', subject: 'invoice', action: { reply: GMAIL_REPLIES.dailyLimit } });
    await wire.smtp(`MAIL FROM:<${OWNER}>`);
    assert.equal(await wire.smtp(`RCPT TO:<${GUARD}>`), GMAIL_REPLIES.overQuota);
    await wire.smtp('RSET');
    assert.equal(await send(wire, 'Subject: Your Invoice\r\n\r\nx'), GMAIL_REPLIES.dailyLimit);
    assert.match(await send(wire, 'Subject: Motion\r\n\r\nx'), /^250/);
    assert.deepEqual(
      smtp.sandbox.log[0]?.transactions.map(({ delivered }) => delivered),
      [false, true],
    );
  });

  it('breaks the connection: on connect, before a reply, after the mail was taken', async () => {
    smtp.sandbox.script({ stage: 'connect', times: 1, action: { drop: true } });
    await assert.rejects(Wire.tls(smtp.sandbox.ports.smtps, smtp.sandbox.ca));
    smtp.sandbox.script({ stage: 'greeting', times: 1, action: { reply: GMAIL_REPLIES.tryAgainLater } });
    const refused = await Wire.tls(smtp.sandbox.ports.smtps, smtp.sandbox.ca);
    wires.push(refused);
    assert.equal(await refused.reply(), GMAIL_REPLIES.tryAgainLater);
    await refused.closed();

    smtp.sandbox.script({ stage: 'delivered', times: 1, action: { drop: true } });
    await assert.rejects(send(await loggedIn(), 'Subject: unanswered\r\n\r\nx'));
    await smtp.sandbox.mailbox(GUARD).waitForMail(({ subject }) => subject === 'unanswered', 5000);

    smtp.sandbox.script({ stage: 'data', times: 1, action: { drop: true } });
    await assert.rejects(send(await loggedIn(), 'Subject: gone\r\n\r\nx'));
    assert.equal(smtp.sandbox.mailbox(GUARD).inbox.entries.length, 1);
  });

  it('delivers to spam, late, or not at all, while saying 250', async () => {
    smtp.sandbox.script({ stage: 'delivered', subject: 'spam', action: { deliver: 'spam' } });
    smtp.sandbox.script({ stage: 'delivered', subject: 'lost', action: { deliver: 'lost' } });
    smtp.sandbox.script({ stage: 'delivered', subject: 'late', action: { deliverAfterMs: 30 } });
    smtp.sandbox.script({ stage: 'delivered', action: { delayMs: 1 } });
    const wire = await loggedIn();
    for (const subject of ['spam', 'lost', 'late']) assert.match(await send(wire, `Subject: ${subject}\r\n\r\nx`), /^250 2\.0\.0 OK/);
    const guard = smtp.sandbox.mailbox(GUARD);
    await guard.waitForMail(({ subject }, folder) => subject === 'spam' && folder.specialUse === '\\Junk', 5000);
    await guard.waitForMail(({ subject }) => subject === 'late', 5000);
    assert.deepEqual(
      guard.folder('\\All').mails.map(({ subject }) => subject),
      ['late'],
    );
  });
});
