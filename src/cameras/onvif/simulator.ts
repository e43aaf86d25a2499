import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { SimulatorOptions, SimulatorVariant } from '../../sandbox/camera-simulator.ts';
import { DigestGuard } from '../../sandbox/digest-guard.ts';
import { OnvifService, type OnvifServiceOptions } from '../../sandbox/onvif-service.ts';
import { SimulatedDevice } from '../../sandbox/simulated-device.ts';
import { simulatedJpeg } from '../../sandbox/simulated-jpeg.ts';

export interface OnvifSimulatorOptions extends SimulatorOptions, Omit<OnvifServiceOptions, 'login' | 'guard' | 'information'> {
  /** The web server knows other users than ONVIF does. */
  otherWebUsers?: boolean;
}

export const sample = (name: string): string => readFileSync(join(__dirname, 'samples', name), 'utf8');

/** What each event type is called on the wire, and the item that holds its state. */
const TOPICS: Readonly<Record<string, readonly [topic: string, item: string]>> = {
  motion: ['tns1:RuleEngine/CellMotionDetector/Motion', 'IsMotion'],
  person: ['tns1:RuleEngine/MyRuleDetector/PeopleDetect', 'State'],
  tamper: ['tns1:RuleEngine/TamperDetector/Tamper', 'IsTamper'],
  intrusion: ['tns1:RuleEngine/FieldDetector/ObjectsInside', 'IsInside'],
  'video-loss': ['tns1:VideoSource/SignalLoss', 'State'],
};

/** A camera of an unknown brand. It has no mail settings that anybody could read or write. */
export class OnvifSimulator extends SimulatedDevice<OnvifSimulatorOptions> {
  readonly vendor = 'onvif';
  readonly guard: DigestGuard;
  readonly service: OnvifService;
  readonly mailPassword = '';
  /** The body of its pictures; always HTTP 200. */
  image: Buffer | string = simulatedJpeg(506);

  constructor(options: OnvifSimulatorOptions) {
    super(options);
    const { username, password } = options.login;
    this.guard = new DigestGuard({ realm: 'ONVIF', users: options.otherWebUsers ? {} : { [username]: password } });
    this.service = new OnvifService({ ...options, guard: this.guard, information: sample('device-information.xml') });
  }

  documents(): string {
    return sample('device-information.xml');
  }

  get refusedLogins(): number {
    return this.service.refusedTokens + this.guard.counts.refused;
  }

  /** There is no mail server in it. */
  driftServer(): void {}

  /** Something begins or ends on a channel (from 1). */
  raise(type: string, state: 'active' | 'inactive' = 'active', channel = 1): void {
    const [topic, item] = TOPICS[type] ?? [`tns1:RuleEngine/Example/${type}`, 'State'];
    const source = { VideoSourceConfigurationToken: `vsc_${channel - 1}`, Rule: 'Rule1' };
    this.service.events.notify({ topic, operation: 'Changed', source, data: { [item]: String(state === 'active') } });
  }

  protected handle(request: IncomingMessage, response: ServerResponse, content: Buffer): void {
    const body = content.toString('latin1');
    const path = (request.url ?? '').split('?')[0] ?? '';
    if (this.service.handle(path, request, response, body)) return;
    if (path !== '/onvif-picture') {
      response.writeHead(404).end();
      return;
    }
    const open = this.options.loginIn === 'nowhere';
    if (!open && this.guard.admit(request, response, () => '<html>401 Unauthorized</html>') === undefined) return;
    response.writeHead(200, { 'Content-Type': typeof this.image === 'string' ? 'text/xml' : 'image/jpeg' });
    response.end(this.image);
  }
}

export const variants: readonly SimulatorVariant[] = [
  { name: 'camera', create: (options) => new OnvifSimulator({ ...options, clockOffsetMs: -7_200_000 }) },
  { name: 'camera with HTTP login', create: (options) => new OnvifSimulator({ ...options, loginIn: 'http' }) },
];
