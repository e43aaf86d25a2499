import type { ServerResponse } from 'node:http';
import { OpenStreams } from '../../../sandbox/open-streams.ts';
import { simulatedJpeg } from '../../../sandbox/simulated-jpeg.ts';

export interface SimulatedAlert {
  type: string;
  state?: 'active' | 'inactive';
  channel?: number;
  /** What recorders have in place of channelID. */
  dynChannel?: number;
  /** The device's clock, epoch ms; default now, by that clock. */
  at?: number;
  /** Elements that come on top. */
  more?: string;
}

/** What a device may do wrong with its stream; switched while it runs. */
export interface StreamFaults {
  boundary?: 'doubled' | 'wrong' | 'missing';
  length?: 'missing' | 'short' | 'long';
  /** LF in place of CRLF. */
  bareLf?: boolean;
  /** The connection stays open and says nothing any more. */
  silent?: boolean;
  /** An access right is missing: an error in place of the stream. */
  refused?: 'lowPrivilege' | 'notSupport';
  /** Takes subscriptions, and says so. */
  subscribes?: boolean;
  /** Answers in place of a picture, with HTTP 200, as real ones do. */
  picture?: 'badXmlContent' | 'deviceError' | 'half' | 'never';
}

/** The alertStream and the pictures of a simulated device. */
export class SimulatedView {
  faults: StreamFaults = {};
  /** How far the device's clock is ahead of ours. */
  clockAheadMs = 0;
  image = simulatedJpeg();
  /** Requests for a picture, by path. */
  readonly pictures: string[] = [];
  /** Connections to the stream so far. */
  opened = 0;
  readonly #streams = new OpenStreams();
  readonly #heartbeats = setInterval(() => this.heartbeat(), 10_000).unref();

  /** True when the path is one of a stream or picture and the answer is under way. */
  answer(method: string, path: string, body: string, response: ServerResponse): boolean {
    if (method === 'POST' && path === '/Event/notification/subscribeEvent') return this.#subscribe(body, response);
    if (method !== 'GET') return false;
    if (path === '/Event/notification/alertStream') this.#open(response);
    else if (path === '/System/capabilities') this.#xml(response, capabilities(this.faults.subscribes === true));
    else if (path === '/Security/userCheck') this.#xml(response, '<userCheck><statusValue>200</statusValue></userCheck>');
    else if (/^(\/ContentMgmt\/StreamingProxy|\/Streaming)\/channels\/\d+\/picture$/.test(path)) this.#picture(path, response);
    else return false;
    return true;
  }

  get streams(): number {
    return this.#streams.size;
  }

  /** Resolves when so many streams are open. */
  untilStreams(count: number): Promise<void> {
    return this.#streams.until(count);
  }

  heartbeat(): void {
    this.alert({ type: 'videoloss', state: 'inactive' });
  }

  /** Tells all who listen; pictures follow as parts of their own. */
  alert({ type, state = 'active', channel, dynChannel, at, more = '' }: SimulatedAlert, ...pictures: Buffer[]): void {
    const time = new Date(at ?? Date.now() + this.clockAheadMs).toISOString().replace(/\.\d+Z$/, '+00:00');
    const channels =
      dynChannel === undefined ? `<channelID>${channel ?? 1}</channelID>` : `<dynChannelID>${dynChannel}</dynChannelID><channelID/>`;
    this.#part(
      'application/xml; charset="UTF-8"',
      Buffer.from(
        [
          '<EventNotificationAlert version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema">',
          '<ipAddress>192.0.2.64</ipAddress>',
          '<portNo>80</portNo>',
          channels,
          `<dateTime>${time}</dateTime>`,
          '<activePostCount>1</activePostCount>',
          `<eventType>${type}</eventType>`,
          `<eventState>${state}</eventState>`,
          `<eventDescription>${type} alarm</eventDescription>${more}`,
          '</EventNotificationAlert>',
          '',
        ].join('\r\n'),
        'latin1',
      ),
    );
    for (const picture of pictures) this.#part('image/jpeg', picture);
  }

  /** Cuts all streams, as a restart or a lost network does. */
  drop(): void {
    this.#streams.drop();
  }

  close(): void {
    clearInterval(this.#heartbeats);
    this.drop();
  }

  #open(response: ServerResponse): void {
    const { refused } = this.faults;
    if (refused !== undefined) {
      this.#xml(response, statusXml(4, refused), 403);
      return;
    }
    this.#stream(response);
  }

  /** The stream begins with what was subscribed. */
  #subscribe(body: string, response: ServerResponse): boolean {
    const wanted = /<SubscribeEvent [^>]*xmlns="http:\/\/www\.isapi\.org\/ver20\/XMLSchema"[^>]*>.*<eventMode>all</.test(body);
    if (!this.faults.subscribes || !wanted) return false;
    this.#stream(response);
    this.#part('application/xml', Buffer.from('<SubscribeEventResponse version="2.0"><id>1</id></SubscribeEventResponse>'));
    return true;
  }

  #stream(response: ServerResponse): void {
    this.opened += 1;
    const boundary = this.faults.boundary === 'wrong' ? 'MIME_boundary' : 'boundary';
    this.#streams.open(response, `multipart/mixed; boundary=${boundary}`);
  }

  #part(type: string, body: Buffer): void {
    const { boundary, length, bareLf, silent } = this.faults;
    if (silent) return;
    const lines = boundary === 'missing' ? [] : boundary === 'doubled' ? ['--boundary', '--boundary'] : ['--boundary'];
    lines.push(`Content-Type: ${type}`);
    if (length !== 'missing') lines.push(`Content-Length: ${body.length + (length === 'short' ? -20 : length === 'long' ? 500 : 0)}`);
    const head = [...lines, '', ''].join(bareLf ? '\n' : '\r\n');
    for (const response of this.#streams) response.write(Buffer.concat([Buffer.from(head), body, Buffer.from('\r\n')]));
  }

  #picture(path: string, response: ServerResponse): void {
    this.pictures.push(path);
    const { picture } = this.faults;
    if (picture === 'never') return;
    const proxy = path.startsWith('/ContentMgmt');
    if (picture === 'badXmlContent' && !proxy) this.#xml(response, statusXml(6, 'badXmlContent'));
    else if (picture === 'deviceError' && this.pictures.length < 3) this.#xml(response, statusXml(3, 'deviceError'));
    else {
      response.writeHead(200, { 'Content-Type': 'image/jpeg' });
      response.end(picture === 'half' ? this.image.subarray(0, 900) : this.image);
    }
  }

  #xml(response: ServerResponse, xml: string, status = 200): void {
    response.writeHead(status, { 'Content-Type': 'application/xml' });
    response.end(xml);
  }
}

function capabilities(subscribes: boolean): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<DeviceCap version="2.0"><SysCap><isSupportSubscribeEvent>${subscribes}</isSupportSubscribeEvent></SysCap></DeviceCap>`;
}

function statusXml(code: number, sub: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<ResponseStatus version="2.0"><statusCode>${code}</statusCode><statusString>Error</statusString><subStatusCode>${sub}</subStatusCode></ResponseStatus>`;
}
