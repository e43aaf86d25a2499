import { type CameraList, cameraList, camerasExist } from '../shared/editor/camera-list.ts';
import { byId, properties, showWhen } from '../shared/editor/form.ts';
import { defaults, validators } from './config.ts';

const PREFIX = 'node-input';
let cameras: CameraList | undefined;

RED.nodes.registerType('test-email', {
  category: 'camera email',
  color: '#A3CBE8',
  icon: 'test-email.svg',
  defaults: properties('test-email', PREFIX, defaults, validators, {
    account: { value: '', type: 'gmail-account', required: true },
    cameras: { value: [], type: 'camera-device[]', validate: camerasExist },
  }),
  inputs: 1,
  outputs: 2,
  paletteLabel() {
    return this._('test-email.palette');
  },
  label() {
    return this.name || this._('test-email.palette');
  },
  labelStyle() {
    return this.name ? 'node_label_italic' : '';
  },
  inputLabels() {
    return this._('test-email.input');
  },
  outputLabels(index: number) {
    return this._(index === 0 ? 'test-email.output.each' : 'test-email.output.summary');
  },
  oneditprepare() {
    cameras = cameraList(this, this.cameras);
    const via = byId(`${PREFIX}-via`, HTMLSelectElement);
    const prove = byId(`${PREFIX}-proveArrival`, HTMLInputElement);
    showWhen('cameras', [via], () => via.value !== 'server');
    showWhen('arrival', [prove], () => prove.checked);
  },
  oneditsave() {
    this.cameras = cameras?.selected() ?? this.cameras;
    cameras?.close();
  },
  oneditcancel() {
    cameras?.close();
  },
});
