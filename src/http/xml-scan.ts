import { LIMITS } from '../core/limits.ts';
import type { XmlElement } from './xml.ts';

interface Open {
  element: { name: string; attributes: Record<string, string>; children: XmlElement[]; text: string; start: number; end: number };
  qualified: string;
  /** Own text before it is decoded. */
  raw: string;
}

const NAME = '[A-Za-z_][\\w.-]*(?::[A-Za-z_][\\w.-]*)?';
const ATTRIBUTE = `[ \\t\\r\\n]+${NAME}=(?:"[^"<&\\t\\r\\n]*"|'[^'<&\\t\\r\\n]*')`;
const OPENING = new RegExp(`<(${NAME})((?:${ATTRIBUTE})*)[ \\t\\r\\n]*(/?)>`, 'y');
const ATTRIBUTES = new RegExp(`(${NAME})=(?:"([^"]*)"|'([^']*)')`, 'g');
const DECLARATION = /<\?xml(?:[ \t\r\n]+[a-z]+=(?:"[\w.:-]*"|'[\w.:-]*'))*[ \t\r\n]*\?>/y;
const SLASH = 47;
const EXCLAMATION = 33;
/** What every object has already: fast-xml-parser renames such elements. */
const NO_NAMES = {};
/** An ampersand that begins neither a character reference nor one of the five entities. */
const ODD_AMPERSAND = /&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)/;

/**
 * One pass over a plain document: elements, attributes, text, comments and a declaration. Undefined for anything else or anything
 * malformed, which is for the real parser to judge. `decode` makes text out of bytes and entities.
 */
export function scanXml(source: string, from: number, decode: (raw: string) => string): XmlElement | undefined {
  const isPlain = !/[&\u0080-\uffff]/.test(source);
  let at = from;
  let count = 0;
  let root: Open['element'] | undefined;
  let parent: Open | undefined;
  const outer: Open[] = [];
  DECLARATION.lastIndex = at;
  if (DECLARATION.test(source)) at = DECLARATION.lastIndex;
  while (at < source.length) {
    const less = source.indexOf('<', at);
    const text = source.slice(at, less < 0 ? source.length : less);
    if (parent === undefined) {
      if (text.trim() !== '') return undefined;
    } else if (text !== '') {
      if (/[>&]/.test(text) && (text.includes('>') || ODD_AMPERSAND.test(text))) return undefined;
      parent.raw += text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
    }
    if (less < 0) break;
    const next = source.charCodeAt(less + 1);
    if (next === EXCLAMATION) {
      if (!source.startsWith('--', less + 2)) return undefined;
      const dashes = source.indexOf('--', less + 4);
      if (dashes < 0 || source[dashes + 2] !== '>') return undefined;
      at = dashes + 3;
      continue;
    }
    if (next === SLASH) {
      if (parent === undefined || !source.startsWith(parent.qualified, less + 2)) return undefined;
      const after = less + 2 + parent.qualified.length;
      at = source.indexOf('>', after) + 1;
      if (at === 0 || (at > after + 1 && source.slice(after, at - 1).trim() !== '')) return undefined;
      parent.element.text = parent.raw === '' || isPlain ? parent.raw : decode(parent.raw);
      parent.element.end = at;
      parent = outer.pop();
      continue;
    }
    OPENING.lastIndex = less;
    const tag = OPENING.exec(source);
    if (tag === null) return undefined;
    at = OPENING.lastIndex;
    const [, opened = '', attributeText = '', slash] = tag;
    if (opened in NO_NAMES) return undefined;
    count += 1;
    if (count > LIMITS.xml.elements || outer.length + 2 > LIMITS.xml.depth) return undefined;
    const attributes = attributeText === '' ? {} : attributesOf(attributeText);
    if (attributes === undefined) return undefined;
    const element = { name: opened.slice(opened.indexOf(':') + 1), attributes, children: [], text: '', start: less, end: at };
    if (parent !== undefined) parent.element.children.push(element);
    else if (root === undefined) root = element;
    else return undefined;
    if (slash === '/') continue;
    if (parent !== undefined) outer.push(parent);
    parent = { element, qualified: opened, raw: '' };
  }
  return parent === undefined ? root : undefined;
}

function attributesOf(text: string): Record<string, string> | undefined {
  const attributes: Record<string, string> = {};
  ATTRIBUTES.lastIndex = 0;
  for (let found = ATTRIBUTES.exec(text); found !== null; found = ATTRIBUTES.exec(text)) {
    const [, name = '', double, single] = found;
    // Given twice, or a name that every object has already.
    if (name in attributes) return undefined;
    attributes[name] = double ?? single ?? '';
  }
  return attributes;
}
