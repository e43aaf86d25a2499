import { join } from 'node:path';
import { fileNameFor } from '../../src/core/files.ts';
import type { MailAccount } from '../../src/mail/account.ts';
import { Outbox, type OutboxState } from '../../src/mail/outbox/outbox.ts';
import type { OutboxEvent } from '../../src/mail/outbox/outbox-event.ts';
import { sayIn } from './mail-input.ts';
import type { NodeRed } from './node-red.ts';
import { servicesOf } from './services.ts';

type Listener = (event: OutboxEvent, outbox: Outbox) => void;

interface Shared {
  account: MailAccount;
  opening: Promise<Outbox> | undefined;
  users: Map<string, Listener>;
}

/** A node's share in its account's outbox. */
export interface OutboxShare {
  /** Rejects with `spool-full` when the folder cannot be written; the next call tries again. */
  outbox(): Promise<Outbox>;
  /** The last one to leave closes it; mails stay on disk. */
  leave(): Promise<void>;
}

const shared = new Map<string, Shared>();
const closing = new Map<string, Promise<unknown>>();
const watchers = new Set<() => void>();

/**
 * Opens the account's outbox, or shares it with the nodes that use it already. `listen` hears of the mails that were added with
 * `owner`, of every change, and, when it is the first of them, of what concerns all.
 */
export function joinOutbox(RED: NodeRed, account: MailAccount, owner: string, listen: Listener): OutboxShare {
  const directory = join(servicesOf(RED).directory, 'outbox', fileNameFor(account.id));
  const entry: Shared = shared.get(directory) ?? { account, opening: undefined, users: new Map() };
  shared.set(directory, entry);
  entry.users.set(owner, listen);
  entry.account = account;
  void entry.opening?.then(
    (outbox) => outbox.setAccount(account),
    () => undefined,
  );
  const outbox = () => {
    entry.opening ??= open(RED, directory, entry).catch((error: unknown) => {
      entry.opening = undefined;
      throw error;
    });
    return entry.opening;
  };
  return {
    outbox,
    async leave() {
      if (entry.users.get(owner) === listen) entry.users.delete(owner);
      if (entry.users.size > 0 || shared.get(directory) !== entry) return;
      shared.delete(directory);
      const closed = (async () => {
        const opened = await entry.opening?.catch(() => undefined);
        await opened?.close();
      })();
      closing.set(directory, closed);
      await closed;
      if (closing.get(directory) === closed) closing.delete(directory);
    },
  };
}

/** How full the queue of an account is. */
export interface QueueReport {
  /** The account's name. */
  account: string;
  queue: { waiting: number; sentToday: number; dailyLimit: number };
}

/** Calls `look` after every change in any queue of this Node-RED, until the returned function is called. */
export function watchOutboxes(look: () => void): () => void {
  watchers.add(look);
  return () => watchers.delete(look);
}

/** All queues that are open. */
export async function queueReports(): Promise<QueueReport[]> {
  const open = [...shared.values()].map(async ({ account, opening }) => {
    const outbox = await opening?.catch(() => undefined);
    return outbox === undefined ? [] : [queueReport(account, outbox)];
  });
  return (await Promise.all(open)).flat();
}

export function queueReport({ name, dailyLimit }: MailAccount, outbox: Outbox): QueueReport {
  const { waiting, held, sentToday } = outbox.state();
  return { account: name, queue: { waiting: waiting + held, sentToday, dailyLimit } };
}

/** The account's login was verified: what a refused one had stopped goes on. */
export function resumeOutbox(RED: NodeRed, accountId: string): void {
  const directory = join(servicesOf(RED).directory, 'outbox', fileNameFor(accountId));
  void shared.get(directory)?.opening?.then(
    (outbox) => outbox.resume(),
    () => undefined,
  );
}

/** Undefined when no node has the account's outbox open. */
export async function outboxState(RED: NodeRed, accountId: string): Promise<{ state: OutboxState; dailyLimit: number } | undefined> {
  const entry = shared.get(join(servicesOf(RED).directory, 'outbox', fileNameFor(accountId)));
  const outbox = await entry?.opening?.catch(() => undefined);
  return entry === undefined || outbox === undefined ? undefined : { state: outbox.state(), dailyLimit: entry.account.dailyLimit };
}

async function open(RED: NodeRed, directory: string, entry: Shared): Promise<Outbox> {
  await closing.get(directory);
  const early: OutboxEvent[] = [];
  let outbox: Outbox | undefined;
  const tell = (event: OutboxEvent) => {
    if (outbox === undefined) early.push(event);
    else dispatch(RED, entry, event, outbox);
  };
  outbox = await Outbox.open({ directory, account: entry.account, say: sayIn(RED), tell });
  outbox.setAccount(entry.account);
  for (const event of early) dispatch(RED, entry, event, outbox);
  for (const look of watchers) look();
  return outbox;
}

function dispatch(RED: NodeRed, { users }: Shared, event: OutboxEvent, outbox: Outbox): void {
  for (const look of watchers) look();
  if (event.kind === 'changed') {
    for (const listen of users.values()) listen(event, outbox);
    return;
  }
  const [first] = users.values();
  const listen = 'mail' in event && event.mail.owner !== undefined ? users.get(event.mail.owner) : first;
  if (listen !== undefined) listen(event, outbox);
  else if (event.kind === 'failed') RED.log.warn(`camera-email: a mail could not be sent (${event.error.code}): ${event.file}`);
}
