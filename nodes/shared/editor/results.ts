import type { EditorNode } from './red.ts';
import { element, errorBox, icon } from './report.ts';
import type { ShownError } from './request.ts';

interface Change {
  field: string;
  from?: unknown;
  to?: unknown;
}

/** One camera's result, as the runtime tells it. */
export interface CameraResult {
  camera: { name: string; host: string; vendor: string; model: string };
  outcome: string;
  changes: Change[];
  warnings: { message: string }[];
  error?: ShownError;
  test?: { verdict: string };
}

/** So few cameras are shown in full; of more, each is opened with a click. */
const SHOWN_OPEN = 3;
const BAD = ['failed', 'rolled-back', 'skipped'];

/** Counts first, then a fold for each camera. What was added stays as it is, so that opened folds stay open. */
export function resultList(node: EditorNode, total: number): { list: HTMLElement; add(results: readonly CameraResult[]): void } {
  const counts = new Map<string, number>();
  const line = element('p', 'camera-email-counts');
  const list = element('div', '', line);
  return {
    list,
    add(results) {
      for (const result of results) {
        counts.set(result.outcome, (counts.get(result.outcome) ?? 0) + 1);
        list.append(fold(node, result, total <= SHOWN_OPEN));
      }
      line.textContent = [...counts].map(([outcome, count]) => `${count} ${node._(`outcomes.${outcome}`)}`).join(' · ');
    },
  };
}

function fold(node: EditorNode, result: CameraResult, open: boolean): HTMLElement {
  const { camera, outcome, changes, warnings, error, test } = result;
  const bad = BAD.includes(outcome);
  const mark = bad ? icon('fa-times-circle') : icon(warnings.length > 0 ? 'fa-warning' : 'fa-check-circle');
  const words = [node._(`outcomes.${outcome}`), test === undefined ? '' : node._(`verdicts.${test.verdict}`)];
  if (changes.length > 0) words.push(node._('editor.changes', { count: changes.length }));
  const state = element('span', bad ? 'camera-email-bad' : 'camera-email-good', mark, ` ${words.filter(Boolean).join(', ')}`);
  const where = [camera.model, camera.host].filter(Boolean).join(' · ');
  const summary = element('summary', '', element('strong', '', camera.name), ' ', state);
  const details = element('details', 'camera-email-result', summary, element('div', 'camera-email-address', where));
  if (error !== undefined) details.append(errorBox(node, error));
  if (changes.length > 0) details.append(changeTable(node, camera.name, changes));
  for (const { message } of warnings) details.append(element('div', 'camera-email-warning', icon('fa-warning'), ` ${message}`));
  details.open = open || error !== undefined;
  return details;
}

function changeTable(node: EditorNode, camera: string, changes: readonly Change[]): HTMLElement {
  const heads = ['field', 'from', 'to'].map((name) => {
    const head = element('th', '', node._(`editor.${name}`));
    head.scope = 'col';
    return head;
  });
  const rows = changes.map(({ field, from, to }) => {
    const name = element('th', '', node._(`fields.${field}`));
    name.scope = 'row';
    return element('tr', '', name, element('td', '', valueText(node, field, from)), element('td', '', valueText(node, field, to)));
  });
  const caption = element('caption', 'camera-email-spoken', camera);
  return element(
    'table',
    'camera-email-changes',
    caption,
    element('thead', '', element('tr', '', ...heads)),
    element('tbody', '', ...rows),
  );
}

function valueText(node: EditorNode, field: string, value: unknown): string {
  if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) return '–';
  if (typeof value === 'boolean') return node._(value ? 'editor.on' : 'editor.off');
  if (field === 'security') return value === 'none' ? node._('editor.off') : String(value).toUpperCase();
  if (field === 'password') return '••••••';
  if (field === 'events' && Array.isArray(value)) return value.map((type) => node._(`events.${type}`)).join(', ');
  return Array.isArray(value) ? value.join(', ') : String(value);
}
