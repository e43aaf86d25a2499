import { CameraEmailError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { scanXml } from './xml-scan.ts';

/** An element of a parsed document. Offsets are into the document's source, so that edits leave all other bytes alone. */
export interface XmlElement {
  /** Local name, without prefix. */
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Own text, entities decoded, white space kept. */
  readonly text: string;
  /** The whole element in the source, tags included. */
  readonly start: number;
  readonly end: number;
}

interface Edit {
  start: number;
  end: number;
  text: string;
}

type FxpNode = Record<string | symbol, unknown>;

/**
 * A device's XML with its bytes: read by local names, edited in place. Source strings hold one byte per character (latin1), so
 * that a document in any ASCII-compatible charset survives a write byte for byte.
 */
export class XmlDocument {
  readonly root: XmlElement;
  readonly #edits: Edit[] = [];
  readonly #charset: string;

  private constructor(
    readonly source: string,
    root: XmlElement,
    charset: string,
  ) {
    this.root = root;
    this.#charset = charset;
  }

  /** Throws `unreadable` for anything but one well-formed element within LIMITS.xml; document types and entities are refused. */
  static parse(source: string): XmlDocument {
    if (source.length > LIMITS.xml.bytes) throw unreadable('the document is too large');
    if (source.includes('<!') && /<!(DOCTYPE|ENTITY)/i.test(source)) throw unreadable('the document declares entities');
    const charset = /^[^<]*<\?xml[^>]*encoding=["']([\w.:-]+)["']/i.exec(source)?.[1] ?? 'utf-8';
    // A byte order mark or blank line before the declaration: tolerated on reading, kept on writing.
    const lead = /^(?:\u00ef\u00bb\u00bf)?\s*/.exec(source)?.[0].length ?? 0;
    const decode = textDecoder(charset);
    const root = scanXml(source, lead, decode) ?? parseThoroughly(source, lead, decode);
    return new XmlDocument(source, root, charset);
  }

  /** The document with its edits. */
  toString(): string {
    let result = '';
    let at = 0;
    const edits = this.#edits.map((edit, order) => ({ ...edit, order })).sort((a, b) => a.start - b.start || a.order - b.order);
    for (const edit of edits) {
      if (edit.start < at) throw new RangeError('overlapping edits');
      result += this.source.slice(at, edit.start) + edit.text;
      at = edit.end;
    }
    return result + this.source.slice(at);
  }

  /** The source of one element, without edits. */
  sourceOf(element: XmlElement): string {
    return this.source.slice(element.start, element.end);
  }

  /** Replaces an element's content by text. Nothing happens when the text is the same already. */
  setText(element: XmlElement, value: string): void {
    if (element.text === value && element.children.length === 0) return;
    const source = this.sourceOf(element);
    const open = openTag(source);
    const qualified = /^<([^\s/>]+)/.exec(source)?.[1] ?? element.name;
    const head = open.endsWith('/>') ? `${open.slice(0, -2).trimEnd()}>` : open;
    this.#edits.push({ start: element.start, end: element.end, text: `${head}${this.encode(value)}</${qualified}>` });
  }

  /** Inserts literal XML straight behind an element, on a line and indentation of its own where the element has one. */
  insertAfter(element: XmlElement, xml: string): void {
    const lead = /(\r?\n[ \t]*)$/.exec(this.source.slice(0, element.start))?.[1] ?? '';
    this.#edits.push({ start: element.end, end: element.end, text: lead + xml });
  }

  /** Inserts literal XML as the last child. */
  append(parent: XmlElement, xml: string): void {
    const last = parent.children.at(-1);
    if (last !== undefined) {
      this.insertAfter(last, xml);
      return;
    }
    const source = this.sourceOf(parent);
    const open = openTag(source);
    const qualified = /^<([^\s/>]+)/.exec(source)?.[1] ?? parent.name;
    if (open.endsWith('/>')) {
      this.#edits.push({ start: parent.start, end: parent.end, text: `${open.slice(0, -2).trimEnd()}>${xml}</${qualified}>` });
    } else {
      const at = parent.start + open.length;
      this.#edits.push({ start: at, end: at, text: xml });
    }
  }

  replace(element: XmlElement, xml: string): void {
    this.#edits.push({ start: element.start, end: element.end, text: xml });
  }

  /** Removes an element together with the white space before it. */
  remove(element: XmlElement): void {
    const before = /\s*$/.exec(this.source.slice(0, element.start))?.[0].length ?? 0;
    this.#edits.push({ start: element.start - before, end: element.end, text: '' });
  }

  /** Text as it stands in this document: escaped, in the document's charset; what the charset lacks becomes a character reference. */
  encode(value: string): string {
    const escaped = escapeXml(value);
    if (/^utf-?8$/i.test(this.#charset)) return Buffer.from(escaped, 'utf8').toString('latin1');
    return escaped.replace(/[^ -~\s]/gu, (char) => `&#${char.codePointAt(0)};`);
  }
}

/** & < > as entities; quotes stay, as devices write them. Control characters that XML cannot hold are dropped. */
export function escapeXml(value: string): string {
  return value
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

/** The first descendant reached by a path of local names. */
export function child(element: XmlElement | undefined, ...path: string[]): XmlElement | undefined {
  let at = element;
  for (const name of path) at = at?.children.find((candidate) => candidate.name === name);
  return at;
}

export function children(element: XmlElement | undefined, name: string): XmlElement[] {
  return element?.children.filter((candidate) => candidate.name === name) ?? [];
}

/** Trimmed text at a path; undefined when there is no such element. */
export function childText(element: XmlElement | undefined, ...path: string[]): string | undefined {
  return child(element, ...path)?.text.trim();
}

function openTag(source: string): string {
  const tag = /^<(?:[^>"']|"[^"]*"|'[^']*')*>/.exec(source)?.[0];
  if (tag === undefined) throw unreadable('an element has no end');
  return tag;
}

function unreadable(why: string): CameraEmailError {
  return new CameraEmailError('unreadable', `XML: ${why}`);
}

/** For documents with anything unusual in them, and for saying what is wrong with the others. Exported for its comparison with `scanXml`. */
export function parseThoroughly(source: string, lead: number, decode: (raw: string) => string): XmlElement {
  const { XMLParser, XMLValidator } = require('fast-xml-parser') as typeof import('fast-xml-parser');
  const xml = source.slice(lead);
  // Recorders put bare ampersands into names; the validator is strict about them, the reader need not be.
  const verdict = XMLValidator.validate(xml.replace(/&(?!#?\w{1,10};)/g, '+'), { allowBooleanAttributes: true });
  if (verdict !== true) throw unreadable(verdict.err.msg);
  const parser = new XMLParser({
    preserveOrder: true,
    ignoreAttributes: false,
    attributeNamePrefix: '',
    captureMetaData: true,
    parseTagValue: false,
    parseAttributeValue: false,
    trimValues: false,
    processEntities: false,
  });
  const positions = XMLParser.getMetaDataSymbol() as unknown as symbol;
  let count = 0;

  const convert = (node: FxpNode, depth: number): XmlElement | undefined => {
    const tag = Object.keys(node).find((key) => key !== ':@');
    if (tag === undefined || tag === '#text' || tag.startsWith('?') || tag.startsWith('!')) return undefined;
    if (depth > LIMITS.xml.depth) throw unreadable('the elements are nested too deeply');
    count += 1;
    if (count > LIMITS.xml.elements) throw unreadable('the document has too many elements');
    const position = node[positions] as { startIndex: number; endIndex: number };
    const nodes = node[tag] as FxpNode[];
    const text = nodes
      .filter((inner) => '#text' in inner)
      .map((inner) => String(inner['#text']))
      .join('');
    return {
      name: tag.slice(tag.indexOf(':') + 1),
      attributes: (node[':@'] ?? {}) as Record<string, string>,
      children: nodes.map((inner) => convert(inner, depth + 1)).filter((inner) => inner !== undefined),
      text: decode(text),
      start: lead + position.startIndex,
      end: lead + position.endIndex,
    };
  };

  let roots: XmlElement[];
  try {
    roots = (parser.parse(xml) as FxpNode[]).map((node) => convert(node, 1)).filter((node) => node !== undefined);
  } catch (error) {
    if (error instanceof CameraEmailError) throw error;
    throw new CameraEmailError('unreadable', 'XML: it cannot be parsed', { cause: error });
  }
  const root = roots[0];
  if (root === undefined || roots.length > 1) throw unreadable('there is not exactly one root element');
  return root;
}

/** Bytes of the charset as text, entities decoded. */
export function textDecoder(charset: string): (bytes: string) => string {
  let decoder: ReturnType<typeof decoderFor> | undefined;
  const decode = (bytes: string): string => {
    if (!/[^\u0000-\u007f]/.test(bytes)) return bytes;
    decoder ??= decoderFor(charset);
    try {
      return decoder.decode(Buffer.from(bytes, 'latin1'));
    } catch {
      return bytes;
    }
  };
  return (bytes) => {
    const text = decode(bytes);
    return text.includes('&') ? decodeEntities(text) : text;
  };
}

function decoderFor(charset: string) {
  try {
    return new TextDecoder(charset, { fatal: true });
  } catch {
    return new TextDecoder('utf-8', { fatal: true });
  }
}

const NAMED_ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decodeEntities(text: string): string {
  return text.replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|\w{1,10});/gi, (whole, body: string) => {
    if (!body.startsWith('#')) return NAMED_ENTITIES[body] ?? whole;
    const code = /^#x/i.test(body) ? Number.parseInt(body.slice(2), 16) : Number.parseInt(body.slice(1), 10);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
