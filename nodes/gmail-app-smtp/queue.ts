import { LIMITS } from '../../src/core/limits.ts';
import type { MailAccount } from '../../src/mail/account.ts';
import { isCameraEvent } from '../../src/mail/event-mail.ts';
import type { MailOrder, Outbox, Receipt } from '../../src/mail/outbox/outbox.ts';
import type { OutboxEvent } from '../../src/mail/outbox/outbox-event.ts';
import { accountOf } from '../shared/account.ts';
import { catchable, publicError } from '../shared/errors.ts';
import type { Message, NodeRed, NodeStatus, RuntimeNode, Send } from '../shared/node-red.ts';
import { joinOutbox, type OutboxShare, queueReport } from '../shared/outboxes.ts';
import { text } from '../shared/texts.ts';
import { composeFor } from './compose.ts';
import type { GmailAppSmtpConfig } from './config.ts';

export interface QueueNode extends RuntimeNode {
  error(error: Error, message?: Message): void;
  send: Send;
}

type MailEvent = Extract<OutboxEvent, { mail: unknown }>;

/** Hands the node's messages to the account's outbox, and sends them on when their mails have been accepted. */
export class Queue {
  readonly #RED: NodeRed;
  readonly #node: QueueNode;
  readonly #config: GmailAppSmtpConfig;
  /** Messages by the ids of their mails. */
  readonly #kept = new Map<string, { message: Message; send: Send }>();
  /** Mails are composed one after another, so that a large one is not overtaken by those that came later. */
  #turn: Promise<unknown> = Promise.resolve();
  #share: OutboxShare | undefined;
  #account: MailAccount | undefined;
  #shown = '';
  /** How the last mail ended. */
  #ended: 'sent' | 'failed' | undefined;

  constructor(RED: NodeRed, node: QueueNode, config: GmailAppSmtpConfig) {
    this.#RED = RED;
    this.#node = node;
    this.#config = config;
    try {
      // What an earlier run has left is sent without waiting for a message.
      void this.#outbox(accountOf(RED, config.account)).then(
        (outbox) => this.#show(outbox),
        () => undefined,
      );
    } catch {
      // An account that cannot be used is told with the first message.
    }
  }

  /** Resolves when the mail is safe on disk, or what the message asks for is done. */
  async take(message: Message, send: Send): Promise<undefined> {
    const account = accountOf(this.#RED, this.#config.account);
    const outbox = await this.#outbox(account);
    if (message.flush === true || message.cancel !== undefined) await this.#control(outbox, message);
    else await this.#store(outbox, account, message, send);
    return undefined;
  }

  async close(): Promise<void> {
    this.#kept.clear();
    await this.#share?.leave();
    this.#share = undefined;
  }

  #outbox(account: MailAccount): Promise<Outbox> {
    this.#account = account;
    this.#share ??= joinOutbox(this.#RED, account, this.#node.id, (event, outbox) => this.#hear(event, outbox));
    return this.#share.outbox();
  }

  async #store(outbox: Outbox, account: MailAccount, message: Message, send: Send): Promise<void> {
    const turn = this.#turn.then(async () => {
      const { mail, input } = await composeFor(this.#RED, this.#config, message, account);
      const topic = typeof message.topic === 'string' ? message.topic : '';
      const order: MailOrder = { topic, subject: input.subject, owner: this.#node.id, reference: message._msgid };
      if (this.#config.minInterval > 0) {
        const { payload } = message;
        const source = isCameraEvent(payload) ? `camera ${payload.camera.id ?? payload.camera.name}` : `topic ${topic}`;
        const key = [this.#node.id, source, ...mail.envelope.to].join('\n');
        order.digest = { key, intervalMs: this.#config.minInterval * 1_000, input };
      }
      // Not waited for here: mails that come together are written together.
      return { receipt: outbox.add(mail, order).then((receipt) => this.#keep(receipt, message, send)) };
    });
    this.#turn = turn.catch(() => undefined);
    await (await turn).receipt;
    this.#show(outbox);
  }

  async #control(outbox: Outbox, { cancel, flush }: Message): Promise<void> {
    const { id } = this.#node;
    if (cancel !== undefined && cancel !== false) {
      const count = await outbox.cancel(
        ({ owner, topic, messageId }) => owner === id && (typeof cancel !== 'string' || cancel === topic || cancel === messageId),
      );
      this.#status({ fill: 'grey', shape: 'ring', text: text(this.#RED, 'status.called-off', { count }) });
    }
    if (flush === true) await outbox.flush();
  }

  #keep({ id }: Receipt, message: Message, send: Send): void {
    this.#kept.delete(id);
    this.#kept.set(id, { message, send });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > LIMITS.outbox.keptMessages && oldest !== undefined) this.#kept.delete(oldest);
  }

  #hear(event: OutboxEvent, outbox: Outbox): void {
    if (event.kind === 'changed') this.#show(outbox);
    else if (event.kind === 'stopped') this.#node.error(catchable(this.#RED, event.error), { email: { waiting: outbox.state().waiting } });
    else if (event.kind === 'problem')
      this.#node.warn(`${event.problem}: ${event.file} ${event.cause instanceof Error ? event.cause.message : ''}`.trim());
    // The message of a mail that was sent at once may still be on its way into the list of those kept.
    else setImmediate(() => this.#finish(event, outbox));
  }

  #finish(event: MailEvent, outbox: Outbox): void {
    const { id, messageId, attempts, queuedAt, topic, reference, digest } = event.mail;
    const kept = this.#kept.get(id);
    this.#kept.delete(id);
    const message: Message = kept?.message ?? { ...(reference === undefined ? {} : { _msgid: reference }), topic };
    const facts = {
      messageId,
      attempts,
      queuedAt: new Date(queuedAt).toISOString(),
      ...(digest === undefined ? {} : { merged: digest.count }),
      ...(kept === undefined ? { restored: true } : {}),
      ...(this.#account === undefined ? {} : queueReport(this.#account, outbox)),
    };
    if (event.kind === 'failed') {
      message.email = { ...facts, file: event.file, expired: event.expired };
      this.#ended = 'failed';
      this.#show(outbox);
      this.#node.error(catchable(this.#RED, event.error), message);
      return;
    }
    const { accepted, rejected, response, deliveredAt } = event;
    const refused = rejected.map(({ address, error }) => ({ address, error: publicError(this.#RED, error) }));
    message.email = { ...facts, accepted, rejected: refused, response, deliveredAt: new Date(deliveredAt).toISOString() };
    this.#ended = 'sent';
    this.#show(outbox);
    if (kept === undefined) this.#node.send(message);
    else kept.send(message);
    const [first] = rejected;
    if (first !== undefined) this.#node.error(catchable(this.#RED, first.error), message);
  }

  #show(outbox: Outbox): void {
    const { waiting, held, hold, owner } = outbox.state();
    const say = (key: string, values = {}) => text(this.#RED, `status.${key}`, values);
    const count = waiting + held;
    const until = hold?.until === undefined ? '' : new Date(hold.until).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
    if (hold !== undefined && hold.until === undefined) this.#status({ fill: 'red', shape: 'ring', text: say('queue-stopped', { count }) });
    else if (hold !== undefined && waiting > 0) {
      const key = hold.error.code === 'daily-limit' ? 'daily-limit' : 'queued-until';
      this.#status({ fill: 'yellow', shape: 'ring', text: say(key, { count, until }) });
    } else if (!owner) this.#status({ fill: 'yellow', shape: 'ring', text: say('queued-elsewhere', { count }) });
    else if (waiting > 0) this.#status({ fill: 'blue', shape: 'dot', text: say('queued', { count }) });
    else if (held > 0) this.#status({ fill: 'blue', shape: 'ring', text: say('merged', { count: held }) });
    else if (this.#ended === 'failed') this.#status({ fill: 'red', shape: 'ring', text: say('failed') });
    else this.#status(this.#ended === undefined ? {} : { fill: 'green', shape: 'dot', text: say('sent') });
  }

  #status(status: NodeStatus): void {
    const shown = JSON.stringify(status);
    if (shown !== this.#shown) this.#node.status(status);
    this.#shown = shown;
  }
}
