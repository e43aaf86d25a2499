import { byId, properties, showWhen } from '../shared/editor/form.ts';
import { tellQueue } from '../shared/editor/queue-line.ts';
import { defaults, validators } from './config.ts';

RED.nodes.registerType('gmail-app-smtp', {
  category: 'camera email',
  color: '#7FB1D8',
  icon: 'gmail-app-smtp.svg',
  defaults: properties('gmail-app-smtp', 'node-input', defaults, validators, {
    account: { value: '', type: 'gmail-account', required: true },
  }),
  inputs: 1,
  outputs: 1,
  align: 'right',
  paletteLabel() {
    return this._('gmail-app-smtp.palette');
  },
  label() {
    return this.name || this._('gmail-app-smtp.palette');
  },
  labelStyle() {
    return this.name ? 'node_label_italic' : '';
  },
  inputLabels() {
    return this._('gmail-app-smtp.input');
  },
  outputLabels() {
    return this._('gmail-app-smtp.output');
  },
  oneditprepare() {
    tellQueue(this);
    const delivery = byId('node-input-delivery', HTMLSelectElement);
    // A single attempt keeps nothing that could be put together.
    showWhen('queue', [delivery], () => delivery.value === 'queue');
  },
});
