import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type * as imapflow from 'imapflow';
import { withDeadline } from '../core/deadline.ts';
import { CameraEmailError, isCameraEmailError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import type { MailAccount } from './account.ts';
import { type ConnectContext, MAIL_TIMEOUTS, openSocket, tlsDetail, tlsOptions, unlessTlsSpoken } from './connect.ts';
import { loginOnce } from './login-guard.ts';
import { mailError } from './mail-error.ts';
import { accessToken } from './oauth2.ts';
import type { SessionOptions } from './smtp-session.ts';
import { StageLog } from './stages.ts';

/** Connects and logs in, once: stages dns, connect, tls, login. Rejects with a CameraEmailError; a remembered refusal asks nobody. */
export async function openImap(account: MailAccount, options: SessionOptions = {}): Promise<imapflow.ImapFlow> {
  const server = account.imap;
  if (server === undefined) throw new CameraEmailError('bad-input', 'the account has no IMAP server', { params: { field: 'imapHost' } });
  const { log = new StageLog(), signal, timeouts = MAIL_TIMEOUTS } = options;
  const context: ConnectContext = { account, protocol: 'imap', server, log, timeouts, signal };
  const socket = await openSocket(context);
  try {
    const client = await loginOnce(account, 'imap', async () => {
      if (account.oauth2 === undefined) return logIn(context, socket);
      log.begin('login');
      const { token, fresh } = await accessToken(account, account.oauth2, signal);
      try {
        return await logIn(context, socket, token);
      } catch (error) {
        if (fresh || !isCameraEmailError(error, 'oauth2-refused')) throw error;
        // A token that was kept may have been withdrawn since; imapflow takes another one only for a new connection.
        const renewed = await accessToken(account, account.oauth2, signal, token);
        return logIn(context, await openSocket(context), renewed.token);
      }
    });
    log.pass(`${account.username} logged in`);
    return client;
  } catch (error) {
    const failure = mailError(error, account, log.current ?? 'login', 'imap');
    log.fail(failure);
    socket.destroy();
    throw failure;
  }
}

async function logIn(context: ConnectContext, socket: Socket, token?: Secret): Promise<imapflow.ImapFlow> {
  const { account, server, log, signal, timeouts } = context;
  const greeted = new AbortController();
  const client = newClient(context, socket, greeted, token);
  log.begin(server.security === 'starttls' ? 'tls' : 'login');
  try {
    const ms = timeouts.greetingMs + timeouts.tlsMs + timeouts.loginMs;
    await unlessTlsSpoken(
      context,
      greeted.signal,
      withDeadline(ms, 'the IMAP login', signal, () => client.connect()),
    );
    return client;
  } catch (error) {
    client.close();
    socket.destroy();
    throw mailError(error, account, log.current ?? 'login', 'imap');
  }
}

/** Logs out, or hangs up when the server does not answer. */
export async function closeImap(client: imapflow.ImapFlow): Promise<void> {
  try {
    if (client.usable) await withDeadline(2_000, 'LOGOUT', undefined, () => client.logout());
  } catch {
    // The session is over either way.
  } finally {
    client.close();
  }
}

function newClient(
  { account, server, log, timeouts }: ConnectContext,
  socket: Socket,
  greeted: AbortController,
  token: Secret | undefined,
): imapflow.ImapFlow {
  const { ImapFlow } = require('imapflow') as typeof imapflow;
  const starttls = server.security === 'starttls';
  const client = new ImapFlow({
    host: server.host,
    port: server.port,
    secure: server.security === 'tls',
    doSTARTTLS: starttls ? true : server.security === 'none' ? false : undefined,
    auth: { user: account.username, ...(token === undefined ? { pass: account.password.reveal() } : { accessToken: token.reveal() }) },
    // Google asks clients to say who they are.
    clientInfo: { name: 'node-red-contrib-camera-email' },
    logger: false,
    disableAutoIdle: true,
    greetingTimeout: timeouts.greetingMs,
    socketTimeout: timeouts.socketMs,
    // Mailboxes are only searched and headers fetched.
    maxLiteralSize: 4 * 1024 * 1024,
    maxLineLength: 4 * 1024 * 1024,
    maxResponseSize: 8 * 1024 * 1024,
    transport: {
      connect: (_options, onConnect) => {
        setImmediate(() => {
          onConnect();
          socket.once('data', () => greeted.abort());
        });
        return socket;
      },
      upgrade: (plain, _options, onSecure) => {
        const secured = connectTls({ ...tlsOptions(account, server), socket: plain });
        secured.once('secureConnect', () => {
          log.pass(tlsDetail(secured));
          log.begin('login');
          onSecure();
        });
        return secured;
      },
    },
  });
  // Every command in flight rejects by itself.
  client.on('error', () => undefined);
  return client;
}
