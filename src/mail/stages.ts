import { asCameraEmailError } from '../core/errors.ts';
import { deviceWords } from '../core/text.ts';

export type Stage = 'dns' | 'connect' | 'tls' | 'login' | 'sender' | 'recipient' | 'data' | 'camera' | 'arrival';

export interface StageResult {
  stage: Stage;
  ok: boolean;
  ms: number;
  /** For people: the server's words, an address, a TLS version. */
  detail: string;
}

/** What was tried one after another, with the time each took. */
export class StageLog {
  readonly stages: StageResult[] = [];
  readonly #onStage: ((stage: StageResult) => void) | undefined;
  #open: { stage: Stage; since: number } | undefined;

  constructor(onStage?: (stage: StageResult) => void) {
    this.#onStage = onStage;
  }

  /** The stage that has begun and not ended. */
  get current(): Stage | undefined {
    return this.#open?.stage;
  }

  begin(stage: Stage): void {
    this.#open = { stage, since: performance.now() };
  }

  pass(detail: string): void {
    this.#end(true, detail);
  }

  /** Ends the stage in progress with what went wrong; without one it does nothing. */
  fail(error: unknown): void {
    const { deviceSays, message } = asCameraEmailError(error);
    this.#end(false, deviceSays ?? message);
  }

  #end(ok: boolean, detail: string): void {
    if (this.#open === undefined) return;
    const { stage, since } = this.#open;
    this.#open = undefined;
    const result: StageResult = { stage, ok, ms: Math.round(performance.now() - since), detail: deviceWords(detail, 300) };
    this.stages.push(result);
    this.#onStage?.(result);
  }
}
