import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { createCertificate } from '../../src/core/certificate.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { Secret } from '../../src/core/secret.ts';
import type { MailAccount, MailSecurity } from '../../src/mail/account.ts';
import type { MailTimeouts } from '../../src/mail/connect.ts';
import type { MailSandbox } from '../../src/sandbox/mail/mail-sandbox.ts';

export const PASSWORD = 'abcdefghijklmnop';
export const ME = 'me@gmail.com';
export const YOU = 'you@gmail.com';

/** Short, so that what never comes does not hold the tests up. */
export const QUICK: MailTimeouts = { ...LIMITS.mail, greetingMs: 1_500, probeAfterMs: 100, tlsMs: 1_500, loginMs: 1_500, connectMs: 1_500 };

let serial = 0;

/** An account of its own login name each time unless given: what one test was refused does not concern the next. */
export function account(port: number, security: MailSecurity, changes: Partial<MailAccount> = {}): MailAccount {
  serial += 1;
  return {
    id: `account-${serial}`,
    name: 'test',
    email: ME,
    service: 'custom',
    smtp: { host: 'localhost', port, security },
    imap: undefined,
    username: ME,
    password: new Secret(PASSWORD),
    fromName: 'Node-RED',
    recipients: [YOU],
    dailyLimit: 500,
    tls: { verify: true },
    ...changes,
  };
}

export function sandboxAccount(sandbox: MailSandbox, changes: Partial<MailAccount> = {}): MailAccount {
  return account(sandbox.ports.smtps, 'tls', {
    imap: { host: 'localhost', port: sandbox.ports.imaps, security: 'tls' },
    tls: { verify: true, ca: sandbox.ca },
    ...changes,
  });
}

export interface RawServer {
  port: number;
  /** CA that signed the certificate of the servers with TLS. */
  ca: string;
  /** Everything that clients sent, in clear. */
  heard: string[];
  connections: number;
  close(): Promise<void>;
}

const authority = createCertificate({ commonName: 'Test authority', ca: true });
const CERTIFICATE = createCertificate({ commonName: 'localhost', subjectAltNames: ['DNS:localhost'], issuer: authority });

/** A server that does what `serve` says to each connection; with `tls` after a handshake. */
export async function rawServer(serve: (socket: Socket) => void, tls?: { names?: string[]; maxVersion?: 'TLSv1.1' }): Promise<RawServer> {
  const sockets = new Set<Socket>();
  const certificate = tls?.names ? createCertificate({ commonName: 'other', subjectAltNames: tls.names, issuer: authority }) : CERTIFICATE;
  const result: RawServer = { port: 0, ca: authority.cert, heard: [], connections: 0, close: async () => undefined };
  const server = createServer((plain) => {
    result.connections += 1;
    sockets.add(plain);
    plain.on('error', () => undefined);
    const limits = tls?.maxVersion ? { minVersion: 'TLSv1' as const, maxVersion: tls.maxVersion, ciphers: 'DEFAULT@SECLEVEL=0' } : {};
    const socket = tls
      ? new TLSSocket(plain, { isServer: true, secureContext: createSecureContext({ ...certificate, ...limits }) })
      : plain;
    socket.on('error', () => undefined);
    socket.on('data', (data) => result.heard.push(data.toString('latin1')));
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  result.port = (server.address() as AddressInfo).port;
  result.close = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return result;
}

/** Answers each line that starts with a key of `replies`; `drop` hangs up, other lines get a 502. */
export function smtpScript(replies: Record<string, string>, greeting = '220 test ESMTP'): (socket: Socket) => void {
  return (socket) => {
    socket.write(`${greeting}\r\n`);
    let rest = '';
    let inData = false;
    socket.on('data', (data) => {
      const lines = (rest + data.toString('latin1')).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (inData && line !== '.') continue;
        const verb = Object.keys(replies).find((start) => line.startsWith(start));
        const reply = verb === undefined ? '502 5.5.1 no' : (replies[verb] ?? '');
        inData = reply.startsWith('354');
        if (reply === 'drop') socket.destroy();
        else if (!socket.destroyed) socket.write(`${reply}\r\n`);
      }
    });
  };
}
