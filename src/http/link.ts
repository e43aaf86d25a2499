import { Agent, type ClientRequestArgs, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { abortError } from '../core/lane.ts';
import { LIMITS } from '../core/limits.ts';
import { connectSomehow, connectTo, hostHeader, type Origin, type Pin } from './connect.ts';
import { deviceError, networkError } from './network-errors.ts';
import type { DeviceAddress } from './types.ts';

export interface WireRequest {
  method: string;
  /** The request target, fit for the request line. */
  target: string;
  headers: Record<string, string>;
  body: string | Buffer | undefined;
}

/** A kept connection turned out to be closed by the device before it answered: a request without effect may be sent again. */
class StaleConnection extends Error {
  readonly error: Error;

  constructor(error: Error) {
    super('the kept connection was closed');
    this.error = error;
  }
}

/** Outside any function, so that nothing is held by it. */
const ignore = () => undefined;
/** Nothing is connected outside a request. */
const NEVER = AbortSignal.abort();

/** One kept connection to a device, for one request at a time. */
export class Link {
  readonly #address: DeviceAddress;
  readonly #pin: Pin;
  #origin: Origin | undefined;
  #agent: Agent;
  /** Opened to find out which protocol is spoken; the first request takes it. */
  #spare: Socket | undefined;
  #signal: AbortSignal = NEVER;
  readonly #streams: boolean;

  /** `streams`: the signal of a request counts until the headers of an answer that is none but the stream. */
  constructor(address: DeviceAddress, pin: Pin, origin?: Origin, streams = false) {
    this.#streams = streams;
    this.#address = address;
    this.#pin = pin;
    this.#agent = this.#newAgent();
    const { host, port, protocol } = address;
    if (origin !== undefined) this.#origin = origin;
    else if (protocol !== 'auto') this.#origin = { secure: protocol === 'https', host, port: port ?? (protocol === 'https' ? 443 : 80) };
  }

  get origin(): Origin | undefined {
    return this.#origin;
  }

  /** Settles the origin, connecting if need be; `ms` is the time of the whole exchange. */
  async settle(ms: number, signal: AbortSignal): Promise<Origin> {
    if (this.#origin !== undefined) return this.#origin;
    // Half the time at most, so that some is left for http behind a firewall that swallows port 443.
    const { socket, origin } = await connectSomehow(this.#address, this.#pin, Math.min(LIMITS.device.connectMs, ms / 2), signal);
    this.#spare = socket;
    this.#origin = origin;
    return origin;
  }

  /** Moves to another origin of the same device, which asked for it. */
  move(origin: Origin): void {
    this.close();
    this.#agent = this.#newAgent();
    this.#origin = origin;
  }

  /** Sends one request and resolves at the headers of its answer. The origin has to be settled. Rejects with StaleConnection or an error of ours. */
  send({ method, target, headers, body }: WireRequest, origin: Origin, signal: AbortSignal): Promise<IncomingMessage> {
    if (signal.aborted) {
      this.#spare?.destroy();
      return Promise.reject(abortError(signal));
    }
    this.#signal = signal;
    const { host } = this.#address;
    return new Promise((resolve, reject) => {
      const request = httpRequest({
        agent: this.#agent,
        host,
        port: origin.port,
        method,
        path: target,
        headers: { host: hostHeader(origin), ...headers },
        setHost: false,
        // Old firmware sends bare LF, control characters in values and both kinds of length.
        insecureHTTPParser: true,
        maxHeaderSize: LIMITS.device.headerBytes,
      });
      let unwatch = onceAborted(signal, (error) => {
        request.destroy(error);
        // Without a socket yet, the request itself stays silent.
        reject(error);
      });
      let answered: IncomingMessage | undefined;
      request.once('response', (answer) => {
        answered = answer;
        if (this.#streams && (answer.statusCode ?? 0) < 300) {
          // A stream may last for months: nothing of its deadline is held any longer. Other answers are read before it ends.
          unwatch();
          unwatch = ignore;
          this.#signal = NEVER;
        }
        // The body's reader may come a moment later; a reset until then must not end the process.
        answer.on('error', ignore);
        resolve(answer);
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        const lost = error.code === 'ECONNRESET' || error.code === 'EPIPE';
        // A parser error in the middle of the body is told to the request only.
        answered?.destroy(networkError(error, host));
        reject(request.reusedSocket && lost ? new StaleConnection(networkError(error, host)) : networkError(error, host));
      });
      request.once('close', () => {
        unwatch();
        if (answered === undefined) reject(deviceError('connection-lost', host, 'the device closed the connection without an answer'));
      });
      // A text body would be joined with the headers and turn their bytes above 127 into UTF-8 once more.
      request.end(typeof body === 'string' ? Buffer.from(body) : body);
    });
  }

  /** Closes the connection, whatever is under way on it. */
  close(): void {
    this.#spare?.destroy();
    this.#agent.destroy();
  }

  #newAgent(): Agent {
    return new LinkAgent(async () => {
      const spare = this.#spare;
      this.#spare = undefined;
      if (spare !== undefined && !spare.destroyed) return spare;
      const origin = this.#origin ?? { secure: true, host: this.#address.host, port: 443 };
      return connectTo(origin, this.#address, this.#pin, LIMITS.device.connectMs, this.#signal);
    });
  }
}

class LinkAgent extends Agent {
  readonly #open: () => Promise<Socket>;

  constructor(open: () => Promise<Socket>) {
    super({ keepAlive: true, maxSockets: 1, timeout: LIMITS.device.idleSocketMs });
    this.#open = open;
  }

  override createConnection(_options: ClientRequestArgs, callback: (error: Error | null, socket?: Duplex) => void): undefined {
    this.#open().then(
      (socket) => callback(null, socket),
      (error: Error) => callback(error),
    );
  }
}

/** A request on a kept connection that the device had closed is sent again, once, if it changes nothing; with a login counted anew. */
export async function sendRepeatable(link: Link, origin: Origin, signal: AbortSignal, build: () => WireRequest): Promise<IncomingMessage> {
  const first = build();
  try {
    return await link.send(first, origin, signal);
  } catch (error) {
    if (!(error instanceof StaleConnection)) throw error;
    if (first.method !== 'GET') throw error.error;
  }
  try {
    return await link.send(build(), origin, signal);
  } catch (error) {
    throw error instanceof StaleConnection ? error.error : error;
  }
}

/** Calls back with what an abort means. The answer stops that, and afterwards nothing is held of the signal. */
function onceAborted(signal: AbortSignal, act: (error: Error) => void): () => void {
  const onAbort = () => act(abortError(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  return () => signal.removeEventListener('abort', onAbort);
}

/** The whole body. More than `maxBytes` is `unreadable`, an end before its time `connection-lost`. */
export function readBody(message: IncomingMessage, maxBytes: number, host: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const lost = () => reject(deviceError('connection-lost', host, 'the connection ended in the middle of an answer'));
    if (message.errored) reject(networkError(message.errored, host));
    else if (message.destroyed) lost();
    const chunks: Buffer[] = [];
    let size = 0;
    message.on('data', (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= maxBytes) return;
      reject(deviceError('unreadable', host, `the answer is longer than ${maxBytes} bytes`));
      message.destroy();
    });
    message.once('end', () => {
      // What comes after the end needs no error, which would cost its stack.
      message.off('close', lost);
      resolve(Buffer.concat(chunks, size));
    });
    message.once('error', (error) => reject(networkError(error, host)));
    message.once('close', lost);
  });
}
