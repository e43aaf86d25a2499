import { recipientsOf } from '../../src/fleet/wanted.ts';
import type { MailAccount } from '../../src/mail/account.ts';
import type { ComposedMail, MailInput } from '../../src/mail/compose.ts';
import { composeFitting } from '../../src/mail/outbox/fit-size.ts';
import { mailInput, sayIn } from '../shared/mail-input.ts';
import type { Message, NodeRed } from '../shared/node-red.ts';
import type { GmailAppSmtpConfig } from './config.ts';

/** The mail of a message. Throws `bad-input` and, unless `msg.shrink` lets attachments be left out, `message-too-large`. */
export async function composeFor(
  RED: NodeRed,
  config: GmailAppSmtpConfig,
  message: Message,
  account: MailAccount,
): Promise<{ mail: ComposedMail; input: MailInput }> {
  const say = sayIn(RED);
  const input = mailInput(message, { to: recipientsOf(account, config.to), subject: config.subject, say });
  return { mail: await composeFitting(input, account, { shrink: message.shrink === true, say }), input };
}
