/** Scripted misfortune: what the sandbox does instead of behaving well. */

/**
 * `data` comes after the whole message was received and before it is delivered; `delivered` when it is (or shall be) in the
 * mailboxes and only the answer is missing. IMAP knows connect, greeting and auth.
 */
export type FailureStage = 'connect' | 'greeting' | 'ehlo' | 'auth' | 'mail' | 'rcpt' | 'data' | 'delivered';

export type FailureAction =
  /** Lines joined by CRLF, e.g. one of GMAIL_REPLIES. A 421 also closes the connection. */
  | { reply: string }
  /** Closes the connection without an answer. */
  | { drop: true }
  | { delayMs: number }
  /** Stage `delivered` only. `lost`: answered with 250 and never seen again. */
  | { deliver: 'spam' | 'lost' }
  /** Stage `delivered` only: answered at once, in the mailbox later. */
  | { deliverAfterMs: number };

export interface FailureRule {
  stage: FailureStage;
  /** Default smtp. */
  protocol?: 'smtp' | 'imap';
  /** Strings compare without case, the subject by containing; a condition on what is not yet known at the stage does not hold. */
  user?: string | RegExp;
  sender?: string | RegExp;
  recipient?: string | RegExp;
  subject?: string | RegExp;
  /** How often the rule applies before it is used up. Default: always. */
  times?: number;
  action: FailureAction;
}

export interface Situation {
  stage: FailureStage;
  protocol: 'smtp' | 'imap';
  user?: string | undefined;
  sender?: string | undefined;
  recipients?: readonly string[] | undefined;
  subject?: string | undefined;
}

export class FailureRules {
  readonly #rules = new Set<{ rule: FailureRule; left: number }>();

  /** Returns the function that removes the rule. */
  add(rule: FailureRule): () => void {
    const entry = { rule, left: rule.times ?? Number.POSITIVE_INFINITY };
    this.#rules.add(entry);
    return () => this.#rules.delete(entry);
  }

  /** The action of the first rule that fits; counts as one use. */
  apply(situation: Situation, wanted: (action: FailureAction) => boolean = () => true): FailureAction | undefined {
    for (const entry of this.#rules) {
      if (!fits(entry.rule, situation) || !wanted(entry.rule.action)) continue;
      entry.left -= 1;
      if (entry.left <= 0) this.#rules.delete(entry);
      return entry.rule.action;
    }
    return undefined;
  }
}

/** Whether an action decides about the mailbox and not about the answer. */
export function isDeliveryAction(action: FailureAction): boolean {
  return 'deliver' in action || 'deliverAfterMs' in action;
}

function fits(rule: FailureRule, situation: Situation): boolean {
  return (
    rule.stage === situation.stage &&
    (rule.protocol ?? 'smtp') === situation.protocol &&
    matches(rule.user, situation.user, equal) &&
    matches(rule.sender, situation.sender, equal) &&
    (rule.recipient === undefined || (situation.recipients ?? []).some((recipient) => matches(rule.recipient, recipient, equal))) &&
    matches(rule.subject, situation.subject, (subject, part) => subject.includes(part))
  );
}

const equal = (value: string, wanted: string): boolean => value === wanted;

function matches(
  condition: string | RegExp | undefined,
  value: string | undefined,
  compare: (value: string, wanted: string) => boolean,
): boolean {
  if (condition === undefined) return true;
  if (value === undefined) return false;
  return condition instanceof RegExp ? condition.test(value) : compare(value.toLowerCase(), condition.toLowerCase());
}
