import assert from 'node:assert/strict';
import { composeMail, type MailInput, messageIdOf } from '../../src/mail/compose.ts';
import { composeTestMail, testToken } from '../../src/mail/test-mail.ts';
import { account, ME, YOU } from './servers.ts';

const owner = account(465, 'tls');
const compose = (input: MailInput) => composeMail({ to: YOU, ...input }, owner);
const headerOf = (raw: Buffer) => raw.toString('utf8').split('\r\n\r\n')[0] ?? '';
const namesOf = (raw: Buffer) =>
  headerOf(raw)
    .replace(/\r\n[ \t]/g, ' ')
    .split('\r\n')
    .map((line) => (line.split(':')[0] ?? '').toLowerCase());
const badInput = (field: string) => (error: unknown) => {
  const { code, params } = error as { code: string; params: Record<string, unknown> };
  assert.deepEqual([code, params.field], ['bad-input', field]);
  return true;
};

describe('composeMail', () => {
  it('writes a Message-ID with a dotted domain and reads it back from the bytes', async () => {
    const mail = await compose({ subject: 'Hello', text: 'x' });
    assert.match(mail.messageId, /^<camera-email\.[0-9a-f-]{36}@gmail\.com>$/);
    assert.ok(headerOf(mail.raw).includes(`Message-ID: ${mail.messageId}`));
    assert.equal(messageIdOf(mail.raw), mail.messageId);
    const local = await composeMail({ to: YOU, text: 'x' }, { ...owner, email: 'root@localhost' });
    assert.match(local.messageId, /@camera-email\.invalid>$/);
  });

  it('comes from the account, with its name', async () => {
    const mail = await compose({ text: 'x' });
    assert.match(headerOf(mail.raw), /^From: "Node-RED" <me@gmail\.com>\r$/m);
    assert.deepEqual(mail.envelope, { from: ME, to: [YOU] });
  });

  it('keeps Bcc out of the bytes and in the envelope', async () => {
    const mail = await compose({ cc: 'c@example.org', bcc: ['hidden@example.org', 'c@example.org'], text: 'x' });
    assert.deepEqual(mail.envelope.to, [YOU, 'c@example.org', 'hidden@example.org']);
    assert.doesNotMatch(mail.raw.toString('latin1'), /hidden|^bcc/im);
  });

  it('uses CRLF only and no line beyond 998 bytes', async () => {
    const text = `a\nb\rc\r\n${'long '.repeat(500)}\n.\nend`;
    const mail = await compose({ text, html: `<p>${'x'.repeat(3000)}</p>`, attachments: [{ filename: 'a.txt', content: 'x\ny' }] });
    const bytes = mail.raw.toString('latin1');
    assert.doesNotMatch(bytes, /[^\r]\n|\r[^\n]/);
    assert.ok(bytes.split('\r\n').every((line) => line.length <= 998));
  });

  it('carries any script in names, subject, text and file names', async () => {
    const mail = await compose({
      to: 'Jürgen 木 <you@gmail.com>',
      subject: 'Kamera Tür 🚪',
      text: 'Bewegung 動き',
      attachments: [{ filename: 'Tür.jpg', content: Buffer.from('x') }],
    });
    assert.ok(mail.raw.every((byte) => byte < 128));
    assert.deepEqual(mail.envelope.to, [YOU]);
  });

  it('cannot be made to write other headers', async () => {
    const evil = 'x\r\nBcc: evil@example.org\nX-Evil: 1\u2028X-Evil: 2';
    const mail = await compose({
      subject: evil,
      text: 'x',
      headers: {
        'X-Camera': evil,
        Bcc: 'evil@example.org',
        From: 'evil@example.org',
        'Content-Type': 'text/evil',
        'Message-ID': '<evil@example.org>',
      },
      attachments: [{ filename: evil, content: 'x', contentType: `text/plain${evil}`, cid: evil }],
    });
    const names = namesOf(mail.raw);
    assert.ok(!names.includes('bcc') && !names.includes('x-evil'), names.join());
    assert.equal(names.filter((name) => name === 'from').length, 1);
    assert.deepEqual(mail.envelope.to, [YOU]);
    assert.doesNotMatch(mail.raw.toString('latin1'), /^(bcc|x-evil):/im);
    await assert.rejects(compose({ headers: { 'X-A: b\r\nX-Evil': 'x' } }), badInput('headers'));
    await assert.rejects(compose({ to: 'a@b.org>\r\nRCPT TO:<evil@example.org' }), badInput('to'));
  });

  it('reads no files and no URLs', async () => {
    for (const attachment of [
      { path: '/etc/passwd' },
      { href: 'http://127.0.0.1/' },
      { content: { path: '/etc/passwd' } },
      { raw: 'x' },
      null,
    ]) {
      await assert.rejects(compose({ attachments: [attachment as never] }), badInput('attachments'));
    }
    await assert.rejects(compose({ html: { path: '/etc/passwd' } as never }), badInput('html'));
    await assert.rejects(compose({ text: { href: 'http://127.0.0.1/' } as never }), badInput('text'));
  });

  it('needs a recipient, and addresses that are some', async () => {
    await assert.rejects(composeMail({ text: 'x' }, owner), badInput('to'));
    await assert.rejects(compose({ cc: 'nobody' }), badInput('cc'));
    await assert.rejects(compose({ replyTo: [7 as never] }), badInput('replyTo'));
  });
});

describe('test mail', () => {
  it('has its token where a person and a search find it', async () => {
    const token = testToken();
    assert.match(token, /^cam-[2-9A-HJ-NP-Z]{6}$/);
    const mail = await composeTestMail(owner, { to: YOU, token, via: 'server', cameraName: 'Front door' });
    const text = mail.raw.toString('utf8');
    assert.match(headerOf(mail.raw), new RegExp(`^Subject: .*Front door.*\\(${token}\\)`, 'm'));
    assert.ok(text.includes(`Test: ${token}`));
  });
});
