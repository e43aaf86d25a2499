import { systemClock } from '../../src/core/clock.ts';
import { CameraEmailError } from '../../src/core/errors.ts';
import { commandMessage, incoming, isFromBroker } from '../../src/homeassistant/commands.ts';
import { type Observation, observationsOf } from '../../src/homeassistant/observations.ts';
import type { Publication } from '../../src/homeassistant/publications.ts';
import type { Entities, Observed } from '../../src/homeassistant/states.ts';
import { publicError } from '../shared/errors.ts';
import type { Message, NodeRed, RuntimeNode, Send } from '../shared/node-red.ts';
import type { QueueReport } from '../shared/outboxes.ts';
import { servicesOf } from '../shared/services.ts';
import { text } from '../shared/texts.ts';
import type { CameraHomeAssistantConfig } from './config.ts';
import { EntityStore } from './entity-store.ts';
import { KnownCameras } from './known-cameras.ts';
import { QueueWatch } from './queue-watch.ts';

export type Sender = RuntimeNode & { send: Send };

/** Between the messages of a flow and Home Assistant's entities. */
export class Bridge {
  readonly #RED: NodeRed;
  readonly #node: Sender;
  readonly #config: CameraHomeAssistantConfig;
  readonly #known: KnownCameras;
  readonly #store: EntityStore;
  readonly #queues: QueueWatch;
  readonly #pulses = new Map<string, NodeJS.Timeout>();
  readonly #warned = new Set<string>();
  #shown: number | undefined;

  constructor(RED: NodeRed, node: Sender, config: CameraHomeAssistantConfig) {
    this.#RED = RED;
    this.#node = node;
    this.#config = config;
    this.#known = new KnownCameras(RED);
    this.#store = EntityStore.open(servicesOf(RED).directory, config);
    this.#queues = new QueueWatch((report) =>
      this.#queue(report).catch((error: unknown) => this.#node.warn(publicError(this.#RED, error).message)),
    );
  }

  /** All flows run: cameras that are gone leave Home Assistant, the others are told to it again. */
  async deployed(signal: AbortSignal): Promise<undefined> {
    this.#known.refresh();
    const entities = await this.#store.entities;
    const cameras = this.#known.all();
    await this.#publish(entities, entities.keepOnly(cameras, this.#known.accounts()));
    let edited = false;
    for (const nodeId of cameras) {
      const known = await this.#known.find({ nodeId, name: '' }, false, signal);
      if (known !== undefined && entities.edited(known)) edited = true;
    }
    this.#send([entities.online(), ...entities.announce()]);
    if (edited) await this.#store.save();
    await this.#queues.look();
    return undefined;
  }

  async take(message: Message, signal: AbortSignal): Promise<undefined> {
    const entities = await this.#store.entities;
    if (isFromBroker(this.#config, message.topic, message.payload)) {
      await this.#publish(entities, entities.farewell());
      this.#obey(entities, { topic: message.topic, payload: message.payload, retain: message.retain });
      return undefined;
    }
    const observations = observationsOf(message);
    if (observations === undefined) throw new CameraEmailError('bad-input', 'no message of these nodes', { params: { field: 'payload' } });
    for (const observation of observations) await this.#observe(entities, observation, signal);
    return undefined;
  }

  close(): void {
    this.#queues.close();
    for (const timer of this.#pulses.values()) clearTimeout(timer);
    this.#pulses.clear();
    this.#store.release();
  }

  #obey(entities: Entities, message: { topic: string; payload: unknown; retain: unknown }): void {
    const order = incoming(this.#config, message);
    // Our own `online` comes back here and must not be answered with another one.
    if (order.kind === 'bridge') this.#send(order.online ? entities.announce() : [entities.online()]);
    if (order.kind === 'birth') this.#send([entities.online(), ...entities.announce()]);
    if (order.kind !== 'command') return;
    const device = entities.byId(order.id);
    if (device?.nodeId === undefined) return;
    this.#node.send([null, { ...commandMessage(order.command, { name: device.name, nodeId: device.nodeId }) }]);
  }

  async #observe(entities: Entities, observation: Observation, signal: AbortSignal): Promise<void> {
    const ref =
      'camera' in observation ? observation.camera : 'of' in observation && 'camera' in observation.of ? observation.of.camera : undefined;
    const unknown = typeof ref === 'object' && !ref.serial && !entities.find(ref)?.serial;
    const known = typeof ref === 'object' ? await this.#known.find(ref, unknown, signal) : undefined;
    // Closed meanwhile: what is said and saved now would be unknown to the next of these nodes.
    if (signal.aborted) return;
    const observed = entities.observe(observation, known, systemClock.now());
    await this.#publish(entities, observed);
    if (typeof ref === 'object') this.#warn(ref.name, observed);
  }

  async #queue(report: QueueReport): Promise<void> {
    const entities = await this.#store.entities;
    for (const observation of observationsOf({ email: report }) ?? [])
      await this.#publish(entities, entities.observe(observation, undefined, systemClock.now()));
  }

  async #publish(entities: Entities, { publications, changed, pulse }: Observed): Promise<void> {
    this.#send(publications);
    if (pulse !== undefined) {
      const key = `${pulse.id}/${pulse.feature}`;
      clearTimeout(this.#pulses.get(key));
      const end = setTimeout(() => this.#send(entities.endPulse(pulse.id, pulse.feature)), pulse.ms);
      this.#pulses.set(key, end.unref());
    }
    this.#status(entities);
    if (changed) await this.#store.save();
  }

  #warn(camera: string, { tooLarge, full }: Observed): void {
    const problem = tooLarge === undefined ? (full === true ? 'full' : undefined) : 'too-large';
    if (problem === undefined || this.#warned.has(`${camera}/${problem}`)) return;
    this.#warned.add(`${camera}/${problem}`);
    this.#node.warn(
      tooLarge === undefined
        ? `${camera}: not everything is shown in Home Assistant, because there is too much of it.`
        : `${camera}: a picture of ${tooLarge} bytes is too large for MQTT brokers and was left out. Choose a smaller picture in the camera.`,
    );
  }

  #send(publications: readonly Publication[]): void {
    for (const publication of publications) this.#node.send([{ ...publication }, null]);
  }

  #status({ size }: Entities): void {
    if (size === this.#shown) return;
    this.#shown = size;
    if (size === 0) this.#node.status({ fill: 'grey', shape: 'ring', text: text(this.#RED, 'status.no-cameras') });
    else this.#node.status({ fill: 'green', shape: 'dot', text: text(this.#RED, 'status.in-home-assistant', { count: size }) });
  }
}
