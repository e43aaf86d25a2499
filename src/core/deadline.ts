import { CameraEmailError } from './errors.ts';

/**
 * Runs `work` with a signal that aborts after `ms` or when `parent` aborts. A deadline that passes rejects with `timeout`,
 * even if the work ignores its signal.
 */
export async function withDeadline<T>(
  ms: number,
  what: string,
  parent: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  // Made when it is needed: an error costs its stack, and every request of a fleet has a deadline.
  const expired = () =>
    new CameraEmailError('timeout', `${what}: no answer within ${ms} ms`, { params: { seconds: Math.ceil(ms / 1000) } });
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      controller.abort(parent?.reason);
      reject(parent?.reason instanceof Error ? parent.reason : cancelled());
    };
    controller.signal.addEventListener('abort', () => reject(controller.signal.reason), { once: true });
  });
  aborted.catch(() => undefined);
  if (parent?.aborted) onAbort();
  parent?.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => controller.abort(expired()), ms);
  try {
    return await Promise.race([work(controller.signal), aborted]);
  } finally {
    clearTimeout(timer);
    parent?.removeEventListener('abort', onAbort);
  }
}

export function cancelled(): CameraEmailError {
  return new CameraEmailError('cancelled', 'stopped before it was finished');
}
