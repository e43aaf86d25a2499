import { properties } from '../shared/editor/form.ts';
import { defaults, validators } from './config.ts';

RED.nodes.registerType('camera-home-assistant', {
  category: 'camera email',
  color: '#B4D4EE',
  icon: 'camera-home-assistant.svg',
  defaults: properties('camera-home-assistant', 'node-input', defaults, validators),
  inputs: 1,
  outputs: 2,
  paletteLabel() {
    return this._('camera-home-assistant.palette');
  },
  label() {
    return this.name || this._('camera-home-assistant.palette');
  },
  labelStyle() {
    return this.name ? 'node_label_italic' : '';
  },
  inputLabels() {
    return this._('camera-home-assistant.input');
  },
  outputLabels(index: number) {
    return this._(index === 0 ? 'camera-home-assistant.output.mqtt' : 'camera-home-assistant.output.commands');
  },
});
