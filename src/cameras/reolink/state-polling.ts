import { type Clock, systemClock } from '../../core/clock.ts';
import { CameraEmailError, isCameraEmailError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { pollEvents } from '../../events/polling.ts';
import type { Occurrence, RawEvent } from '../../events/source.ts';
import { type ApiAnswer, answerError, type JsonObject } from './answer.ts';
import { activeInAiState, activeInEvents, activeInMdState } from './events.ts';
import type { JsonApi } from './json-api.ts';

/** Recorders take some forty commands in one request. */
const CHANNELS_AT_A_TIME = 32;

/** A command that tells the states of a channel. */
interface StateCommand {
  cmd: string;
  read: (value: JsonObject, channel: number) => Occurrence[];
}

const EVENTS: StateCommand = { cmd: 'GetEvents', read: activeInEvents };
const MOTION: StateCommand = { cmd: 'GetMdState', read: activeInMdState };
const DETECTION: StateCommand = { cmd: 'GetAiState', read: activeInAiState };

/**
 * The states of some channels (from 0), asked for every second with the commands that this firmware has. Without channels nothing is
 * asked: a battery would not last. Gives the session back at the end. Rejects as JsonApi does.
 */
export async function* stateChanges(
  api: JsonApi,
  readChannels: () => Promise<readonly number[]>,
  signal: AbortSignal,
  clock: Clock = systemClock,
): AsyncGenerator<RawEvent, void, undefined> {
  const logOut = () => api.close(AbortSignal.timeout(LIMITS.device.logoutMs)).catch(() => undefined);
  try {
    const channels = await readChannels();
    if (channels.length === 0) {
      await logOut();
      yield { kind: 'open' };
      await aborted(signal);
    }
    let commands: readonly StateCommand[] | undefined;
    const ask = async (limited: AbortSignal): Promise<Occurrence[]> => {
      commands ??= await knownCommands(api, channels, limited);
      const active: Occurrence[] = [];
      for (const command of commands) {
        const states = await askAll(api, command, channels, limited);
        if (states.refusal !== undefined) throw answerError(command.cmd, states.refusal);
        active.push(...states.active);
      }
      return active;
    };
    yield* pollEvents({ clock, intervalMs: LIMITS.events.reolinkPollMs, ask }, signal);
  } finally {
    await logOut();
  }
}

async function knownCommands(api: JsonApi, channels: readonly number[], signal: AbortSignal): Promise<StateCommand[]> {
  const isKnown = async (command: StateCommand) => {
    const { refusal } = await askAll(api, command, channels, signal);
    if (refusal === undefined) return true;
    const error = answerError(command.cmd, refusal);
    if (!isCameraEmailError(error, 'unsupported', 'rejected')) throw error;
    return false;
  };
  if (await isKnown(EVENTS)) return [EVENTS];
  const known: StateCommand[] = [];
  for (const command of [MOTION, DETECTION]) if (await isKnown(command)) known.push(command);
  if (known.length > 0) return known;
  throw new CameraEmailError('unsupported', `${api.http.host}: tells no states`);
}

/** `refusal`: no channel gave an answer. A recorder has channels without a camera. */
async function askAll(
  api: JsonApi,
  { cmd, read }: StateCommand,
  channels: readonly number[],
  signal: AbortSignal,
): Promise<{ active: Occurrence[]; refusal: ApiAnswer | undefined }> {
  const active: Occurrence[] = [];
  let refusal: ApiAnswer | undefined;
  let answered = false;
  for (let start = 0; start < channels.length; start += CHANNELS_AT_A_TIME) {
    const some = channels.slice(start, start + CHANNELS_AT_A_TIME);
    for (const [position, answer] of (await api.sendForChannels(cmd, some, signal)).entries()) {
      const channel = some[position];
      if (answer.ok && channel !== undefined) active.push(...read(answer.value, channel));
      if (answer.ok) answered = true;
      else refusal ??= answer;
    }
  }
  return { active, refusal: answered ? undefined : refusal };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
