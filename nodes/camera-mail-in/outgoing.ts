import { recipientsOf } from '../../src/fleet/wanted.ts';
import { forwardWhole } from '../../src/relay/forward.ts';
import type { Arrival } from '../../src/relay/incoming.ts';
import type { RelayTarget } from '../../src/relay/listener.ts';
import { accountOf } from '../shared/account.ts';
import { publicError } from '../shared/errors.ts';
import type { NodeRed, RuntimeNode } from '../shared/node-red.ts';
import { joinOutbox, type OutboxShare } from '../shared/outboxes.ts';
import type { CameraMailInConfig } from './config.ts';

/** The way from the listener to Gmail: the account's outbox, opened when the flow starts. */
export class Outgoing {
  readonly #RED: NodeRed;
  readonly #node: RuntimeNode;
  readonly #config: CameraMailInConfig;
  #share: OutboxShare | undefined;

  constructor(RED: NodeRed, node: RuntimeNode, config: CameraMailInConfig) {
    this.#RED = RED;
    this.#node = node;
    this.#config = config;
  }

  /** Undefined without an account. Throws what is wrong with the account or the recipients. */
  target(senderName: (arrival: Arrival) => string): RelayTarget | undefined {
    if (this.#config.account === '') return undefined;
    const account = accountOf(this.#RED, this.#config.account);
    const share = joinOutbox(this.#RED, account, this.#node.id, (event) => {
      if (event.kind !== 'failed' && event.kind !== 'stopped') return;
      const { message, advice } = publicError(this.#RED, event.error);
      this.#node.warn(`${message} ${advice}`);
    });
    this.#share = share;
    // What an earlier run has left is sent without waiting for a camera.
    share.outbox().catch((error: unknown) => this.#node.warn(publicError(this.#RED, error).message));
    const to = recipientsOf(account, this.#config.relayTo);
    return {
      sender: account.email,
      to,
      senderName,
      forward: forwardWhole(async (raw, { messageId, subject, id }) => {
        const outbox = await share.outbox();
        const envelope = { from: account.email, to: [...to] };
        await outbox.add({ messageId, envelope, raw }, { topic: '', subject, owner: this.#node.id, reference: id });
      }),
    };
  }

  async close(): Promise<void> {
    await this.#share?.leave();
  }
}
