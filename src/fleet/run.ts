import { withDeadline } from '../core/deadline.ts';
import { asCameraEmailError, type CameraEmailError } from '../core/errors.ts';

export interface FleetPlan<T, R> {
  items: readonly T[];
  /** Items at a time. */
  concurrency: number;
  /** Milliseconds that one item may take in all. */
  itemMs: number;
  /** Finish the first item alone, and go on only if it succeeded. */
  canary: boolean;
  work(item: T, signal: AbortSignal): Promise<R>;
  /** The result of an item that never came to an end by itself. */
  failed(item: T, error: CameraEmailError): R;
  skipped(item: T): R;
  succeeded(result: R): boolean;
  /** Called as soon as each result is known. */
  onResult(result: R, done: number): void;
}

/** Works through a list, some at a time, each within its own deadline, so that a dead one delays nobody else. Results in order of completion. */
export async function runFleet<T, R>(plan: FleetPlan<T, R>, signal: AbortSignal): Promise<R[]> {
  const results: R[] = [];
  const report = (result: R) => {
    results.push(result);
    plan.onResult(result, results.length);
  };
  const one = async (item: T): Promise<R> => {
    try {
      return await withDeadline(plan.itemMs, 'camera', signal, (limited) => plan.work(item, limited));
    } catch (error) {
      return plan.failed(item, asCameraEmailError(error));
    }
  };
  const waiting = [...plan.items];
  const first = waiting[0];
  if (plan.canary && first !== undefined && waiting.length > 1) {
    waiting.shift();
    const result = await one(first);
    report(result);
    if (!plan.succeeded(result)) {
      for (const item of waiting) report(plan.skipped(item));
      return results;
    }
  }
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift())
      report(signal.aborted ? plan.skipped(item) : await one(item));
  };
  await Promise.all(Array.from({ length: Math.min(plan.concurrency, waiting.length) }, worker));
  return results;
}
