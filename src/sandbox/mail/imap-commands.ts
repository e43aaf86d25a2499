import { fetchItems, fetchResponse, marksSeen } from './imap-fetch.ts';
import { findFolder, listLines, statusLine } from './imap-folders.ts';
import { encodeFolderName, ImapSyntaxError, type ImapToken, listOf, parseSet, textOf } from './imap-parser.ts';
import { compileSearch } from './imap-search.ts';
import type { FolderEntry, SandboxFolder, SandboxMailbox } from './mailbox.ts';

export interface Selection {
  folder: SandboxFolder;
  readOnly: boolean;
  /** What the client has been told: its order gives the sequence numbers. */
  view: FolderEntry[];
}

const FLAGS = '\\Answered \\Flagged \\Draft \\Deleted \\Seen $NotPhishing $Phishing';

/** What a client may do once it is logged in. Untagged lines go out through `send`; the completion is returned. */
export class ImapCommands {
  selection: Selection | undefined;
  readonly #mailbox: SandboxMailbox;
  readonly #gmailExtensions: boolean;
  readonly #send: (line: string) => void;

  constructor(mailbox: SandboxMailbox, gmailExtensions: boolean, send: (line: string) => void) {
    this.#mailbox = mailbox;
    this.#gmailExtensions = gmailExtensions;
    this.#send = send;
  }

  execute(name: string, parameters: readonly ImapToken[]): string {
    const uid = name.startsWith('UID ');
    switch (uid ? name.slice(4) : name) {
      case 'NAMESPACE':
        this.#send('* NAMESPACE (("" "/")) NIL NIL');
        return 'OK Success';
      case 'LIST':
      case 'LSUB':
        for (const line of listLines(name, parameters, this.#mailbox)) this.#send(line);
        return 'OK Success';
      case 'STATUS':
        return this.#withFolder(parameters[0], (folder) => {
          this.#send(statusLine(folder, parameters[1]));
          return 'OK Success';
        });
      case 'SELECT':
      case 'EXAMINE':
        return this.#select(name, parameters[0]);
      case 'CLOSE':
        this.#expunge(() => true);
        this.selection = undefined;
        return 'OK Returned to authenticated state. (Success)';
      case 'UNSELECT':
        this.selection = undefined;
        return 'OK Returned to authenticated state. (Success)';
      case 'SEARCH':
        return this.#search(parameters, uid);
      case 'FETCH':
        return this.#fetch(parameters, uid);
      case 'STORE':
        return this.#store(parameters, uid);
      case 'EXPUNGE':
        this.#expunge(uid ? parseSet(textOf(parameters[0]), this.#selected().view.at(-1)?.uid ?? 0) : () => true);
        return 'OK Success';
      default:
        throw new ImapSyntaxError('Unknown command');
    }
  }

  /** Tells what has come and, where `withExpunges`, what has gone since the client last heard. */
  sync(withExpunges: boolean): void {
    if (this.selection === undefined) return;
    const { folder, view } = this.selection;
    const present = new Set(folder.entries);
    for (let index = view.length - 1; withExpunges && index >= 0; index--) {
      const entry = view[index];
      if (entry === undefined || present.has(entry)) continue;
      view.splice(index, 1);
      this.#send(`* ${index + 1} EXPUNGE`);
    }
    const last = view.at(-1)?.uid ?? 0;
    const arrived = folder.entries.filter(({ uid }) => uid > last);
    if (arrived.length === 0) return;
    view.push(...arrived);
    this.#send(`* ${view.length} EXISTS`);
  }

  #select(name: string, folderName: ImapToken | undefined): string {
    this.selection = undefined;
    return this.#withFolder(folderName, (folder) => {
      const readOnly = name === 'EXAMINE';
      this.selection = { folder, readOnly, view: [...folder.entries] };
      this.#send(`* FLAGS (${FLAGS})`);
      this.#send(`* OK [PERMANENTFLAGS (${readOnly ? '' : `${FLAGS} \\*`})] Flags permitted.`);
      this.#send(`* OK [UIDVALIDITY ${folder.uidValidity}] UIDs valid.`);
      this.#send(`* ${folder.entries.length} EXISTS`);
      this.#send('* 0 RECENT');
      this.#send(`* OK [UIDNEXT ${folder.uidNext}] Predicted next UID.`);
      return `OK [READ-${readOnly ? 'ONLY' : 'WRITE'}] ${encodeFolderName(folder.path)} selected. (Success)`;
    });
  }

  #search(parameters: readonly ImapToken[], uid: boolean): string {
    const { view } = this.#selected();
    const test = compileSearch(parameters, view, this.#gmailExtensions);
    const found = view.flatMap((entry, index) => (test(entry, index + 1) ? [uid ? entry.uid : index + 1] : []));
    this.#send(['* SEARCH', ...found].join(' '));
    return 'OK SEARCH completed (Success)';
  }

  #fetch(parameters: readonly ImapToken[], uid: boolean): string {
    const { readOnly } = this.#selected();
    const items = fetchItems(parameters[1], uid);
    const seen = !readOnly && marksSeen(items);
    for (const { entry, sequence } of this.#addressed(parameters[0], uid)) {
      const news = seen && !entry.flags.has('\\Seen');
      if (news) entry.flags.add('\\Seen');
      const shown = news && !items.some((item) => item.toUpperCase() === 'FLAGS') ? [...items, 'FLAGS'] : items;
      this.#send(fetchResponse(entry, sequence, shown, this.#gmailExtensions ? this.#labels(entry) : undefined));
    }
    return 'OK Success';
  }

  #store(parameters: readonly ImapToken[], uid: boolean): string {
    const { readOnly } = this.#selected();
    const [, sign, silent] = /^([+-]?)FLAGS(\.SILENT)?$/i.exec(textOf(parameters[1])) ?? [];
    if (sign === undefined) throw new ImapSyntaxError('unknown data item');
    const flags = parameters.slice(2).flatMap(listOf).map(textOf);
    if (readOnly) return 'NO [READ-ONLY] Folder is read-only (Failure)';
    for (const { entry, sequence } of this.#addressed(parameters[0], uid)) {
      if (sign === '') entry.flags.clear();
      for (const flag of flags) sign === '-' ? entry.flags.delete(flag) : entry.flags.add(flag);
      if (silent === undefined) this.#send(fetchResponse(entry, sequence, uid ? ['UID', 'FLAGS'] : ['FLAGS'], undefined));
    }
    return 'OK Success';
  }

  #expunge(chosen: (uid: number) => boolean): void {
    const { folder, readOnly } = this.#selected();
    if (!readOnly) folder.remove(({ uid, flags }) => flags.has('\\Deleted') && chosen(uid));
  }

  #addressed(set: ImapToken | undefined, uid: boolean): { entry: FolderEntry; sequence: number }[] {
    const { view } = this.#selected();
    const within = parseSet(textOf(set), uid ? (view.at(-1)?.uid ?? 0) : view.length);
    return view.map((entry, index) => ({ entry, sequence: index + 1 })).filter(({ entry, sequence }) => within(uid ? entry.uid : sequence));
  }

  /** Gmail's labels of a mail, the folder one looks from left out as Gmail does. */
  #labels({ mail }: FolderEntry): string[] {
    const { folder: current } = this.#selected();
    return this.#mailbox.folders
      .filter((folder) => folder !== current && folder.specialUse !== '\\All' && folder.mails.includes(mail))
      .map((folder) => (folder === this.#mailbox.inbox ? '\\Inbox' : (folder.specialUse ?? folder.path)));
  }

  #selected(): Selection {
    if (this.selection === undefined) throw new ImapSyntaxError('No folder selected');
    return this.selection;
  }

  #withFolder(name: ImapToken | undefined, work: (folder: SandboxFolder) => string): string {
    const wanted = textOf(name);
    const folder = findFolder(this.#mailbox, wanted);
    return folder === undefined ? `NO [NONEXISTENT] Unknown Mailbox: ${wanted.replace(/[\r\n]/g, ' ')} (Failure)` : work(folder);
  }
}
