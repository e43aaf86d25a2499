import type { ServerResponse } from 'node:http';
import type { Occurrence } from '../../../events/source.ts';
import type { EventType } from '../../../events/vocabulary.ts';

/** What a camera may do wrong with its states and pictures; switched while it runs. */
export interface ViewFaults {
  /** Takes requests and never answers. */
  silent?: boolean;
  /** So many of the next requests end in a closed connection. */
  hangUps?: number;
  /** All detections are switched off. */
  blind?: boolean;
  /** Answers with a page of another kind. */
  garbage?: boolean;
  /** Answers in place of a picture, with HTTP 200. */
  picture?: 'refused' | 'half';
}

const NAMES: Readonly<Partial<Record<EventType, string>>> = { motion: 'motionDetectAlarm', audio: 'soundAlarm', 'alarm-input': 'IOAlarm' };

/** The smallest thing that is a JPEG from its first marker to its last. */
const JPEG = Buffer.concat([Buffer.of(0xff, 0xd8, 0xff, 0xe0), Buffer.alloc(1_994, 'JFIF'), Buffer.of(0xff, 0xd9)]);

/** The alarms and pictures of a simulated camera. */
export class SimulatedView {
  faults: ViewFaults = {};
  image = JPEG;
  readonly #states = new Map([
    ['IOAlarm', '0'],
    ['motionDetectAlarm', '1'],
    ['soundAlarm', '1'],
    ['record', '0'],
    ['sdState', '2'],
    ['infraLedState', '0'],
  ]);
  /** Over as soon as it has been told. */
  readonly #pulses = new Set<string>();

  raise(type: EventType, state: Occurrence['state']): void {
    const name = NAMES[type] ?? `${type}Alarm`;
    this.#states.set(name, state === 'inactive' ? '1' : '2');
    if (state === 'pulse') this.#pulses.add(name);
  }

  /** True when this request is not going to be answered as it should be. */
  interferes(response: ServerResponse): boolean {
    const { faults } = this;
    if (faults.silent) return true;
    if (faults.hangUps !== undefined && faults.hangUps > 0) {
      faults.hangUps -= 1;
      response.socket?.destroy();
      return true;
    }
    if (faults.garbage) response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>garbage</html>');
    return faults.garbage === true;
  }

  states(): Map<string, string> {
    const told = new Map(this.#states);
    for (const name of this.#pulses) this.#states.set(name, '1');
    this.#pulses.clear();
    if (this.faults.blind) for (const name of told.keys()) if (name.endsWith('Alarm')) told.set(name, '0');
    return told;
  }

  sendPicture(response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'image/jpeg' });
    response.end(this.faults.picture === 'half' ? this.image.subarray(0, 900) : this.image);
  }
}
