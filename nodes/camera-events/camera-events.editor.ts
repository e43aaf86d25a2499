import { byId, properties } from '../shared/editor/form.ts';
import type { EditorNode } from '../shared/editor/red.ts';
import { element } from '../shared/editor/report.ts';
import { defaults, EVENT_TYPES, validators } from './config.ts';

RED.nodes.registerType('camera-events', {
  category: 'camera email',
  color: '#A3CBE8',
  icon: 'camera-events.svg',
  defaults: {
    ...properties('camera-events', 'node-input', defaults, validators),
    camera: { value: '', type: 'camera-device', required: true },
  },
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
    drawTypes(this);
    channelsInput().value = (Array.isArray(this.channels) ? this.channels : []).join(', ');
  },
  oneditsave() {
    this.types = chosenTypes();
    this.channels = channelsInput()
      .value.split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '')
      .map((one) => (/^\d+$/.test(one) ? Number(one) : one));
  },
});

const channelsInput = () => byId('camera-email-channels', HTMLInputElement);

function drawTypes(node: EditorNode): void {
  const saved: unknown[] = Array.isArray(node.types) ? node.types : [];
  const summary = byId('camera-email-events-summary', HTMLElement);
  const tell = () => {
    const count = chosenTypes().length;
    summary.textContent = count === 0 ? node._('camera-events.all-types') : node._('camera-events.chosen-types', { count });
  };
  const boxes = EVENT_TYPES.map((type) => {
    const box = element('input');
    box.type = 'checkbox';
    box.value = type;
    box.id = `camera-email-event-${type}`;
    box.checked = saved.includes(type);
    box.addEventListener('change', tell);
    const label = element('label', '', box, element('span', '', node._(`events.${type}`)));
    label.htmlFor = box.id;
    return label;
  });
  byId('camera-email-events', HTMLElement).replaceChildren(...boxes);
  tell();
}

function chosenTypes(): string[] {
  return [...document.querySelectorAll<HTMLInputElement>('#camera-email-events input:checked')].map((box) => box.value);
}
