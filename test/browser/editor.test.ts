import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { HOSTS } from '../../scripts/hosts.ts';
import { Editor, launchBrowser } from './editor.ts';
import { firstJob } from './first-job.ts';
import { startWorld, type World } from './world.ts';

for (const host of HOSTS) {
  describe(`in the editor of ${host.name}`, () => {
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
    async function use(work: (editor: Editor) => Promise<void>, colors: 'light' | 'dark' = 'light'): Promise<void> {
      const editor = await Editor.open(browser, world.nodeRed.url, colors);
      try {
        await work(editor);
        assert.deepEqual(editor.problems, []);
      } finally {
        await editor.close();
      }
    }

    it('sets up a first camera and sees its mail arrive', () => use((editor) => firstJob(editor, world)));
  });
}
