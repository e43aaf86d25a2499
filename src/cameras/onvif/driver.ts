import { CameraEmailError, isCameraEmailError } from '../../core/errors.ts';
import { deviceWords } from '../../core/text.ts';
import type { RawEvent } from '../../events/source.ts';
import type { DeviceHttp } from '../../http/types.ts';
import { childText, type XmlElement } from '../../http/xml.ts';
import type { Camera, CameraDriver, DeviceIdentity, EmailCapabilities, EmailPlan, EmailReading, Warning } from '../driver.ts';
import { OnvifDevice } from '../onvif-device.ts';
import { OnvifPictures } from '../onvif-media.ts';
import { pullEvents, topicWarnings } from '../pull-point.ts';

const VENDOR = 'onvif';

/** Whatever speaks ONVIF and nothing better: its make and model can be told, its e-mail cannot be set. Stands last in the registry. */
export const onvif: CameraDriver<typeof VENDOR> = {
  vendor: VENDOR,
  label: 'ONVIF',
  brands: ['ONVIF'],
  evidence: 'vendor document',
  eventsOnly: true,
  async identify(http, signal) {
    const device = new OnvifDevice(http);
    try {
      await device.clockOffset(signal);
      return identityFrom(await device.deviceInformation(signal));
    } catch (error) {
      if (isCameraEmailError(error, 'unsupported', 'unreadable', 'rejected', 'plain-http')) return undefined;
      throw error;
    }
  },
  open: (http, _channel, identity) => new OnvifCamera(http, identity),
};

function identityFrom(information: XmlElement): DeviceIdentity {
  const text = (name: string) => childText(information, name) ?? '';
  if (information.name !== 'GetDeviceInformationResponse') {
    throw new CameraEmailError('unreadable', `GetDeviceInformation: unexpected answer <${deviceWords(information.name, 100)}>`);
  }
  return {
    vendor: VENDOR,
    brand: text('Manufacturer') || onvif.label,
    model: text('Model'),
    firmware: text('FirmwareVersion'),
    serial: text('SerialNumber'),
    kind: 'unknown',
  };
}

class OnvifCamera implements Camera {
  readonly #pictures: OnvifPictures;

  constructor(
    private readonly http: DeviceHttp,
    private readonly device: DeviceIdentity,
  ) {
    this.#pictures = new OnvifPictures(new OnvifDevice(http));
  }

  events(signal: AbortSignal): AsyncIterable<RawEvent> {
    return pullEvents(new OnvifDevice(this.http), {}, signal);
  }

  eventWarnings(signal: AbortSignal): Promise<Warning[]> {
    return topicWarnings(new OnvifDevice(this.http), signal);
  }

  snapshot(channel: number, signal: AbortSignal): Promise<Buffer> {
    return this.#pictures.take(channel, signal);
  }

  async identity(signal: AbortSignal): Promise<DeviceIdentity> {
    return identityFrom(await new OnvifDevice(this.http).deviceInformation(signal));
  }

  async capabilities(): Promise<EmailCapabilities> {
    return {};
  }

  async read(): Promise<EmailReading> {
    throw this.#noEmail();
  }

  plan(): EmailPlan {
    throw this.#noEmail();
  }

  async apply(): Promise<Warning[]> {
    throw this.#noEmail();
  }

  async restore(): Promise<void> {
    throw this.#noEmail();
  }

  /** ONVIF's Action Engine has e-mail on paper: without TLS, and in no known camera. */
  #noEmail(): CameraEmailError {
    return new CameraEmailError('unsupported', 'ONVIF cannot set e-mail up', {
      params: { host: this.http.host },
      deviceSays: deviceWords([this.device.brand, this.device.model].filter((part) => part !== '').join(' '), 200),
    });
  }
}
