import { byId } from './form.ts';
import type { EditorNode } from './red.ts';
import { errorBox, unanswered } from './report.ts';
import { get, post, type ShownError, whileBusy } from './request.ts';
import { type CameraResult, resultList } from './results.ts';
import { workspaceNode } from './workspace.ts';

interface View {
  run: string;
  action: string;
  total: number;
  results: CameraResult[];
  done: boolean;
  error?: ShownError;
}

/** Milliseconds between two questions about a job. */
const ASK_EVERY = 1_000;

/**
 * Shows what the node's own job finds, while it runs and afterwards, until the Preview button is pressed: then the plan of the dialog's
 * settings. `settings` are those of the form, with `account` and `cameras` as ids.
 */
export function followJobs(node: EditorNode, settings: () => { account: string; cameras: string[] }): { close(): void } {
  const report = byId('camera-email-preview-report', HTMLElement);
  const line = byId('camera-email-preview-line', HTMLElement);
  const button = byId('camera-email-preview', HTMLButtonElement);
  let job = node.id;
  let shown: View = { run: '', action: '', total: 0, results: [], done: true };
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;

  const draw = () => {
    const { action, results, total, done, error, run } = shown;
    if (run === '') return;
    const progress = node._(done ? 'configure-camera-email.preview.done' : 'configure-camera-email.preview.running', {
      value: node._(`configure-camera-email.action.${action}`),
      count: results.length,
      total,
    });
    line.textContent = progress;
    report.replaceChildren(resultList(node, results, total), ...(error === undefined ? [] : [errorBox(node, error)]));
  };
  const ask = async () => {
    const asked = job;
    const view = await get<View>(`jobs/${asked}?run=${shown.run}&from=${shown.results.length}`);
    if (closed || asked !== job) return;
    const before = view.run === shown.run ? shown.results : [];
    const changed = view.run !== shown.run || view.results.length > 0 || view.done !== shown.done;
    shown = { ...view, results: [...before, ...view.results] };
    if (changed) draw();
    if (asked !== node.id && before.length === 0 && view.results.length > 0) showBelow(button);
  };
  const follow = async () => {
    clearTimeout(timer);
    // A dialog that is not deployed yet, or a lost connection: asked again, silently.
    await ask().catch(() => undefined);
    if (!closed && !(shown.done && job !== node.id)) timer = setTimeout(() => void follow(), ASK_EVERY);
  };
  const start = async () => {
    const { account, cameras, ...config } = settings();
    line.textContent = node._('configure-camera-email.preview.starting');
    report.replaceChildren();
    try {
      const answer = await post<{ job?: string; error?: ShownError }>('plan', {
        config,
        account: workspaceNode(account) ?? { config: {} },
        cameras: cameras.map((id) => workspaceNode(id)).filter((camera) => camera !== undefined),
      });
      if (answer.job === undefined) throw answer.error;
      job = answer.job;
      shown = { run: '', action: 'plan', total: cameras.length, results: [], done: false };
      await follow();
    } catch (failure) {
      line.textContent = '';
      const told = failure as ShownError | undefined;
      report.replaceChildren(told?.message && told.code ? errorBox(node, told) : unanswered(node, failure));
    }
  };
  button.addEventListener('click', () => void whileBusy(button, start));
  void follow();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/** The results come below what is visible of the form: scrolled so far that the button is on top. */
function showBelow(button: HTMLElement): void {
  const tray = button.closest('.red-ui-tray-content');
  if (tray !== null) tray.scrollTop += button.getBoundingClientRect().top - tray.getBoundingClientRect().top;
}
