import { byId, current, formValues, properties } from '../shared/editor/form.ts';
import type { EditorNode } from '../shared/editor/red.ts';
import { type Check, element, errorBox, icon, stageRow, unanswered } from '../shared/editor/report.ts';
import { post, type ShownError, whileBusy } from '../shared/editor/request.ts';
import { offerTestMail } from '../shared/editor/test-mail.ts';
import { appPasswordVerdict, defaults, oauth2Verdict, validators } from './config.ts';
import { followService } from './services.editor.ts';

interface Verified {
  ok: boolean;
  smtp?: Check;
  imap?: Check;
  error?: ShownError;
}

const PREFIX = 'node-config-input';
const SECRETS = ['appPassword', 'clientId', 'clientSecret', 'refreshToken'];
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
        const { service, authentication } = current(this, PREFIX);
        const { verdict, letters } = appPasswordVerdict(String(value ?? ''), String(service));
        return verdict === true || authentication === 'oauth2' || this._(`reasons.${verdict}`, { count: letters });
      },
    },
    clientId: {
      type: 'text',
      validate(this: EditorNode, value: unknown, _options: unknown) {
        const verdict = oauth2Verdict('clientId', String(value ?? ''), current(this, PREFIX));
        return verdict === true || this._(`reasons.${verdict}`);
      },
    },
    clientSecret: { type: 'password' },
    refreshToken: {
      type: 'password',
      validate(this: EditorNode, value: unknown, _options: unknown) {
        const verdict = oauth2Verdict('refreshToken', String(value ?? ''), current(this, PREFIX));
        return verdict === true || this._(`reasons.${verdict}`);
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
    followService(this);
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

/** Google shows the password in four groups: the blanks between them are not part of it. */
function withoutBlanks(password: string): string {
  return password.replace(/\s+/g, '');
}

function followAppPassword(node: EditorNode): void {
  const input = byId(`${PREFIX}-appPassword`, HTMLInputElement);
  const service = byId(`${PREFIX}-service`, HTMLSelectElement);
  const hint = byId('camera-email-password-hint', HTMLElement);
  const judge = () => {
    const { verdict, letters, form } = appPasswordVerdict(input.value, service.value);
    hint.className = `camera-email-hint ${verdict === true && form !== 'unusual' ? 'camera-email-good' : 'camera-email-bad'}`;
    if (input.value === '') hint.textContent = '';
    else if (verdict === true) hint.textContent = form === undefined ? '' : node._(`gmail-account.password.${form}`);
    else hint.textContent = node._(`reasons.${verdict}`, { count: letters });
  };
  input.addEventListener('input', judge);
  $(service).on('change', judge);
  judge();
}

function dialogContent(node: EditorNode): object {
  const { appPassword, clientId, clientSecret, refreshToken, ...config } = formValues(PREFIX, [...Object.keys(defaults), ...SECRETS]);
  return { id: node.id, config, credentials: { appPassword, clientId, clientSecret, refreshToken } };
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
