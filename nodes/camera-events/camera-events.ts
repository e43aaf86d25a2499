import type { CameraTarget } from '../../src/cameras/target.ts';
import type { WatchedCamera } from '../../src/cameras/watch.ts';
import { systemClock } from '../../src/core/clock.ts';
import { cancelled, withDeadline } from '../../src/core/deadline.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { Pictures } from '../../src/events/pictures.ts';
import type { LinkState } from '../../src/events/reconnect.ts';
import type { Tracked } from '../../src/events/tracker.ts';
import { deviceKey } from '../../src/http/device-memory.ts';
import { publicError, publicWarnings } from '../shared/errors.ts';
import type { Message, NodeRed, RuntimeNode } from '../shared/node-red.ts';
import { text } from '../shared/texts.ts';
import { cameraOf, eventHubOf, pictureAttachment } from '../shared/watching.ts';
import { type CameraEventsConfig, migrate } from './config.ts';

/** The runtime's own way for messages that no input caused. */
interface SendingNode extends RuntimeNode {
  send(message: (Message | null)[]): void;
}

module.exports = (RED: NodeRed) => {
  function CameraEvents(this: RuntimeNode, saved: Record<string, unknown>) {
    RED.nodes.createNode(this, saved);
    const config = migrate(saved);
    let stop: () => Promise<void> = async () => undefined;
    // What is sent before all nodes of the flow exist would be lost.
    const starting = setImmediate(() => {
      stop = start(RED, this as SendingNode, config);
    });
    this.on('close', (_removed, done) => {
      clearImmediate(starting);
      void stop().then(() => done());
    });
  }

  RED.nodes.registerType('camera-events', CameraEvents);
};

/** Listens until the answer is called, which resolves when nothing is left open. */
function start(RED: NodeRed, node: SendingNode, config: CameraEventsConfig): () => Promise<void> {
  let camera: { target: CameraTarget; watched: WatchedCamera };
  try {
    camera = cameraOf(RED, config.camera);
  } catch (thrown) {
    const error = publicError(RED, thrown);
    node.status({ fill: 'red', shape: 'ring', text: error.message });
    node.warn(`${error.message} ${error.advice}`);
    return async () => undefined;
  }
  const { target, watched } = camera;
  const controller = new AbortController();
  const { signal } = controller;
  const outlet = new Outlet(node, signal);
  const about = () => ({ id: target.id ?? '', name: target.name, host: target.address.host, vendor: watched.vendor });
  const pictures = new Pictures(watched.snapshot, systemClock);
  const isWanted = wanted(config);
  let checked = false;

  const eventMessage = async ({ event, occurrence }: Tracked, image: Promise<Buffer | undefined> | undefined): Promise<Ready> => {
    const { type, state, channel, at, ...rest } = event;
    const raw = config.raw ? { raw: occurrence.raw?.() } : {};
    const message: Message = { topic: `${target.name}/${type}`, payload: { type, state, channel, at, camera: about(), ...rest, ...raw } };
    const content = await image;
    if (content !== undefined) message.attachments = [pictureAttachment(target.name, at, content)];
    return { message };
  };

  const linkMessage = async (link: LinkState): Promise<Ready> => {
    const { connected, error, retryInMs } = link;
    const check = connected && !checked;
    checked ||= connected;
    const warnings = check ? await warningsOf(watched, signal) : [];
    const shown = publicWarnings(RED, warnings);
    const payload = {
      connected,
      camera: about(),
      since: new Date(link.since).toISOString(),
      ...(error === undefined ? {} : { reason: error.code, error: publicError(RED, error) }),
      ...(retryInMs === undefined ? {} : { retryInMs }),
      ...(shown.length === 0 ? {} : { warnings: shown }),
    };
    return {
      message: { topic: `${target.name}/connection`, payload },
      show: () => showLink(RED, node, link, target.name, shown),
    };
  };

  node.status({ fill: 'yellow', shape: 'ring', text: text(RED, 'status.connecting') ?? '' });
  const device = { key: deviceKey(target.address), host: target.address.host, login: target.login };
  const stop = eventHubOf(RED).listen(device, watched.events, {
    clearAfterMs: config.clearAfter * 1000,
    onEvent(tracked) {
      if (!isWanted(tracked)) return;
      const image = config.picture && tracked.event.state !== 'ended' ? pictures.of(tracked.occurrence, signal) : undefined;
      outlet.send(0, eventMessage(tracked, image));
    },
    onPicture: (occurrence, image) => pictures.arrived(occurrence, image),
    onLink: (link) => outlet.send(1, linkMessage(link)),
    release: () => watched.close(),
  });
  return async () => {
    controller.abort(cancelled());
    await stop();
  };
}

interface Ready {
  message: Message;
  /** Status and log, in the order of the messages: a connection may be lost while the camera is still asked for warnings. */
  show?: () => void;
}

/** Sends in the order in which things happened, each as soon as it and those before it are complete. */
class Outlet {
  readonly #node: SendingNode;
  readonly #signal: AbortSignal;
  readonly #last: Promise<unknown>[] = [Promise.resolve(), Promise.resolve()];

  constructor(node: SendingNode, signal: AbortSignal) {
    this.#node = node;
    this.#signal = signal;
  }

  send(output: 0 | 1, ready: Promise<Ready>): void {
    this.#last[output] = Promise.all([ready, this.#last[output]]).then(([{ message, show }]) => {
      if (this.#signal.aborted) return;
      show?.();
      this.#node.send(output === 0 ? [message, null] : [null, message]);
    });
  }
}

/** A type that was asked for is also what was recognized in another: a person in a line crossing. */
function wanted({ types, channels }: CameraEventsConfig): (tracked: Tracked) => boolean {
  const known: ReadonlySet<string> = new Set(types);
  return ({ event, occurrence }) => {
    if (channels.length > 0 && occurrence.channel !== undefined && !channels.includes(occurrence.channel)) return false;
    if (known.size === 0) return occurrence.noise !== true;
    return known.has(event.type) || (event.target !== undefined && known.has(event.target));
  };
}

async function warningsOf(watched: WatchedCamera, signal: AbortSignal) {
  try {
    return await withDeadline(LIMITS.device.requestMs, 'events', signal, (limited) => watched.eventWarnings(limited));
  } catch {
    // The stream itself tells what is wrong with the device.
    return [];
  }
}

function showLink(RED: NodeRed, node: RuntimeNode, link: LinkState, name: string, warnings: readonly { message: string }[]): void {
  const [warning] = warnings;
  if (warning !== undefined) node.warn(`${name}: ${warning.message}`);
  if (link.connected) {
    node.status({ fill: warning === undefined ? 'green' : 'yellow', shape: 'dot', text: text(RED, 'status.connected') ?? '' });
    node.log(`${name}: connected`);
    return;
  }
  const error = publicError(RED, link.error);
  node.status({ fill: 'red', shape: 'ring', text: error.message });
  node.warn(`${name}: ${error.message} ${error.advice}`);
}
