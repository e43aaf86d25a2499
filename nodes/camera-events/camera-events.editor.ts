import { chosenEvents, eventList } from '../shared/editor/event-list.ts';
import { byId, properties } from '../shared/editor/form.ts';
import { defaults, EVENT_TYPES, validators } from './config.ts';

RED.nodes.registerType('camera-events', {
  category: 'camera email',
  color: '#A3CBE8',
  icon: 'camera-events.svg',
  defaults: properties('camera-events', 'node-input', defaults, validators, {
    camera: { value: '', type: 'camera-device', required: true },
  }),
  inputs: 0,
  outputs: 2,
  paletteLabel() {
    return this._('camera-events.palette');
  },
  label() {
    return this.name || this._('camera-events.palette');
  },
  labelStyle() {
    return this.name ? 'node_label_italic' : '';
  },
  outputLabels(index: number) {
    return this._(index === 0 ? 'camera-events.output.events' : 'camera-events.output.connection');
  },
  oneditprepare() {
    eventList(this, EVENT_TYPES, this.types, (count) =>
      count === 0 ? this._('camera-events.all-types') : this._('camera-events.chosen-types', { count }),
    );
    channelsInput().value = (Array.isArray(this.channels) ? this.channels : []).join(', ');
  },
  oneditsave() {
    this.types = chosenEvents();
    this.channels = channelsInput()
      .value.split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '')
      .map((one) => (/^\d+$/.test(one) ? Number(one) : one));
  },
});

const channelsInput = () => byId('camera-email-channels', HTMLInputElement);
