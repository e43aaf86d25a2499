import type { ServerResponse } from 'node:http';
import type { Occurrence } from '../../../events/source.ts';
import type { EventType } from '../../../events/vocabulary.ts';
import type { RequestFaults } from '../../../sandbox/request-faults.ts';
import { simulatedJpeg } from '../../../sandbox/simulated-jpeg.ts';

/** What a camera may do wrong with its states and pictures; switched while it runs. */
export interface ViewFaults extends RequestFaults {
  /** All detections are switched off. */
  blind?: boolean;
  /** Answers in place of a picture, with HTTP 200. */
  picture?: 'refused' | 'half';
}

const NAMES: Readonly<Partial<Record<EventType, string>>> = { motion: 'motionDetectAlarm', audio: 'soundAlarm', 'alarm-input': 'IOAlarm' };

/** The alarms and pictures of a simulated camera. */
export class SimulatedView {
  faults: ViewFaults = {};
  image = simulatedJpeg();
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
