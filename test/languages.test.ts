import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..');
const ENGLISH = 'en-US';
/** A language is one as soon as it has a folder of shared texts; the rest of it must then be there too. */
const LANGUAGES = readdirSync(join(root, 'nodes/shared/locales')).filter((language) => language !== ENGLISH);
const folders = readdirSync(join(root, 'nodes')).filter((name) => existsSync(join(root, 'nodes', name, 'locales')));

interface Texts {
  [key: string]: string | Texts;
}

function leaves(texts: Texts, path = ''): [string, string][] {
  return Object.entries(texts).flatMap(([key, value]): [string, string][] =>
    typeof value === 'string' ? [[`${path}${key}`, value]] : leaves(value, `${path}${key}.`),
  );
}

function catalog(folder: string, language: string): Map<string, string> {
  return new Map(leaves(JSON.parse(readFileSync(join(root, 'nodes', folder, 'locales', language, `${folder}.json`), 'utf8'))));
}

function help(folder: string, language: string): string {
  return readFileSync(join(root, 'nodes', folder, 'locales', language, `${folder}.html`), 'utf8');
}

/** What must not be translated: placeholders, property names, message paths. */
function fixedParts(text: string): string[] {
  return (text.match(/__[A-Za-z]+__|\{\w+\}|\$\{\w+\}|\bmsg\.\w+|https?:\/\/\S+/g) ?? []).sort();
}

/** The tags and code of a help page, in order; words and links of the page are the language's own. */
function skeleton(html: string): string[] {
  return html.match(/<code>[^<]*<\/code>|<\/?[a-z0-9]+(?:\s[^>]*)?>/g) ?? [];
}

it('the package speaks seven languages at least', () => {
  const promised = ['de', 'fr', 'es-ES', 'pt-BR', 'ja', 'zh-CN'];
  assert.deepEqual(
    promised.filter((language) => !LANGUAGES.includes(language)),
    [],
  );
});

for (const language of LANGUAGES) {
  describe(`language ${language}`, () => {
    for (const folder of folders) {
      it(`${folder}: every text of the English catalog and no other, with the same placeholders`, () => {
        const english = catalog(folder, ENGLISH);
        const own = catalog(folder, language);
        assert.deepEqual([...own.keys()].sort(), [...english.keys()].sort());
        for (const [key, text] of own) {
          assert.notEqual(text.trim(), '', key);
          assert.deepEqual(fixedParts(text), fixedParts(english.get(key) ?? ''), `${key}: ${text}`);
        }
      });

      it(`${folder}: sentences are translated`, () => {
        const english = catalog(folder, ENGLISH);
        const left = [...catalog(folder, language)].filter(([key, text]) => text === english.get(key) && text.split(' ').length > 3);
        assert.deepEqual(left, []);
      });

      if (folder === 'shared') continue;
      it(`${folder}: the help page has the structure and code of the English one`, () => {
        const english = help(folder, ENGLISH);
        const own = help(folder, language);
        assert.deepEqual(skeleton(own), skeleton(english));
        assert.notEqual(own, english);
      });
    }
  });
}

for (const language of [ENGLISH, ...LANGUAGES]) {
  for (const type of folders.filter((folder) => folder !== 'shared')) {
    it(`help of ${type} in ${language}: names every setting that the dialog explains`, () => {
      const texts = catalog(type, language);
      const page = help(type, language).toLowerCase();
      const missing = [...texts].flatMap(([key, label]) =>
        key.includes('.label.') && texts.has(key.replace('.label.', '.hint.')) && !page.includes(shortForm(label)) ? [label] : [],
      );
      assert.deepEqual(missing, []);
    });
  }
}

/** A label without what it says in addition. */
function shortForm(label: string): string {
  return (label.split(/[:：,，、(（]/)[0] ?? label).trim().toLowerCase();
}

describe('English texts', () => {
  const sources = readdirSync(join(root, 'nodes'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|html)$/.test(entry.name) && !entry.parentPath.includes('locales'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .concat(
      readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
        .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8')),
    )
    .join('\n');

  for (const folder of folders) {
    it(`${folder}: none is unused`, () => {
      const unused = [...catalog(folder, ENGLISH).keys()].filter((key) => !isUsed(key));
      assert.deepEqual(unused, []);
    });
  }

  /** Named as a whole, or put together from a named beginning and a part that stands elsewhere in the code as a value or a key. */
  function isUsed(key: string): boolean {
    if (["'", '"', '`', ']'].some((quote) => sources.includes(`${quote}${key}`))) return true;
    const parts = key.split('.');
    return parts.some((part, index) => {
      if (index === 0 || !isNamed(part)) return false;
      const beginning = `${parts.slice(0, index).join('.')}.$`;
      const ofAnyType = beginning.replace(/^[^.]+/, '$${type}');
      return sources.includes(`\`${beginning}{`) || sources.includes(`\`${ofAnyType}{`);
    });
  }

  function isNamed(part: string): boolean {
    return new RegExp(`['"\`]${part}['"\`]|\\b${part}\\b\\??[:,]`).test(sources) || sources.includes(`\`${part.split('-')[0]}-$\{`);
  }
});
