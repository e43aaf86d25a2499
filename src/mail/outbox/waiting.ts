import type { StoredEnvelope } from './envelope.ts';
import type { MailFacts } from './outbox-event.ts';
import type { Progress } from './spool.ts';

/** A mail in the queue, without its bytes. */
export interface Waiting {
  readonly envelope: StoredEnvelope;
  /** Undefined: nobody has it yet. */
  progress: Progress | undefined;
  attempts: number;
  /** Failures in a row that concerned this mail only. */
  failures: number;
  /** Epoch milliseconds. */
  notBefore: number;
  /** Accepted by an earlier process. */
  restored: boolean;
  sending: boolean;
  /** The content has begun to leave: the file is in `cur`. */
  began: boolean;
  /** Called off while it was being sent. */
  cancelled: boolean;
}

export function waiting(envelope: StoredEnvelope, changes: Partial<Waiting> = {}): Waiting {
  const fresh = {
    progress: undefined,
    attempts: 0,
    failures: 0,
    notBefore: 0,
    restored: false,
    sending: false,
    began: false,
    cancelled: false,
  };
  return { envelope, ...fresh, ...changes };
}

export function factsOf({ envelope, attempts, restored }: Waiting): MailFacts {
  const { id, messageId, topic, subject, owner, reference, queuedAt, digest, summary } = envelope;
  return { id, messageId, topic, subject, owner, reference, queuedAt, attempts, restored, digest, summary: summary === true };
}

/** The queue in the order of acceptance. */
export class WaitingList {
  readonly #mails = new Map<string, Waiting>();
  #bytes = 0;

  get size(): number {
    return this.#mails.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get sending(): number {
    let count = 0;
    for (const { sending } of this.#mails.values()) if (sending) count += 1;
    return count;
  }

  add(mail: Waiting): void {
    this.#mails.set(mail.envelope.id, mail);
    this.#bytes += mail.envelope.bytes;
  }

  remove(mail: Waiting): void {
    if (this.#mails.delete(mail.envelope.id)) this.#bytes -= mail.envelope.bytes;
  }

  has(id: string): boolean {
    return this.#mails.has(id);
  }

  all(): Waiting[] {
    return [...this.#mails.values()];
  }

  /** When the oldest mail becomes too old; one that is being sent is looked at again a little later. */
  nextExpiry(): number {
    for (const { envelope, sending } of this.#mails.values()) {
      if (envelope.expiresAt !== undefined) return envelope.expiresAt + (sending ? 60_000 : 0);
    }
    return Number.POSITIVE_INFINITY;
  }

  /** The first mails that may be sent now, at most `count`: of each topic only its oldest. `nextAt`: when another one may. */
  ready(now: number, count: number): { mails: Waiting[]; nextAt: number } {
    const mails: Waiting[] = [];
    const taken = new Set<string>();
    let nextAt = Number.POSITIVE_INFINITY;
    for (const mail of this.#mails.values()) {
      if (mails.length >= count) break;
      const { topic } = mail.envelope;
      if (topic !== '' && taken.has(topic)) continue;
      taken.add(topic);
      if (mail.sending) continue;
      if (mail.notBefore > now) nextAt = Math.min(nextAt, mail.notBefore);
      else mails.push(mail);
    }
    return { mails, nextAt };
  }
}
