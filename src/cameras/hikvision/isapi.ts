import type { IncomingMessage } from 'node:http';
import { systemClock } from '../../core/clock.ts';
import { CameraEmailError, type ErrorCode, isCameraEmailError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { deviceWords } from '../../core/text.ts';
import type { DeviceHttp, DeviceRequest, DeviceResponse } from '../../http/types.ts';
import { childText, XmlDocument } from '../../http/xml.ts';

/** ISAPI resources, without the prefix that firmware up to about 5.1 lacks. */
export const PATHS = {
  deviceInfo: '/System/deviceInfo',
  mailingList: '/System/Network/mailing',
  mailingOne: '/System/Network/mailing/1',
  mailingCapabilities: '/System/Network/mailing/capabilities',
  mailingTest: '/System/Network/mailing/test',
  ipAddress: '/System/Network/interfaces/1/ipAddress',
  triggers: '/Event/triggers',
  alertStream: '/Event/notification/alertStream',
  subscribeEvent: '/Event/notification/subscribeEvent',
  capabilities: '/System/capabilities',
  securityCapabilities: '/Security/capabilities',
} as const;

/** The device's verdict on a request. `statusCode` 0 and 1 mean OK, 7 OK after a reboot. */
export interface ResponseStatus {
  statusCode: number;
  statusString: string;
  subStatusCode: string;
  /** What a person may read: the most telling of the device's own words. */
  words: string;
  locked: boolean;
  /** Seconds until a locked account opens again, when told. */
  unlockSeconds?: number | undefined;
}

/** Reads a ResponseStatus (XML, or its JSON twin) or a userCheck with lock fields; undefined when the body is something else. */
export function parseResponseStatus(body: string): ResponseStatus | undefined {
  const fields = body.trimStart().startsWith('{') ? jsonFields(body) : xmlFields(body);
  if (fields === undefined) return undefined;
  const { statusCode = '', statusString = '', subStatusCode = '', errorMsg = '', lockStatus = '', unlockTime, resLockTime } = fields;
  const seconds = Number(unlockTime ?? resLockTime ?? Number.NaN);
  let words: string | undefined;
  return {
    statusCode: /^\d+$/.test(statusCode) ? Number(statusCode) : -1,
    statusString,
    subStatusCode,
    // Most answers are "OK", and nobody reads those.
    get words() {
      words ??= deviceWords([statusString, subStatusCode, errorMsg].filter((word) => word !== '').join(' – '));
      return words;
    },
    locked: lockStatus.toLowerCase() === 'lock' || seconds > 0,
    unlockSeconds: seconds > 0 ? seconds : undefined,
  };
}

const STATUS_FIELDS = ['statusCode', 'statusString', 'subStatusCode', 'errorMsg', 'lockStatus', 'unlockTime', 'resLockTime'] as const;
type StatusFields = Partial<Record<(typeof STATUS_FIELDS)[number], string>>;

function xmlFields(body: string): StatusFields | undefined {
  // Every answer comes through here, and most are long documents of another kind.
  if (!/<(?:[\w.-]+:)?(?:ResponseStatus|userCheck)\b/i.test(body)) return undefined;
  let document: XmlDocument;
  try {
    document = XmlDocument.parse(body);
  } catch {
    return undefined;
  }
  const { root } = document;
  if (!/^(ResponseStatus|userCheck)$/i.test(root.name)) return undefined;
  return Object.fromEntries(STATUS_FIELDS.map((field) => [field, childText(root, field)]));
}

function jsonFields(body: string): StatusFields | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || !('statusCode' in parsed)) return undefined;
  const record = parsed as Record<string, unknown>;
  return Object.fromEntries(STATUS_FIELDS.filter((field) => record[field] !== undefined).map((field) => [field, String(record[field])]));
}

/** The error that a non-OK status stands for, in our codes. */
export function statusError(status: ResponseStatus, httpStatus: number): CameraEmailError {
  const [code, why] = verdictOf(status, httpStatus);
  return new CameraEmailError(code, why ?? `the device refused: ${status.words}`, { deviceSays: status.words });
}

function verdictOf(status: ResponseStatus, httpStatus: number): [ErrorCode, why?: string] {
  const sub = status.subStatusCode.toLowerCase();
  if (status.locked) return ['locked-out', 'the device has locked this account'];
  if (sub === 'notactivated') return ['not-activated', 'the device has no password yet'];
  if (sub === 'lowprivilege') return ['forbidden', 'the user lacks a right'];
  // A missing "Parameters settings" right is often answered as notSupport: the text for `forbidden` names both explanations.
  if (sub === 'notsupport' && httpStatus === 403) return ['forbidden', 'refused as not supported'];
  if (sub === 'notsupport' || sub === 'methodnotallowed') return ['unsupported', 'the device does not know this request'];
  if (status.statusCode === 2 || sub === 'devicebusy') return ['busy', 'the device is busy'];
  return ['rejected'];
}

/** True for answers that say "I do not take a request of this form", as opposed to "I tried and it failed". */
export function isFormRefused(status: ResponseStatus | undefined, httpStatus: number): boolean {
  if (status === undefined) return httpStatus === 404 || httpStatus === 405 || httpStatus === 501;
  return (
    status.statusCode === 5 ||
    status.statusCode === 6 ||
    /^(notSupport|methodNotAllowed|badXmlFormat|badXmlContent|badDevType)$/i.test(status.subStatusCode)
  );
}

const TAKEN: ResponseStatus = { statusCode: 1, statusString: '', subStatusCode: '', words: '', locked: false };

/** The tree of one device: the same requests with and without the /ISAPI prefix. */
export class Isapi {
  static readonly #byDevice = new WeakMap<DeviceHttp, Isapi>();
  #prefix = '/ISAPI';

  private constructor(private readonly http: DeviceHttp) {}

  /** One for each device, so that the prefix is found out once. */
  static of(http: DeviceHttp): Isapi {
    const isapi = Isapi.#byDevice.get(http) ?? new Isapi(http);
    Isapi.#byDevice.set(http, isapi);
    return isapi;
  }

  path(resource: string): string {
    return this.#prefix + resource;
  }

  /** Any answer of the device, judged by nobody yet. `resource` is a path of PATHS, with its query. */
  async ask(request: Omit<DeviceRequest, 'path'> & { resource: string }, signal: AbortSignal): Promise<DeviceResponse> {
    const { resource, ...rest } = request;
    return this.http.request({ ...rest, path: this.path(resource), judgeRefusal: (response) => this.#judgeRefusal(response) }, signal);
  }

  /** The same with an open end, at a whole path. */
  stream(request: DeviceRequest, signal: AbortSignal): Promise<IncomingMessage> {
    return this.http.stream({ ...request, judgeRefusal: (response) => this.#judgeRefusal(response) }, signal);
  }

  /** A document, byte for byte. Rejects with the code of the device's ResponseStatus, judged by the body before the HTTP status. */
  async get(resource: string, signal: AbortSignal): Promise<{ path: string; contentType: string | undefined; body: string }> {
    const response = await this.ask({ method: 'GET', resource }, signal);
    const body = response.body.toString('latin1');
    const status = parseResponseStatus(body);
    if (status !== undefined) throw statusError(status, response.status);
    if (response.status >= 400) throw httpError(response.status, `GET ${resource}`);
    return { path: this.path(resource), contentType: response.headers['content-type'], body };
  }

  /**
   * What `read` makes of a document that a device may lack without harm; a refused login and a dead connection are still errors.
   * `final`: asking again will not help, as it may with a device that was busy.
   */
  async find<T>(resource: string, signal: AbortSignal, read: (body: string) => T): Promise<{ document: T | undefined; final: boolean }> {
    const response = await this.ask({ method: 'GET', resource }, signal);
    const body = response.body.toString('latin1');
    const status = parseResponseStatus(body);
    if (status !== undefined) {
      const [code] = verdictOf(status, response.status);
      if (code === 'locked-out' || code === 'not-activated') throw statusError(status, response.status);
      return { document: undefined, final: isFinal(code) };
    }
    if (response.status >= 400) return { document: undefined, final: isFinal(codeOf(response.status)) };
    try {
      return { document: read(body), final: true };
    } catch (error) {
      if (isCameraEmailError(error, 'unreadable')) return { document: undefined, final: false };
      throw error;
    }
  }

  /** A write. Resolves with the status when the device says OK (also "OK, after a reboot"). */
  async send(method: 'PUT' | 'POST', resource: string, body: string, signal: AbortSignal): Promise<ResponseStatus> {
    const response = await this.ask(
      { method, resource, body: Buffer.from(body, 'latin1'), headers: { 'Content-Type': 'application/xml' } },
      signal,
    );
    const status = parseResponseStatus(response.body.toString('latin1'));
    if (status === undefined) {
      if (response.status >= 400) throw httpError(response.status, `${method} ${resource}`);
      // Taken, by the HTTP status: what it has become is read back anyway.
      return { ...TAKEN };
    }
    const ok = [0, 1, 7].includes(status.statusCode) || (status.statusCode === -1 && /^ok$/i.test(status.statusString));
    if (!ok) throw statusError(status, response.status);
    return status;
  }

  /** The device description; settles whether this firmware has the /ISAPI prefix. */
  async deviceInfo(signal: AbortSignal): Promise<XmlDocument> {
    try {
      return XmlDocument.parse((await this.get(PATHS.deviceInfo, signal)).body);
    } catch (error) {
      if (!(error instanceof CameraEmailError) || error.code !== 'unsupported' || this.#prefix === '') throw error;
      this.#prefix = '';
      return XmlDocument.parse((await this.get(PATHS.deviceInfo, signal)).body);
    }
  }

  #judgeRefusal(response: DeviceResponse): CameraEmailError | undefined {
    const status = parseResponseStatus(response.body.toString('latin1'));
    if (status?.subStatusCode.toLowerCase() === 'notactivated') return statusError(status, response.status);
    if (status?.locked !== true) return undefined;
    const lockMs = status.unlockSeconds === undefined ? LIMITS.device.lockMs : status.unlockSeconds * 1000;
    return new CameraEmailError('locked-out', 'the device has locked this account', {
      deviceSays: status.words,
      retryAt: systemClock.now() + lockMs,
    });
  }
}

function isFinal(code: ErrorCode): boolean {
  return code === 'unsupported' || code === 'forbidden';
}

function httpError(status: number, what: string): CameraEmailError {
  return new CameraEmailError(codeOf(status), `${what}: HTTP ${status}`, { deviceSays: `HTTP ${status}` });
}

function codeOf(httpStatus: number): ErrorCode {
  if (httpStatus === 403) return 'forbidden';
  if (httpStatus === 404 || httpStatus === 405 || httpStatus === 501) return 'unsupported';
  return httpStatus === 503 ? 'busy' : 'rejected';
}
