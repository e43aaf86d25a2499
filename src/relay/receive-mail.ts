import { CameraEmailError, isCameraEmailError } from '../core/errors.ts';
import { DataDecoder } from './data-decoder.ts';
import type { Arrival } from './incoming.ts';
import type { Wire } from './wire.ts';

/** How long clients may take. Milliseconds; see LIMITS.relay. */
export interface Patience {
  loginMs: number;
  commandMs: number;
  mailMs: number;
  bareDotMs: number;
}

/** Takes mails in. */
export interface MailReceiver {
  /** Before the client may send: rejects with `spool-full` when there is no room. */
  begin(sender: Omit<Arrival, 'id' | 'receivedAt'>): Promise<MailSink>;
}

export interface MailSink {
  /** Content with CRLF line ends. */
  write(pieces: readonly Buffer[]): Promise<void>;
  /** The mail is complete. Resolves with its name once it cannot be lost any more. */
  accept(): Promise<string>;
  discard(): Promise<void>;
}

/** `silence`: it ended in a lone dot between other line ends, after which the client waited. `gone`: the client left before the end. */
export interface MailEnd {
  end: 'dot' | 'silence' | 'gone';
  /** Why the mail was not stored; `message-too-large` beyond the limit. */
  failure?: unknown;
}

/** Reads one mail to its end, also when it is refused, so that nothing of it is ever taken for a command. Rejects with `timeout`. */
export async function receiveMail(wire: Wire, sink: MailSink, maxBytes: number, patience: Patience): Promise<MailEnd> {
  const decoder = new DataDecoder();
  const lastMoment = Date.now() + patience.mailMs;
  let bytes = 0;
  let end: MailEnd['end'] = 'dot';
  let failure: unknown;
  try {
    while (!decoder.ended) {
      const chunk = await next(wire, decoder.mayHaveEnded ? patience.bareDotMs : patience.commandMs, decoder.mayHaveEnded, lastMoment);
      if (chunk === 'silence' || chunk === undefined) {
        end = decoder.mayHaveEnded ? 'silence' : 'gone';
        break;
      }
      const pieces = decoder.push(chunk);
      for (const piece of pieces) bytes += piece.length;
      if (bytes > maxBytes) failure ??= new CameraEmailError('message-too-large', 'the mail is too large');
      failure ??= await sink.write(pieces).catch((error: unknown) => error);
    }
  } catch (error) {
    await sink.discard();
    throw error;
  }
  wire.unread(decoder.rest);
  if (end === 'gone' || failure !== undefined) await sink.discard();
  return { end, failure };
}

async function next(wire: Wire, waitMs: number, mayHaveEnded: boolean, lastMoment: number): Promise<Buffer | undefined | 'silence'> {
  try {
    return await wire.read(Math.min(Date.now() + waitMs, lastMoment));
  } catch (error) {
    if (mayHaveEnded && isCameraEmailError(error, 'timeout')) return 'silence';
    throw error;
  }
}
