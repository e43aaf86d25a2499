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

interface Shown {
  run: string;
  count: number;
  done: boolean;
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
  let shown: Shown = { run: '', count: 0, done: true };
  let results = resultList(node, 0);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;

  const draw = ({ run, action, total, results: fresh, done, error }: View) => {
    if (run !== shown.run) {
      results = resultList(node, total);
      report.replaceChildren(results.list);
      shown = { run, count: 0, done };
    }
    results.add(fresh);
    const count = shown.count + fresh.length;
    shown = { run, count, done };
    line.textContent = node._(`configure-camera-email.preview.${done ? 'done' : 'running'}`, {
      value: node._(`configure-camera-email.action.${action}`),
      count,
      total,
    });
    if (error !== undefined) report.append(errorBox(node, error));
  };
  const lose = () => {
    shown = { ...shown, done: true };
    line.textContent = '';
    report.append(unanswered(node, undefined));
  };
  const ask = async () => {
    const asked = job;
    const view = await get<View>(`jobs/${asked}?run=${shown.run}&from=${shown.count}`);
    if (closed || asked !== job) return;
    if (view.run === '') {
      // A plan that the runtime no longer knows: Node-RED was restarted.
      if (asked !== node.id) lose();
      return;
    }
    const first = shown.count === 0 && view.results.length > 0;
    if (view.run !== shown.run || view.results.length > 0 || view.done !== shown.done) draw(view);
    if (first && asked !== node.id) showBelow(button);
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
      shown = { run: '', count: 0, done: false };
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
