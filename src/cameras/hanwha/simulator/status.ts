import type { ServerResponse } from 'node:http';
import { OpenStreams } from '../../../sandbox/open-streams.ts';
import { simulatedJpeg } from '../../../sandbox/simulated-jpeg.ts';

/** What a device may do wrong with its stream and pictures; switched while it runs. */
export interface StatusFaults {
  boundary?: 'wrong' | 'missing';
  length?: 'missing' | 'short' | 'long';
  /** An answer in place of the stream, with HTTP 200. */
  refusal?: string;
  /** An HTTP status in place of the stream. */
  status?: number;
  /** An answer in place of a picture, with HTTP 200. */
  picture?: string;
}

type Form = 'json' | 'text' | 'schema';

const NAMES: Readonly<Record<string, string>> = {
  motion: 'MotionDetection',
  tamper: 'Tampering',
  audio: 'AudioDetection',
  'line-crossing': 'VideoAnalytics.Passing',
  'region-entrance': 'VideoAnalytics.Entering',
};

/** The event status and the pictures of a simulated device. */
export class SimulatedStatus {
  faults: StatusFaults = {};
  form: Form = 'json';
  image = simulatedJpeg(506);
  /** What it tells at the start of a stream, by its keys in text. */
  readonly state = new Map<string, boolean>([
    ['Channel.0.MotionDetection', false],
    ['Channel.0.MotionDetection.RegionID.1', false],
    ['Channel.0.Tampering', false],
    ['Channel.0.AudioDetection', false],
    ['Channel.0.VideoAnalytics.Passing', false],
    ['Channel.0.VideoAnalytics.Entering', false],
    ['AlarmInput.1', false],
    ['AlarmOutput.1', false],
  ]);
  readonly #streams = new OpenStreams();

  get streams(): number {
    return this.#streams.size;
  }

  /** Resolves when so many streams are open. */
  untilStreams(count: number): Promise<void> {
    return this.#streams.until(count);
  }

  /** Something begins or ends on a channel (from 1). */
  raise(type: string, state: 'active' | 'inactive' = 'active', channel = 1): void {
    const key = type === 'alarm-input' ? `AlarmInput.${channel}` : `Channel.${channel - 1}.${NAMES[type] ?? type}`;
    this.state.set(key, state === 'active');
    this.tell([[key, state === 'active']]);
  }

  /** One part of the stream. */
  tell(values: Iterable<readonly [string, boolean]>): void {
    const all = [...values];
    if (this.form === 'text') this.part('text/plain', all.map(([key, on]) => `${key}=${on ? 'True' : 'False'}\r\n`).join(''));
    else
      this.part(
        'application/json',
        JSON.stringify(
          this.form === 'json' ? nested(all) : { EventStatus: all.filter(([key]) => !key.includes('RegionID')).map(schemaBased) },
          null,
          1,
        ),
      );
  }

  part(type: string, body: string): void {
    const { boundary, length } = this.faults;
    const size = Buffer.byteLength(body) + (length === 'short' ? -5 : length === 'long' ? 500 : 0);
    const head = [
      ...(boundary === 'missing' ? [] : [boundary === 'wrong' ? '--Wisenet' : '--SamsungTechwin']),
      `Content-type: ${type}`,
      ...(length === 'missing' ? [] : [`Content-Length: ${size}`]),
      '',
      '',
    ].join('\r\n');
    for (const response of this.#streams) response.write(`${head}${body}\r\n\r\n`);
  }

  /** Cuts all streams. */
  drop(): void {
    this.#streams.drop();
  }

  open(response: ServerResponse): void {
    const { refusal, status } = this.faults;
    if (refusal !== undefined || status !== undefined) {
      response.writeHead(status ?? 200, { 'Content-Type': 'text/plain' });
      response.end(refusal ?? '');
      return;
    }
    this.#streams.open(response, 'multipart/x-mixed-replace; boundary=SamsungTechwin');
    this.tell(this.state);
  }

  picture(response: ServerResponse): void {
    const { picture } = this.faults;
    response.writeHead(200, { 'Content-Type': picture === undefined ? 'image/jpeg' : 'text/plain' });
    response.end(picture ?? this.image);
  }
}

/** The JSON form: channels as a list, inputs by number. */
function nested(values: readonly (readonly [string, boolean])[]): Record<string, unknown> {
  const answer: Record<string, unknown> = {};
  const channels = new Map<string, Record<string, unknown>>();
  for (const [key, on] of values) {
    const [, index, inChannel] = /^Channel\.(\d+)\.(.+)$/.exec(key) ?? [];
    let target = answer;
    if (index !== undefined) {
      target = channels.get(index) ?? { Channel: Number(index) };
      channels.set(index, target);
    }
    const steps = (inChannel ?? key).replace('Detection.RegionID', 'DetectionRegions').split('.');
    const last = steps.pop() ?? '';
    for (const step of steps) {
      const inner = (target[step] ?? {}) as Record<string, unknown>;
      target[step] = inner;
      target = inner;
    }
    target[last] = on;
  }
  return { ...(channels.size === 0 ? {} : { ChannelEvent: [...channels.values()] }), ...answer };
}

function schemaBased([key, on]: readonly [string, boolean]): unknown {
  const [, index, name] = /^Channel\.(\d+)\.(.+)$/.exec(key) ?? [];
  const source = index === undefined ? { AlarmInput: Number(key.split('.')[1]) } : { Channel: Number(index) };
  return { EventName: name ?? key.split('.')[0], Time: '2026-10-08T00:31:40.134+00:00', Source: source, Data: { State: on } };
}
