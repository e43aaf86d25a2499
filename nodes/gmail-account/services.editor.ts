import { byId, showWhen } from '../shared/editor/form.ts';
import type { EditorNode } from '../shared/editor/red.ts';
import { element } from '../shared/editor/report.ts';
import { hasHosts, notesOf, presetOf } from './config.ts';

const PREFIX = 'node-config-input';

/** Shows the rows, servers and notes that belong to the chosen service and login. */
export function followService(node: EditorNode): void {
  const service = byId(`${PREFIX}-service`, HTMLSelectElement);
  const authentication = byId(`${PREFIX}-authentication`, HTMLSelectElement);
  // Saved before there was a choice.
  if (authentication.value === '') $(authentication).val('password');
  const fields = [service, authentication];
  const chosen = () => ({ service: service.value, authentication: authentication.value });
  const custom = () => service.value === 'custom';
  const oauth2 = () => authentication.value === 'oauth2';
  showWhen('custom', fields, custom);
  showWhen('gmail', fields, () => service.value === 'gmail' && !oauth2());
  showWhen('hosts', fields, () => hasHosts(chosen()));
  showWhen('security', fields, () => custom() || service.value === 'gmail');
  showWhen('oauth2', fields, oauth2);
  showWhen('password', fields, () => !oauth2());
  const update = () => {
    limitSecurity(custom());
    showServers(chosen());
    showNotes(node, chosen());
  };
  for (const field of fields) $(field).on('change', update);
  update();
}

function limitSecurity(custom: boolean): void {
  const security = byId(`${PREFIX}-security`, HTMLSelectElement);
  const unencrypted = security.querySelector<HTMLOptionElement>('option[value="none"]');
  if (unencrypted) unencrypted.hidden = unencrypted.disabled = !custom;
  if (!custom && security.value === 'none') $(security).val('tls').trigger('change');
}

/** What an empty field stands for. */
function showServers(saved: { service: string }): void {
  const preset = presetOf(saved);
  byId(`${PREFIX}-host`, HTMLInputElement).placeholder = preset?.smtp.host ?? 'smtp.example.com';
  byId(`${PREFIX}-imapHost`, HTMLInputElement).placeholder = preset?.imap?.host ?? 'imap.example.com';
  byId(`${PREFIX}-tokenUrl`, HTMLInputElement).placeholder = preset?.oauth2?.tokenUrl ?? 'https://login.example.com/token';
  byId(`${PREFIX}-appPassword`, HTMLInputElement).placeholder = preset?.password === 'app-password' ? 'abcd efgh ijkl mnop' : '';
}

function showNotes(node: EditorNode, saved: { service: string; authentication: string }): void {
  const { link, label } = presetOf(saved) ?? {};
  const items: (Node | string)[] = notesOf(saved).map((note) => node._(`gmail-account.notes.${note}`));
  // The guide has Gmail's.
  if (link !== undefined && label !== undefined && saved.authentication === 'password' && saved.service !== 'gmail') {
    const page = element('a', '', node._('gmail-account.make-password', { value: label }));
    page.href = link;
    page.target = '_blank';
    page.rel = 'noopener noreferrer';
    items.push(page);
  }
  byId('camera-email-service-notes', HTMLElement).replaceChildren(...items.map((item) => element('div', '', item)));
}
