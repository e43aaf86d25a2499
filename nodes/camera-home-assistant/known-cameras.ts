import { identifyDevice } from '../../src/cameras/identify.ts';
import type { CameraTarget } from '../../src/cameras/target.ts';
import { withDeadline } from '../../src/core/deadline.ts';
import { LIMITS } from '../../src/core/limits.ts';
import type { KnownCamera } from '../../src/homeassistant/devices.ts';
import { accountWords, type CameraRef } from '../../src/homeassistant/observations.ts';
import { accountOf } from '../shared/account.ts';
import type { CameraDeviceNode } from '../shared/cameras.ts';
import type { NodeRed } from '../shared/node-red.ts';
import { servicesOf } from '../shared/services.ts';

type Identity = Pick<KnownCamera, 'brand' | 'model' | 'firmware' | 'serial' | 'mac'>;

/** The camera-device nodes behind the names and ids in messages, with what the cameras tell about themselves. */
export class KnownCameras {
  readonly #RED: NodeRed;
  readonly #identities = new Map<string, Promise<Identity>>();
  #ids: Map<string, string> | undefined;

  constructor(RED: NodeRed) {
    this.#RED = RED;
  }

  /** After a deploy. */
  refresh(): void {
    this.#ids = undefined;
    this.#identities.clear();
  }

  /** The ids of all camera-device nodes. */
  all(): Set<string> {
    return new Set(this.#index().values());
  }

  /** The names of all accounts, as messages and queues tell them. */
  accounts(): Set<string> {
    const names = new Set<string>();
    this.#RED.nodes.eachNode(({ id, type, name = '' }) => {
      if (type === 'gmail-account') names.add(accountWords(this.#accountName(id) ?? name));
    });
    return names;
  }

  /** Asks the camera for its serial number when `ask` is set, once per deploy. A camera that does not answer is known all the same. */
  async find({ nodeId = '', name }: CameraRef, ask: boolean, signal: AbortSignal): Promise<KnownCamera | undefined> {
    const id = this.#index().get(nodeId) ?? this.#index().get(name);
    const target = id === undefined ? undefined : this.#target(id);
    if (id === undefined || target === undefined) return undefined;
    let identity = this.#identities.get(id);
    if (identity === undefined && ask) {
      identity = this.#identify(target, signal);
      this.#identities.set(id, identity);
    }
    return { nodeId: id, name: target.name, channel: target.channel, url: webPage(target), ...(await identity) };
  }

  #index(): Map<string, string> {
    if (this.#ids !== undefined) return this.#ids;
    const ids = new Map<string, string>();
    this.#RED.nodes.eachNode(({ id, type }) => {
      if (type !== 'camera-device') return;
      ids.set(id, id);
      const name = this.#target(id)?.name;
      if (name !== undefined) ids.set(name, id);
    });
    this.#ids = ids;
    return ids;
  }

  #accountName(id: string): string | undefined {
    try {
      return accountOf(this.#RED, id).name;
    } catch {
      // Not filled in yet.
      return undefined;
    }
  }

  #target(id: string): CameraTarget | undefined {
    try {
      return (this.#RED.nodes.getNode(id) as Partial<CameraDeviceNode> | null | undefined)?.target?.();
    } catch {
      // Not filled in yet: whoever works with the camera says what is missing.
      return undefined;
    }
  }

  async #identify(target: CameraTarget, signal: AbortSignal): Promise<Identity> {
    try {
      const { identity } = await withDeadline(LIMITS.device.requestMs, target.address.host, signal, (limited) =>
        identifyDevice(servicesOf(this.#RED).connect(target), target.vendor, limited),
      );
      const { brand, model, firmware, serial, mac } = identity;
      return { brand, model, firmware, serial, mac };
    } catch {
      // Off, or its login is refused. Its next result brings the serial number.
      return {};
    }
  }
}

function webPage({ address: { host, port, protocol } }: CameraTarget): string | undefined {
  const scheme = protocol === 'https' ? 'https' : 'http';
  const url = `${scheme}://${host.includes(':') ? `[${host}]` : host}${port === undefined ? '' : `:${port}`}/`;
  return URL.canParse(url) ? new URL(url).href : undefined;
}
