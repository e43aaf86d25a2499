import { asCameraEmailError } from '../../src/core/errors.ts';
import { createMailer, type Mailer } from '../../src/mail/send.ts';
import { accountOf } from '../shared/account.ts';
import { handle, publicError } from '../shared/errors.ts';
import type { Message, NodeRed, RuntimeNode, Send } from '../shared/node-red.ts';
import { Running } from '../shared/running.ts';
import { text } from '../shared/texts.ts';
import { composeFor } from './compose.ts';
import { type GmailAppSmtpConfig, migrate } from './config.ts';
import { Queue, type QueueNode } from './queue.ts';

module.exports = (RED: NodeRed) => {
  function GmailAppSmtp(this: RuntimeNode, saved: Record<string, unknown>) {
    RED.nodes.createNode(this, saved);
    const config = migrate(saved);
    const running = new Running(this);
    const deliver = config.delivery === 'direct' ? direct(RED, this, config) : new Queue(RED, this as QueueNode, config);
    this.on('input', (message, send, done) => {
      running.run((signal) => handle(RED, this, done, () => deliver.take(message, send, signal)));
    });
    this.on('close', (_removed, done) => {
      void deliver.close().finally(done);
    });
  }

  RED.nodes.registerType('gmail-app-smtp', GmailAppSmtp);
};

/** One attempt, whose result is that of the message. */
function direct(RED: NodeRed, node: RuntimeNode, config: GmailAppSmtpConfig) {
  let mailer: Mailer | undefined;
  return {
    async take(message: Message, send: Send, signal: AbortSignal): Promise<undefined> {
      const queuedAt = new Date().toISOString();
      const account = accountOf(RED, config.account);
      const { mail } = await composeFor(RED, config, message, account);
      node.status({ fill: 'blue', shape: 'dot', text: text(RED, 'status.sending') ?? '' });
      mailer ??= createMailer(account);
      const { messageId, accepted, rejected, response } = await mailer.send(mail, { signal });
      const refused = rejected.map(({ address, error }) => ({ address, error: publicError(RED, error) }));
      message.email = { messageId, accepted, rejected: refused, response, attempts: 1, queuedAt, deliveredAt: new Date().toISOString() };
      send(message);
      node.status({ fill: 'green', shape: 'dot', text: text(RED, 'status.sent') ?? '' });
      const [first] = rejected;
      if (first !== undefined) throw asCameraEmailError(first.error);
      return undefined;
    },
    async close(): Promise<void> {
      mailer?.close();
    },
  };
}
