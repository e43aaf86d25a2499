import { byId } from './form.ts';
import { askNetwork, cameraLine, cameraStates, type Found, propertiesOf, titleOf } from './found-cameras.ts';
import type { EditorNode } from './red.ts';
import { element } from './report.ts';

const PREFIX = 'node-config-input';
/** What Node-RED shows in place of a stored password. */
const STORED = '__PWRD__';

/** `#camera-email-find` of the camera's dialog: lists what answers in `#camera-email-found`; choosing one fills the form. */
export function offerFind(node: EditorNode): void {
  const button = byId('camera-email-find', HTMLButtonElement);
  const status = byId('camera-email-find-status', HTMLElement);
  const list = byId('camera-email-found', HTMLElement);
  const choose = (camera: Found) => {
    fill(camera);
    if (camera.known?.id !== node.id) forgetOther();
    list.replaceChildren();
    status.replaceChildren(node._('editor.find.chosen', { camera: titleOf(camera), host: camera.address }));
    // Its line in the list is gone, and with it what was said there.
    for (const state of cameraStates(node, camera)) status.append(element('div', '', state));
    byId(`${PREFIX}-username`, HTMLInputElement).focus();
  };
  button.addEventListener('click', () => {
    list.replaceChildren();
    void askNetwork(node, button, status).then((cameras) => {
      if (list.isConnected) list.replaceChildren(...cameras.map((camera) => row(node, camera, choose)));
    });
  });
}

function row(node: EditorNode, camera: Found, choose: (camera: Found) => void): HTMLElement {
  const button = element('button', 'red-ui-button camera-email-choose', cameraLine(node, camera));
  button.type = 'button';
  button.addEventListener('click', () => choose(camera));
  return element('li', '', button);
}

function fill(camera: Found): void {
  const name = byId(`${PREFIX}-name`, HTMLInputElement);
  for (const [property, value] of Object.entries(propertiesOf(camera, name.value || titleOf(camera)))) {
    const field = byId(`${PREFIX}-${property}`, HTMLElement);
    // The list of brands comes from the runtime: a brand that is not in it stays to be found out.
    if (field instanceof HTMLSelectElement && ![...field.options].some((option) => option.value === value)) continue;
    $(field).val(value).trigger('change');
  }
}

/** Another camera than the node was deployed with: its certificate and its stored password belong to the old one. */
function forgetOther(): void {
  const password = byId(`${PREFIX}-password`, HTMLInputElement);
  if (password.value === STORED) $(password).val('').trigger('change');
  $(byId(`${PREFIX}-fingerprint`, HTMLInputElement))
    .val('')
    .trigger('change');
}
