import { CameraEmailError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { deviceWords } from '../../core/text.ts';
import { isWholeJpeg } from '../../http/multipart-stream.ts';
import type { DeviceHttp, DeviceResponse } from '../../http/types.ts';
import type { DeviceDocument } from '../driver.ts';

const PATH = '/cgi-bin/CGIProxy.fcgi';
const SNAPSHOT = 'snapPicture2';

/** What the vendor's guide calls the values of `<result>`. */
const RESULTS: Readonly<Record<number, string>> = {
  [-1]: 'request string format error',
  [-2]: 'username or password error',
  [-3]: 'access denied',
  [-4]: 'CGI execute fail',
  [-5]: 'timeout',
};

/** Firmware that does not know a command says one of these. */
const NOT_KNOWN = new Set([-1, -3, -4, -7, -8]);

/** Names and values as the device has them, in its order. */
export type Parameters = ReadonlyMap<string, string>;

/** The answer to one command. */
export interface CgiAnswer {
  result: number;
  /** Everything but the result. */
  values: Parameters;
  /** The result with the vendor's words for it. */
  words: string;
  document: DeviceDocument;
}

/** True when this result may mean that the firmware lacks the command. */
export function isNotKnown({ result }: CgiAnswer): boolean {
  return NOT_KNOWN.has(result);
}

/** The error that a refusal stands for, in our codes. */
export function answerError(cmd: string, { result, words }: CgiAnswer): CameraEmailError {
  const details = { deviceSays: words };
  if (result === -3) return new CameraEmailError('forbidden', `${cmd}: ${words}`, details);
  if (result === -5) return new CameraEmailError('busy', `${cmd}: ${words}`, details);
  const reading = cmd.startsWith('get') && NOT_KNOWN.has(result);
  return new CameraEmailError(reading ? 'unsupported' : 'rejected', `${cmd}: ${words}`, details);
}

/** A command's target; name and password of the login join it when it is sent. */
export function targetOf(cmd: string, parameters: Iterable<readonly [string, string]> = []): string {
  const query = [...parameters].map(([name, value]) => `&${name}=${encodeURIComponent(value)}`).join('');
  return `${PATH}?cmd=${cmd}${query}`;
}

export function commandOf(path: string): string {
  return /[?&]cmd=(\w+)/.exec(path)?.[1] ?? '';
}

/** The parameters in a target. */
export function parametersOf(path: string): Map<string, string> {
  const pairs = path.split('&').slice(1);
  return new Map(
    pairs.map((pair): [string, string] => {
      const [name = '', ...rest] = pair.split('=');
      return [name, decodeURIComponent(rest.join('='))];
    }),
  );
}

/**
 * Names and values of an answer, from its bytes; undefined when it is none. Read without an XML parser: firmware leaves `&` bare in
 * some values and percent-encodes others.
 */
export function parseAnswer(body: string): { result: number; values: Map<string, string> } | undefined {
  const inner = /^[^<]*(?:<\?[^>]*>\s*)?<CGI_Result>([\s\S]*)<\/CGI_Result>/.exec(body)?.[1];
  if (inner === undefined) return undefined;
  const values = new Map<string, string>();
  for (const [, name = '', value = ''] of inner.matchAll(/<([A-Za-z_]\w*)>([^<]*)<\/\1>/g)) values.set(name, decoded(value.trim()));
  const result = Number(values.get('result') ?? Number.NaN);
  values.delete('result');
  return Number.isInteger(result) ? { result, values } : undefined;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decoded(value: string): string {
  const text = Buffer.from(value, 'latin1')
    .toString('utf8')
    .replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => ENTITIES[name] ?? '');
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The same bytes without the mail password, which these devices tell in clear. */
export function withoutPassword(body: string): string {
  return body.replace(/(<password>)[^<]*(<\/password>)/g, '$1$2');
}

/** Name and password as they go into an address: many firmwares take them literally, so that only what breaks an address is encoded. */
function literal(value: string): string {
  return value.replace(/[^\x21-\x7e]|[&=+#%"<>\\]/gu, (character) => encodeURIComponent(character));
}

/** The CGI of one device. Every request carries the login in its address. */
export class Cgi {
  constructor(readonly http: DeviceHttp) {}

  /** Asks without a login for nothing at all: these devices answer in their own form. */
  async isSpoken(signal: AbortSignal): Promise<boolean> {
    const response = await this.#exchange(targetOf('x'), undefined, signal);
    return parseAnswer(response.body.toString('latin1')) !== undefined;
  }

  /** A command's good answer; a refusal rejects with the code that fits. */
  async get(cmd: string, signal: AbortSignal): Promise<CgiAnswer> {
    const answer = await this.send(targetOf(cmd), undefined, signal);
    if (answer.result !== 0) throw answerError(cmd, answer);
    return answer;
  }

  /** Any answer to a command but a refused login, which freezes the credential. `path` as from `targetOf`. */
  async send(path: string, timeoutMs: number | undefined, signal: AbortSignal): Promise<CgiAnswer> {
    return this.#answerIn(path, await this.#loggedIn(path, timeoutMs, undefined, signal));
  }

  /** A whole JPEG of what the camera sees; what comes in its place rejects with the code that fits. */
  async picture(signal: AbortSignal): Promise<Buffer> {
    const path = targetOf(SNAPSHOT);
    const response = await this.#loggedIn(path, undefined, LIMITS.device.snapshotBytes, signal);
    if (isWholeJpeg(response.body)) return response.body;
    if (response.body[0] === 0xff) throw new CameraEmailError('unreadable', `${SNAPSHOT}: not a whole JPEG`);
    const answer = this.#answerIn(path, response);
    throw answerError(SNAPSHOT, answer);
  }

  async #loggedIn(path: string, timeoutMs: number | undefined, maxBytes: number | undefined, signal: AbortSignal): Promise<DeviceResponse> {
    const { http } = this;
    const cmd = commandOf(path);
    // Whether the connection is encrypted is known only after a first exchange.
    if (http.origin === undefined) await this.isSpoken(signal);
    if (!http.secure && !http.plainChosen) {
      throw new CameraEmailError('plain-http', 'the login would cross the network in clear', { params: { host: http.host } });
    }
    http.assertLoginAllowed();
    const { username, password } = http.login;
    const login = `&usr=${literal(username)}&pwd=${literal(password.reveal())}`;
    const target = path.replace(`cmd=${cmd}`, (found) => found + login);
    return this.#exchange(target, timeoutMs, signal, maxBytes);
  }

  #answerIn(path: string, response: DeviceResponse): CgiAnswer {
    const cmd = commandOf(path);
    const body = response.body.toString('latin1');
    const parsed = parseAnswer(body);
    if (parsed === undefined) throw this.#noAnswer(cmd, response);
    const words = deviceWords([String(parsed.result), RESULTS[parsed.result]].filter((word) => word !== undefined).join(' '));
    if (parsed.result === -2) throw this.http.loginRefused(words);
    return {
      ...parsed,
      words,
      document: { path: targetOf(cmd), contentType: response.headers['content-type'], body: withoutPassword(body) },
    };
  }

  #noAnswer(cmd: string, response: DeviceResponse): CameraEmailError {
    const { status } = response;
    const details = { deviceSays: `HTTP ${status}` };
    // Some models refuse a login with the HTTP status.
    if (status === 401) return this.http.loginRefused(details.deviceSays);
    if (status === 403) return new CameraEmailError('forbidden', `${cmd}: HTTP 403`, details);
    if (status === 502 || status === 503) return new CameraEmailError('busy', `${cmd}: HTTP ${status}`, details);
    if (status >= 300) return new CameraEmailError('rejected', `${cmd}: HTTP ${status}`, details);
    return new CameraEmailError('unreadable', `${cmd}: not an answer of this CGI`, { deviceSays: deviceWords(response.text(), 200) });
  }

  #exchange(path: string, timeoutMs: number | undefined, signal: AbortSignal, maxBytes?: number): Promise<DeviceResponse> {
    const limits = { timeoutMs: timeoutMs ?? LIMITS.device.requestMs, maxBytes: maxBytes ?? LIMITS.device.bodyBytes };
    return this.http.request({ method: 'GET', path, authenticate: false, ...limits }, signal);
  }
}
