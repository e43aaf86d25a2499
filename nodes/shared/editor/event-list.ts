import { byId } from './form.ts';
import type { EditorNode } from './red.ts';
import { element } from './report.ts';

/** A tick box for each event type in `#camera-email-events`; `summarize` says in one line what `count` ticks mean. */
export function eventList(node: EditorNode, types: readonly string[], chosen: unknown, summarize: (count: number) => string): void {
  const saved: unknown[] = Array.isArray(chosen) ? chosen : [];
  const summary = byId('camera-email-events-summary', HTMLElement);
  const tell = () => {
    summary.textContent = summarize(chosenEvents().length);
  };
  const boxes = types.map((type) => {
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

export function chosenEvents(): string[] {
  return [...document.querySelectorAll<HTMLInputElement>('#camera-email-events input:checked')].map((box) => box.value);
}
