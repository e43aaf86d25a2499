import assert from 'node:assert/strict';
import type { Locator } from 'playwright-core';
import { freePort } from '../../src/sandbox/free-port.ts';
import { TYPES } from './dialogs.ts';
import type { Editor } from './editor.ts';
import { enterAccount, enterCamera } from './first-job.ts';
import type { World } from './world.ts';

const CONFIG = ['gmail-account', 'camera-device'];

/** Drags each node into a new flow, fills its dialog, adding an account and a camera there, and deploys. */
export async function everyNode(editor: Editor, world: World): Promise<void> {
  await editor.addFlow();
  const port = await freePort();
  const dragged: string[] = [];
  for (const [index, type] of TYPES.filter((one) => !CONFIG.includes(one)).entries()) {
    const id = await editor.drag(type, 250, 60 + 80 * index);
    dragged.push(id);
    const form = await editor.open(id);
    await form.locator('#node-input-name').fill(`my ${type}`);
    if ((await form.locator('#node-input-btn-account-add').count()) > 0 && type !== 'camera-mail-in')
      await chooseAccount(editor, form, world);
    if ((await form.locator('#node-input-btn-camera-add').count()) > 0) await chooseCamera(editor, form, world);
    if (type === 'test-email') await form.locator('#node-input-via').selectOption('both');
    if ((await form.locator('#camera-email-cameras').count()) > 0) await tickCamera(editor, form, world);
    if (type === 'camera-mail-in') await fillListener(form, port);
    await editor.finish();
  }
  await editor.deploy();
  const flows = (await (await fetch(`${world.nodeRed.url}/flows`)).json()) as { id: string; name?: string; type: string }[];
  for (const id of dragged) {
    const saved = flows.find((node) => node.id === id);
    assert.equal(saved?.name, `my ${saved?.type}`);
  }
  await editor
    .status(dragged[TYPES.indexOf('camera-events') - CONFIG.length] ?? '')
    .getByText('connected')
    .waitFor();
  assert.doesNotMatch(world.nodeRed.output(), /\[error\]/);
}

/** The first node brings the account, the others find it in their list. */
export async function chooseAccount(editor: Editor, form: Locator, world: World): Promise<void> {
  const list = form.locator('#node-input-account');
  if ((await list.locator('option', { hasText: 'Alerts' }).count()) === 0) {
    await form.locator('#node-input-btn-account-add').click();
    const account = await editor.form();
    await account.locator('#node-config-input-name').fill('Alerts');
    await enterAccount(account, world);
    await editor.finish();
  } else await list.selectOption({ label: 'Alerts' });
}

async function chooseCamera(editor: Editor, form: Locator, world: World): Promise<void> {
  const list = form.locator('#node-input-camera');
  if ((await list.locator('option', { hasText: 'Garage' }).count()) > 0) await list.selectOption({ label: 'Garage' });
  else await addCamera(editor, form.locator('#node-input-btn-camera-add'), world);
}

async function tickCamera(editor: Editor, form: Locator, world: World): Promise<void> {
  const box = form.getByLabel('Garage', { exact: true });
  if ((await box.count()) === 0) await addCamera(editor, form.locator('#camera-email-add-camera'), world);
  await box.check();
}

async function addCamera(editor: Editor, button: Locator, world: World): Promise<void> {
  await button.click();
  const camera = await editor.form();
  await camera.locator('#node-config-input-name').fill('Garage');
  await enterCamera(camera, world);
  await editor.finish();
}

async function fillListener(form: Locator, port: number): Promise<void> {
  await form.locator('#node-input-host').fill('127.0.0.1');
  await form.locator('#node-input-port').fill(String(port));
  await form.locator('#node-input-users').fill('{"garage":"camera-mail-7"}');
}
