import { encodeFolderName, ImapSyntaxError, type ImapToken, imapString, listOf, textOf } from './imap-parser.ts';
import type { SandboxFolder, SandboxMailbox } from './mailbox.ts';

const STATUS_ITEMS: Readonly<Record<string, (folder: SandboxFolder) => number>> = {
  MESSAGES: ({ entries }) => entries.length,
  RECENT: () => 0,
  UIDNEXT: ({ uidNext }) => uidNext,
  UIDVALIDITY: ({ uidValidity }) => uidValidity,
  UNSEEN: ({ entries }) => entries.filter(({ flags }) => !flags.has('\\Seen')).length,
};

/** The untagged lines of LIST or LSUB. */
export function listLines(command: string, parameters: readonly ImapToken[], mailbox: SandboxMailbox): string[] {
  // LIST (SPECIAL-USE) "" "*" selects; every other list before the reference is ignored.
  const selection = parameters[0]?.kind === 'list' ? parameters[0].items.map(textOf) : [];
  const [reference, patterns, ...options] = parameters[0]?.kind === 'list' ? parameters.slice(1) : parameters;
  const subscribed = JSON.stringify(options).toUpperCase().includes('SUBSCRIBED');
  const prefix = textOf(reference);
  const wanted = listOf(patterns).map((token) => textOf(token));
  if (wanted.length === 1 && wanted[0] === '') return [`* ${command} (\\NoSelect) "/" "/"`];
  const tests = wanted.map((pattern) => wildcard(prefix + pattern));
  const onlySpecial = selection.some((name) => name.toUpperCase() === 'SPECIAL-USE');

  return foldersAndParents(mailbox)
    .filter(
      ({ path, folder }) => tests.some((test) => test.test(encodeFolderName(path))) && (!onlySpecial || folder?.specialUse !== undefined),
    )
    .map(({ path, folder }) => {
      const attributes = folder === undefined ? ['\\HasChildren', '\\NoSelect'] : ['\\HasNoChildren'];
      if (folder?.specialUse !== undefined) attributes.push(folder.specialUse);
      if (subscribed && folder !== undefined) attributes.push('\\Subscribed');
      return `* ${command} (${attributes.join(' ')}) "/" ${imapString(encodeFolderName(path))}`;
    });
}

/** The folder of that wire name; INBOX in any case. */
export function findFolder(mailbox: SandboxMailbox, name: string): SandboxFolder | undefined {
  return mailbox.folders.find((folder) =>
    folder === mailbox.inbox ? name.toUpperCase() === 'INBOX' : encodeFolderName(folder.path) === name,
  );
}

export function statusLine(folder: SandboxFolder, items: ImapToken | undefined): string {
  const values = listOf(items).map((token) => {
    const name = textOf(token).toUpperCase();
    const value = Object.hasOwn(STATUS_ITEMS, name) ? STATUS_ITEMS[name] : undefined;
    if (value === undefined) throw new ImapSyntaxError('unknown status item');
    return `${name} ${value(folder)}`;
  });
  return `* STATUS ${imapString(encodeFolderName(folder.path))} (${values.join(' ')})`;
}

/** Folders, with the parents that hold no mail before their first child. */
function foldersAndParents(mailbox: SandboxMailbox): { path: string; folder?: SandboxFolder }[] {
  const parents = new Set(mailbox.folders.flatMap(({ path }) => (path.includes('/') ? [path.slice(0, path.indexOf('/'))] : [])));
  return [...mailbox.folders.map((folder) => ({ path: folder.path, folder })), ...[...parents].map((path) => ({ path }))];
}

/** `*` crosses the hierarchy, `%` does not. */
function wildcard(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/%+/g, '[^/]*');
  return new RegExp(`^${source}$`, 'i');
}
