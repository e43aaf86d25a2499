import assert from 'node:assert/strict';
import { once } from 'node:events';
import { ImapFlow } from 'imapflow';
import { GMAIL_IMAP_REPLIES } from '../../src/sandbox/mail/gmail-replies.ts';
import type { MailSandbox, SandboxMailOptions } from '../../src/sandbox/mail/mail-sandbox.ts';
import { Wire } from '../wire.ts';
import { APP_PASSWORD, base64, GUARD, OWNER, start } from './fixture.ts';

function mail(head: Record<string, string>, body = 'text\r\n'): string {
  const lines = Object.entries({ From: 'Front door <cam@home.example>', To: OWNER, ...head }).map(([name, value]) => `${name}: ${value}`);
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

describe('mail sandbox: IMAP', () => {
  let sandbox: MailSandbox;
  const clients: ImapFlow[] = [];
  const wires: Wire[] = [];

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    for (const wire of wires.splice(0)) wire.close();
    await sandbox.close();
  });

  async function begin(options: Partial<SandboxMailOptions> = {}): Promise<void> {
    sandbox = await start(options);
  }

  async function client(extra: object = {}): Promise<ImapFlow> {
    const flow = new ImapFlow({
      host: '127.0.0.1',
      port: sandbox.ports.imaps,
      secure: true,
      auth: { user: OWNER, pass: APP_PASSWORD },
      tls: { ca: sandbox.ca },
      logger: false,
      ...extra,
    });
    clients.push(flow);
    flow.on('error', () => undefined);
    await flow.connect();
    return flow;
  }

  async function greeted(): Promise<Wire> {
    const raw = await Wire.tls(sandbox.ports.imaps, sandbox.ca);
    wires.push(raw);
    await raw.until(/^\* OK Gimap ready[^\n]*\n/);
    return raw;
  }

  async function wire(): Promise<Wire> {
    const raw = await greeted();
    assert.match(await raw.imap(`LOGIN ${OWNER} ${APP_PASSWORD}`), /t OK owner@gmail\.example authenticated \(Success\)/);
    return raw;
  }

  describe('with imapflow', () => {
    it('logs in over SSL and STARTTLS and finds the folders by their special use, in any language', async () => {
      await begin({ folderNames: { '\\Junk': '[Gmail]/Correo no deseado', '\\Trash': '[Gmail]/Papelera & más' } });
      for (const extra of [{}, { port: sandbox.ports.imapStarttls, secure: false, doSTARTTLS: true }]) {
        const flow = await client(extra);
        const folders = await flow.list();
        const uses = new Map(folders.map(({ specialUse, path }) => [specialUse, path]));
        assert.equal(uses.get('\\Junk'), '[Gmail]/Correo no deseado');
        assert.equal(uses.get('\\Trash'), '[Gmail]/Papelera & más');
        assert.equal(uses.get('\\All'), '[Gmail]/All Mail');
        assert.equal(uses.get('\\Inbox'), 'INBOX');
        await flow.mailboxOpen('[Gmail]/Papelera & más');
        await flow.logout();
      }
      assert.deepEqual(
        sandbox.imapLog.map(({ logins }) => logins),
        Array(2).fill([{ user: OWNER, outcome: 'accepted' }]),
      );
      assert.ok(sandbox.imapLog[0]?.commands.includes('ID'));
    });

    it('tells refused logins apart', async () => {
      await begin();
      const refused = async (pass: string) => {
        const failure = await client({ auth: { user: OWNER, pass } }).then(
          () => assert.fail('logged in'),
          (error: { authenticationFailed?: boolean; serverResponseCode?: string; responseText?: string }) => error,
        );
        assert.equal(failure.authenticationFailed, true);
        return `${failure.serverResponseCode} ${failure.responseText}`;
      };
      assert.match(await refused('wrong'), /^AUTHENTICATIONFAILED .*Invalid credentials/);
      assert.match(await refused('abcd efgh ijkl mnop'), /^AUTHENTICATIONFAILED/);
      assert.match(await refused('My account password 1'), /Application-specific password required/);
      sandbox.script({ protocol: 'imap', stage: 'auth', user: OWNER, action: { reply: GMAIL_IMAP_REPLIES.webLogin } });
      assert.match(await refused(APP_PASSWORD), /Please log in via your web browser/);
    });

    it('searches by header, subject, sender, date, UID and in the language of Gmail', async () => {
      await begin();
      const cat = mail({ Subject: '=?UTF-8?B?QmV3ZWd1bmcgVMO8cg==?=', 'Message-ID': '<one@cameras.example>' }, 'a cat\r\n');
      sandbox.place(OWNER, cat, 'inbox', new Date('2026-01-05T23:30:00Z'));
      sandbox.place(
        OWNER,
        mail({ Subject: 'Motion [token-2]', 'X-Google-Original-Message-ID': '<two@>', 'Message-ID': '<two@mx.google.com>' }),
      );
      sandbox.place(OWNER, mail({ Subject: 'Other', From: 'Alarm <other@home.example>' }));
      const flow = await client();
      await flow.mailboxOpen('INBOX', { readOnly: true });
      const search = (query: Parameters<ImapFlow['search']>[0]) => flow.search(query, { uid: true });
      assert.deepEqual(await search({ header: { 'message-id': '<one@cameras.example>' } }), [1]);
      assert.deepEqual(await search({ header: { 'x-google-original-message-id': '<two@>' } }), [2]);
      assert.deepEqual(await search({ subject: 'bewegung tür' }), [1]);
      assert.deepEqual(await search({ subject: '[token-2]' }), [2]);
      assert.deepEqual(await search({ from: 'other@home.example' }), [3]);
      assert.deepEqual(await search({ to: OWNER }), [1, 2, 3]);
      assert.deepEqual(await search({ before: new Date('2026-01-06') }), [1]);
      assert.deepEqual(await search({ since: new Date('2026-01-06') }), [2, 3]);
      assert.deepEqual(await search({ on: new Date('2026-01-05') }), [1]);
      assert.deepEqual(await search({ uid: '2:*' }), [2, 3]);
      assert.deepEqual(await search({ uid: '9:*' }), [3]);
      assert.deepEqual(await search({ not: { from: 'cam@home.example' }, seen: false }), [3]);
      assert.deepEqual(await search({ or: [{ subject: 'Other' }, { body: 'a cat' }] }), [1, 3]);
      assert.deepEqual(await search({ gmraw: 'rfc822msgid:two@mx.google.com' }), [2]);
      assert.deepEqual(await search({ gmraw: 'subject:tür -from:nobody "a cat"' }), [1]);
      assert.deepEqual(await search({ all: true }), [1, 2, 3]);
      assert.deepEqual(await search({ subject: 'nothing like it' }), []);
    });

    it('fetches what a client can ask of a mail', async () => {
      await begin();
      const received = new Date('2026-03-04T05:06:07Z');
      const head = {
        Subject: 'Mötion "x"',
        'Message-ID': '<m@cameras.example>',
        'Content-Type': 'multipart/mixed; boundary="B"',
        Cc: '"A, B" <c@d.example>, e@f.example',
      };
      const body =
        '--B\r\nContent-Type: text/plain; charset="utf-8"\r\n\r\nhello\r\n--B\r\nContent-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="a.jpg"\r\n\r\n/9j/\r\n--B--\r\n';
      const sent = sandbox.place(OWNER, mail(head, body), 'sent', received);
      sandbox.mailbox(OWNER).receive(sent);
      const flow = await client();
      await flow.mailboxOpen('INBOX');
      const found = await flow.fetchOne('1', {
        uid: true,
        flags: true,
        envelope: true,
        internalDate: true,
        size: true,
        source: true,
        headers: ['subject', 'X-None'],
        bodyStructure: true,
        labels: true,
        bodyParts: ['1', '2.mime', 'text'],
      });
      assert.ok(found);
      assert.equal(found.uid, 1);
      assert.deepEqual([...(found.flags ?? [])], []);
      assert.equal(found.envelope?.messageId, '<m@cameras.example>');
      assert.deepEqual(found.envelope?.from, [{ name: 'Front door', address: 'cam@home.example' }]);
      assert.deepEqual(
        found.envelope?.cc?.map(({ address }) => address),
        ['c@d.example', 'e@f.example'],
      );
      assert.equal(new Date(found.internalDate ?? 0).toISOString(), received.toISOString());
      assert.equal(found.size, sent.raw.length);
      assert.ok(found.source?.equals(sent.raw));
      assert.equal(found.headers?.toString('utf8'), 'Subject: Mötion "x"\r\n\r\n');
      assert.deepEqual(
        found.bodyStructure?.childNodes?.map(({ type, disposition }) => [type, disposition]),
        [
          ['text/plain', undefined],
          ['image/jpeg', 'attachment'],
        ],
      );
      assert.deepEqual([...(found.labels ?? [])], ['\\Sent']);
      assert.equal(found.bodyParts?.get('1')?.toString(), 'hello');
      assert.match(String(found.bodyParts?.get('2.mime')), /^Content-Type: image\/jpeg/);
      assert.equal(found.bodyParts?.get('text')?.toString(), body);
    });

    it('tells at once what arrives and goes while a client idles', async () => {
      await begin();
      const flow = await client();
      await flow.mailboxOpen('INBOX');
      const exists = once(flow, 'exists');
      const idle = flow.idle();
      sandbox.place(OWNER, mail({ Subject: 'now' }));
      const [event] = (await exists) as [{ count: number; prevCount: number }];
      assert.deepEqual([event.count, event.prevCount], [1, 0]);
      const expunged = once(flow, 'expunge');
      sandbox.mailbox(OWNER).inbox.remove(() => true);
      await expunged;
      assert.deepEqual(await flow.search({ all: true }, { uid: true }), []);
      await idle;
      const status = await flow.status('INBOX', { uidNext: true, messages: true, unseen: true, uidValidity: true });
      assert.ok(status);
      assert.deepEqual([status.uidNext, status.messages, status.unseen, status.uidValidity], [2, 0, 0, 1n]);
    });

    it('flags and deletes; a mail deleted from the inbox stays in All Mail', async () => {
      await begin();
      for (const subject of ['a', 'b', 'c']) sandbox.place(OWNER, mail({ Subject: subject }));
      const flow = await client();
      await flow.mailboxOpen('INBOX');
      await flow.messageFlagsAdd('1', ['\\Seen'], { uid: true });
      assert.deepEqual(await flow.search({ seen: true }, { uid: true }), [1]);
      await flow.messageDelete('2', { uid: true });
      const subjects = (name: string) =>
        sandbox
          .mailbox(OWNER)
          .folder(name)
          .mails.map(({ subject }) => subject);
      assert.deepEqual(
        [subjects('INBOX'), subjects('\\All')],
        [
          ['a', 'c'],
          ['a', 'b', 'c'],
        ],
      );
    });

    it('has no language of Gmail when its extensions are off', async () => {
      await begin({ gmailExtensions: false });
      const flow = await client();
      await flow.mailboxOpen('INBOX');
      await assert.rejects(Promise.resolve(flow.search({ gmraw: 'x' })), { code: 'MissingServerExtension' });
    });
  });

  describe('on the wire', () => {
    it('keeps logins off an unencrypted connection', async () => {
      await begin();
      const raw = await Wire.plain(sandbox.ports.imapStarttls);
      wires.push(raw);
      assert.match(await raw.imap('CAPABILITY'), /STARTTLS LOGINDISABLED/);
      assert.match(await raw.imap(`LOGIN ${OWNER} ${APP_PASSWORD}`), /t NO \[PRIVACYREQUIRED\]/);
    });

    it('says refusals in the words of Gmail', async () => {
      await begin();
      const raw = await wire();
      assert.match(await raw.imap('SELECT nowhere'), /^t NO \[NONEXISTENT\] Unknown Mailbox: nowhere \(Failure\)/);
      const fresh = await greeted();
      assert.equal(await fresh.imap(`LOGIN ${OWNER} wrong`), 't NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)\r\n');
      assert.equal(
        await fresh.imap(`LOGIN ${OWNER} "My account password 1"`),
        't NO [ALERT] Application-specific password required: https://support.google.com/accounts/answer/185833 (Failure)\r\n',
      );
      sandbox.script({ protocol: 'imap', stage: 'auth', times: 1, action: { reply: GMAIL_IMAP_REPLIES.webLogin } });
      assert.match(
        await fresh.imap(`LOGIN ${OWNER} ${APP_PASSWORD}`),
        /^\* NO \[WEBALERT https:\S+\] Web login required\.\r\nt NO \[ALERT\] /,
      );
      assert.match(await fresh.imap(`AUTHENTICATE PLAIN ${base64(`\0${OWNER}\0${APP_PASSWORD}`)}`), /t OK/);
    });

    it('takes literals with and without waiting, and the SASL exchange in two steps', async () => {
      await begin();
      const raw = await greeted();
      raw.send(`t LOGIN {${OWNER.length}}\r\n`);
      await raw.until(/^\+ go ahead\r\n/m);
      raw.send(`${OWNER} {${APP_PASSWORD.length}+}\r\n${APP_PASSWORD}\r\n`);
      assert.match(await raw.until(/^t \w+[^\n]*\n/m), /t OK/);
      const other = await greeted();
      other.send('t AUTHENTICATE PLAIN\r\n');
      await other.until(/^\+ \r\n/m);
      other.send(`${base64(`\0${OWNER}\0${APP_PASSWORD}`)}\r\n`);
      assert.match(await other.until(/^t \w+[^\n]*\n/m), /t OK/);
    });

    it('lists by pattern and by special use', async () => {
      await begin();
      const raw = await wire();
      assert.equal(await raw.imap('LIST "" ""'), '* LIST (\\NoSelect) "/" "/"\r\nt OK Success\r\n');
      assert.equal(
        await raw.imap('LIST "" "%"'),
        '* LIST (\\HasNoChildren) "/" "INBOX"\r\n* LIST (\\HasChildren \\NoSelect) "/" "[Gmail]"\r\nt OK Success\r\n',
      );
      assert.match(await raw.imap('LIST "[Gmail]/" "S%" RETURN (SPECIAL-USE SUBSCRIBED)'), /\\Junk \\Subscribed\) "\/" "\[Gmail\]\/Spam"/);
      assert.doesNotMatch(await raw.imap('LIST (SPECIAL-USE) "" "*"'), /INBOX/);
      assert.match(await raw.imap('LSUB "" "*"'), /\* LSUB \(\\HasNoChildren\) "\/" "INBOX"/);
      assert.match(await raw.imap('NAMESPACE'), /\* NAMESPACE \(\("" "\/"\)\) NIL NIL/);
    });

    it('marks as seen what is read without PEEK, except after EXAMINE', async () => {
      await begin();
      sandbox.place(OWNER, mail({ Subject: 'x' }, '0123456789'));
      const raw = await wire();
      await raw.imap('EXAMINE inbox');
      assert.match(await raw.imap('FETCH 1 BODY[TEXT]<2.3>'), /^\* 1 FETCH \(BODY\[TEXT\]<2> \{3\}\r\n234\)\r\nt OK/);
      assert.match(await raw.imap('STORE 1 +FLAGS (\\Seen)'), /t NO \[READ-ONLY\]/);
      await raw.imap('SELECT INBOX');
      assert.match(
        await raw.imap('UID FETCH 1:* BODY.PEEK[HEADER.FIELDS (Subject)]'),
        /^\* 1 FETCH \(UID 1 BODY\[HEADER\.FIELDS \(Subject\)\] \{14\}\r\nSubject: x\r\n\r\n\)\r\n/,
      );
      assert.match(await raw.imap('FETCH 1 BODY[]'), /FLAGS \(\\Seen\)/);
      assert.match(await raw.imap('UNSELECT'), /t OK/);
      assert.match(await raw.imap('FETCH 1 FLAGS'), /t BAD No folder selected/);
    });

    it('answers nonsense with BAD and lives on', async () => {
      await begin();
      const raw = await wire();
      await raw.imap('SELECT INBOX');
      const nonsense = [
        'FOO',
        'LIST',
        'LIST (',
        'SELECT )',
        'UID',
        'UID FOO',
        'SEARCH',
        'SEARCH FOO',
        'SEARCH NOT',
        'SEARCH SINCE x',
        'FETCH x FLAGS',
        'FETCH 1',
        `LIST ${'('.repeat(500)}`,
        'STATUS INBOX (FOO)',
        'STATUS INBOX (constructor)',
        'SEARCH __proto__',
        'STORE 1 FOO x',
        'LOGIN a b',
        'IDLE\r\nnot done',
      ];
      for (const command of nonsense) assert.match(await raw.imap(command), /^t BAD /m, command);
      raw.send('\r\n) x\r\n');
      await raw.until(/\* BAD[^\n]*\n\* BAD[^\n]*\n/);
      assert.match(await raw.imap('NOOP'), /t OK/);
      raw.send(Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 7919) % 251)));
      assert.match(await raw.imap('\r\nt NOOP'), /t OK/);
      raw.send('t LOGIN {99999999+}\r\n');
      await raw.until(/\* BYE Command too long\r\n/);
      await raw.closed();
    });

    it('breaks off or delays as scripted', async () => {
      await begin();
      sandbox.script({ protocol: 'imap', stage: 'greeting', times: 1, action: { reply: '* BYE Temporary problem' } });
      const raw = await Wire.tls(sandbox.ports.imaps, sandbox.ca);
      wires.push(raw);
      await raw.until(/^\* BYE Temporary problem\r\n/);
      await raw.closed();
      sandbox.script({ protocol: 'imap', stage: 'auth', times: 1, action: { drop: true } });
      await assert.rejects((await greeted()).imap(`LOGIN ${OWNER} ${APP_PASSWORD}`));
      sandbox.script({ protocol: 'imap', stage: 'auth', user: GUARD, action: { drop: true } });
      sandbox.script({ protocol: 'imap', stage: 'auth', times: 1, action: { delayMs: 5 } });
      await wire();
    });
  });
});
