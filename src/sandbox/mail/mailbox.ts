import { withDeadline } from '../../core/deadline.ts';
import type { SandboxMail } from './message.ts';

export type SpecialUse = '\\All' | '\\Drafts' | '\\Flagged' | '\\Junk' | '\\Sent' | '\\Trash';

/** Gmail's English names; accounts in other languages have others, with the same special use. */
export const GMAIL_FOLDERS: Readonly<Record<SpecialUse, string>> = {
  '\\All': '[Gmail]/All Mail',
  '\\Drafts': '[Gmail]/Drafts',
  '\\Flagged': '[Gmail]/Starred',
  '\\Junk': '[Gmail]/Spam',
  '\\Sent': '[Gmail]/Sent Mail',
  '\\Trash': '[Gmail]/Trash',
};

export interface FolderEntry {
  readonly uid: number;
  readonly mail: SandboxMail;
  readonly flags: Set<string>;
}

export class SandboxFolder {
  readonly entries: FolderEntry[] = [];
  readonly #listeners = new Set<() => void>();
  #uidNext: number;

  constructor(
    readonly path: string,
    readonly specialUse: SpecialUse | undefined,
    readonly uidValidity: number,
    firstUid: number,
  ) {
    this.#uidNext = firstUid;
  }

  get uidNext(): number {
    return this.#uidNext;
  }

  get mails(): SandboxMail[] {
    return this.entries.map(({ mail }) => mail);
  }

  add(mail: SandboxMail, ...flags: string[]): void {
    this.entries.push({ uid: this.#uidNext++, mail, flags: new Set(flags) });
    this.#changed();
  }

  remove(gone: (entry: FolderEntry) => boolean): void {
    const kept = this.entries.filter((entry) => !gone(entry));
    this.entries.splice(0, this.entries.length, ...kept);
    this.#changed();
  }

  /** Calls back after every arrival and removal, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

export class SandboxMailbox {
  readonly folders: readonly SandboxFolder[];
  readonly inbox: SandboxFolder;

  constructor(
    readonly email: string,
    names: Partial<Record<SpecialUse, string>> = {},
  ) {
    const uses = Object.keys(GMAIL_FOLDERS) as SpecialUse[];
    this.inbox = new SandboxFolder('INBOX', undefined, 1, 1);
    // Different first UIDs show up code that mistakes one folder's UID for another's.
    this.folders = [
      this.inbox,
      ...uses.map((use, index) => new SandboxFolder(names[use] ?? GMAIL_FOLDERS[use], use, index + 11, 100 * (index + 1))),
    ];
  }

  /** By path or by special use. */
  folder(name: string): SandboxFolder {
    const found = this.folders.find(({ path, specialUse }) => specialUse === name || path === name);
    if (found === undefined) throw new RangeError(`no folder ${name} in ${this.email}`);
    return found;
  }

  /** As Gmail files it: spam lies in \Junk only, all else also in \All, once. */
  receive(mail: SandboxMail, where: 'inbox' | 'spam' | 'sent' = 'inbox'): void {
    if (where === 'spam') {
      this.folder('\\Junk').add(mail);
      return;
    }
    const all = this.folder('\\All');
    if (!all.mails.includes(mail)) all.add(mail, ...(where === 'sent' ? ['\\Seen'] : []));
    if (where === 'sent') this.folder('\\Sent').add(mail, '\\Seen');
    else this.inbox.add(mail);
  }

  /** The first mail, present or to come, in INBOX or spam that fits. Rejects with `timeout` after `timeoutMs`. */
  async waitForMail(predicate: (mail: SandboxMail, folder: SandboxFolder) => boolean, timeoutMs: number): Promise<SandboxMail> {
    const folders = [this.inbox, this.folder('\\Junk')];
    const find = () => folders.flatMap((folder) => folder.mails.filter((mail) => predicate(mail, folder))).at(0);
    const stops: (() => void)[] = [];
    try {
      return await withDeadline(
        timeoutMs,
        `a mail to ${this.email}`,
        undefined,
        () =>
          new Promise((resolve) => {
            const look = () => {
              const mail = find();
              if (mail !== undefined) resolve(mail);
            };
            stops.push(...folders.map((folder) => folder.onChange(look)));
            look();
          }),
      );
    } finally {
      for (const stop of stops) stop();
    }
  }
}
