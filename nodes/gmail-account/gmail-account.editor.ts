import { byId, current, formValues, properties, showWhen } from '../shared/editor/form.ts';
import type { EditorNode } from '../shared/editor/red.ts';
import { type Check, element, errorBox, icon, stageRow, unanswered } from '../shared/editor/report.ts';
import { post, type ShownError, whileBusy } from '../shared/editor/request.ts';
import { offerTestMail } from '../shared/editor/test-mail.ts';
import { appPasswordVerdict, defaults, validators } from './config.ts';

interface Verified {
  ok: boolean;
  smtp?: Check;
  imap?: Check;
  error?: ShownError;
}

const PREFIX = 'node-config-input';
const STAGES = ['dns', 'connect', 'tls', 'login'];

RED.nodes.registerType('gmail-account', {
  category: 'config',
  color: '#7FB1D8',
  icon: 'gmail-account.svg',
  defaults: properties('gmail-account', PREFIX, defaults, validators, {
    tls: { value: '', type: 'tls-config', required: false },
  }),
  credentials: {
    appPassword: {
      type: 'password',
      // Two parameters: Node-RED shows the returned text only then.
      validate(this: EditorNode, value: unknown, _options: unknown) {
        const { verdict, letters } = appPasswordVerdict(String(value ?? ''), String(current(this, PREFIX).service));
        return verdict === true || this._(`reasons.${verdict}`, { count: letters });
      },
    },
  },
  paletteLabel() {
    return this._('gmail-account.palette');
  },
  label() {
    return this.name || this.email || this._('gmail-account.palette');
  },
  oneditprepare() {
    followService();
    followAppPassword(this);
    const button = byId('camera-email-verify', HTMLButtonElement);
    const verified = offerTestMail(this, () => dialogContent(this));
    button.addEventListener('click', () => whileBusy(button, () => verify(this, verified)));
  },
  oneditsave() {
    const input = byId(`${PREFIX}-appPassword`, HTMLInputElement);
    if (input.value !== '') $(input).val(withoutBlanks(input.value));
  },
});

function followService(): void {
  const service = byId(`${PREFIX}-service`, HTMLSelectElement);
  const security = byId(`${PREFIX}-security`, HTMLSelectElement);
  const custom = () => service.value === 'custom';
  showWhen('custom', [service], custom);
  showWhen('gmail', [service], () => !custom());
  const unencrypted = security.querySelector<HTMLOptionElement>('option[value="none"]');
  const limit = () => {
    if (unencrypted) unencrypted.hidden = unencrypted.disabled = !custom();
    if (!custom() && security.value === 'none') $(security).val('tls').trigger('change');
  };
  $(service).on('change', limit);
  limit();
}

/** Google shows the password in four groups: the blanks between them are not part of it. */
function withoutBlanks(password: string): string {
  return password.replace(/\s+/g, '');
}

function followAppPassword(node: EditorNode): void {
  const input = byId(`${PREFIX}-appPassword`, HTMLInputElement);
  const service = byId(`${PREFIX}-service`, HTMLSelectElement);
  const hint = byId('camera-email-password-hint', HTMLElement);
  const judge = () => {
    const { verdict, letters } = appPasswordVerdict(input.value, service.value);
    const complete = verdict === true && service.value === 'gmail' && letters > 0;
    hint.className = `camera-email-hint ${verdict === true ? 'camera-email-good' : 'camera-email-bad'}`;
    if (input.value === '') hint.textContent = '';
    else if (verdict === true) hint.textContent = complete ? node._('gmail-account.password-complete') : '';
    else hint.textContent = node._(`reasons.${verdict}`, { count: letters });
  };
  input.addEventListener('input', judge);
  $(service).on('change', judge);
  judge();
}

function dialogContent(node: EditorNode): object {
  const { appPassword, ...config } = formValues(PREFIX, [...Object.keys(defaults), 'appPassword']);
  return { id: node.id, config, credentials: { appPassword } };
}

async function verify(node: EditorNode, verified: () => void): Promise<void> {
  const report = byId('camera-email-verify-report', HTMLElement);
  report.replaceChildren(element('span', 'camera-email-unreached', node._('gmail-account.verifying')));
  try {
    const answer = await post<Verified>('verify', dialogContent(node));
    report.replaceChildren();
    if (answer.smtp) report.append(stageRow(node, node._('gmail-account.smtp'), answer.smtp, STAGES));
    if (answer.imap) report.append(stageRow(node, node._('gmail-account.imap'), answer.imap, STAGES));
    if (answer.error) report.append(errorBox(node, answer.error));
    if (!answer.ok) return;
    report.append(element('strong', 'camera-email-good', icon('fa-check-circle'), ` ${node._('gmail-account.verified')}`));
    verified();
  } catch (failure) {
    report.replaceChildren(unanswered(node, failure));
  }
}
