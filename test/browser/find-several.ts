import assert from 'node:assert/strict';
import type { Editor } from './editor.ts';
import { chooseAccount } from './every-node.ts';
import type { World } from './world.ts';

/** Adds all cameras that answer with one login, takes them back, adds them again, and sees the plan of each. */
export async function findSeveral(editor: Editor, world: World): Promise<void> {
  const { sandbox, nodeRed } = world;
  await editor.addFlow();
  const id = await editor.drag('configure-camera-email', 250, 100);
  const cameras = async () => (await editor.nodes()).filter(({ type }) => type === 'camera-device').length;
  await addAll();
  assert.equal(await cameras(), 2);
  await editor.finish('cancel');
  await editor.undo();
  assert.equal(await cameras(), 0);

  const form = await addAll();
  await form.getByRole('button', { name: 'Preview' }).waitFor();
  const boxes = form.locator('#camera-email-cameras input[type="checkbox"]');
  assert.deepEqual(await boxes.evaluateAll((all) => all.map((box: { checked?: boolean }) => box.checked)), [true, true]);
  await chooseAccount(editor, form, world);
  await editor.finish();
  await editor.deploy();
  const flows = (await (await fetch(`${nodeRed.url}/flows`)).json()) as { type: string; vendor?: string; port?: string; id: string }[];
  assert.deepEqual(flows.flatMap(({ type, vendor }) => (type === 'camera-device' ? [vendor] : [])).sort(), ['dahua', 'hikvision']);
  for (const camera of flows.filter(({ type }) => type === 'camera-device')) {
    const answer = await fetch(`${nodeRed.url}/credentials/camera-device/${camera.id}`);
    assert.deepEqual(await answer.json(), { username: sandbox.login.username, has_password: true });
  }

  async function addAll() {
    const form = await editor.open(id);
    await form.getByRole('button', { name: 'Find cameras' }).click();
    const panel = form.locator('#camera-email-find-panel');
    assert.ok(await panel.getByRole('checkbox', { name: /not activated/ }).isDisabled());
    for (const model of ['DS-2CD2143', 'Dahua']) await panel.getByRole('checkbox', { name: new RegExp(model) }).check();
    await panel.locator('#camera-email-find-username').fill(sandbox.login.username);
    await panel.locator('#camera-email-find-password').fill(sandbox.login.password);
    await panel.getByRole('button', { name: 'Add the chosen cameras (2)' }).click();
    await form.getByText('Added and chosen: 2').waitFor();
    return form;
  }
}
