import { asCameraEmailError, type CameraEmailError } from '../../src/core/errors.ts';
import type { RawEvent } from '../../src/events/source.ts';
import type { VirtualClock } from '../events/virtual-clock.ts';
import { Waiting } from '../waiting.ts';

/** An event without its kind and the device's own document; of anything else its kind. */
export function bare(item: RawEvent | undefined): unknown {
  if (item?.kind !== 'event') return item?.kind;
  const { raw: _document, kind: _kind, ...rest } = item;
  return rest;
}

export const immediate = () => new Promise<void>((resolve) => setImmediate(resolve));

/** What a source that asks every `intervalMs` says next, under a clock that moves on only while something is waited for. */
export async function nextOf(source: AsyncGenerator<RawEvent>, clock: VirtualClock, intervalMs: number): Promise<RawEvent | undefined> {
  let waits = true;
  const item = source.next().finally(() => {
    waits = false;
  });
  item.catch(() => undefined);
  while (waits) {
    await immediate();
    if (waits && clock.sleeping > 0) await clock.pass(intervalMs);
  }
  const { value, done } = await item;
  return done === true ? undefined : value;
}

/** One connection to a device's events, with what came. Everything can be awaited. */
export class Listener {
  readonly items: RawEvent[] = [];
  readonly #controller = new AbortController();
  readonly #ended: Promise<CameraEmailError | undefined>;
  readonly #waiting = new Waiting();
  #over = false;

  constructor(source: (signal: AbortSignal) => AsyncIterable<RawEvent>) {
    this.#ended = this.#run(source);
  }

  /** Events without the function that makes their raw form. */
  get events(): Record<string, unknown>[] {
    return this.items
      .filter(({ kind }) => kind === 'event')
      .map((item) => {
        const { raw: _raw, ...rest } = { raw: undefined, ...item };
        return rest;
      });
  }

  /** Resolves when so many items of this kind came; rejects when the connection ends before. */
  async until(kind: RawEvent['kind'], count = 1): Promise<void> {
    const enough = () => this.items.filter((item) => item.kind === kind).length >= count;
    await this.#waiting.until(() => enough() || this.#over);
    if (!enough()) throw (await this.#ended) ?? new Error('the device ended the stream');
  }

  /** What the connection ended with; undefined when the device just ended it. */
  ended(): Promise<CameraEmailError | undefined> {
    return this.#ended;
  }

  /** Aborts, and resolves when the source has cleaned up. */
  async stop(): Promise<CameraEmailError | undefined> {
    this.#controller.abort();
    return this.#ended;
  }

  async #run(source: (signal: AbortSignal) => AsyncIterable<RawEvent>): Promise<CameraEmailError | undefined> {
    try {
      for await (const item of source(this.#controller.signal)) {
        this.items.push(item);
        this.#waiting.wake();
      }
      return undefined;
    } catch (error) {
      return asCameraEmailError(error);
    } finally {
      this.#over = true;
      this.#waiting.wake();
    }
  }
}
