import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withDeadline } from '../../src/core/deadline.ts';
import { Secret } from '../../src/core/secret.ts';
import { listenerContext, ownCertificates } from '../../src/relay/certificates.ts';
import type { ForwardedMail } from '../../src/relay/forward.ts';
import { forwardWhole } from '../../src/relay/forward.ts';
import type { Arrival } from '../../src/relay/incoming.ts';
import { type Relay, type RelayOptions, startRelay } from '../../src/relay/listener.ts';
import type { ReceivedMail } from '../../src/relay/parse.ts';
import { Waiting } from '../waiting.ts';
import { Wire } from '../wire.ts';

export const USER = 'camera-1';
export const PASSWORD = 'Hall-Way-2026';
export const LOGIN = Buffer.from(`\0${USER}\0${PASSWORD}`).toString('base64');

export interface Forwarded {
  raw: string;
  mail: ForwardedMail;
}

/** A listener on loopback, with everything that comes out of it. */
export class TestRelay {
  readonly directory = mkdtempSync(join(tmpdir(), 'camera-email-relay-'));
  readonly mails: { mail: ReceivedMail; arrival: Arrival }[] = [];
  readonly forwarded: Forwarded[] = [];
  readonly problems: string[] = [];
  readonly refused: { username: string; shutOut: boolean }[] = [];
  /** Makes the outbox refuse. */
  outboxError: Error | undefined;
  ca = '';
  #relay: Relay | undefined;
  readonly #waiting = new Waiting();

  static async start(options: Partial<RelayOptions> & { forwarding?: boolean; legacyTls?: boolean } = {}): Promise<TestRelay> {
    const test = new TestRelay();
    await test.open(options);
    return test;
  }

  async open({
    forwarding = true,
    legacyTls = false,
    ...options
  }: Partial<RelayOptions> & { forwarding?: boolean; legacyTls?: boolean } = {}): Promise<void> {
    const certificates = await ownCertificates(this.directory, Date.now());
    this.ca = [certificates.cert].flat().join('');
    const forward = forwardWhole(async (raw, mail) => {
      if (this.outboxError !== undefined) throw this.outboxError;
      this.forwarded.push({ raw: raw.toString('latin1'), mail });
    });
    this.#relay = await startRelay({
      host: '127.0.0.1',
      port: 0,
      auth: 'login',
      users: new Map([[USER, new Secret(PASSWORD)]]),
      allow: [],
      secureContext: listenerContext(certificates, legacyTls),
      implicitTls: false,
      maxBytes: 4 * 1024 * 1024,
      directory: join(this.directory, 'incoming'),
      relay: forwarding ? { forward, sender: 'home@gmail.test', to: ['me@gmail.test'], senderName: ({ login }) => login } : undefined,
      onMail: (mail, arrival) => {
        this.mails.push({ mail, arrival });
        this.#waiting.wake();
      },
      onRefusedLogin: (_address, username, shutOut) => this.refused.push({ username, shutOut }),
      onProblem: (problem) => this.problems.push(problem),
      ...options,
    });
  }

  get port(): number {
    return this.#relay?.port ?? 0;
  }

  /** A client that has said EHLO and, by default, logged in. */
  async client({ login = true } = {}): Promise<Wire> {
    const wire = await Wire.plain(this.port);
    await wire.reply();
    await wire.smtp('EHLO camera');
    if (login) await wire.smtp(`AUTH PLAIN ${LOGIN}`);
    return wire;
  }

  /** Waits until so many mails have become events. */
  async received(count: number): Promise<{ mail: ReceivedMail; arrival: Arrival }[]> {
    await withDeadline(10_000, `${count} mails`, undefined, () => this.#waiting.until(() => this.mails.length >= count));
    return this.mails;
  }

  stop(): Promise<void> {
    return this.#relay?.close() ?? Promise.resolve();
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Ready to take the bytes after DATA. */
export async function begin(wire: Wire, from = 'MAIL FROM:<cam@example.com>', to = 'RCPT TO:<me@gmail.test>'): Promise<string[]> {
  return [await wire.smtp(from), await wire.smtp(to), await wire.smtp('DATA')];
}

export const MAIL = 'Subject: Motion\r\nFrom: <cam@example.com>\r\n\r\nMotion detected\r\n';
