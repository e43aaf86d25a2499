import type { ServerResponse } from 'node:http';
import type { Occurrence } from '../../../events/source.ts';
import type { EventType } from '../../../events/vocabulary.ts';
import type { RequestFaults } from '../../../sandbox/request-faults.ts';
import { simulatedJpeg } from '../../../sandbox/simulated-jpeg.ts';
import type { JsonObject } from '../answer.ts';
import { type Result, refuse } from './rules.ts';

/** What a device may do wrong with its states and pictures; switched while it runs. */
export interface ViewFaults extends RequestFaults {
  /** Answers in place of a picture, with HTTP 200. */
  picture?: 'words' | 'half';
}

const NAMES: Readonly<Partial<Record<EventType, string>>> = {
  motion: 'md',
  person: 'people',
  vehicle: 'vehicle',
  animal: 'dog_cat',
  face: 'face',
  package: 'package',
  doorbell: 'visitor',
};
const DETECTED = ['people', 'vehicle', 'dog_cat'];

/** The states and pictures of a simulated device. */
export class SimulatedView {
  faults: ViewFaults = {};
  image = simulatedJpeg();
  /** `name@channel` of what goes on, channels from 0. */
  readonly #active = new Set<string>();
  /** Over as soon as it has been told. */
  readonly #pulses = new Set<string>();

  /** `commands`: those that this firmware knows. */
  constructor(
    private readonly commands: readonly string[],
    private readonly channels: number,
  ) {}

  raise(type: EventType, state: Occurrence['state'], channel: number): void {
    const key = `${NAMES[type] ?? type}@${channel - 1}`;
    if (state === 'inactive') this.#active.delete(key);
    else this.#active.add(key);
    if (state === 'pulse') this.#pulses.add(key);
  }

  /** Undefined when it is no command for states. */
  states(cmd: string, channel: unknown): Result | undefined {
    if (!this.commands.includes(cmd)) return undefined;
    if (typeof channel !== 'number' || channel < 0 || channel >= this.channels) return refuse(-49, 'channel id invalid');
    const tell = (name: string, support = 1) => ({ alarm_state: this.#told(name, channel), support });
    const ai: JsonObject = Object.fromEntries(DETECTED.map((name) => [name, tell(name)]));
    switch (cmd) {
      case 'GetMdState':
        return { value: { state: this.#told('md', channel) } };
      case 'GetAiState':
        return { value: { channel, ...ai, face: { alarm_state: 0, support: 0 } } };
      default:
        return { value: { ai: { ...ai, other: tell('other', 0) }, channel, md: tell('md'), visitor: tell('visitor') } };
    }
  }

  /** Undefined when there is a picture to give. */
  noPicture(channel: number): Result | undefined {
    if (!(channel >= 0 && channel < this.channels)) return refuse(-49, 'channel id invalid');
    return this.faults.picture === 'words' ? refuse(-48, 'snap failed') : undefined;
  }

  sendPicture(response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'image/jpeg' });
    response.end(this.faults.picture === 'half' ? this.image.subarray(0, 900) : this.image);
  }

  #told(name: string, channel: number): number {
    const key = `${name}@${channel}`;
    const active = this.#active.has(key);
    if (this.#pulses.delete(key)) this.#active.delete(key);
    return active ? 1 : 0;
  }
}
