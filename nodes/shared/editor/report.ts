import type { EditorNode } from './red.ts';
import type { ShownError } from './request.ts';

export interface Stage {
  stage: string;
  ok: boolean;
  /** Milliseconds. */
  ms: number;
  detail?: string;
}

export interface Check {
  ok: boolean;
  stages: Stage[];
  error?: ShownError;
}

/** Creates an element; texts are set as text, never as HTML, because they may come from a device. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const created = document.createElement(tag);
  created.className = className;
  created.append(...children);
  return created;
}

export function icon(name: string): HTMLElement {
  const created = element('i', `fa ${name}`);
  created.setAttribute('aria-hidden', 'true');
  return created;
}

/** One connection as a row of lights, in the order of `expected`; a stage that was not reached stays grey. */
export function stageRow(node: EditorNode, title: string, check: Check, expected: readonly string[]): HTMLElement {
  const lights = element('ol', 'camera-email-lights');
  const extra = check.stages.map(({ stage }) => stage).filter((stage) => !expected.includes(stage));
  for (const name of [...expected, ...extra]) {
    const stage = check.stages.find((one) => one.stage === name);
    const state = stage === undefined ? 'unreached' : stage.ok ? 'good' : 'bad';
    const symbol = { unreached: 'fa-circle-o', good: 'fa-check-circle', bad: 'fa-times-circle' }[state];
    const light = element('li', `camera-email-${state}`, icon(symbol), ` ${node._(`stages.${name}`)}`);
    light.append(element('span', 'camera-email-spoken', ` ${node._(`editor.${state}`)}`));
    if (stage !== undefined) light.title = [stage.detail, `${Math.round(stage.ms)} ms`].filter(Boolean).join(' · ');
    lights.append(light);
  }
  const row = element('div', 'camera-email-check', element('span', 'camera-email-check-title', title), lights);
  if (check.error) row.append(errorBox(node, check.error));
  return row;
}

export function errorBox(node: EditorNode, error: ShownError): HTMLElement {
  const box = element('div', 'camera-email-error', element('strong', '', icon('fa-exclamation-circle'), ` ${error.message}`));
  if (error.advice) box.append(element('p', '', error.advice));
  // Some advice is to read it.
  if (error.deviceSays) box.append(element('p', '', node._('editor.said', { value: error.deviceSays })));
  // The name of its section in docs/troubleshooting.md.
  if (error.code) box.append(element('p', 'camera-email-address', node._('editor.code', { value: error.code })));
  if (error.link?.startsWith('https://')) {
    const link = element('a', '', node._('editor.more'));
    link.href = error.link;
    link.target = '_blank';
    link.rel = 'noopener noreferrer';
    box.append(link);
  }
  return box;
}

/** The runtime did not answer at all: not deployed yet, no permission, or the connection to Node-RED is lost. */
export function unanswered(node: EditorNode, failure: unknown): HTMLElement {
  const status = (failure as { status?: number } | undefined)?.status;
  const reason = status === 401 || status === 403 ? 'no-permission' : status === 404 ? 'not-installed' : 'no-answer';
  return errorBox(node, { message: node._(`editor.${reason}`) });
}
