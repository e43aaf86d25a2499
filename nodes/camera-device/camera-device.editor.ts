import { offerFind } from '../shared/editor/find-one.ts';
import { byId, formValues, properties, showWhen } from '../shared/editor/form.ts';
import type { EditorNode } from '../shared/editor/red.ts';
import { element, errorBox, icon, unanswered } from '../shared/editor/report.ts';
import { get, post, type ShownError, whileBusy } from '../shared/editor/request.ts';
import { defaults, validators } from './config.ts';

interface Vendor {
  vendor: string;
  label: string;
  brands: string[];
  experimental?: boolean;
}

interface Identified {
  ok: boolean;
  identity?: { vendor: string; brand: string; model: string; firmware: string; serial: string; kind: string };
  canConfigure?: boolean;
  evidence?: string;
  fingerprint?: string;
  secure?: boolean;
  warnings?: { code: string; message: string }[];
  error?: ShownError;
}

const PREFIX = 'node-config-input';

RED.nodes.registerType('camera-device', {
  category: 'config',
  color: '#7FB1D8',
  icon: 'camera-device.svg',
  // Nodes refer to cameras in lists, which Node-RED does not count: without this it would call every camera unused.
  hasUsers: false,
  defaults: properties('camera-device', PREFIX, defaults, validators),
  credentials: { username: { type: 'text' }, password: { type: 'password' } },
  paletteLabel() {
    return this._('camera-device.palette');
  },
  label() {
    return this.name || this.host || this._('camera-device.palette');
  },
  oneditprepare() {
    void fillVendors(this);
    followTrust();
    offerFind(this);
    byId('camera-email-identify', HTMLButtonElement).addEventListener('click', () => void identify(this, false));
  },
});

async function fillVendors(node: EditorNode): Promise<void> {
  const select = byId(`${PREFIX}-vendor`, HTMLSelectElement);
  const hint = byId('camera-email-brands', HTMLElement);
  const saved = String(node.vendor || defaults.vendor);
  const offer = (vendors: Vendor[]) => {
    const options = vendors.map(
      ({ vendor, label, experimental }) =>
        new Option(experimental ? node._('camera-device.experimental', { vendor: label }) : label, vendor),
    );
    select.replaceChildren(new Option(node._('camera-device.auto'), 'auto'), ...options);
    if (![...select.options].some(({ value }) => value === saved)) select.append(new Option(saved, saved));
    $(select).val(saved).trigger('change');
  };
  offer([]);
  try {
    const vendors = await get<Vendor[]>('vendors');
    $(select).on('change', () => {
      const brands = vendors.find(({ vendor }) => vendor === select.value)?.brands ?? [];
      hint.textContent = brands.length > 1 ? node._('camera-device.brands', { brands: brands.join(', ') }) : '';
    });
    offer(vendors);
  } catch {
    // Before the first deploy or without the connection the saved brand stays as it is.
  }
}

function followTrust(): void {
  const trust = byId(`${PREFIX}-trust`, HTMLSelectElement);
  const protocol = byId(`${PREFIX}-protocol`, HTMLSelectElement);
  const fingerprint = byId(`${PREFIX}-fingerprint`, HTMLInputElement);
  const legacy = byId(`${PREFIX}-legacyTls`, HTMLInputElement);
  const encrypted = () => protocol.value !== 'http';
  showWhen('encrypted', [protocol], encrypted);
  showWhen('pinned', [trust, protocol, fingerprint], () => encrypted() && trust.value === 'pin' && fingerprint.value !== '');
  showWhen('any', [trust, protocol], () => encrypted() && trust.value === 'any');
  showWhen('legacy', [legacy, protocol], () => encrypted() && legacy.checked);
  showWhen('http', [protocol], () => !encrypted());
  byId('camera-email-forget', HTMLButtonElement).addEventListener('click', () => {
    $(fingerprint).val('').trigger('change');
    trust.focus();
  });
}

async function identify(node: EditorNode, retry: boolean): Promise<void> {
  const report = byId('camera-email-identify-report', HTMLElement);
  await whileBusy(byId('camera-email-identify', HTMLButtonElement), async () => {
    report.replaceChildren(element('span', 'camera-email-unreached', node._('camera-device.identifying')));
    const { username, password, ...config } = formValues(PREFIX, [...Object.keys(defaults), 'username', 'password']);
    try {
      const answer = await post<Identified>('identify', { id: node.id, config, credentials: { username, password }, retry });
      report.replaceChildren(...shown(node, answer));
      keepFingerprint(answer.fingerprint);
    } catch (failure) {
      report.replaceChildren(unanswered(node, failure));
    }
  });
}

function shown(node: EditorNode, answer: Identified): HTMLElement[] {
  const parts: HTMLElement[] = [];
  if (answer.identity) parts.push(facts(node, answer.identity, answer));
  for (const { message } of answer.warnings ?? []) parts.push(element('div', 'camera-email-warning', icon('fa-warning'), ` ${message}`));
  if (answer.error) {
    const box = errorBox(node, answer.error);
    if (answer.error.frozen) box.append(retryButton(node));
    parts.push(box);
  }
  return parts;
}

function facts(node: EditorNode, identity: NonNullable<Identified['identity']>, answer: Identified): HTMLElement {
  const list = element('dl', 'camera-email-facts');
  const add = (key: string, value: string | undefined) => {
    if (value) list.append(element('dt', '', node._(`camera-device.fact.${key}`)), element('dd', '', value));
  };
  add('brand', identity.brand);
  add('model', identity.model);
  add('firmware', identity.firmware);
  add('serial', identity.serial);
  if (answer.secure !== undefined) add('connection', node._(`camera-device.${answer.secure ? 'encrypted' : 'plain'}`));
  if (answer.canConfigure !== undefined) add('email', node._(`camera-device.${answer.canConfigure ? 'configurable' : 'not-configurable'}`));
  add('evidence', answer.evidence && node._(`camera-device.evidence.${answer.evidence}`));
  return list;
}

/** After a refused login nothing is sent again by itself: cameras lock accounts. */
function retryButton(node: EditorNode): HTMLElement {
  const button = element('button', 'red-ui-button', node._('camera-device.retry'));
  button.type = 'button';
  button.addEventListener('click', () => void identify(node, true));
  return element('div', '', button);
}

function keepFingerprint(seen: string | undefined): void {
  const input = byId(`${PREFIX}-fingerprint`, HTMLInputElement);
  const pinned = byId(`${PREFIX}-trust`, HTMLSelectElement).value === 'pin';
  if (seen && pinned && input.value === '') $(input).val(seen).trigger('change');
}
