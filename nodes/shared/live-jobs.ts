import { randomUUID } from 'node:crypto';
import { LIMITS } from '../../src/core/limits.ts';
import type { publicOutcome } from './results.ts';

export type LiveResult = Omit<ReturnType<typeof publicOutcome>, 'requests'>;

/** What a job has found so far, as dialogs see it. */
export interface LiveView {
  /** Another word when the job is another one than before; empty: there is none. */
  run: string;
  action: string;
  total: number;
  /** Those that the dialog does not have yet. */
  results: LiveResult[];
  done: boolean;
  error?: object;
}

export interface LiveJob {
  add(result: ReturnType<typeof publicOutcome>): void;
  end(error?: object): void;
}

interface Entry {
  run: string;
  action: string;
  total: number;
  results: LiveResult[];
  done: boolean;
  error?: object | undefined;
  looked(): void;
}

const jobs = new Map<string, Entry>();

/** The job of a deployed node, under the node's id: the newest one stays to be looked at until the node is removed. */
export function beginJob(id: string, action: string, total: number): LiveJob {
  return begin(id, action, total, () => undefined);
}

/** A job that a dialog started: it is stopped and forgotten when nobody looks at it any more. */
export function beginWatchedJob(action: string, total: number, stop: () => void): { id: string; job: LiveJob } {
  const id = randomUUID();
  const forgotten = () => {
    stop();
    jobs.delete(id);
  };
  const timer = setTimeout(forgotten, LIMITS.editor.unwatchedMs).unref();
  return { id, job: begin(id, action, total, () => timer.refresh()) };
}

export function forgetJob(id: string): void {
  jobs.delete(id);
}

/** The results from the `from`-th on, or all of them when the dialog last saw another run. */
export function lookAtJob(id: string, run: string, from: number): LiveView {
  const entry = jobs.get(id);
  if (entry === undefined) return { run: '', action: '', total: 0, results: [], done: true };
  entry.looked();
  const { looked: _looked, results, error, ...rest } = entry;
  return { ...rest, results: results.slice(run === entry.run ? from : 0), ...(error === undefined ? {} : { error }) };
}

function begin(id: string, action: string, total: number, looked: () => void): LiveJob {
  const entry: Entry = { run: randomUUID(), action, total, results: [], done: false, looked };
  jobs.set(id, entry);
  return {
    // The literal requests are long, and nobody reads them in a dialog.
    add({ requests: _requests, ...result }) {
      entry.results.push(result);
    },
    end(error) {
      entry.done = true;
      entry.error = error;
    },
  };
}
