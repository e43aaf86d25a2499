import { CameraEmailError, isCameraEmailError } from '../core/errors.ts';
import type { DeviceHttp } from '../http/types.ts';
import { child, children, childText, escapeXml } from '../http/xml.ts';
import { fetchJpeg } from './jpeg.ts';
import { type OnvifDevice, pathOf } from './onvif-device.ts';

const MEDIA = ['http://www.onvif.org/ver10/media/wsdl', 'http://www.onvif.org/ver20/media/wsdl'] as const;

interface Profile {
  token: string;
  /** The source that it shows, and the token of its configuration. */
  source: string;
  configuration: string;
}

interface Media {
  namespace: string;
  path: string;
  /** As the device lists them: the best of each source comes first. */
  profiles: Profile[];
}

/** The tokens of video sources and their configurations, and which channel (from 1) each is. Empty where the device does not tell. */
export async function channelsByToken(
  device: OnvifDevice,
  services: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<Map<string, number>> {
  try {
    const { profiles } = await mediaOf(device, services, signal);
    const sources = [...new Set(profiles.map(({ source }) => source))];
    const channelOf = ({ source }: Profile) => sources.indexOf(source) + 1;
    return new Map(profiles.flatMap((one) => [[one.configuration, channelOf(one)] as const, [one.source, channelOf(one)] as const]));
  } catch (error) {
    if (isCameraEmailError(error, 'unsupported', 'rejected', 'unreadable', 'forbidden', 'busy')) return new Map();
    throw error;
  }
}

/** Pictures from where the device says. The address is asked for once, and again after a failure. */
export class OnvifPictures {
  readonly #device: OnvifDevice;
  readonly #targets = new Map<number, string>();

  constructor(device: OnvifDevice) {
    this.#device = device;
  }

  /** A whole JPEG of the channel (from 1). Rejects with `unsupported` when there is none. */
  async take(channel: number, signal: AbortSignal): Promise<Buffer> {
    const target = this.#targets.get(channel) ?? (await this.#address(channel, signal));
    this.#targets.delete(channel);
    const image = await this.#fetch(target, signal);
    this.#targets.set(channel, target);
    return image;
  }

  async #address(channel: number, signal: AbortSignal): Promise<string> {
    const { http } = this.#device;
    const { namespace, path, profiles } = await mediaOf(this.#device, await this.#device.services(signal), signal);
    const source = [...new Set(profiles.map((profile) => profile.source))][channel - 1];
    const profile = profiles.find((one) => one.source === source);
    if (profile === undefined) throw new CameraEmailError('unsupported', `${http.host}: no channel ${channel}`);
    const content = `<ProfileToken>${escapeXml(profile.token)}</ProfileToken>`;
    const { response } = await this.#device.call({ path, namespace, operation: 'GetSnapshotUri', content }, signal);
    const target = pathOf(childText(response, 'MediaUri', 'Uri') ?? childText(response, 'Uri') ?? '');
    if (target === undefined) throw new CameraEmailError('unsupported', `${http.host}: no address for pictures`);
    return target;
  }

  #fetch(target: string, signal: AbortSignal): Promise<Buffer> {
    const { http, knownToHttp } = this.#device;
    if (knownToHttp) return fetchJpeg(http, target, signal);
    const refusal = refusedPictures.get(http);
    if (refusal !== undefined) return Promise.reject(refusal);
    return fetchJpeg(http, target, signal, ({ status }) => {
      const error = new CameraEmailError('forbidden', `${http.host}: pictures want another user`, { deviceSays: `HTTP ${status}` });
      refusedPictures.set(http, error);
      return error;
    });
  }
}

/** Devices whose web server does not know the ONVIF user, which is good elsewhere: asked once, and without a freeze. */
const refusedPictures = new WeakMap<DeviceHttp, CameraEmailError>();

async function mediaOf(device: OnvifDevice, services: ReadonlyMap<string, string>, signal: AbortSignal): Promise<Media> {
  for (const namespace of MEDIA) {
    const path = services.get(namespace);
    if (path === undefined) continue;
    const content = namespace === MEDIA[1] ? '<Type>VideoSource</Type>' : '';
    const { response } = await device.call({ path, namespace, operation: 'GetProfiles', content }, signal);
    const profiles = children(response, 'Profiles').flatMap((profile) => {
      const video = child(profile, 'VideoSourceConfiguration') ?? child(profile, 'Configurations', 'VideoSource');
      const source = childText(video, 'SourceToken');
      const { token } = profile.attributes;
      return token === undefined || source === undefined ? [] : [{ token, source, configuration: video?.attributes.token ?? source }];
    });
    if (profiles.length > 0) return { namespace, path, profiles };
  }
  throw new CameraEmailError('unsupported', `${device.http.host}: no media service`);
}
