import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PASSWORD, TestRelay, USER } from '../relay/fixture.ts';

const run = promisify(execFile);
const TIME = { timeout: 20_000 };
const BODY = 'Alarm Event: Motion Detect\nAlarm Input Channel: 1\nAlarm Start Time: now\n';

/** Runs a program with a text on its standard input; rejects with what it said when it fails. */
function feed(command: string, args: readonly string[], input: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, TIME);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
    child.on('error', reject).on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${command}: ${code} ${said}`))));
    child.stdin.end(input);
  });
}

const said = (pattern: RegExp) => (error: { stdout?: string }) => pattern.test(error.stdout ?? '');

describe('the relay and real clients', () => {
  let relay: TestRelay;
  before(async () => {
    relay = await TestRelay.start();
  });
  beforeEach(() => {
    relay.mails.length = 0;
    relay.forwarded.length = 0;
  });
  after(() => relay.close());

  async function arrives(subject: string): Promise<void> {
    const [{ mail, arrival } = assert.fail()] = await relay.received(1);
    assert.equal(mail.subject, subject);
    assert.ok(mail.text.startsWith('Alarm Event: Motion Detect'), mail.text);
    assert.equal(arrival.login, USER);
    assert.equal(relay.forwarded.length, 1);
  }

  for (const [name, options] of [
    ['AUTH PLAIN in clear', ['--auth', 'PLAIN']],
    ['AUTH LOGIN in clear', ['--auth', 'LOGIN']],
    ['STARTTLS', ['-tls', '--auth', 'LOGIN']],
    ['no QUIT, a strange greeting and an empty sender', ['--auth', 'PLAIN', '--drop-after', 'DOT', '--helo', '_my_cam', '--from', '<>']],
    ['commands without waiting for the answers', ['--auth', 'PLAIN', '--pipeline']],
  ] as const) {
    it(`swaks: ${name}`, async () => {
      const args = ['--server', '127.0.0.1', '--port', String(relay.port), '--from', 'cam@example.com', '--to', 'me@example.com'];
      const mail = ['--h-Subject', name, '--body', BODY, '--auth-user', USER, '--auth-password', PASSWORD];
      await run('swaks', [...args, ...mail, ...options], TIME);
      await arrives(name);
    });
  }

  it('swaks: is refused without a login and with a wrong one', async () => {
    const args = ['--server', '127.0.0.1', '--port', String(relay.port), '--from', 'cam@example.com', '--to', 'me@example.com'];
    await assert.rejects(run('swaks', args, TIME), said(/530 5\.7\.0/));
    await assert.rejects(
      run('swaks', [...args, '--auth', 'PLAIN', '--auth-user', USER, '--auth-password', 'wrong-one'], TIME),
      said(/535 5\.7\.8/),
    );
    assert.equal(relay.forwarded.length, 0);
  });

  for (const tls of ['off', 'on']) {
    it(`msmtp: STARTTLS ${tls}`, async () => {
      const subject = `msmtp ${tls}`;
      const ca = join(relay.directory, 'ca.pem');
      const config = join(relay.directory, 'msmtprc');
      writeFileSync(ca, relay.ca);
      writeFileSync(
        config,
        `defaults\nauth plain\ntls ${tls}\ntls_starttls ${tls}\ntls_trust_file ${ca}\naccount default\nhost 127.0.0.1\nport ${relay.port}\nfrom cam@example.com\nuser ${USER}\npassword ${PASSWORD}\n`,
      );
      chmodSync(config, 0o600);
      await feed('msmtp', ['-C', config, 'me@example.com'], `Subject: ${subject}\n\n${BODY}`);
      await arrives(subject);
    });
  }

  for (const options of [[], ['--ssl-reqd', '--insecure']]) {
    it(`curl ${options.join(' ')}`, async () => {
      const subject = `curl ${options.length}`;
      const args = ['--silent', '--show-error', '--url', `smtp://127.0.0.1:${relay.port}`, '--mail-from', 'cam@example.com'];
      const login = ['--mail-rcpt', 'me@example.com', '--user', `${USER}:${PASSWORD}`, '--upload-file', '-'];
      await feed('curl', [...args, ...login, ...options], `Subject: ${subject}\r\n\r\n${BODY}`);
      await arrives(subject);
    });
  }

  for (const tls of ['False', 'True']) {
    it(`Python's smtplib, STARTTLS ${tls}, with a picture`, async () => {
      const subject = `smtplib ${tls}`;
      const program = `
import smtplib, ssl
from email.message import EmailMessage
mail = EmailMessage()
mail['Subject'] = '${subject}'
mail['From'] = 'cam@example.com'
mail['To'] = 'me@example.com'
mail.set_content('''${BODY}''')
mail.add_attachment(b'\\xff\\xd8' + b'x' * 300000 + b'\\xff\\xd9', maintype='image', subtype='jpeg', filename='shot.jpg')
server = smtplib.SMTP('127.0.0.1', ${relay.port}, timeout=15)
if ${tls}:
    server.starttls(context=ssl._create_unverified_context())
server.login('${USER}', '${PASSWORD}')
server.send_message(mail)
server.quit()
`;
      await feed('python3', ['-'], program);
      await arrives(subject);
      const [picture] = relay.mails[0]?.mail.attachments ?? [];
      assert.deepEqual({ name: picture?.filename, bytes: picture?.content.length }, { name: 'shot.jpg', bytes: 300_004 });
    });
  }
});
