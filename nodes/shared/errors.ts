import type { Warning } from '../../src/cameras/driver.ts';
import { asCameraEmailError, type CameraEmailError } from '../../src/core/errors.ts';
import { redact } from '../../src/core/secret.ts';
import type { Done, NodeRed, RuntimeNode } from './node-red.ts';
import { text } from './texts.ts';

/** An error as users get it in messages. */
export interface PublicError {
  code: string;
  message: string;
  advice: string;
  retryable: boolean;
  deviceSays?: string;
  link?: string;
}

/** The public form of any error: the texts of its code, or those of the very property where the code has some. */
export function publicError(RED: NodeRed, thrown: unknown): PublicError {
  const error = asCameraEmailError(thrown);
  const values = { deviceSays: error.deviceSays ?? '', ...error.params, ...inWords(RED, 'fields', error.params, 'field') };
  const say = (kind: 'message' | 'advice') =>
    text(RED, `errors.${error.code}.for.${error.params.field}.${kind}`, values) ??
    text(RED, `errors.${error.code}.${kind}`, values) ??
    error.code;
  return {
    code: error.code,
    message: redact(say('message')),
    advice: redact(say('advice')),
    retryable: error.retryable,
    ...(error.deviceSays === undefined || error.deviceSays === '' ? {} : { deviceSays: redact(error.deviceSays) }),
    ...(error.link === undefined ? {} : { link: error.link }),
  };
}

/** The Error that goes to `done` and so to Catch nodes: its own fields beside the message. */
export function catchable(RED: NodeRed, thrown: unknown): Error & PublicError {
  const described = publicError(RED, thrown);
  // Of an error's own fields Node-RED copies only code and cause into `msg.error`: the cause carries the rest.
  return Object.assign(new Error(described.message), described, { cause: described });
}

const MISSING_EVENT = 'event-not-available';

/** The events that a camera lacks, in one warning. */
function withEventsTogether(warnings: readonly Warning[]): Warning[] {
  const missing = warnings.flatMap(({ code, params }) => (code === MISSING_EVENT ? [String(params?.value)] : []));
  const first = warnings.find(({ code }) => code === MISSING_EVENT);
  return warnings.flatMap((warning) => {
    if (warning.code !== MISSING_EVENT) return [warning];
    return warning === first ? [{ ...warning, params: { value: missing.join(', ') } }] : [];
  });
}

/** The names of settings or events in a placeholder as users know them; what has no name stays. */
function inWords(RED: NodeRed, names: 'fields' | 'events', params: Warning['params'], key: string): Record<string, string> {
  const value = params?.[key];
  if (typeof value !== 'string') return {};
  const words = value.split(', ').map((one) => text(RED, `${names}.${one}`) ?? one);
  return { [key]: words.join(', ') };
}

export interface PublicWarning {
  code: string;
  message: string;
}

export function publicWarnings(RED: NodeRed, warnings: readonly Warning[]): PublicWarning[] {
  const seen = new Set<string>();
  const all = withEventsTogether(warnings).map(({ code, params = {} }) => {
    const values = {
      ...params,
      ...inWords(RED, 'fields', params, 'field'),
      ...(code === MISSING_EVENT ? inWords(RED, 'events', params, 'value') : {}),
    };
    return { code, message: redact(text(RED, `warnings.${code}`, values) ?? code) };
  });
  return all.filter(({ code, message }) => !seen.has(code + message) && seen.add(code + message));
}

/** Runs the handling of one message: `done` is called once, with the error as Catch nodes want it, and nothing is ever thrown. */
export async function handle(
  RED: NodeRed,
  node: RuntimeNode,
  done: Done,
  work: () => Promise<CameraEmailError | undefined>,
): Promise<void> {
  let failure: unknown;
  try {
    failure = await work();
  } catch (error) {
    failure = error;
    node.status({ fill: 'red', shape: 'ring', text: publicError(RED, error).message });
  }
  if (failure === undefined) done();
  else done(catchable(RED, failure));
}
