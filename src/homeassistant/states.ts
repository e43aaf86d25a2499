import { LIMITS } from '../core/limits.ts';
import { type Device, type KnownCamera, placeOf, restored, type Stored, storedDevice, updated } from './devices.ts';
import { COMMAND_FEATURES, discovery, featureOf, isEventFeature, MAIL_FEATURES, type Origin } from './discovery.ts';
import { accountId, cameraId, deviceTopic, discoveryTopic, type Topics } from './ids.ts';
import type { CameraRef, Observation } from './observations.ts';
import { bridgeOnline, forgotten, occurred, type Publication, problemAttributes, retained } from './publications.ts';

export interface Observed {
  publications: Publication[];
  /** What is kept in `stored()` has changed. */
  changed: boolean;
  /** Publish `endPulse(...)` after this many milliseconds. It publishes nothing if the event went on meanwhile. */
  pulse?: { id: string; feature: string; ms: number };
  /** The picture was left out: more bytes than brokers take. */
  tooLarge?: number;
  /** There are more devices, or sensors of this device, than are announced. */
  full?: boolean;
}

type Say = (device: Device, feature: string, payload: string) => void;

/** Everything that Home Assistant knows through us. Holds no pictures: the broker keeps the last ones. */
export class Entities {
  readonly #topics: Topics;
  readonly #origin: Origin;
  readonly #devices = new Map<string, Device>();
  /** Retained topics of devices that were removed, by device, until the broker is sure to have heard of it. */
  readonly #gone = new Map<string, string[]>();

  constructor(topics: Topics, origin: Origin, stored: unknown = undefined) {
    this.#topics = topics;
    this.#origin = origin;
    const { devices, gone } = restored(stored);
    for (const device of devices) this.#devices.set(device.id, device);
    for (const [id, all] of gone) this.#gone.set(id, all);
  }

  get size(): number {
    return this.#devices.size;
  }

  /** For the constructor of the next process. */
  stored(): Stored {
    return { devices: [...this.#devices.values()].map(storedDevice), gone: [...this.#gone] };
  }

  /** The device of a reference, if there is one. */
  find(ref: CameraRef): Device | undefined {
    const cameras = [...this.#devices.values()].filter(({ kind }) => kind === 'camera');
    if (ref.nodeId !== undefined) {
      const own = cameras.find(({ nodeId }) => nodeId === ref.nodeId);
      if (own !== undefined) return own;
    }
    return cameras.find(({ name, nodeId }) => name === ref.name && (nodeId === undefined || ref.nodeId === undefined));
  }

  byId(id: string): Device | undefined {
    return this.#devices.get(id);
  }

  /** Home Assistant or the broker has started: all discovery, and every state that is known. */
  announce(): Publication[] {
    const publications = this.#removals();
    for (const device of this.#devices.values()) publications.push(this.#discovery(device), ...this.#states(device));
    return publications;
  }

  /** Takes in what a message said. `known` is the camera-device behind it, `now` in epoch milliseconds. */
  observe(observation: Observation, known: KnownCamera | undefined, now: number): Observed {
    if (observation.kind === 'remove') return this.remove(observation.camera);
    const subject = subjectOf(observation);
    const publications: Publication[] = [];
    const device = 'account' in subject ? this.#account(subject.account) : this.#camera(subject.camera, known, publications);
    if (device === undefined) return { publications, changed: false, full: true };
    const before = JSON.stringify(storedDevice(device));
    const features = device.features.length;
    const fresh = !device.announced;
    const said: Publication[] = [];
    const say: Say = (of, feature, payload) => {
      of.states.set(feature, payload);
      said.push(this.#state(of, feature, payload));
    };
    const result = this.#take(device, observation, now, say, said);
    const changed = fresh || device.identityChanged || JSON.stringify(storedDevice(device)) !== before;
    if (fresh || device.identityChanged || device.features.length > features) publications.push(this.#discovery(device));
    if (fresh) publications.push(...this.#states(device).filter(({ topic }) => !said.some((one) => one.topic === topic)));
    device.announced = true;
    device.identityChanged = false;
    return { ...result, publications: [...publications, ...said], changed };
  }

  endPulse(id: string, feature: string): Publication[] {
    const device = this.#devices.get(id);
    if (device === undefined || !device.pulses.delete(feature)) return [];
    device.states.set(feature, 'OFF');
    return [this.#state(device, feature, 'OFF')];
  }

  /** Takes a camera or account away from Home Assistant and from the broker, by name, node or id. Nothing of it is left retained. */
  remove(nameOrId: string): Observed {
    const found = [...this.#devices.values()].filter(({ id, name, nodeId }) => [id, name, nodeId].includes(nameOrId));
    return { publications: found.flatMap((device) => this.#forget(device)), changed: found.length > 0 };
  }

  /** Removes the cameras whose camera-device no longer exists, and the accounts that are none of these. */
  keepOnly(nodeIds: ReadonlySet<string>, accounts: ReadonlySet<string>): Observed {
    const ids = new Set([...accounts].map(accountId));
    const gone = [...this.#devices.values()].filter(({ kind, id, nodeId }) =>
      kind === 'account' ? !ids.has(id) : nodeId !== undefined && !nodeIds.has(nodeId),
    );
    return { publications: gone.flatMap((device) => this.#forget(device)), changed: gone.length > 0 };
  }

  /** Takes over the name and address of an edited camera-device, for the next `announce`. True when something is new. */
  edited({ nodeId, name, url }: KnownCamera): boolean {
    const device = [...this.#devices.values()].find((one) => one.nodeId === nodeId);
    if (device === undefined) return false;
    updated(device, { name, configurationUrl: url });
    const { identityChanged } = device;
    device.identityChanged = false;
    return identityChanged;
  }

  /** The broker has just been heard: it hears now what was removed while nobody could tell it. */
  farewell(): Observed {
    const publications = this.#removals();
    this.#gone.clear();
    return { publications, changed: publications.length > 0 };
  }

  online(): Publication {
    return bridgeOnline(this.#topics);
  }

  #take(device: Device, observation: Observation, now: number, say: Say, said: Publication[]): Omit<Observed, 'publications' | 'changed'> {
    switch (observation.kind) {
      case 'event': {
        const { event } = observation;
        const feature = featureOf(event.type, event.channel);
        const room = this.#add(device, feature) && this.#add(device, 'event');
        this.#setOnline(device, true, say);
        const on = device.states.get(feature) === 'ON';
        if (room) say(device, feature, event.state === 'ended' ? 'OFF' : 'ON');
        if (event.state !== 'ended') said.push(occurred(this.#topics, device, event));
        if (!room) return { full: true };
        // An event that goes on already is not ended by a repeat without an end.
        const pulse = event.state === 'pulse' && (!on || device.pulses.has(feature));
        if (pulse) device.pulses.add(feature);
        else device.pulses.delete(feature);
        return pulse ? { pulse: { id: device.id, feature, ms: LIMITS.homeAssistant.pulseMs } } : {};
      }
      case 'picture': {
        const { image, channel } = observation;
        if (image.length > LIMITS.homeAssistant.imageBytes) return { tooLarge: image.length };
        const feature = featureOf('snapshot', channel);
        if (!this.#add(device, feature)) return { full: true };
        said.push(retained(deviceTopic(this.#topics, device.id, feature), image));
        return {};
      }
      case 'connection':
        this.#add(device, 'connection');
        this.#setOnline(device, observation.connected, say);
        // What ended while nobody listened is never told; what goes on is told again.
        for (const [feature, state] of [...device.states]) {
          if (state !== 'ON' || !isEventFeature(feature)) continue;
          device.pulses.delete(feature);
          say(device, feature, 'OFF');
        }
        say(device, 'connection', observation.connected ? 'ON' : 'OFF');
        return {};
      case 'mail':
        if (observation.proven) say(device, 'last_mail', new Date(now).toISOString());
        // Right settings do not disprove a test mail that was lost.
        if (observation.problem === null && observation.by === 'look' && device.testFailed) return {};
        if (observation.problem !== undefined) {
          device.testFailed = observation.by === 'test' && observation.problem !== null;
          say(device, 'problem', observation.problem === null ? 'OFF' : 'ON');
          say(device, 'problem/attributes', problemAttributes(observation.problem, now));
        }
        return {};
      case 'alerts':
        if (device.features.includes('alerts')) say(device, 'alerts', observation.on ? 'ON' : 'OFF');
        return {};
      case 'queue':
        for (const [feature, value] of [
          ['queue', observation.waiting],
          ['budget', observation.left],
        ] as const) {
          if (value === undefined || device.states.get(feature) === String(value)) continue;
          if (this.#add(device, feature)) say(device, feature, String(value));
        }
        return {};
      case 'remove':
        return {};
    }
  }

  #camera(ref: CameraRef, known: KnownCamera | undefined, publications: Publication[]): Device | undefined {
    const before = this.find({ ...ref, nodeId: known?.nodeId ?? ref.nodeId });
    const facts = placeOf(ref, known, before);
    const wanted = cameraId(facts);
    const taken = this.#devices.get(wanted);
    // Two entries for one device, such as the channels of a recorder given by message, must not share their entities.
    const id = taken === undefined || taken === before ? wanted : cameraId({ name: `${wanted} ${ref.name}` });
    const device = before?.id === id ? before : this.#devices.get(id);
    if (device !== undefined) {
      updated(device, facts);
      if (facts.nodeId !== undefined) for (const feature of COMMAND_FEATURES) this.#add(device, feature);
      return device;
    }
    if (before === undefined && this.#devices.size >= LIMITS.homeAssistant.devices) return undefined;
    const features = [...(before?.features ?? MAIL_FEATURES)];
    const states = new Map(before?.states ?? [['availability', 'online']]);
    // What was announced before the serial number was known goes, and comes back under the lasting id.
    if (before !== undefined) publications.push(...this.#forget(before));
    const fresh: Device = {
      id,
      kind: 'camera',
      name: facts.name,
      features,
      states,
      pulses: new Set(),
      testFailed: before?.testFailed ?? false,
      announced: false,
      identityChanged: false,
    };
    updated(fresh, facts);
    if (facts.nodeId !== undefined) for (const feature of COMMAND_FEATURES) this.#add(fresh, feature);
    this.#devices.set(id, fresh);
    this.#gone.delete(id);
    return fresh;
  }

  #account(name: string): Device | undefined {
    const id = accountId(name);
    const found = this.#devices.get(id);
    if (found !== undefined || this.#devices.size >= LIMITS.homeAssistant.devices) return found;
    const fresh: Device = {
      id,
      kind: 'account',
      name,
      features: [...MAIL_FEATURES],
      states: new Map(),
      pulses: new Set(),
      testFailed: false,
      announced: false,
      identityChanged: false,
    };
    this.#devices.set(id, fresh);
    this.#gone.delete(id);
    return fresh;
  }

  #add({ features }: Device, feature: string): boolean {
    if (features.includes(feature)) return true;
    if (features.length >= LIMITS.homeAssistant.sensors) return false;
    features.push(feature);
    return true;
  }

  #setOnline(device: Device, online: boolean, say: Say): void {
    const payload = online ? 'online' : 'offline';
    if (device.states.get('availability') !== payload) say(device, 'availability', payload);
  }

  #discovery(device: Device): Publication {
    const payload = JSON.stringify(discovery(this.#topics, device, this.#origin));
    return retained(discoveryTopic(this.#topics, device.id), payload);
  }

  #state({ id }: Device, feature: string, payload: string): Publication {
    return retained(deviceTopic(this.#topics, id, feature), payload);
  }

  #states(device: Device): Publication[] {
    return [...device.states].map(([feature, payload]) => this.#state(device, feature, payload));
  }

  #forget(device: Device): Publication[] {
    this.#devices.delete(device.id);
    const kept = device.features.filter((feature) => feature !== 'event' && feature !== 'test' && feature !== 'verify');
    const topics = new Set([...kept, ...device.states.keys(), ...(device.kind === 'camera' ? ['availability'] : [])]);
    // Discovery first: Home Assistant is not to see states that end before their entities do.
    const all = [discoveryTopic(this.#topics, device.id), ...[...topics].map((feature) => deviceTopic(this.#topics, device.id, feature))];
    this.#gone.set(device.id, all);
    return all.map(forgotten);
  }

  #removals(): Publication[] {
    return [...this.#gone.values()].flat().map(forgotten);
  }
}

function subjectOf(observation: Exclude<Observation, { kind: 'remove' }>): { camera: CameraRef } | { account: string } {
  if (observation.kind === 'mail') return observation.of;
  return observation.kind === 'queue' ? { account: observation.account } : { camera: observation.camera };
}
