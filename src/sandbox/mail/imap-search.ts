import { decodeWords } from '../../mail/encoded-words.ts';
import { ImapSyntaxError, type ImapToken, parseSet, textOf } from './imap-parser.ts';
import type { FolderEntry } from './mailbox.ts';

type Test = (entry: FolderEntry, sequence: number) => boolean;

const DAY_MS = 86_400_000;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

const flag =
  (name: string, set: boolean): Test =>
  ({ flags }) =>
    flags.has(name) === set;

const FLAG_TESTS: Readonly<Record<string, Test>> = {
  ALL: () => true,
  SEEN: flag('\\Seen', true),
  UNSEEN: flag('\\Seen', false),
  ANSWERED: flag('\\Answered', true),
  UNANSWERED: flag('\\Answered', false),
  DELETED: flag('\\Deleted', true),
  UNDELETED: flag('\\Deleted', false),
  DRAFT: flag('\\Draft', true),
  UNDRAFT: flag('\\Draft', false),
  FLAGGED: flag('\\Flagged', true),
  UNFLAGGED: flag('\\Flagged', false),
  RECENT: () => false,
  NEW: () => false,
  OLD: () => true,
};

/** The criteria of SEARCH as one test. `view` gives the sequence numbers. Throws ImapSyntaxError. */
export function compileSearch(criteria: readonly ImapToken[], view: readonly FolderEntry[], gmailExtensions: boolean): Test {
  const queue = [...criteria];
  const text = () => utf8(textOf(queue.shift()));
  const day = () => parseDay(text());
  const inHeader = (name: string): Test => {
    const wanted = text().toLowerCase();
    return ({ mail }) => mail.fields.some((field) => same(field.name, name) && decodeWords(field.value).toLowerCase().includes(wanted));
  };

  const next = (): Test => {
    const token = queue.shift();
    if (token?.kind === 'list') return compileSearch(token.items, view, gmailExtensions);
    const key = textOf(token).toUpperCase();
    const simple = Object.hasOwn(FLAG_TESTS, key) ? FLAG_TESTS[key] : undefined;
    if (simple !== undefined) return simple;
    switch (key) {
      case 'NOT': {
        const inner = next();
        return (entry, sequence) => !inner(entry, sequence);
      }
      case 'OR': {
        const [left, right] = [next(), next()];
        return (entry, sequence) => left(entry, sequence) || right(entry, sequence);
      }
      case 'UID': {
        const within = parseSet(text(), view.at(-1)?.uid ?? 0);
        return ({ uid }) => within(uid);
      }
      case 'HEADER':
        return inHeader(text());
      case 'SUBJECT':
      case 'FROM':
      case 'TO':
      case 'CC':
      case 'BCC':
        return inHeader(key);
      case 'BODY':
      case 'TEXT': {
        const wanted = text().toLowerCase();
        return ({ mail }) => (key === 'BODY' ? mail.body.toString('utf8') : mail.text).toLowerCase().includes(wanted);
      }
      case 'SINCE':
      case 'BEFORE':
      case 'ON':
      case 'SENTSINCE':
      case 'SENTBEFORE':
      case 'SENTON': {
        const wanted = day();
        const dayOf = ({ mail }: FolderEntry) =>
          Math.floor((key.startsWith('SENT') ? Date.parse(mail.header('date') ?? '') : mail.receivedAt.getTime()) / DAY_MS);
        if (key.endsWith('SINCE')) return (entry) => dayOf(entry) >= wanted;
        return key.endsWith('BEFORE') ? (entry) => dayOf(entry) < wanted : (entry) => dayOf(entry) === wanted;
      }
      case 'LARGER':
      case 'SMALLER': {
        const size = Number(text());
        return ({ mail }) => (key === 'LARGER' ? mail.raw.length > size : mail.raw.length < size);
      }
      case 'KEYWORD':
      case 'UNKEYWORD':
        return flag(text(), key === 'KEYWORD');
      case 'X-GM-RAW':
        if (gmailExtensions) return gmailQuery(text());
        break;
      case 'X-GM-MSGID':
        if (gmailExtensions) {
          const id = text();
          return ({ mail }) => mail.id === id;
        }
        break;
    }
    const within = parseSet(key, view.length);
    return (_, sequence) => within(sequence);
  };

  if (queue[0]?.kind === 'atom' && same(queue[0].text, 'CHARSET')) queue.splice(0, 2);
  if (queue.length === 0) throw new ImapSyntaxError('missing search criteria');
  const tests: Test[] = [];
  while (queue.length > 0) tests.push(next());
  return (entry, sequence) => tests.every((test) => test(entry, sequence));
}

/** The part of Gmail's search language that finds mail by header or word: `rfc822msgid: from: to: subject:`, `-` and quotes. */
function gmailQuery(query: string): Test {
  const terms = [...query.matchAll(/(-?)(?:(rfc822msgid|from|to|subject):)?("[^"]*"|\S+)/gi)].map(([, minus, operator, raw = '']): Test => {
    const wanted = raw.replace(/^"|"$/g, '').toLowerCase();
    const found: Test = ({ mail }) => {
      switch (operator?.toLowerCase()) {
        case 'rfc822msgid':
          return mail.messageId.replace(/[<>]/g, '').toLowerCase() === wanted.replace(/[<>]/g, '');
        case undefined:
          return `${mail.from}\n${mail.subject}\n${mail.text}`.toLowerCase().includes(wanted);
        default:
          return (mail.header(operator ?? '') ?? '').toLowerCase().includes(wanted);
      }
    };
    return minus === '-' ? (entry, sequence) => !found(entry, sequence) : found;
  });
  return (entry, sequence) => terms.every((term) => term(entry, sequence));
}

/** `22-Nov-2026` as days since 1970. */
function parseDay(text: string): number {
  const [, date, month, year] = /^(\d{1,2})-([a-z]{3})-(\d{4})$/i.exec(text) ?? [];
  const index = MONTHS.indexOf(month?.toLowerCase() ?? '');
  if (index < 0) throw new ImapSyntaxError('cannot parse date');
  return Math.floor(Date.UTC(Number(year), index, Number(date)) / DAY_MS);
}

const same = (left: string, right: string): boolean => left.toLowerCase() === right.toLowerCase();

const utf8 = (latin1: string): string => Buffer.from(latin1, 'latin1').toString('utf8');
