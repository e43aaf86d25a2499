import { byId } from './form.ts';
import type { EditorNode } from './red.ts';
import { type Check, element, icon, stageRow, unanswered } from './report.ts';
import { post, whileBusy } from './request.ts';

interface TestMail extends Check {
  verdict?: string;
  to?: string[];
  arrival?: { found: boolean; mailbox?: string; latencyMs?: number };
  warnings: { message: string }[];
}

const STAGES = ['dns', 'connect', 'tls', 'login', 'sender', 'recipient', 'data', 'arrival'];

/** The button "Send me a test mail": it comes with the first successful Verify. `request` is the dialog's content. */
export function offerTestMail(node: EditorNode, request: () => object): () => void {
  const row = byId('camera-email-test-row', HTMLElement);
  const button = byId('camera-email-test', HTMLButtonElement);
  const report = byId('camera-email-test-report', HTMLElement);
  const send = async () => {
    report.replaceChildren(element('span', 'camera-email-unreached', node._('gmail-account.test.sending')));
    try {
      report.replaceChildren(...shown(node, await post<TestMail>('test', request())));
    } catch (failure) {
      report.replaceChildren(unanswered(node, failure));
    }
  };
  button.addEventListener('click', () => void whileBusy(button, send));
  return () => {
    row.hidden = false;
  };
}

function shown(node: EditorNode, { warnings, to = [], ...answer }: TestMail): HTMLElement[] {
  const check = { ...answer, stages: answer.stages ?? [] };
  const expected = answer.arrival === undefined ? STAGES.slice(0, -1) : STAGES;
  const parts = [stageRow(node, node._('gmail-account.test.title'), check, expected)];
  for (const { message } of warnings ?? []) parts.push(element('div', 'camera-email-warning', icon('fa-warning'), ` ${message}`));
  if (answer.ok) parts.push(element('strong', 'camera-email-good', icon('fa-check-circle'), ` ${verdict(node, answer, to)}`));
  return parts;
}

function verdict(node: EditorNode, { arrival }: Omit<TestMail, 'warnings'>, to: readonly string[]): string {
  if (arrival?.found !== true) return node._('gmail-account.test.accepted', { value: to.join(', ') });
  const seconds = Math.max(0.1, (arrival.latencyMs ?? 0) / 1000).toFixed(1);
  return node._('gmail-account.test.arrived', { mailbox: arrival.mailbox ?? '', seconds });
}
