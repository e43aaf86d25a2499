import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import type { Editor, KnownNode } from './editor.ts';

const root = join(__dirname, '../..');
export const TYPES = Object.keys(json('package.json')['node-red'].nodes as object);
export const EXAMPLES = readdirSync(join(root, 'examples')).map((file) => file.replace(/\.json$/, ''));

/** A key of a catalog that Node-RED shows when it has no text, or a placeholder that nothing filled. */
const UNTRANSLATED = new RegExp(
  `(?<![\\w./-])(${[...TYPES, ...Object.keys(json('nodes/shared/locales/en-US/shared.json'))].join('|')})(\\.[\\w-]+)+|__\\w+__`,
);

// biome-ignore lint/suspicious/noExplicitAny: files of the package, of any shape.
function json(file: string): any {
  return JSON.parse(readFileSync(join(root, file), 'utf8'));
}

/** All that the package has beside English. */
export const LANGUAGES = readdirSync(join(root, 'nodes/shared/locales')).filter((language) => language !== 'en-US');

/** The nodes of all examples. */
export function exampleFlows(): object[] {
  return EXAMPLES.flatMap((example) => json(`examples/${example}.json`) as object[]);
}

/** Imports the examples and returns the package's nodes in them. */
export async function importExamples(editor: Editor): Promise<KnownNode[]> {
  for (const example of EXAMPLES) await editor.importExample(example);
  const nodes = (await editor.nodes()).filter(({ type }) => TYPES.includes(type));
  assert.deepEqual([...new Set(nodes.map(({ type }) => type))].sort(), [...TYPES].sort());
  return nodes;
}

/** One node of each type. */
export function oneOfEach(nodes: readonly KnownNode[]): KnownNode[] {
  return TYPES.flatMap((type) => nodes.find((node) => node.type === type) ?? []);
}

export async function expectTexts(form: Locator, where: string): Promise<void> {
  const texts = await form.evaluate((element: PageElement) => {
    const attributes = ['placeholder', 'title', 'aria-label'];
    const all = [...element.querySelectorAll('*')];
    return {
      shown: [element.textContent, ...all.flatMap((one) => attributes.map((name) => one.getAttribute(name) ?? ''))],
      empty: all.filter((one) => one.matches('[data-i18n]:not([data-i18n^="["])') && one.textContent === '').map((one) => one.outerHTML),
    };
  });
  assert.deepEqual(texts.empty, [], `${where}: texts that are missing`);
  assert.deepEqual(
    texts.shown.flatMap((text) => UNTRANSLATED.exec(text)?.[0] ?? []),
    [],
    `${where}: keys in place of texts`,
  );
}

/** The first label is in this language. */
export async function expectLanguage(form: Locator, type: string, language: string): Promise<void> {
  const { label } = json(`nodes/${type}/locales/${language}/${type}.json`)[type];
  await form.locator('label', { hasText: label.name }).first().waitFor();
}

/** Nothing sticks out of a dialog that is as narrow as Node-RED lets it be. */
export async function expectFits(form: Locator, where: string): Promise<void> {
  const wide = await form.evaluate((element: PageElement) => {
    const { right } = element.getBoundingClientRect();
    const boxes = [...element.querySelectorAll('*')].map((one) => ({
      html: one.outerHTML.slice(0, 120),
      ...one.getBoundingClientRect().toJSON(),
    }));
    return boxes.filter((box) => box.width > 1 && box.right > right + 1).map(({ html }) => html);
  });
  assert.deepEqual(wide, [], `${where}: wider than the dialog`);
}

/** What axe-core finds wrong with the package's own part of a dialog. */
export async function expectAccessible(editor: Editor, where: string): Promise<void> {
  const { page } = editor;
  if (!(await page.evaluate(() => 'axe' in globalThis))) {
    await page.addScriptTag({ path: require.resolve('axe-core/axe.min.js') });
    // The editor's body has no height, which axe takes for hidden.
    await page.addStyleTag({ content: 'body { height: 100vh }' });
  }
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: Axe };
    const result = await axe.run('.red-ui-tray .camera-email', { resultTypes: ['violations'] });
    return result.violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html, failureSummary }) => `${html}: ${failureSummary}`) }));
  });
  assert.deepEqual(violations, [], `${where}: not accessible`);
}

interface AxeResult {
  id: string;
  nodes: { html: string; failureSummary?: string }[];
}

interface Axe {
  run(context: string, options: object): Promise<{ violations: AxeResult[]; passes: AxeResult[] }>;
}

interface Box {
  right: number;
  width: number;
}

interface PageElement {
  textContent: string;
  outerHTML: string;
  querySelectorAll(selector: string): Iterable<PageElement>;
  getAttribute(name: string): string | null;
  matches(selector: string): boolean;
  getBoundingClientRect(): Box & { toJSON(): Box };
}
