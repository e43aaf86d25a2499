import { type CameraList, cameraList, camerasExist } from '../shared/editor/camera-list.ts';
import { chosenEvents, eventList } from '../shared/editor/event-list.ts';
import { offerFindMany } from '../shared/editor/find-many.ts';
import { byId, formValues, properties, showWhen } from '../shared/editor/form.ts';
import { followJobs } from '../shared/editor/job-view.ts';
import type { EditorNode } from '../shared/editor/red.ts';
import { element } from '../shared/editor/report.ts';
import { defaults, MAIL_EVENTS, validators } from './config.ts';

const PREFIX = 'node-input';
let cameras: CameraList | undefined;
let jobs: ReturnType<typeof followJobs> | undefined;

RED.nodes.registerType('configure-camera-email', {
  category: 'camera email',
  color: '#92BFE1',
  icon: 'configure-camera-email.svg',
  defaults: properties('configure-camera-email', PREFIX, defaults, validators, {
    account: { value: '', type: 'gmail-account', required: true },
    cameras: { value: [], type: 'camera-device[]', validate: camerasExist },
  }),
  inputs: 1,
  outputs: 2,
  paletteLabel() {
    return this._('configure-camera-email.palette');
  },
  label() {
    return this.name || this._('configure-camera-email.palette');
  },
  labelStyle() {
    return this.name ? 'node_label_italic' : '';
  },
  inputLabels() {
    return this._('configure-camera-email.input');
  },
  outputLabels(index: number) {
    return this._(index === 0 ? 'configure-camera-email.output.each' : 'configure-camera-email.output.summary');
  },
  oneditprepare() {
    cameras = cameraList(this, this.cameras);
    offerFindMany(this);
    eventList(this, MAIL_EVENTS, this.events, (count) =>
      count === 0 ? this._('configure-camera-email.events-kept') : this._('configure-camera-email.events-chosen', { count }),
    );
    offerRelays(this);
    explainAction(this);
    jobs = followJobs(this, settings);
    const test = byId(`${PREFIX}-test`, HTMLSelectElement);
    const action = byId(`${PREFIX}-action`, HTMLSelectElement);
    showWhen('rollback', [test, action], () => test.value !== 'none' && action.value !== 'verify');
  },
  oneditsave() {
    this.cameras = cameras?.selected() ?? this.cameras;
    this.events = chosenEvents();
    cameras?.close();
    jobs?.close();
  },
  oneditcancel() {
    cameras?.close();
    jobs?.close();
  },
});

/** What the form says, saved or not. */
function settings() {
  const values = formValues(PREFIX, Object.keys(defaults));
  return { ...values, account: String(values.account ?? ''), cameras: cameras?.selected() ?? [], events: chosenEvents() };
}

/** The mail-in nodes of the workspace. One that is gone stays chosen, so that opening the dialog changes nothing. */
function offerRelays(node: EditorNode): void {
  const select = byId(`${PREFIX}-relay`, HTMLSelectElement);
  const saved = String(node.relay ?? '');
  const relays = RED.nodes.filterNodes({ type: 'camera-mail-in' });
  const option = (value: string, label: string) => {
    const item = element('option', '', label);
    item.value = value;
    return item;
  };
  const named = relays.map((relay) => option(relay.id, `${relay.name || 'camera-mail-in'} (${relay.port})`));
  const missing = saved === '' || relays.some(({ id }) => id === saved) ? [] : [option(saved, saved)];
  select.replaceChildren(option('', node._('configure-camera-email.relay-none')), ...named, ...missing);
  select.value = saved;
}

function explainAction(node: EditorNode): void {
  const action = byId(`${PREFIX}-action`, HTMLSelectElement);
  const hint = byId('camera-email-action-hint', HTMLElement);
  const explain = () => {
    hint.textContent = node._(`configure-camera-email.action-hint.${action.value || defaults.action}`);
  };
  $(action).on('change', explain);
  explain();
}
