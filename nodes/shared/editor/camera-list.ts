import { byId } from './form.ts';
import type { EditorNode } from './red.ts';
import { element, icon } from './report.ts';

const TYPE = 'camera-device';

export interface CameraList {
  /** Ids of the cameras with a tick, in the order of the list. */
  selected(): string[];
  /** Stops following changes of the workspace. */
  close(): void;
}

/** A tick box for every camera-device of the workspace, in `#camera-email-cameras`; `#camera-email-add-camera` adds one. */
export function cameraList(node: EditorNode, ids: unknown): CameraList {
  const container = byId('camera-email-cameras', HTMLElement);
  const chosen = new Set(Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : []);
  const draw = () => {
    const cameras = configNodes();
    const missing = [...chosen].filter((id) => !cameras.some((camera) => camera.id === id));
    container.replaceChildren(
      ...cameras.map((camera) => row(node, camera.id, title(camera), address(node, camera), chosen)),
      ...missing.map((id) => row(node, id, node._('editor.missing-camera', { camera: id }), '', chosen)),
    );
    if (container.childElementCount === 0) container.append(element('div', 'camera-email-empty', node._('editor.no-cameras')));
  };
  const changed = ({ type }: EditorNode) => type === TYPE && draw();
  const added = (camera: EditorNode) => {
    if (camera.type === TYPE) chosen.add(camera.id);
    changed(camera);
  };
  const removed = (camera: EditorNode) => {
    chosen.delete(camera.id);
    changed(camera);
  };
  RED.events.on('nodes:add', added);
  RED.events.on('nodes:change', changed);
  RED.events.on('nodes:remove', removed);
  byId('camera-email-add-camera', HTMLButtonElement).addEventListener('click', () => RED.editor.editConfig('', TYPE, '_ADD_', null, node));
  draw();
  return {
    selected: () => [...container.querySelectorAll<HTMLInputElement>('input:checked')].map((box) => box.value),
    close() {
      RED.events.off('nodes:add', added);
      RED.events.off('nodes:change', changed);
      RED.events.off('nodes:remove', removed);
    },
  };
}

/** For the `validate` of a `cameras` property: every camera still exists. */
export function camerasExist(this: EditorNode, ids: unknown, _options: unknown): true | string {
  const all = Array.isArray(ids) ? ids : [];
  return all.every((id) => RED.nodes.node(String(id))) || this._('reasons.camera-missing');
}

function row(node: EditorNode, id: string, name: string, where: string, chosen: Set<string>): HTMLElement {
  const box = element('input');
  box.type = 'checkbox';
  box.value = id;
  box.id = `camera-email-camera-${id}`;
  box.checked = chosen.has(id);
  box.addEventListener('change', () => (box.checked ? chosen.add(id) : chosen.delete(id)));
  const label = element('label', '', box, element('span', where === '' ? 'camera-email-bad' : '', name));
  label.htmlFor = box.id;
  const line = element('div', 'camera-email-camera', label, element('span', 'camera-email-address', where));
  if (where !== '') line.append(editButton(node, id, name));
  return line;
}

function editButton(node: EditorNode, id: string, name: string): HTMLElement {
  const button = element('button', 'red-ui-button red-ui-button-small', icon('fa-pencil'));
  button.type = 'button';
  button.setAttribute('aria-label', node._('editor.edit-camera', { camera: name }));
  button.addEventListener('click', () => RED.editor.editConfig('', TYPE, id, null, node));
  return button;
}

function configNodes(): EditorNode[] {
  const cameras: EditorNode[] = [];
  RED.nodes.eachConfig((config) => {
    if (config.type === TYPE) cameras.push(config);
  });
  return cameras.sort((one, other) => title(one).localeCompare(title(other)));
}

function title(camera: EditorNode): string {
  return String(camera.name || camera.host || camera.id);
}

function address(node: EditorNode, camera: EditorNode): string {
  return [camera.host || node._('editor.no-address'), camera.vendor === 'auto' ? '' : camera.vendor].filter(Boolean).join(' · ');
}
