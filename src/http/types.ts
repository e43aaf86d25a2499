import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { CameraEmailError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';

/** Where a device is and how far its certificate is trusted. */
export interface DeviceAddress {
  /** Name or IP address, without brackets, scheme or port. */
  host: string;
  /** Undefined: the protocol's own (443 or 80). */
  port?: number | undefined;
  /** `auto` tries https first and falls back to http when nothing speaks TLS there. */
  protocol: 'auto' | 'http' | 'https';
  /** `pin`: trust the certificate seen first and only that; `ca`: public or given CA; `any`: no check. */
  trust: 'pin' | 'ca' | 'any';
  /** SHA-256 fingerprint (`AA:BB:…`) that `pin` demands from the start; undefined: the one remembered, else the first seen. */
  fingerprint?: string | undefined;
  /** PEM of a private CA for `ca`. */
  ca?: string | undefined;
  /** TLS 1.0/1.1 and old ciphers, for devices that know nothing newer. */
  legacyTls?: boolean | undefined;
}

export interface DeviceLogin {
  username: string;
  password: Secret;
}

export interface DeviceRequest {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Request target with query, sent exactly as given (raw brackets in keys stay raw). */
  path: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | Buffer;
  /** Milliseconds for the whole exchange, the body included. Default LIMITS.device.requestMs. */
  timeoutMs?: number;
  /** Bytes of body accepted. Default LIMITS.device.bodyBytes; more is `unreadable`. */
  maxBytes?: number;
  /** False: never send credentials with this request, and return a 401 as an answer. Default true. */
  authenticate?: boolean;
  /**
   * Looks at a 401 that answered a correctly computed login. `undefined` means a refused login: the credential is frozen and the
   * request rejects with `unauthorized`. A CameraEmailError is thrown instead, without a freeze (`busy`), or with the device
   * left alone until `retryAt` (`locked-out`).
   */
  judgeRefusal?: (response: DeviceResponse) => CameraEmailError | undefined;
}

export interface DeviceResponse {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** The body as UTF-8. */
  text(): string;
}

/** One device, reached with one login. One request at a time, whoever asks. */
export interface DeviceHttp {
  readonly host: string;
  readonly login: DeviceLogin;
  /** The origin in use, `https://192.0.2.7:443`; settled by the first request when the protocol is `auto`. */
  readonly origin: string | undefined;
  /** True when the connection in use is encrypted. */
  readonly secure: boolean;
  /** The user chose plain http himself, rather than `auto` ending there. */
  readonly plainChosen: boolean;
  /** The password has crossed the network in clear: Basic over plain http, which the user chose. */
  readonly loginInClear: boolean;
  /**
   * Any status but a refused login resolves. Errors: unreachable, timeout, connection-lost, tls-untrusted, tls-version,
   * unauthorized (also at once, without asking the device, while the credential is frozen), locked-out, plain-http, unreadable, cancelled.
   */
  request(request: DeviceRequest, signal?: AbortSignal): Promise<DeviceResponse>;
  /**
   * As request, but resolves at the headers with the open body; on a connection of its own, outside the one-at-a-time queue. An
   * answer that is read to its end leaves its connection to the next stream.
   */
  stream(request: DeviceRequest, signal: AbortSignal): Promise<IncomingMessage>;
  /** For vendors that log in by a call of their own: rejects while the credential is frozen or the device is locked. Call before each login. */
  assertLoginAllowed(): void;
  /** For the same vendors: the device refused this login; freezes it and returns the `unauthorized` error to throw. */
  loginRefused(deviceSays?: string): CameraEmailError;
  /** For the same vendors: the device is locked until `until` (epoch ms); returns the `locked-out` error to throw. */
  deviceLocked(until?: number, deviceSays?: string): CameraEmailError;
}
