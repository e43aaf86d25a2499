import { byId } from './form.ts';
import type { EditorNode } from './red.ts';
import { get, type ShownError } from './request.ts';

interface Queue {
  open: boolean;
  waiting?: number;
  sentToday?: number;
  dailyLimit?: number;
  hold?: { until?: number; error: ShownError };
}

/** One line below the account: what waits, why and until when, and how many mails were sent. Nothing while no deployed node uses it. */
export function tellQueue(node: EditorNode): void {
  const account = byId('node-input-account', HTMLSelectElement);
  const line = byId('camera-email-queue', HTMLElement);
  const tell = async () => {
    line.textContent = '';
    const { value } = account;
    if (value === '' || value === '_ADD_') return;
    // Without an answer there is nothing to tell: the dialog works all the same.
    const queue = await get<Queue>(`queue/${value}`).catch(() => undefined);
    if (account.value === value && queue?.open) line.textContent = lineOf(node, queue);
  };
  $(account).on('change', () => void tell());
  void tell();
}

function lineOf(node: EditorNode, { waiting = 0, sentToday = 0, dailyLimit = 0, hold }: Queue): string {
  const say = (key: string, values: Record<string, string | number>) => node._(`gmail-app-smtp.queue.${key}`, values);
  const parts = [say('waiting', { count: waiting })];
  if (hold !== undefined) {
    const value = hold.error.message;
    const until = hold.until === undefined ? '' : new Date(hold.until).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
    parts.push(hold.until === undefined ? say('stopped', { value }) : say('held', { until, value }));
  }
  parts.push(dailyLimit > 0 ? say('today-of', { count: sentToday, limit: dailyLimit }) : say('today', { count: sentToday }));
  return parts.join(' ');
}
