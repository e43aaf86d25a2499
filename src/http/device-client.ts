import type { IncomingMessage } from 'node:http';
import type { Clock } from '../core/clock.ts';
import { cancelled, withDeadline } from '../core/deadline.ts';
import { CameraEmailError } from '../core/errors.ts';
import { abortError, type Lane } from '../core/lane.ts';
import { LIMITS } from '../core/limits.ts';
import { deviceWords } from '../core/text.ts';
import { type Origin, originText, type Pin } from './connect.ts';
import { Credentials } from './credentials.ts';
import { requestTarget } from './digest.ts';
import { Link, readBody, sendRepeatable } from './link.ts';
import type { LoginGuard } from './login-guard.ts';
import { deviceError, exchangeError } from './network-errors.ts';
import { redirection } from './redirect.ts';
import type { DeviceAddress, DeviceHttp, DeviceLogin, DeviceRequest, DeviceResponse } from './types.ts';

export interface ClientParts {
  address: DeviceAddress;
  login: DeviceLogin;
  pin: Pin;
  /** Shared by everybody who talks to the device. */
  lane: Lane;
  guard: LoginGuard;
  life: ClientLife;
}

/** What all clients of the process have in common: how they end, and their clock. */
export interface ClientLife {
  clock: Clock;
  closed: boolean;
  /** What is queued, under way or streaming. */
  running: Set<AbortController>;
}

/** A connection with what is known about the login on it. */
interface Line {
  link: Link;
  credentials: Credentials;
}

/** One device with one login over kept connections; see DeviceHttp. Made by `createDeviceConnections`. */
export class DeviceClient implements DeviceHttp {
  readonly host: string;
  readonly login: DeviceLogin;
  readonly plainChosen: boolean;
  readonly #parts: ClientParts;
  /** Of the requests in the queue. */
  readonly #line: Line;
  /** Of a stream that was read to its end, for the next one: pulls of events follow each other for months. */
  #spareLine: Line | undefined;
  #active = 0;
  #usedAt: number;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    this.host = parts.address.host;
    this.login = parts.login;
    this.plainChosen = parts.address.protocol === 'http';
    this.#line = { link: new Link(parts.address, parts.pin), credentials: new Credentials(parts.login) };
    this.#usedAt = parts.life.clock.now();
  }

  get origin(): string | undefined {
    const { origin } = this.#line.link;
    return origin === undefined ? undefined : originText(origin);
  }

  get secure(): boolean {
    return this.#line.link.origin?.secure ?? false;
  }

  get loginInClear(): boolean {
    return !this.secure && this.#line.credentials.isBasic;
  }

  /** Epoch milliseconds; undefined while something is queued, under way or streaming. */
  get idleSince(): number | undefined {
    return this.#active === 0 ? this.#usedAt : undefined;
  }

  async request(request: DeviceRequest, signal?: AbortSignal): Promise<DeviceResponse> {
    checkRequest(request, this.host);
    const { controller, release } = this.#begin(signal);
    const ms = request.timeoutMs ?? LIMITS.device.requestMs;
    try {
      return await this.#alone(controller, ms, async (limited) => {
        const message = await this.#converse(this.#line, request, ms, limited);
        return this.#collect(message, request.maxBytes ?? LIMITS.device.bodyBytes);
      });
    } catch (error) {
      throw exchangeError(error, this.host, controller.signal);
    } finally {
      release();
    }
  }

  async stream(request: DeviceRequest, signal: AbortSignal): Promise<IncomingMessage> {
    checkRequest(request, this.host);
    const { controller, release } = this.#begin(signal);
    const line = this.#takeLine();
    const ms = request.timeoutMs ?? LIMITS.device.requestMs;
    const finish = (whole = false) => {
      release();
      if (whole && this.#spareLine === undefined && !this.#parts.life.closed) this.#spareLine = line;
      else line.link.close();
    };
    const open = (limited: AbortSignal) => this.#converse(line, request, ms, limited);
    try {
      // A login that has not worked yet is tried by one exchange at a time: its refusal must be known before the next.
      const alone = request.authenticate !== false && !this.#parts.guard.proven;
      const message = await (alone ? this.#alone(controller, ms, open) : withDeadline(ms, this.host, controller.signal, open));
      const onAbort = () => message.destroy(abortError(controller.signal));
      controller.signal.addEventListener('abort', onAbort, { once: true });
      if (message.destroyed) finish();
      else message.once('close', () => finish(message.complete));
      return message;
    } catch (error) {
      finish();
      throw exchangeError(error, this.host, controller.signal);
    }
  }

  assertLoginAllowed(): void {
    this.#parts.guard.checkSync();
  }

  loginRefused(deviceSays?: string): CameraEmailError {
    return this.#parts.guard.refusedSync(deviceSays);
  }

  deviceLocked(until?: number, deviceSays?: string): CameraEmailError {
    return this.#parts.guard.locked(until, deviceSays);
  }

  /** Closes the kept connections. */
  close(): void {
    this.#line.link.close();
    this.#spareLine?.link.close();
  }

  #takeLine(): Line {
    const { address, pin, login } = this.#parts;
    const line = this.#spareLine ?? { link: new Link(address, pin, this.#line.link.origin, true), credentials: new Credentials(login) };
    this.#spareLine = undefined;
    return line;
  }

  #begin(signal: AbortSignal | undefined): { controller: AbortController; release: () => void } {
    const controller = new AbortController();
    const onAbort = () => controller.abort(signal?.reason);
    const { life } = this.#parts;
    if (life.closed) controller.abort(cancelled());
    else if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    life.running.add(controller);
    this.#active += 1;
    const release = () => {
      signal?.removeEventListener('abort', onAbort);
      if (!life.running.delete(controller)) return;
      this.#active -= 1;
      this.#usedAt = life.clock.now();
    };
    return { controller, release };
  }

  /**
   * Runs `work` in its turn, with a deadline that aborts `controller`. The turn lasts until the work has really ended: what the device
   * said about a login is known before the next one asks.
   */
  #alone<T>(controller: AbortController, ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#parts.lane.run(controller.signal, async () => {
      const seconds = Math.ceil(ms / 1000);
      const expire = () => controller.abort(deviceError('timeout', this.host, `no answer within ${ms} ms`, { params: { seconds } }));
      const timer = setTimeout(expire, ms);
      try {
        return await work(controller.signal);
      } finally {
        clearTimeout(timer);
      }
    });
  }

  /** From the first byte to the headers of the answer that counts: redirects followed, logged in, at most one new nonce asked for. */
  async #converse(line: Line, request: DeviceRequest, ms: number, signal: AbortSignal): Promise<IncomingMessage> {
    const { link, credentials } = line;
    const { method, body, authenticate = true } = request;
    if (authenticate) await this.#parts.guard.check();
    let origin = await link.settle(ms, signal);
    let target = requestTarget(request.path);
    let redirects = 0;
    let logins = 0;
    let fresh = false;
    for (;;) {
      const loggingIn = authenticate && credentials.ready;
      const message = await sendRepeatable(link, origin, signal, () => ({
        method,
        target,
        headers: { ...plainHeaders(request), ...(loggingIn ? credentials.authorization(method, target, body) : {}) },
        body,
      }));
      const next = redirection(message, method, target, origin);
      if (next !== undefined) {
        redirects += 1;
        await this.#drain(message);
        if (redirects > LIMITS.device.redirects) throw deviceError('rejected', this.host, 'redirects in a circle');
        if (next.origin.secure !== origin.secure) {
          link.move(next.origin);
          credentials.forget();
        }
        ({ origin, target } = next);
        logins = 0;
        fresh = false;
        continue;
      }
      if (message.statusCode !== 401 || !authenticate) {
        if (loggingIn && (message.statusCode ?? 0) < 400) this.#parts.guard.succeeded();
        return message;
      }
      const offered = message.headers['www-authenticate'];
      if (!loggingIn) {
        if (offered === undefined) return message;
        await this.#drain(message);
        this.#takeUp(credentials, offered, origin);
      } else {
        logins += 1;
        const again = credentials.renew(offered, fresh) && logins === 1;
        // A refusal counts from its headers on: a page that is cut off or never ends must not lead to a second attempt.
        const refusal = await (again ? this.#drain(message) : this.#drain(message).catch(() => answerOf(message, Buffer.alloc(0))));
        if (!again) throw await this.#refused(credentials, refusal, request);
      }
      fresh = true;
    }
  }

  #takeUp(credentials: Credentials, offered: string, origin: Origin): void {
    const offer = credentials.take(offered, origin.secure || this.plainChosen);
    if (offer === 'basic-in-clear') throw deviceError('plain-http', this.host, 'wants the password in clear over http');
    if (offer === 'unknown') {
      throw deviceError('unsupported', this.host, 'offers no known way to log in', { deviceSays: deviceWords(offered, 200) });
    }
    if (this.login.username === '') {
      credentials.forget();
      throw deviceError('unauthorized', this.host, 'wants a login and none is given');
    }
  }

  async #refused(credentials: Credentials, response: DeviceResponse, request: DeviceRequest): Promise<CameraEmailError> {
    const { guard } = this.#parts;
    credentials.forget();
    const judged = request.judgeRefusal?.(response);
    if (judged === undefined) return guard.refused(deviceWords(response.text().replace(/<[^>]*>/g, ' '), 200));
    if (judged.code === 'locked-out') guard.locked(judged.retryAt);
    return judged;
  }

  async #collect(message: IncomingMessage, maxBytes: number): Promise<DeviceResponse> {
    return answerOf(message, await readBody(message, maxBytes, this.host));
  }

  /** The body is read to its end, so that the connection can carry the next request. */
  #drain(message: IncomingMessage): Promise<DeviceResponse> {
    return this.#collect(message, LIMITS.device.bodyBytes);
  }
}

function answerOf({ statusCode = 0, headers }: IncomingMessage, body: Buffer): DeviceResponse {
  return { status: statusCode, headers, body, text: () => body.toString('utf8') };
}

function plainHeaders({ headers, method, body }: DeviceRequest): Record<string, string> {
  const merged: Record<string, string> = { accept: '*/*' };
  for (const [name, value] of Object.entries(headers ?? {})) merged[name.toLowerCase()] = value;
  if (body !== undefined || method === 'PUT' || method === 'POST') merged['content-length'] = String(Buffer.byteLength(body ?? ''));
  return merged;
}

function checkRequest({ path, headers }: DeviceRequest, host: string): void {
  if (!/^[^\s/?#@\\[\]\0]+$/.test(host))
    throw new CameraEmailError('bad-input', 'not a host name or address', { params: { host: deviceWords(host, 100) } });
  if (!/^\/[\x21-\xff]*$/.test(path)) throw deviceError('bad-input', host, 'the path has characters that no request line can carry');
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw deviceError('bad-input', host, `header ${deviceWords(name, 50)} has characters that no header can carry`);
    }
  }
}
