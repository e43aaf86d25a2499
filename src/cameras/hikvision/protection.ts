import { randomBytes } from 'node:crypto';
import { CameraEmailError } from '../../core/errors.ts';
import type { DeviceHttp } from '../../http/types.ts';
import { XmlDocument } from '../../http/xml.ts';
import { encodeSensitive } from './email.ts';
import { type Isapi, PATHS } from './isapi.ts';
import { encryptSensitive, type SensitiveFields, sensitiveFieldsFrom, sensitiveKey } from './sensitive.ts';

/** Of one device and login: the salt in the fields belongs to the device. `none`: it said that it cannot encrypt. */
const learned = new WeakMap<DeviceHttp, SensitiveFields | 'none'>();

/** How the mail login travels to one device: inside TLS, with its fields encrypted, or in clear where the user chose http himself. */
export class Protection {
  #asking: Promise<SensitiveFields | undefined> | undefined;

  constructor(
    private readonly http: DeviceHttp,
    private readonly isapi: Isapi,
  ) {}

  /** How this device encrypts; undefined where it cannot or need not. */
  fields(signal: AbortSignal): Promise<SensitiveFields | undefined> {
    if (this.http.secure) return Promise.resolve(undefined);
    const known = learned.get(this.http);
    if (known !== undefined) return Promise.resolve(known === 'none' ? undefined : known);
    this.#asking ??= this.#ask(signal);
    this.#asking.catch(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** A document of the mailing resource as it goes over the wire. Rejects with `plain-http` rather than send it in clear unasked. */
  async protect(resource: string, body: string, signal: AbortSignal): Promise<{ resource: string; body: string }> {
    if (this.http.secure) return { resource, body };
    const fields = await this.fields(signal);
    if (fields !== undefined) {
      const iv = randomBytes(16).toString('hex');
      const key = sensitiveKey(this.http.login, fields);
      return { resource: `${resource}?security=1&iv=${iv}`, body: encodeSensitive(body, (value) => encryptSensitive(value, key, iv)) };
    }
    if (!this.http.plainChosen)
      throw new CameraEmailError('plain-http', 'the device has no encryption for the mail password', { params: { host: this.http.host } });
    return { resource, body };
  }

  async #ask(signal: AbortSignal): Promise<SensitiveFields | undefined> {
    const resource = `${PATHS.securityCapabilities}?username=${encodeURIComponent(this.http.login.username)}`;
    const { document, final } = await this.isapi.find(resource, signal, (body) => sensitiveFieldsFrom(XmlDocument.parse(body).root));
    if (document !== undefined || final) learned.set(this.http, document ?? 'none');
    return document;
  }
}

/** A protected request as a person may see it: what is encrypted, and with what, as bullets. */
export function shownProtected(path: string, body: string, mask: string): { path: string; body: string } {
  return { path: `${path}?security=1&iv=${mask}`, body: encodeSensitive(body, (value) => (value === '' ? '' : mask)) };
}
