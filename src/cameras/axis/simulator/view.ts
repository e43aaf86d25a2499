import type { IncomingMessage, ServerResponse } from 'node:http';
import { child, XmlDocument } from '../../../http/xml.ts';
import { PullPointService } from '../../../sandbox/pull-point-service.ts';
import { simulatedJpeg } from '../../../sandbox/simulated-jpeg.ts';

const TOPICS: Readonly<Record<string, readonly [topic: string, item: string]>> = {
  motion: ['tnsaxis:CameraApplicationPlatform/VMD/Camera{channel}ProfileANY', 'active'],
  audio: ['tns1:AudioSource/tnsaxis:TriggerLevel', 'triggered'],
  storage: ['tnsaxis:Storage/Disruption', 'disruption'],
};

/** The pull point and the pictures of a simulated Axis camera. Subscriptions are told apart by a reference parameter only. */
export class AxisView {
  readonly events = new PullPointService(() => Date.now());
  /** The body of its pictures; always HTTP 200. */
  image: Buffer | string = simulatedJpeg(506);

  constructor() {
    this.events.address = 'http://192.0.2.99/vapix/services';
    this.events.reference = '<dom0:SubscriptionId>{id}</dom0:SubscriptionId>';
  }

  /** Something begins or ends on a channel (from 1). */
  raise(type: string, state: 'active' | 'inactive', channel: number): void {
    const [topic, item] = TOPICS[type] ?? [`tnsaxis:Example/${type}`, 'active'];
    const data = { [item]: state === 'active' ? '1' : '0' };
    this.events.notify({ topic: topic.replace('{channel}', String(channel)), operation: 'Changed', data });
  }

  /** True when the request is for an event or a picture and its answer is under way. */
  answer(path: string, request: IncomingMessage, response: ServerResponse, body: string): boolean {
    if (path === '/axis-cgi/jpg/image.cgi') {
      response.writeHead(200, { 'Content-Type': typeof this.image === 'string' ? 'text/html' : 'image/jpeg' });
      response.end(this.image);
      return true;
    }
    const operation = /Body>\s*<(CreatePullPointSubscription|PullMessages|SetSynchronizationPoint|Renew|Unsubscribe)\b/.exec(body)?.[1];
    if (path !== '/vapix/services' || operation === undefined) return false;
    const { root } = XmlDocument.parse(body);
    if (child(root, 'Header', 'Security') !== undefined) throw new Error('a login of ONVIF at a service that knows none');
    this.events.answer(operation, root, body, path, request, response);
    return true;
  }
}
