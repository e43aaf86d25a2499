import type { ServerResponse } from 'node:http';
import type { Occurrence } from '../../../events/source.ts';
import type { EventType } from '../../../events/vocabulary.ts';
import { OpenStreams } from '../../../sandbox/open-streams.ts';
import { simulatedJpeg } from '../../../sandbox/simulated-jpeg.ts';

/** What a device may do wrong with its stream and pictures; switched while it runs. */
export interface ViewFaults {
  boundary?: 'spaced' | 'closed' | 'wrong';
  length?: 'missing' | 'short' | 'long';
  bareLf?: boolean;
  /** No blank line between a part's headers and its body. */
  noBlankLine?: boolean;
  /** The connection stays open and says nothing any more. */
  silent?: boolean;
  /** Does not know the parameter `heartbeat`. */
  noHeartbeat?: boolean;
  /** An error in place of the stream; `words` come with HTTP 200. */
  refused?: 'authority' | 'absent' | 'busy' | 'words';
  /** Answers in place of a picture. `single`: knows no channels. */
  picture?: 'words' | 'half' | 'single' | 'offline';
}

const CODES: Readonly<Partial<Record<EventType, string>>> = {
  motion: 'VideoMotion',
  person: 'SmartMotionHuman',
  vehicle: 'SmartMotionVehicle',
  face: 'FaceDetection',
  'line-crossing': 'CrossLineDetection',
  intrusion: 'CrossRegionDetection',
  loitering: 'WanderDetection',
  'object-left': 'LeftDetection',
  'object-removed': 'TakenAwayDetection',
  tamper: 'VideoBlind',
  'scene-change': 'VideoAbnormalDetection',
  audio: 'AudioMutation',
  'alarm-input': 'AlarmLocal',
  doorbell: 'CallNoAnswered',
  'video-loss': 'VideoLoss',
  storage: 'StorageFailure',
  network: 'NetAbort',
  access: 'AccessControl',
};
const ACTIONS = { active: 'Start', inactive: 'Stop', pulse: 'Pulse' } as const;

/** The event manager and the pictures of a simulated device. */
export class SimulatedView {
  faults: ViewFaults = {};
  image = simulatedJpeg();
  /** Targets of the requests for a stream or a picture. */
  readonly asked: string[] = [];
  readonly #streams = new OpenStreams();

  /** True when the target is one of a stream or picture and the answer is under way. */
  answer(target: string, response: ServerResponse): boolean {
    if (target.startsWith('/cgi-bin/eventManager.cgi?action=attach&codes=[All]')) this.#attach(target, response);
    else if (target.startsWith('/cgi-bin/snapshot.cgi')) this.#picture(target, response);
    else return false;
    this.asked.push(target);
    return true;
  }

  get streams(): number {
    return this.#streams.size;
  }

  /** Resolves when so many streams are open. */
  untilStreams(count: number): Promise<void> {
    return this.#streams.until(count);
  }

  raise(type: EventType, state: Occurrence['state'], channel: number): void {
    this.event(`Code=${CODES[type] ?? 'Unknown'};action=${ACTIONS[state]};index=${channel - 1}`);
  }

  /** Tells all who listen. `data` is printed as the devices do, over several lines. */
  event(fields: string, data?: unknown): void {
    this.part(data === undefined ? fields : `${fields};data=${JSON.stringify(data, null, 3)}\n`);
  }

  /** A part with any body. */
  part(body: string): void {
    for (const response of this.#streams) this.#write(response, body);
  }

  /** Bytes that belong to no part. */
  write(text: string): void {
    for (const response of this.#streams) response.write(text);
  }

  /** Cuts all streams, as a restart or a lost network does. */
  drop(): void {
    this.#streams.drop();
  }

  /** Ends all streams in good order, as some firmware does now and then. */
  end(): void {
    for (const response of this.#streams) response.end();
  }

  close(): void {
    this.drop();
  }

  #attach(target: string, response: ServerResponse): void {
    const { refused, noHeartbeat } = this.faults;
    const seconds = Number(/&heartbeat=(\d+)$/.exec(target)?.[1] ?? 0);
    if (refused === 'authority') text(response, 403, 'Error\r\nInvalid Authority!\r\n');
    else if (refused === 'absent') text(response, 404, '');
    else if (refused === 'busy') text(response, 503, '');
    else if (refused === 'words') text(response, 200, 'Error\r\nBad Request!\r\n');
    else if (noHeartbeat && seconds > 0) text(response, 400, 'Error\r\nBad Request!\r\n');
    else {
      this.#streams.open(response, 'multipart/x-mixed-replace; boundary=myboundary');
      if (seconds === 0) return;
      const heart = setInterval(() => this.#write(response, 'Heartbeat'), seconds * 1000).unref();
      response.on('close', () => clearInterval(heart));
    }
  }

  #write(response: ServerResponse, body: string): void {
    const { boundary, length, bareLf, noBlankLine, silent } = this.faults;
    if (silent) return;
    const size = Buffer.byteLength(body) + (length === 'short' ? -4 : length === 'long' ? 500 : 0);
    const delimiter = { spaced: '-- myboundary', closed: '--myboundary--', wrong: '--otherboundary', right: '--myboundary' };
    const lines = [delimiter[boundary ?? 'right'], 'Content-Type: text/plain'];
    if (length !== 'missing') lines.push(`Content-Length:${size}`);
    const end = bareLf ? '\n' : '\r\n';
    response.write(`${lines.join(end)}${noBlankLine ? end : end + end}${body}${end}${end}`);
  }

  #picture(target: string, response: ServerResponse): void {
    const { picture } = this.faults;
    if (picture === 'words') text(response, 200, 'Error\r\nInvalid Authority!\r\n');
    else if (picture === 'offline') text(response, 500, '');
    else if (picture === 'single' && target.includes('?')) text(response, 400, 'Error\r\nBad Request!\r\n');
    else {
      response.writeHead(200, { 'Content-Type': 'image/jpeg' });
      response.end(picture === 'half' ? this.image.subarray(0, 900) : this.image);
    }
  }
}

function text(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain;charset=utf-8', 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}
