import type { FetchMessageObject, ImapFlow, SearchObject } from 'imapflow';
import { systemClock } from '../core/clock.ts';
import type { Arrival } from './arrival.ts';
import { compareMail, type MailMatch, messageIdsOf, sameMessageId } from './mail-match.ts';

export interface Folder {
  kind: Arrival['folder'] | 'sent';
  path: string;
}

/** Where each folder, by its path, stood at a moment: UIDs from `uidNext` on came later. */
export type Marks = ReadonlyMap<string, { uidNext: number; uidValidity: bigint }>;

/** Somebody who looks for one mail. */
export interface Seeker {
  match: MailMatch;
  marks: Marks;
  found(arrival: Arrival): void;
  /** A mail that may be the one, and nothing in it tells. */
  unclear(): void;
}

const SPECIAL_USE = new Map<string, Folder['kind']>([
  ['\\Junk', 'spam'],
  ['\\All', 'all'],
  ['\\Sent', 'sent'],
]);
/** INBOX first, where the mail should be, and once more at the end: it has to be the selected one for IDLE. */
const SEARCHED = ['inbox', 'spam', 'all', 'inbox'] as const;
/** The newest mails read for each seeker; a mailbox that was flooded meanwhile is not read whole. */
const NEWEST = 50;

/** Looks through the folders of one mailbox, for everybody at once. */
export class FolderSearch {
  client: ImapFlow;
  readonly #folders: readonly Folder[];
  /** Mails read in an earlier round, by folder and UID; of All Mail none, whose labels change. */
  readonly #read = new Map<string, { uidValidity: bigint; mails: Map<number, FetchMessageObject> }>();

  private constructor(client: ImapFlow, folders: readonly Folder[]) {
    this.client = client;
    this.#folders = folders;
  }

  static async open(client: ImapFlow): Promise<FolderSearch> {
    const folders: Folder[] = [{ kind: 'inbox', path: 'INBOX' }];
    for (const { path, specialUse, specialUseSource } of await client.list()) {
      const kind = SPECIAL_USE.get(specialUse ?? '');
      // Names are translated by Google and chosen by users: only what the server declares counts.
      if (kind !== undefined && specialUseSource === 'extension') folders.push({ kind, path });
    }
    return new FolderSearch(client, folders);
  }

  async mark(): Promise<Marks> {
    // What servers say about the selected folder may be old.
    if (this.client.mailbox) await this.client.mailboxClose();
    const marks = new Map<string, { uidNext: number; uidValidity: bigint }>();
    for (const { path } of this.#folders) {
      const status = await this.client.status(path, { uidNext: true, uidValidity: true });
      if (status) marks.set(path, { uidNext: status.uidNext ?? 1, uidValidity: status.uidValidity ?? 0n });
    }
    return marks;
  }

  /** Once through all folders, for those of `seekers()` who are still looking. */
  async round(seekers: () => readonly Seeker[]): Promise<void> {
    for (const kind of SEARCHED) {
      for (const folder of this.#folders.filter((candidate) => candidate.kind === kind)) {
        const looking = seekers().filter(({ marks }) => marks.has(folder.path));
        if (seekers().length === 0) return;
        const { uidValidity } = await this.client.mailboxOpen(folder.path, { readOnly: true });
        await this.#lookForIds(folder, looking);
        await this.#lookForCameras(
          folder,
          uidValidity,
          looking.filter((seeker) => seekers().includes(seeker)),
        );
      }
    }
  }

  async #lookForIds(folder: Folder, seekers: readonly Seeker[]): Promise<void> {
    for (const seeker of seekers) {
      if (!('messageId' in seeker.match)) continue;
      const uids = (await this.client.search(searchQuery(seeker.match.messageId), { uid: true })) || [];
      await this.#compare(folder, seeker, await this.#fetch(uids.slice(-NEWEST)));
    }
  }

  async #lookForCameras(folder: Folder, uidValidity: bigint, seekers: readonly Seeker[]): Promise<void> {
    // In a mailbox that was rebuilt the old UIDs mean nothing any more, only the time is left.
    const firstUid = ({ marks }: Seeker) => {
      const mark = marks.get(folder.path);
      return mark?.uidValidity === uidValidity ? mark.uidNext : 1;
    };
    const cameras = seekers.filter(({ match }) => !('messageId' in match));
    if (cameras.length === 0) return;
    const first = Math.min(...cameras.map(firstUid));
    // "n:*" always includes the newest message, however old.
    const uids = ((await this.client.search({ uid: `${first}:*` }, { uid: true })) || []).filter((uid) => uid >= first);
    const mails = await this.#mails(folder, uidValidity, uids.slice(-NEWEST * cameras.length));
    for (const seeker of cameras) {
      const from = firstUid(seeker);
      await this.#compare(
        folder,
        seeker,
        mails.filter(({ uid }) => uid >= from),
      );
    }
  }

  /** `mails`: the newest first. */
  async #compare(folder: Folder, seeker: Seeker, mails: readonly FetchMessageObject[]): Promise<void> {
    for (const mail of mails) {
      const likeness = compareMail(mail, seeker.match, receivedAt(mail));
      if (likeness === 'other') continue;
      if (folder.kind === 'all' && (await this.#onlySent(mail, folder))) continue;
      if (likeness === 'unclear') {
        seeker.unclear();
        continue;
      }
      seeker.found(arrivalOf(mail, folder));
      return;
    }
  }

  async #mails(folder: Folder, uidValidity: bigint, uids: number[]): Promise<FetchMessageObject[]> {
    if (folder.kind === 'all') return this.#fetch(uids);
    const before = this.#read.get(folder.path);
    const known = before?.uidValidity === uidValidity ? before.mails : new Map<number, FetchMessageObject>();
    for (const mail of await this.#fetch(uids.filter((uid) => !known.has(uid)))) known.set(mail.uid, mail);
    for (const uid of known.keys()) if (!uids.includes(uid)) known.delete(uid);
    this.#read.set(folder.path, { uidValidity, mails: known });
    return [...known.values()].sort((one, other) => other.uid - one.uid);
  }

  /** The newest first. */
  async #fetch(uids: number[]): Promise<FetchMessageObject[]> {
    if (uids.length === 0) return [];
    const messages = await this.client.fetchAll(
      uids.join(','),
      { uid: true, envelope: true, internalDate: true, labels: true, headers: true },
      { uid: true },
    );
    return messages.reverse();
  }

  /** All Mail holds what was sent as well: a copy there proves nothing about its arrival. */
  async #onlySent(message: FetchMessageObject, all: Folder): Promise<boolean> {
    if (this.client.capabilities.has('X-GM-EXT-1')) return message.labels?.has('\\Sent') === true && !message.labels.has('\\Inbox');
    const sent = this.#folders.find(({ kind }) => kind === 'sent');
    const [id] = messageIdsOf(message);
    if (sent === undefined || id === undefined) return false;
    await this.client.mailboxOpen(sent.path, { readOnly: true });
    const uids = (await this.client.search({ header: { 'message-id': bare(id) } }, { uid: true })) || [];
    const copies = await this.#fetch(uids.slice(-NEWEST));
    await this.client.mailboxOpen(all.path, { readOnly: true });
    return copies.some((copy) => messageIdsOf(copy).some((other) => sameMessageId(other, id)));
  }
}

function arrivalOf(message: FetchMessageObject, { path, kind }: Folder): Arrival {
  const sentCopy = message.labels?.has('\\Sent') ?? false;
  return {
    found: true,
    mailbox: path,
    folder: kind === 'sent' ? 'all' : kind,
    messageId: messageIdsOf(message)[0] ?? '',
    receivedAt: receivedAt(message),
    uid: message.uid,
    ...(sentCopy ? { sentCopy } : {}),
  };
}

function searchQuery(messageId: string): SearchObject {
  const id = bare(messageId);
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
