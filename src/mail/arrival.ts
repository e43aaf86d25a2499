import type { FetchMessageObject, ImapFlow, SearchObject } from 'imapflow';
import { systemClock } from '../core/clock.ts';
import { cancelled, withDeadline } from '../core/deadline.ts';
import { CameraEmailError, isCameraEmailError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import type { MailAccount } from './account.ts';
import { closeImap, openImap } from './imap-session.ts';
import { mailError } from './mail-error.ts';
import { compareMail, type MailMatch, messageIdsOf, sameMessageId } from './mail-match.ts';
import type { SessionOptions } from './smtp-session.ts';

export type { CameraMailMatch, MailMatch } from './mail-match.ts';

export interface Arrival {
  found: true;
  /** The folder's own name, e.g. `INBOX` or `[Google Mail]/Spam`. */
  mailbox: string;
  folder: 'inbox' | 'spam' | 'all';
  /** As it stands in the mail that arrived, with angle brackets. */
  messageId: string;
  /** Epoch milliseconds at which the server took it in (INTERNALDATE). */
  receivedAt: number;
  uid: number;
  /** The account sent it to itself, so that the same message is also its Sent copy. */
  sentCopy?: boolean;
}

export interface ArrivalWatch {
  /** Undefined when it was not seen within `timeoutMs`, which does not mean that it will not come. Rejects with a CameraEmailError. */
  waitFor(match: MailMatch, timeoutMs: number, signal?: AbortSignal): Promise<Arrival | undefined>;
  /** The last wait saw a mail that may be the one, and nothing in it tells. */
  readonly sawUnclear: boolean;
  close(): Promise<void>;
}

interface Folder {
  kind: Arrival['folder'] | 'sent';
  path: string;
  /** UIDs from here on came after the watch began. */
  uidNext: number;
  uidValidity: bigint;
}

const SPECIAL_USE = new Map<string, Folder['kind']>([
  ['\\Junk', 'spam'],
  ['\\All', 'all'],
  ['\\Sent', 'sent'],
]);
const SEARCHED = ['inbox', 'spam', 'all', 'inbox'] as const;

/** Logs in and notes what is in the mailbox already: call it before the mail is sent. Rejects with a CameraEmailError. */
export async function watchMailbox(
  account: MailAccount,
  signal?: AbortSignal,
  options: Omit<SessionOptions, 'signal'> = {},
): Promise<ArrivalWatch> {
  const client = await openImap(account, { ...options, signal });
  try {
    const folders = await withDeadline(LIMITS.mail.loginMs, 'reading the folders', signal, () => findFolders(client));
    return new Watch(account, options, client, folders);
  } catch (error) {
    client.close();
    throw mailError(error, account, 'arrival', 'imap');
  }
}

class Watch implements ArrivalWatch {
  readonly #account: MailAccount;
  readonly #options: Omit<SessionOptions, 'signal'>;
  readonly #folders: Folder[];
  #client: ImapFlow;
  #reconnects = 1;
  #closed = false;
  #sawUnclear = false;

  constructor(account: MailAccount, options: Omit<SessionOptions, 'signal'>, client: ImapFlow, folders: Folder[]) {
    this.#account = account;
    this.#options = options;
    this.#client = client;
    this.#folders = folders;
  }

  get sawUnclear(): boolean {
    return this.#sawUnclear;
  }

  async waitFor(match: MailMatch, timeoutMs: number, signal?: AbortSignal): Promise<Arrival | undefined> {
    if (('messageId' in match ? match.messageId : match.sender) === '') {
      throw new CameraEmailError('bad-input', 'nothing to recognize the mail by', { params: { field: 'match' } });
    }
    this.#sawUnclear = false;
    const expired = new CameraEmailError('timeout', 'not seen in time');
    const ending = new AbortController();
    const timer = setTimeout(() => ending.abort(expired), timeoutMs);
    const inner = signal === undefined ? ending.signal : AbortSignal.any([ending.signal, signal]);
    try {
      return await untilAborted(inner, this.#look(match, inner));
    } catch (error) {
      if (signal?.aborted) throw cancelled();
      if (error === expired) return undefined;
      throw mailError(error, this.#account, 'arrival', 'imap');
    } finally {
      clearTimeout(timer);
      ending.abort(expired);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await closeImap(this.#client);
  }

  async #look(match: MailMatch, signal: AbortSignal): Promise<Arrival | undefined> {
    while (!signal.aborted) {
      try {
        const found = await this.#search(match, signal);
        if (found !== undefined || signal.aborted) return found;
        await newMail(this.#client, LIMITS.mail.arrivalPollMs, signal);
      } catch (error) {
        if (signal.aborted) return undefined;
        await this.#reconnect(error, signal);
      }
    }
    return undefined;
  }

  /** INBOX is looked at first, where the mail should be, and once more at the end: it has to be the selected one for IDLE. */
  async #search(match: MailMatch, signal: AbortSignal): Promise<Arrival | undefined> {
    for (const kind of SEARCHED) {
      for (const folder of this.#folders.filter((candidate) => candidate.kind === kind)) {
        if (signal.aborted) return undefined;
        const message = await this.#searchIn(folder, match);
        if (message === undefined) continue;
        const sentCopy = message.labels?.has('\\Sent') ?? false;
        return {
          found: true,
          mailbox: folder.path,
          folder: kind,
          messageId: messageIdsOf(message)[0] ?? '',
          receivedAt: receivedAt(message),
          uid: message.uid,
          ...(sentCopy ? { sentCopy } : {}),
        };
      }
    }
    return undefined;
  }

  async #searchIn(folder: Folder, match: MailMatch): Promise<FetchMessageObject | undefined> {
    const { uidValidity } = await this.#client.mailboxOpen(folder.path, { readOnly: true });
    // The mailbox was rebuilt: the old UIDs mean nothing any more, only the time is left.
    const firstUid = uidValidity === folder.uidValidity ? folder.uidNext : 1;
    const uids = (await this.#client.search(searchQuery(match, firstUid), { uid: true })) || [];
    // "n:*" always includes the newest message, however old.
    const candidates = 'messageId' in match ? uids : uids.filter((uid) => uid >= firstUid);
    for (const message of await this.#fetch(candidates)) {
      const likeness = compareMail(message, match, receivedAt(message));
      if (likeness === 'other') continue;
      if (folder.kind === 'all' && (await this.#onlySent(message, folder))) continue;
      if (likeness === 'unclear') {
        this.#sawUnclear = true;
        continue;
      }
      return message;
    }
    return undefined;
  }

  async #fetch(uids: number[]): Promise<FetchMessageObject[]> {
    if (uids.length === 0) return [];
    // The newest first; a mailbox that was flooded meanwhile is not read whole.
    const newest = uids.slice(-50).join(',');
    const messages = await this.#client.fetchAll(
      newest,
      { uid: true, envelope: true, internalDate: true, labels: true, headers: true },
      { uid: true },
    );
    return messages.reverse();
  }

  /** All Mail holds what was sent as well: a copy there proves nothing about its arrival. */
  async #onlySent(message: FetchMessageObject, all: Folder): Promise<boolean> {
    if (this.#client.capabilities.has('X-GM-EXT-1')) return message.labels?.has('\\Sent') === true && !message.labels.has('\\Inbox');
    const sent = this.#folders.find(({ kind }) => kind === 'sent');
    const [id] = messageIdsOf(message);
    if (sent === undefined || id === undefined) return false;
    await this.#client.mailboxOpen(sent.path, { readOnly: true });
    const uids = (await this.#client.search({ header: { 'message-id': bare(id) } }, { uid: true })) || [];
    const copies = await this.#fetch(uids);
    await this.#client.mailboxOpen(all.path, { readOnly: true });
    return copies.some((copy) => messageIdsOf(copy).some((other) => sameMessageId(other, id)));
  }

  async #reconnect(error: unknown, signal: AbortSignal): Promise<void> {
    const failure = mailError(error, this.#account, 'arrival', 'imap');
    const lost = !this.#client.usable || isCameraEmailError(failure, 'connection-lost', 'timeout');
    if (!lost || this.#reconnects === 0 || this.#closed) throw failure;
    this.#reconnects -= 1;
    this.#client.close();
    this.#client = await openImap(this.#account, { ...this.#options, signal });
    if (this.#closed) this.#client.close();
  }
}

async function findFolders(client: ImapFlow): Promise<Folder[]> {
  const wanted: { kind: Folder['kind']; path: string }[] = [{ kind: 'inbox', path: 'INBOX' }];
  for (const { path, specialUse, specialUseSource } of await client.list()) {
    const kind = SPECIAL_USE.get(specialUse ?? '');
    // Names are translated by Google and chosen by users: only what the server declares counts.
    if (kind !== undefined && specialUseSource === 'extension') wanted.push({ kind, path });
  }
  const folders: Folder[] = [];
  for (const { kind, path } of wanted) {
    const status = await client.status(path, { uidNext: true, uidValidity: true });
    if (status) folders.push({ kind, path, uidNext: status.uidNext ?? 1, uidValidity: status.uidValidity ?? 0n });
  }
  return folders;
}

function searchQuery(match: MailMatch, firstUid: number): SearchObject {
  if (!('messageId' in match)) return { uid: `${firstUid}:*` };
  const id = bare(match.messageId);
  // Servers look for a part of the header, Google for the whole of it.
  const forms = [id, `<${id}>`];
  return { or: ['message-id', 'x-google-original-message-id'].flatMap((name) => forms.map((form) => ({ header: { [name]: form } }))) };
}

function bare(messageId: string): string {
  return messageId.trim().replace(/^<|>$/g, '');
}

function receivedAt({ internalDate }: FetchMessageObject): number {
  const time = new Date(internalDate ?? Number.NaN).getTime();
  return Number.isNaN(time) ? systemClock.now() : time;
}

/** Resolves when the selected mailbox grows, after `ms`, or when aborted; rejects when the connection ends. */
async function newMail(client: ImapFlow, ms: number, signal: AbortSignal): Promise<void> {
  const stop = new AbortController();
  const woken = new Promise<void>((resolve, reject) => {
    const grown = () => resolve();
    const lost = () => reject(Object.assign(new Error('Connection closed unexpectedly'), { code: 'NoConnection' }));
    client.once('exists', grown);
    client.once('close', lost);
    if (!client.usable) lost();
    stop.signal.addEventListener('abort', () => client.off('exists', grown).off('close', lost), { once: true });
  });
  const resting = AbortSignal.any([stop.signal, signal]);
  // Ended by the next command.
  client.idle().catch(() => undefined);
  try {
    await Promise.race([woken, systemClock.sleep(ms, resting).catch(() => undefined)]);
  } finally {
    stop.abort();
  }
}

function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject);
  });
}
