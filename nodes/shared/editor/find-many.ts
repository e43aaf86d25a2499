import { byId } from './form.ts';
import { askNetwork, cameraLine, type Found, propertiesOf, titleOf } from './found-cameras.ts';
import type { EditorNode } from './red.ts';
import { addConfigNodes } from './red-workspace.ts';
import { element } from './report.ts';

/** `#camera-email-find`: lists what answers; those with a tick become camera-device nodes with one login, and are ticked in the node's list. */
export function offerFindMany(node: EditorNode): void {
  const button = byId('camera-email-find', HTMLButtonElement);
  const status = byId('camera-email-find-status', HTMLElement);
  const panel = byId('camera-email-find-panel', HTMLElement);
  const list = byId('camera-email-found', HTMLElement);
  const username = byId('camera-email-find-username', HTMLInputElement);
  const password = byId('camera-email-find-password', HTMLInputElement);
  const add = byId('camera-email-find-add', HTMLButtonElement);
  let offered: Found[] = [];
  const ticked = () => offered.filter((_, index) => box(index)?.checked);
  const box = (index: number) => list.querySelectorAll<HTMLInputElement>('input')[index];
  const count = () => {
    const { length } = ticked();
    add.disabled = length === 0 || username.value.trim() === '' || password.value === '';
    add.textContent = node._('editor.find.add', { count: length });
  };
  const close = () => {
    panel.hidden = true;
    password.value = '';
    list.replaceChildren();
  };
  list.addEventListener('change', count);
  username.addEventListener('input', count);
  password.addEventListener('input', count);
  button.addEventListener('click', () => {
    close();
    void askNetwork(node, button, status).then((cameras) => {
      if (!list.isConnected || cameras.length === 0) return;
      offered = cameras;
      list.replaceChildren(...cameras.map((camera, index) => row(node, camera, index)));
      panel.hidden = false;
      count();
    });
  });
  add.addEventListener('click', () => {
    const chosen = ticked();
    const credentials = { username: username.value.trim(), password: password.value };
    const names = namesFor(chosen);
    addConfigNodes(
      'camera-device',
      chosen.map((camera, index) => ({ properties: propertiesOf(camera, names[index] ?? camera.address), credentials })),
    );
    close();
    status.replaceChildren(node._('editor.find.added', { count: chosen.length }));
    button.focus();
  });
}

function row(node: EditorNode, camera: Found, index: number): HTMLElement {
  const box = element('input');
  box.type = 'checkbox';
  box.id = `camera-email-found-${index}`;
  // A camera without a password cannot be logged in to; one that is here already needs no second node.
  box.disabled = camera.known !== undefined || camera.activated === false;
  const label = element('label', '', box, cameraLine(node, camera));
  label.htmlFor = box.id;
  return element('li', '', label);
}

/** Cameras of one model get their address, and then a number, into their names: names tell cameras apart in mails and files. */
function namesFor(cameras: readonly Found[]): string[] {
  const taken = new Set<string>();
  RED.nodes.eachConfig(({ type, name }) => {
    if (type === 'camera-device') taken.add(String(name));
  });
  const titles = cameras.map(titleOf);
  return cameras.map((camera, index) => {
    const title = titles[index] ?? '';
    const base = titles.filter((one) => one === title).length > 1 ? `${title} ${camera.address}` : title;
    let name = base;
    for (let number = 2; taken.has(name); number += 1) name = `${base} (${number})`;
    taken.add(name);
    return name;
  });
}
