import { asCameraEmailError } from '../../src/core/errors.ts';
import { recipientsOf } from '../../src/fleet/wanted.ts';
import type { MailAccount } from '../../src/mail/account.ts';
import { composeMail } from '../../src/mail/compose.ts';
import { createMailer, type Mailer } from '../../src/mail/send.ts';
import { accountOf } from '../shared/account.ts';
import { handle, publicError } from '../shared/errors.ts';
import { mailInput } from '../shared/mail-input.ts';
import type { Message, NodeRed, RuntimeNode, Send } from '../shared/node-red.ts';
import { Running } from '../shared/running.ts';
import { text } from '../shared/texts.ts';
import { type GmailAppSmtpConfig, migrate } from './config.ts';

module.exports = (RED: NodeRed) => {
  function GmailAppSmtp(this: RuntimeNode, saved: Record<string, unknown>) {
    RED.nodes.createNode(this, saved);
    const config = migrate(saved);
    const running = new Running(this);
    let mailer: Mailer | undefined;
    const mailerFor = (account: MailAccount) => {
      mailer ??= createMailer(account);
      return mailer;
    };
    this.on('input', (message, send, done) => {
      running.run((signal) => handle(RED, this, done, () => deliver(RED, this, config, message, send, mailerFor, signal)));
    });
    this.on('close', (_removed, done) => {
      mailer?.close();
      done();
    });
  }

  RED.nodes.registerType('gmail-app-smtp', GmailAppSmtp);
};

async function deliver(
  RED: NodeRed,
  node: RuntimeNode,
  config: GmailAppSmtpConfig,
  message: Message,
  send: Send,
  mailerFor: (account: MailAccount) => Mailer,
  signal: AbortSignal,
): Promise<undefined> {
  const queuedAt = new Date().toISOString();
  const account = accountOf(RED, config.account);
  const mail = await composeMail(mailInput(message, { to: recipientsOf(account, config.to), subject: config.subject }), account);
  node.status({ fill: 'blue', shape: 'dot', text: text(RED, 'status.sending') ?? '' });
  const { messageId, accepted, rejected, response } = await mailerFor(account).send(mail, { signal });
  const refused = rejected.map(({ address, error }) => ({ address, error: publicError(RED, error) }));
  message.email = { messageId, accepted, rejected: refused, response, attempts: 1, queuedAt, deliveredAt: new Date().toISOString() };
  send(message);
  node.status({ fill: 'green', shape: 'dot', text: text(RED, 'status.sent') ?? '' });
  const [first] = rejected;
  if (first !== undefined) throw asCameraEmailError(first.error);
  return undefined;
}
