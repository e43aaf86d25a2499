import type { DeviceAddress, DeviceLogin } from '../http/types.ts';

/** One camera as the user named it: where it is, how to log in, which channel. */
export interface CameraTarget {
  /** The camera-device node's id; undefined for cameras given by message. */
  id?: string | undefined;
  name: string;
  /** `auto` or a driver's name. */
  vendor: string;
  /** 1-based. */
  channel: number;
  address: DeviceAddress;
  login: DeviceLogin;
}

/** The same for the same device and channel, however the camera was given. */
export function cameraKey({ address, channel }: CameraTarget): string {
  return `${address.host.toLowerCase()}:${address.port ?? ''}#${channel}`;
}
