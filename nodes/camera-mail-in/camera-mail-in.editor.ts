import { type CameraList, cameraList, camerasExist } from '../shared/editor/camera-list.ts';
import { byId, current, properties, showWhen } from '../shared/editor/form.ts';
import type { EditorNode } from '../shared/editor/red.ts';
import { defaults, usersVerdict, validators } from './config.ts';

const PREFIX = 'node-input';
let cameras: CameraList | undefined;

RED.nodes.registerType('camera-mail-in', {
  category: 'camera email',
  color: '#A9CDE6',
  icon: 'camera-mail-in.svg',
  defaults: properties('camera-mail-in', PREFIX, defaults, validators, {
    account: { value: '', type: 'gmail-account', required: false },
    tls: { value: '', type: 'tls-config', required: false },
    cameras: { value: [], type: 'camera-device[]', validate: camerasExist },
  }),
  credentials: {
    users: {
      type: 'password',
      // Two parameters: Node-RED shows the returned text only then.
      validate(this: EditorNode, value: unknown, _options: unknown) {
        const verdict = usersVerdict(String(value ?? ''), String(current(this, PREFIX).auth));
        return verdict === true || `${this._('camera-mail-in.label.users')}: ${this._(`reasons.${verdict}`)}`;
      },
    },
  },
  inputs: 0,
  outputs: 1,
  paletteLabel() {
    return this._('camera-mail-in.palette');
  },
  label() {
    return this.name || this._('camera-mail-in.palette');
  },
  labelStyle() {
    return this.name ? 'node_label_italic' : '';
  },
  outputLabels() {
    return this._('camera-mail-in.output');
  },
  oneditprepare() {
    cameras = cameraList(this, this.cameras);
    const auth = byId(`${PREFIX}-auth`, HTMLSelectElement);
    const account = byId(`${PREFIX}-account`, HTMLElement);
    showWhen('login', [auth], () => auth.value === 'login');
    showWhen('relay', [account], () => !['', '_ADD_'].includes(accountId()));
  },
  oneditsave() {
    this.cameras = cameras?.selected() ?? this.cameras;
    cameras?.close();
  },
  oneditcancel() {
    cameras?.close();
  },
});

/** Node-RED replaces the text field by its own list of accounts. */
function accountId(): string {
  const field = document.getElementById(`${PREFIX}-account`);
  return field instanceof HTMLSelectElement || field instanceof HTMLInputElement ? field.value : '';
}
