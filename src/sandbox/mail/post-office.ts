import { randomBytes } from 'node:crypto';
import { systemClock } from '../../core/clock.ts';
import { type FailureRules, isDeliveryAction } from './failure-rules.ts';
import { SandboxMailbox, type SpecialUse } from './mailbox.ts';
import { asGmailKeepsIt, type Envelope, mailDate, SandboxMail } from './message.ts';

export interface Submission {
  content: Buffer;
  envelope: Envelope;
  /** Who logged in: becomes the author. */
  account: string;
  heloName: string;
  peer: string;
  subject: string;
}

/** The mailboxes of the sandbox's users, and what was sent to the rest of the world. */
export class PostOffice {
  readonly outside: SandboxMail[] = [];
  readonly #mailboxes: ReadonlyMap<string, SandboxMailbox>;
  readonly #domains: ReadonlySet<string>;
  readonly #rules: FailureRules;
  readonly #signal: AbortSignal;
  #serial = 0;

  constructor(emails: readonly string[], folderNames: Partial<Record<SpecialUse, string>>, rules: FailureRules, signal: AbortSignal) {
    this.#mailboxes = new Map(emails.map((email) => [email, new SandboxMailbox(email, folderNames)]));
    this.#domains = new Set(emails.map(domainOf));
    this.#rules = rules;
    this.#signal = signal;
  }

  /** Undefined for an address that is none of the sandbox's; `user+tag@` is `user@`. */
  mailbox(address: string): SandboxMailbox | undefined {
    return this.#mailboxes.get(address.toLowerCase().replace(/\+[^@]*(?=@)/, ''));
  }

  /** An address in a domain of the sandbox that nobody has. */
  isUnknownUser(address: string): boolean {
    return this.#domains.has(domainOf(address)) && this.mailbox(address) === undefined;
  }

  /** A mail as it is stored, with a number of its own. */
  compose(content: Buffer, envelope: Envelope, receivedAt = new Date()): SandboxMail {
    this.#serial += 1;
    return new SandboxMail(content, envelope, receivedAt, this.#serial);
  }

  submit(submission: Submission): SandboxMail {
    const now = new Date();
    const token = randomBytes(12).toString('hex');
    const trace = [
      `Received: from ${submission.heloName} ([${submission.peer}])`,
      `        by smtp.gmail.com with ESMTPSA id ${token} for <${submission.envelope.to[0] ?? ''}>;`,
      `        ${mailDate(now)}`,
    ].join('\r\n');
    const kept = asGmailKeepsIt(submission.content, submission.account, trace, `<${token}.mx@mx.google.com>`, now);
    const mail = this.compose(kept, submission.envelope, now);
    this.mailbox(submission.account)?.receive(mail, 'sent');
    for (const recipient of new Set(submission.envelope.to.map((address) => address.toLowerCase()))) {
      this.#deliver(mail, recipient, submission);
    }
    return mail;
  }

  #deliver(mail: SandboxMail, recipient: string, { account, envelope, subject }: Submission): void {
    const action = this.#rules.apply(
      { protocol: 'smtp', stage: 'delivered', user: account, sender: envelope.from, recipients: [recipient], subject },
      isDeliveryAction,
    );
    const spam = action !== undefined && 'deliver' in action && action.deliver === 'spam';
    const put = () => {
      const mailbox = this.mailbox(recipient);
      if (mailbox !== undefined) mailbox.receive(mail, spam ? 'spam' : 'inbox');
      else if (!this.outside.includes(mail)) this.outside.push(mail);
    };
    if (action === undefined || spam) put();
    else if ('deliverAfterMs' in action) systemClock.sleep(action.deliverAfterMs, this.#signal).then(put, () => undefined);
  }
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase();
}
