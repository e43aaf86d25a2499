import assert from 'node:assert/strict';
import nodemailer from 'nodemailer';
import { type MailSandbox, type SandboxMailOptions, startMailSandbox } from '../../src/sandbox/mail/mail-sandbox.ts';
import { Wire } from '../wire.ts';

export const OWNER = 'owner@gmail.example';
export const GUARD = 'guard@gmail.example';
export const APP_PASSWORD = 'abcdefghijklmnop';

export function start(options: Partial<SandboxMailOptions> = {}): Promise<MailSandbox> {
  const users = [
    { email: OWNER, appPassword: 'abcd efgh ijkl mnop', accountPassword: 'My account password 1' },
    { email: GUARD, appPassword: 'qrstuvwxyzabcdef' },
  ];
  return startMailSandbox({ users, ...options });
}

export const base64 = (text: string): string => Buffer.from(text).toString('base64');

export const plainLogin = (user = OWNER, password = APP_PASSWORD): string => `AUTH PLAIN ${base64(`\0${user}\0${password}`)}`;

/** For the top of a `describe`: each test has a sandbox of its own, and connections to its SMTP server (`wires` are closed after it). */
export function useSmtp() {
  let sandbox: MailSandbox;
  const wires: Wire[] = [];
  beforeEach(async () => {
    sandbox = await start({ maxMessageBytes: 100_000 });
  });
  afterEach(async () => {
    for (const wire of wires.splice(0)) wire.close();
    await sandbox.close();
  });

  async function open(): Promise<Wire> {
    const wire = await Wire.tls(sandbox.ports.smtps, sandbox.ca);
    wires.push(wire);
    assert.match(await wire.reply(), /^220 smtp\.gmail\.com ESMTP .* - gsmtp$/);
    return wire;
  }

  async function greeted(): Promise<Wire> {
    const wire = await open();
    await wire.smtp('EHLO camera');
    return wire;
  }

  async function loggedIn(): Promise<Wire> {
    const wire = await greeted();
    assert.equal(await wire.smtp(plainLogin()), '235 2.7.0 Accepted');
    return wire;
  }

  async function send(wire: Wire, content: string, to = GUARD): Promise<string> {
    await wire.smtp(`MAIL FROM:<${OWNER}>`);
    await wire.smtp(`RCPT TO:<${to}>`);
    assert.match(await wire.smtp('DATA'), /^354 Go ahead/);
    return wire.smtp(`${content}\r\n.`);
  }

  const transport = (extra: object = {}) =>
    nodemailer.createTransport({
      host: '127.0.0.1',
      port: sandbox.ports.smtps,
      secure: true,
      auth: { user: OWNER, pass: APP_PASSWORD },
      tls: { ca: sandbox.ca },
      ...extra,
    });

  return {
    /** That of the test that runs. */
    get sandbox() {
      return sandbox;
    },
    wires,
    open,
    greeted,
    loggedIn,
    send,
    transport,
  };
}
