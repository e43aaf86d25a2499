/** IMAP's arguments (RFC 3501 section 9). Each character of a text is one byte. */

export type ImapToken = { kind: 'atom' | 'string'; text: string } | { kind: 'list'; items: ImapToken[] };

/** What the client sent makes no sense: answered with BAD. */
export class ImapSyntaxError extends Error {}

const MAX_DEPTH = 20;

/** `source` holds a command's arguments with literals in place, as `{n}` CRLF and n bytes. */
export function parseArguments(source: string): ImapToken[] {
  let at = 0;

  const list = (depth: number, closing: boolean): ImapToken[] => {
    if (depth > MAX_DEPTH) throw new ImapSyntaxError('nested too deep');
    const items: ImapToken[] = [];
    for (;;) {
      while (source[at] === ' ') at++;
      const char = source[at];
      if (char === undefined || char === ')') {
        if ((char === ')') !== closing) throw new ImapSyntaxError('parentheses do not match');
        at++;
        return items;
      }
      if (char === '(') {
        at++;
        items.push({ kind: 'list', items: list(depth + 1, true) });
      } else items.push(char === '"' ? quoted() : char === '{' ? literal() : atom());
    }
  };

  const take = (pattern: RegExp): RegExpExecArray => {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (match === null) throw new ImapSyntaxError('cannot parse command');
    at += match[0].length;
    return match;
  };

  const quoted = (): ImapToken => ({ kind: 'string', text: (take(/"((?:[^"\\]|\\.)*)"/sy)[1] ?? '').replace(/\\(.)/gs, '$1') });

  const literal = (): ImapToken => {
    const length = Number(take(/\{(\d{1,9})\+?\}\r\n/y)[1]);
    at += length;
    return { kind: 'string', text: source.slice(at - length, at) };
  };

  // The brackets of BODY[HEADER.FIELDS (…)] keep their spaces and parentheses.
  const atom = (): ImapToken => ({ kind: 'atom', text: take(/(?:\[[^\]]*\]|[^\s()"{[])+/y)[0] });

  return list(0, false);
}

/** The text of an atom or string. */
export function textOf(token: ImapToken | undefined): string {
  if (token === undefined || token.kind === 'list') throw new ImapSyntaxError('missing argument');
  return token.text;
}

/** The tokens of a list, or the one token that stands in its place. */
export function listOf(token: ImapToken | undefined): ImapToken[] {
  if (token === undefined) throw new ImapSyntaxError('missing argument');
  return token.kind === 'list' ? token.items : [token];
}

/** A set such as `1,4:7,9:*` as a test; `*` is `highest`. */
export function parseSet(text: string, highest: number): (value: number) => boolean {
  if (!/^(?:\d{1,10}|\*)(?::(?:\d{1,10}|\*))?(?:,(?:\d{1,10}|\*)(?::(?:\d{1,10}|\*))?)*$/.test(text)) {
    throw new ImapSyntaxError('cannot parse set');
  }
  const ranges = text.split(',').map((range) => {
    const [first = 0, last = first] = range.split(':').map((bound) => (bound === '*' ? highest : Number(bound)));
    return { low: Math.min(first, last), high: Math.max(first, last) };
  });
  return (value) => ranges.some(({ low, high }) => value >= low && value <= high);
}

/** Quoted, or as a literal where quoting cannot say it; `undefined` is NIL. */
export function imapString(text: string | undefined): string {
  if (text === undefined) return 'NIL';
  if (/[\r\n\0\u0080-\u00ff]/.test(text)) return `{${text.length}}\r\n${text}`;
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** A folder name in modified UTF-7 (RFC 3501 section 5.1.3). */
export function encodeFolderName(name: string): string {
  return name.replace(/&|[^\x20-\x7e]+/g, (part) => {
    if (part === '&') return '&-';
    const base64 = Buffer.from(part, 'utf16le').swap16().toString('base64');
    return `&${base64.replace(/=+$/, '').replace(/\//g, ',')}-`;
  });
}
