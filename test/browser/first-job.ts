import assert from 'node:assert/strict';
import type { Locator } from 'playwright-core';
import { expectAccessible } from './dialogs.ts';
import type { Editor } from './editor.ts';
import type { World } from './world.ts';

const CONFIGURE = '01cfg00000000001';
const APPLY = '01inj00000000002';
const TEST_BOTH_WAYS = '01inj00000000005';

/** From an empty Node-RED to a mail in the inbox, with no step outside the editor. */
export async function firstJob(editor: Editor, world: World): Promise<void> {
  await editor.importExample('01 - Set up one camera');
  await editor.showFlow('Set up one camera');
  const dialog = await editor.open(CONFIGURE);

  await dialog.locator('#node-input-btn-account-edit').click();
  await enterAccount(await editor.form(), world);
  await seeRefusal(await editor.form(), world);
  await sendTestMail(await editor.form());
  await expectAccessible(editor, 'the account and its reports');
  await editor.finish();

  await dialog.locator('#camera-email-cameras .camera-email-camera', { hasText: 'Front door' }).getByRole('button').click();
  await enterCamera(await editor.form(), world);
  await expectAccessible(editor, 'the camera and what it is');
  await editor.finish();
  await preview(await editor.form(), world);
  await expectAccessible(editor, 'the preview');
  await editor.finish();

  await editor.deploy();
  await editor.showDebug();
  await editor.press(APPLY);
  const applied = editor.debugMessages('Each camera').first();
  await applied.getByText('"applied"').waitFor();
  await unfold(applied, 'test');
  await applied.getByText('"arrived"').waitFor();
  await editor.status(CONFIGURE).getByText('1 ok, mail arrived').waitFor();

  await editor.press(TEST_BOTH_WAYS);
  for (const index of [0, 1]) await editor.debugMessages('Each test').nth(index).getByText('"arrived"').waitFor();
  assert.equal(await editor.debugMessages('Error and advice').count(), 0);
}

/** A wrong password is told with the server's own words, and a right one in its place works. */
async function seeRefusal(form: Locator, { sandbox }: World): Promise<void> {
  const password = form.locator('#node-config-input-appPassword');
  await password.fill('wrongwrongwrongw');
  await form.getByRole('button', { name: 'Verify' }).click();
  await form.getByText('The mail server does not accept the app password').first().waitFor();
  await form.getByText(/The other side said: .*Username and Password not accepted/).waitFor();
  await password.fill(sandbox.account.appPassword);
  await form.getByRole('button', { name: 'Verify' }).click();
  await form.getByText('The account works').waitFor();
}

async function sendTestMail(form: Locator): Promise<void> {
  // By the keyboard alone.
  await form.getByRole('button', { name: 'Send me a test mail' }).press('Enter');
  await form.getByText('The mail arrived in').waitFor();
}

/** Nothing is deployed yet: the plan is made of what the dialogs say. */
async function preview(form: Locator, { sandbox }: World): Promise<void> {
  const documents = sandbox.cameras[0]?.device.documents();
  await form.getByRole('button', { name: 'Preview' }).press(' ');
  const row = form.getByRole('row', { name: /^Mail server/ });
  await row.waitFor();
  assert.match((await row.textContent()) ?? '', /localhost$/);
  assert.equal(sandbox.cameras[0]?.device.documents(), documents);
  await form.locator('.camera-email-result summary').press('Enter');
  await row.waitFor({ state: 'hidden' });
  await form.locator('.camera-email-result summary').press('Enter');
}

/** A mail server other than Gmail is the only thing that a user would not choose here. */
export async function enterAccount(form: Locator, { sandbox }: World): Promise<void> {
  const { account, mail } = sandbox;
  const password = form.locator('#node-config-input-appPassword');
  await password.fill('abcd efgh ijkl mno');
  await form.getByText('one is missing').waitFor();
  await form.locator('#node-config-input-service').selectOption('custom');
  await form.locator('#node-config-input-email').fill(account.email);
  await password.fill((account.appPassword.match(/.{4}/g) ?? []).join(' '));
  await form.locator('#node-config-input-host').fill('localhost');
  await form.locator('#node-config-input-port').fill(String(mail.ports.smtps));
  await form.locator('#node-config-input-imapHost').fill('localhost');
  await form.locator('#node-config-input-imapPort').fill(String(mail.ports.imaps));
  await form.getByRole('button', { name: 'Verify' }).click();
  await form.getByText('The account works').waitFor();
  const lights = form.locator('#camera-email-verify-report .camera-email-lights li');
  assert.deepEqual(await lights.evaluateAll((all) => all.map(({ className }) => className)), Array(8).fill('camera-email-good'));
}

export async function enterCamera(form: Locator, { sandbox }: World): Promise<void> {
  await form.getByRole('button', { name: 'Find cameras' }).click();
  await form.getByRole('button', { name: /not activated/ }).click();
  await form.locator('#camera-email-find-status').getByText('set a password on it first').waitFor();
  await form.getByRole('button', { name: 'Find cameras' }).click();
  await form.getByRole('button', { name: /DS-2CD2143/ }).press('Enter');
  assert.equal(await form.locator('#node-config-input-host').inputValue(), '127.0.0.1');
  assert.equal(await form.locator('#node-config-input-port').inputValue(), String(sandbox.cameras[0]?.port));
  await form.locator('#node-config-input-username').fill(sandbox.login.username);
  await form.locator('#node-config-input-password').fill(sandbox.login.password);
  await form.getByRole('button', { name: 'Identify' }).click();
  await form.locator('#camera-email-identify-report').getByText('Hikvision').waitFor();
}

/** Opens an object and one of its properties in the debug sidebar. */
async function unfold(message: Locator, property: string): Promise<void> {
  await message.locator('.red-ui-debug-msg-object-header').first().click();
  await message.getByText(property, { exact: true }).click();
}
