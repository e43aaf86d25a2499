import { once, setMaxListeners } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { createCertificate } from '../../core/certificate.ts';
import { Accounts, type SandboxUser } from './accounts.ts';
import { Connection } from './connection.ts';
import { type FailureRule, FailureRules } from './failure-rules.ts';
import { ImapConversation } from './imap-session.ts';
import type { SandboxMailbox, SpecialUse } from './mailbox.ts';
import type { SandboxMail } from './message.ts';
import { PostOffice } from './post-office.ts';
import type { ImapSession, SmtpSession } from './session-log.ts';
import { SmtpConversation } from './smtp-session.ts';
import { TokenOffice } from './token-office.ts';

export interface SandboxMailOptions {
  users: SandboxUser[];
  /** PEM; `ca` is what clients trust. Default: one made for localhost, 127.0.0.1, ::1 and Gmail's own names. */
  certificate?: { cert: string; key: string; ca: string };
  host?: '127.0.0.1';
  /** Default 0: any free port. */
  ports?: { smtps?: number; starttls?: number; imaps?: number; imapStarttls?: number; tokens?: number };
  /** Default: Gmail's. */
  maxMessageBytes?: number;
  /** X-GM-EXT-1 on IMAP. Default true. */
  gmailExtensions?: boolean;
  /** Names of the special folders in another language, e.g. `{ '\\Junk': '[Gmail]/Correo no deseado' }`. */
  folderNames?: Partial<Record<SpecialUse, string>>;
}

export interface MailSandbox {
  readonly host: string;
  readonly ports: { smtps: number; starttls: number; imaps: number; imapStarttls: number };
  /** PEM of the authority that clients have to trust. */
  readonly ca: string;
  /** Where clients fetch access tokens. */
  readonly tokens: TokenOffice;
  /** Throws RangeError for an address that is none of the sandbox's. */
  mailbox(email: string): SandboxMailbox;
  /** Puts a mail into a mailbox without SMTP, byte for byte, e.g. one that lay there before. */
  place(email: string, raw: string | Buffer, where?: 'inbox' | 'spam' | 'sent', receivedAt?: Date): SandboxMail;
  /** Mail that was accepted for the rest of the world. */
  readonly outside: readonly SandboxMail[];
  /** One entry a connection, in the order they came. */
  readonly log: readonly SmtpSession[];
  readonly imapLog: readonly ImapSession[];
  /** Makes something go wrong; the first rule that fits wins. Returns the function that removes the rule. */
  script(rule: FailureRule): () => void;
  /** Ends all connections. Rejects when the sandbox had a fault of its own. */
  close(): Promise<void>;
}

/** A Gmail of one's own on the loopback interface: SMTP (SSL and STARTTLS) and IMAP. */
export async function startMailSandbox(options: SandboxMailOptions): Promise<MailSandbox> {
  const host = options.host ?? '127.0.0.1';
  const certificate = options.certificate ?? ownCertificate();
  const closing = new AbortController();
  // Every answer that a rule holds back listens to it.
  setMaxListeners(0, closing.signal);
  const rules = new FailureRules();
  const accounts = new Accounts(options.users);
  const post = new PostOffice(accounts.emails, options.folderNames ?? {}, rules, closing.signal);
  const tokens = new TokenOffice(options.users);
  const common = { accounts, tokens, post, rules, secureContext: createSecureContext(certificate), signal: closing.signal };
  const smtp = { ...common, maxMessageBytes: options.maxMessageBytes ?? 35_882_577 };
  const imap = { ...common, gmailExtensions: options.gmailExtensions ?? true };
  const log: SmtpSession[] = [];
  const imapLog: ImapSession[] = [];
  const sockets = new Set<Socket>();
  const faults: unknown[] = [];
  const opened: Server[] = [];

  const listen = async (port: number | undefined, converse: (connection: Connection) => Promise<void>): Promise<Server> => {
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      converse(new Connection(socket)).catch((error: unknown) => {
        faults.push(error);
        socket.destroy();
      });
    });
    server.listen(port ?? 0, host);
    await once(server, 'listening').catch((error: unknown) => {
      for (const other of opened) other.close();
      throw error;
    });
    opened.push(server);
    return server;
  };
  const smtpServer = (implicitTls: boolean) => (connection: Connection) => {
    const tls = implicitTls ? 'implicit' : 'none';
    const session: SmtpSession = { tls, logins: [], transactions: [], commands: [], codes: [], protocolErrors: [], closed: false };
    log.push(session);
    return new SmtpConversation(connection, smtp, session).run();
  };
  const imapServer = (implicitTls: boolean) => (connection: Connection) => {
    const session: ImapSession = { logins: [], commands: [], protocolErrors: [], closed: false };
    imapLog.push(session);
    return new ImapConversation(connection, imap, session, implicitTls).run();
  };

  const servers = {
    smtps: await listen(options.ports?.smtps, smtpServer(true)),
    starttls: await listen(options.ports?.starttls, smtpServer(false)),
    imaps: await listen(options.ports?.imaps, imapServer(true)),
    imapStarttls: await listen(options.ports?.imapStarttls, imapServer(false)),
  };
  await tokens.listen(host, options.ports?.tokens ?? 0, certificate);
  const portOf = (server: Server) => (server.address() as AddressInfo).port;

  const mailbox = (email: string): SandboxMailbox => {
    const found = post.mailbox(email);
    if (found === undefined) throw new RangeError(`no mailbox ${email} in the sandbox`);
    return found;
  };

  return {
    host,
    ports: {
      smtps: portOf(servers.smtps),
      starttls: portOf(servers.starttls),
      imaps: portOf(servers.imaps),
      imapStarttls: portOf(servers.imapStarttls),
    },
    ca: certificate.ca,
    tokens,
    mailbox,
    place(email, raw, where, receivedAt) {
      const mail = post.compose(Buffer.from(raw), { from: '', to: [email] }, receivedAt);
      mailbox(email).receive(mail, where);
      return mail;
    },
    outside: post.outside,
    log,
    imapLog,
    script: (rule) => rules.add(rule),
    async close() {
      closing.abort();
      const closed = opened.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
      for (const socket of sockets) socket.destroy();
      await Promise.all([...closed, tokens.close()]);
      if (faults.length > 0) throw new AggregateError(faults, 'the mail sandbox itself failed');
    },
  };
}

function ownCertificate(): { cert: string; key: string; ca: string } {
  const authority = createCertificate({ commonName: 'Mail sandbox authority', ca: true });
  const names = ['DNS:localhost', 'DNS:smtp.gmail.com', 'DNS:imap.gmail.com', 'IP:127.0.0.1', 'IP:::1'];
  const server = createCertificate({ commonName: 'localhost', subjectAltNames: names, issuer: authority });
  return { ...server, ca: authority.cert };
}
