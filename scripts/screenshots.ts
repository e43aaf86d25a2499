/** Takes the README's pictures from a running Node-RED with the demo's flows. Run from the package's root, after a build. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { demoFlows } from '../src/sandbox/demo-flows.ts';
import { startNodeRed } from '../src/sandbox/node-red-host.ts';
import { startSandbox } from '../src/sandbox/sandbox.ts';
import { Editor, launchBrowser } from '../test/browser/editor.ts';
import { HOSTS, installHost } from './hosts.ts';

const root = join(__dirname, '..');
const pictures = join(root, 'docs/pictures');

async function main(): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  const directory = mkdtempSync(join(tmpdir(), 'camera-email-pictures-'));
  const sandbox = await startSandbox([{ name: 'Front door', vendor: 'hikvision', variant: 'camera' }]);
  const caFile = join(directory, 'authority.pem');
  writeFileSync(caFile, sandbox.mail.ca);
  const { flows, credentials } = demoFlows(join(root, 'examples'), sandbox, caFile);
  const [host] = HOSTS.slice(-1);
  if (host === undefined) throw new Error('no Node-RED');
  const nodeRed = await startNodeRed({
    ...(await installHost(host)),
    userDir: join(directory, 'user'),
    flows,
    credentials,
    packageDir: root,
  });
  const browser = await launchBrowser();
  try {
    await take(await Editor.open(browser, nodeRed.url));
  } finally {
    await browser.close();
    await nodeRed.stop();
    await sandbox.close();
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function take(editor: Editor): Promise<void> {
  const { page } = editor;
  await page.setViewportSize({ width: 1440, height: 1000 });
  await editor.showFlow('Set up one camera');

  const dialog = await editor.open('01cfg00000000001');
  await dialog.locator('#node-input-btn-account-edit').click();
  const account = await editor.form();
  await account.getByRole('button', { name: 'Verify' }).click();
  await account.getByRole('button', { name: 'Send me a test mail' }).click();
  await account.getByText('The mail arrived in').waitFor();
  await picture(page.locator('.red-ui-tray').last(), 'account');
  await editor.finish('cancel');

  await page.setViewportSize({ width: 1440, height: 760 });
  const form = await editor.form();
  await form.getByRole('button', { name: 'Preview' }).click();
  await form.getByRole('row', { name: /^Mail server/ }).waitFor();
  await picture(page.locator('.red-ui-tray').last(), 'preview');
  await editor.finish('cancel');

  await page.setViewportSize({ width: 1440, height: 640 });
  await editor.press('01inj00000000002');
  await editor.debugMessages('Each camera').getByText('"applied"').waitFor();
  await editor.press('01inj00000000005');
  await editor.debugMessages('Each test').nth(1).getByText('"arrived"').waitFor();
  await page.mouse.move(700, 600);
  await page.locator('.red-ui-notification').first().waitFor({ state: 'detached' });
  await picture(page.locator('#red-ui-editor'), 'flow');
}

async function picture(what: Locator, name: string): Promise<void> {
  const file = join(pictures, `${name}.png`);
  await what.screenshot({ path: file, animations: 'disabled' });
  process.stdout.write(`${file}\n`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
