import type { EditorNode } from './red.ts';
import { element, errorBox, icon, unanswered } from './report.ts';
import { post, type ShownError, whileBusy } from './request.ts';

const TYPE = 'camera-device';

/** A camera as the runtime found it. Its words come from the network: they are shown as text only. */
export interface Found {
  address: string;
  port?: number;
  protocol?: string;
  vendor?: string;
  brand?: string;
  model?: string;
  serial?: string;
  name?: string;
  /** False: no password has been set on it yet. */
  activated?: boolean;
  /** Its address belongs to none of the host's networks. */
  outside: boolean;
  /** The camera-device node that it already is. */
  known?: { id: string; name: string; moved: boolean };
}

interface Answer {
  ok: boolean;
  /** The networks that were asked. */
  networks?: string[];
  cameras?: Found[];
  error?: ShownError;
}

/** Asks the network while the button spins; `status` is a live region and says how it went. Resolves with the cameras, none after a failure. */
export async function askNetwork(node: EditorNode, button: HTMLButtonElement, status: HTMLElement): Promise<Found[]> {
  let found: Found[] = [];
  await whileBusy(button, async () => {
    status.replaceChildren(element('span', 'camera-email-unreached', node._('editor.find.asking')));
    try {
      const { cameras = [], networks = [], error } = await post<Answer>('scan', {});
      const all = cameras.map((camera) => ({ ...camera, known: camera.known ?? inWorkspace(camera, node.id) }));
      // Those that are here already come last.
      found = [...all.filter(({ known }) => known === undefined), ...all.filter(({ known }) => known !== undefined)];
      if (error) status.replaceChildren(errorBox(node, error));
      else if (found.length === 0) status.replaceChildren(nothingFound(node, networks));
      else status.replaceChildren(node._('editor.find.found', { count: found.length }));
    } catch (failure) {
      status.replaceChildren(unanswered(node, failure));
    }
  });
  // A button loses the focus while it is disabled: the next Tab leads to the list.
  if (document.activeElement === document.body) button.focus();
  return found;
}

/** Brand and model, address, and what has to be known about it. */
export function cameraLine(node: EditorNode, camera: Found): HTMLElement {
  const line = element(
    'span',
    'camera-email-found-line',
    element('strong', '', titleOf(camera)),
    // For screen readers, which read the line in one go.
    ' ',
    element('span', 'camera-email-address', camera.port === undefined ? camera.address : `${camera.address}:${camera.port}`),
  );
  for (const state of cameraStates(node, camera)) line.append(' ', state);
  return line;
}

/** What has to be known about the camera before it can be used. */
export function cameraStates(node: EditorNode, { activated, known, outside }: Found): HTMLElement[] {
  const states: HTMLElement[] = [];
  const good = (text: string) => states.push(element('span', 'camera-email-unreached', icon('fa-check'), ` ${text}`));
  const bad = (text: string) => states.push(element('span', 'camera-email-bad', icon('fa-warning'), ` ${text}`));
  if (known?.moved) bad(node._('editor.find.moved', { camera: known.name }));
  else if (known) good(node._('editor.find.known', { camera: known.name }));
  if (activated === false) bad(node._('editor.find.fresh'));
  if (outside) bad(node._('editor.find.outside'));
  return states;
}

/** Brand and model, each once. */
export function titleOf({ brand = '', model = '', name = '', address }: Found): string {
  const type = model.toLowerCase().startsWith(brand.toLowerCase()) ? model : `${brand} ${model}`.trim();
  return type || name || address;
}

/** The properties of a camera-device node for it. Encryption is never given up for what a device says. */
export function propertiesOf(camera: Found, name: string): Record<'name' | 'host' | 'port' | 'vendor' | 'protocol', string> {
  return {
    name,
    host: camera.address,
    port: camera.port === undefined ? '' : String(camera.port),
    vendor: camera.vendor ?? 'auto',
    protocol: camera.protocol === 'https' ? 'https' : 'auto',
  };
}

/** Also a camera that was added but is not deployed yet. */
function inWorkspace({ address, port }: Found, self: string): Found['known'] {
  let known: Found['known'];
  RED.nodes.eachConfig(({ id, type, name, host, port: own }) => {
    if (type !== TYPE || id === self || host !== address) return;
    if (port === undefined || !own || Number(own) === port) known = { id, name: String(name || host), moved: false };
  });
  return known;
}

function nothingFound(node: EditorNode, networks: readonly string[]): HTMLElement {
  const reasons = ['network', 'docker', 'wifi', 'onvif'].map((reason) => element('li', '', node._(`editor.find.none.${reason}`)));
  const box = element('div', 'camera-email-none', element('strong', '', node._('editor.find.none.title')), element('ul', '', ...reasons));
  if (networks.length > 0) box.append(element('p', '', node._('editor.find.none.asked', { value: networks.join(', ') })));
  box.append(element('p', '', node._('editor.find.none.instead')));
  return box;
}
