import { properties } from '../shared/editor/form.ts';
import { defaults, validators } from './config.ts';

RED.nodes.registerType('camera-snapshot', {
  category: 'camera email',
  color: '#A3CBE8',
  icon: 'camera-snapshot.svg',
  defaults: properties('camera-snapshot', 'node-input', defaults, validators, {
    camera: { value: '', type: 'camera-device', required: true },
  }),
  inputs: 1,
  outputs: 1,
  paletteLabel() {
    return this._('camera-snapshot.palette');
  },
  label() {
    return this.name || this._('camera-snapshot.palette');
  },
  labelStyle() {
    return this.name ? 'node_label_italic' : '';
  },
  inputLabels() {
    return this._('camera-snapshot.input');
  },
  outputLabels() {
    return this._('camera-snapshot.output');
  },
});
