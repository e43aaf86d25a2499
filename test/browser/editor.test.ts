import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { HOSTS } from '../../scripts/hosts.ts';
import {
  exampleFlows,
  expectAccessible,
  expectFits,
  expectLanguage,
  expectTexts,
  importExamples,
  LANGUAGES,
  oneOfEach,
} from './dialogs.ts';
import { Editor, launchBrowser } from './editor.ts';
import { everyNode } from './every-node.ts';
import { findSeveral } from './find-several.ts';
import { firstJob } from './first-job.ts';
import { startWorld, type World } from './world.ts';

for (const host of HOSTS) {
  describe(`in the editor of ${host.name}`, function () {
    this.timeout(120_000);
    let browser: Browser;
    let world: World;
    before(async function () {
      this.timeout(300_000);
      [browser, world] = await Promise.all([launchBrowser(), startWorld(host)]);
    });
    after(async function () {
      this.timeout(30_000);
      await browser?.close();
      await world?.close();
    });

    /** What a user does in one window; nothing may go wrong unseen. */
    async function use(work: (editor: Editor) => Promise<void>, flows: readonly object[] = [], locale?: string): Promise<void> {
      await world.deploy(flows);
      const editor = await Editor.open(browser, world.nodeRed.url, locale);
      try {
        await work(editor);
        assert.deepEqual(editor.problems, []);
      } finally {
        await editor.close();
      }
    }

    it('sets up a first camera and sees its mail arrive', () => use((editor) => firstJob(editor, world)));

    it('adds all cameras that answer with one login', () => use((editor) => findSeveral(editor, world)));

    it('takes every node from the palette, and deploys', () => use((editor) => everyNode(editor, world)));

    it('opens every dialog of every example, complete and without an error', () =>
      use(async (editor) => {
        const nodes = await importExamples(editor);
        for (const node of nodes) {
          await expectTexts(await editor.openNode(node), `${node.type} ${node.id}`);
          await editor.finish('cancel');
        }
        for (const colors of host.dark ? (['light', 'dark'] as const) : (['light'] as const)) {
          await editor.show(colors);
          for (const node of oneOfEach(nodes)) {
            await editor.openNode(node);
            await expectAccessible(editor, `${node.type}, ${colors}`);
            await editor.finish('cancel');
          }
        }
        await editor.page.setViewportSize({ width: 420, height: 800 });
        for (const node of oneOfEach(nodes)) {
          await expectFits(await editor.openNode(node), node.type);
          await editor.finish('cancel');
        }
      }));

    // The texts are the same in both; one editor is enough.
    for (const language of host === HOSTS.at(-1) ? LANGUAGES : []) {
      it(`speaks ${language}`, () =>
        use(
          async (editor) => {
            await editor.page.setViewportSize({ width: 600, height: 800 });
            for (const node of oneOfEach(await editor.nodes())) {
              const form = await editor.openNode(node);
              await expectTexts(form, node.type);
              await expectLanguage(form, node.type, language);
              await expectFits(form, node.type);
              await editor.finish('cancel');
            }
          },
          exampleFlows(),
          language,
        ));
    }
  });
}
