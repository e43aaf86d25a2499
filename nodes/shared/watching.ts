import type { CameraTarget } from '../../src/cameras/target.ts';
import { type WatchedCamera, watchCamera } from '../../src/cameras/watch.ts';
import type { CameraEmailError } from '../../src/core/errors.ts';
import { createEventHub, type EventHub } from '../../src/events/hub.ts';
import { requestedCameras } from './cameras.ts';
import type { NodeRed } from './node-red.ts';
import { type Services, servicesOf } from './services.ts';

const hubs = new WeakMap<Services, EventHub>();

/** The streams that all nodes of one Node-RED share. */
export function eventHubOf(RED: NodeRed): EventHub {
  const services = servicesOf(RED);
  const hub = hubs.get(services) ?? createEventHub();
  hubs.set(services, hub);
  return hub;
}

/** The one camera of a node. Throws the reason why it cannot be used. */
export function cameraOf(RED: NodeRed, id: string): { target: CameraTarget; watched: WatchedCamera } {
  const [camera] = requestedCameras(RED, undefined, [id]);
  if (camera === undefined || 'error' in camera) throw camera?.error as CameraEmailError;
  return { target: camera.target, watched: watchCamera(camera.target, servicesOf(RED).connect) };
}

export interface PictureAttachment {
  filename: string;
  content: Buffer;
  contentType: 'image/jpeg';
  /** For `<img src="cid:…">` in a mail. */
  cid: string;
}

/** A JPEG as nodemailer and the mail nodes take it. `at` is ISO 8601. */
export function pictureAttachment(camera: string, at: string, content: Buffer): PictureAttachment {
  const name = camera.replace(/[^\p{L}\p{N}_-]+/gu, '-').replace(/^-+|-+$/g, '') || 'camera';
  const stamp = at.slice(0, 23).replaceAll(/[^\d]/g, '-');
  return { filename: `${name}-${stamp}.jpg`, content, contentType: 'image/jpeg', cid: `${stamp}.${cidNumber()}@camera-email` };
}

let lastCid = 0;

function cidNumber(): number {
  lastCid += 1;
  return lastCid;
}
