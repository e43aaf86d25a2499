import { CameraEmailError } from '../../src/core/errors.ts';
import { type AccountInput, type MailAccount, mailAccount } from '../../src/mail/account.ts';
import type { NodeRed, RuntimeNode } from './node-red.ts';

/** A gmail-account node at run time. */
export interface GmailAccountNode extends RuntimeNode {
  /** Throws a CameraEmailError that says what is missing. */
  account(): MailAccount;
}

/** The account of an action node. Throws `bad-input` when none is chosen or it was deleted. */
export function accountOf(RED: NodeRed, id: string): MailAccount {
  const node = RED.nodes.getNode(id) as Partial<GmailAccountNode> | null | undefined;
  if (node?.type !== 'gmail-account' || typeof node.account !== 'function') {
    throw new CameraEmailError('bad-input', 'no account is chosen', { params: { field: 'account' } });
  }
  return node.account();
}

/** The account from its saved properties. `tls` is the id of a core tls-config node. */
export function accountFrom(
  RED: NodeRed,
  config: AccountInput & { tls?: unknown },
  tlsId: string,
  { appPassword, clientId, clientSecret, refreshToken }: Record<string, string | undefined>,
): MailAccount {
  return mailAccount({ ...config, appPassword, clientId, clientSecret, refreshToken, tls: tlsOptions(RED, tlsId) });
}

interface TlsConfigNode {
  addTLSOptions(options: object): object;
}

function tlsOptions(RED: NodeRed, id: string): AccountInput['tls'] {
  if (id === '') return undefined;
  const node = RED.nodes.getNode(id) as Partial<TlsConfigNode> | null | undefined;
  if (typeof node?.addTLSOptions !== 'function')
    throw new CameraEmailError('bad-input', 'the TLS settings are gone', { params: { field: 'tls' } });
  const options = node.addTLSOptions({}) as Record<string, unknown>;
  const pem = (name: string) => (options[name] === undefined || options[name] === '' ? undefined : String(options[name]));
  return {
    ca: pem('ca'),
    cert: pem('cert'),
    key: pem('key'),
    passphrase: pem('passphrase'),
    servername: pem('servername'),
    verify: options.rejectUnauthorized !== false,
  };
}
