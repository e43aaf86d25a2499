import { LIMITS } from '../core/limits.ts';
import type { Facts, FoundCamera, Sighting, Via } from './found-camera.ts';
import { addressOf, contains, isLinkLocal, type Network } from './networks.ts';

/** The vendors' own protocols know their devices best. */
const ORDER: readonly Via[] = ['sadp', 'dhip', 'wisenet', 'mdns', 'onvif'];
const FACTS = ['vendor', 'brand', 'model', 'serial', 'mac', 'firmware', 'name', 'activated'] as const;

interface Device {
  address: string;
  sightings: Map<Via, Sighting>;
}

/** Everything that was seen in one scan, one entry for each device. */
export class Findings {
  readonly #devices: Device[] = [];
  readonly #networks: readonly Network[];

  constructor(networks: readonly Network[]) {
    this.#networks = networks;
  }

  /** The device with what is known of it now; undefined when there are too many. */
  add(sighting: Sighting, sender: string): FoundCamera | undefined {
    const address = addressOf(sender, sighting.addresses, this.#networks);
    let device = this.#find(sighting, address);
    if (device === undefined) {
      if (this.#devices.length >= LIMITS.discovery.devices) return undefined;
      device = { address, sightings: new Map() };
      this.#devices.push(device);
    }
    if (isLinkLocal(device.address)) device.address = address;
    device.sightings.set(sighting.via, sighting);
    return this.#camera(device);
  }

  /** Sorted by address. */
  cameras(): FoundCamera[] {
    const key = ({ address, port = 0 }: FoundCamera) => [...address.split('.').map(Number), port];
    const compare = (one: number[], other: number[]) =>
      one.map((part, index) => part - (other[index] ?? 0)).find((part) => part !== 0) ?? 0;
    return this.#devices.map((device) => this.#camera(device)).sort((one, other) => compare(key(one), key(other)));
  }

  /**
   * The same device: the same address, unless MAC address or serial number differ; or the same MAC address, if one of the two answers
   * came from an address that the device gave itself. Nobody can put himself in the place of another device by naming its MAC address.
   */
  #find(sighting: Sighting, address: string): Device | undefined {
    const here = this.#devices.filter((device) => device.address === address);
    const named = (device: Device, name: 'mac' | 'serial') =>
      [...device.sightings.values()].map((one) => one[name]).find((one) => one !== undefined);
    const agrees = (device: Device, name: 'mac' | 'serial') => sighting[name] !== undefined && named(device, name) === sighting[name];
    const differs = (device: Device, name: 'mac' | 'serial') =>
      sighting[name] !== undefined && named(device, name) !== undefined && named(device, name) !== sighting[name];
    return (
      here.find((device) => agrees(device, 'mac')) ??
      here.find((device) => agrees(device, 'serial') && !differs(device, 'mac')) ??
      here.find((device) => !differs(device, 'mac') && !(differs(device, 'serial') && device.sightings.has(sighting.via))) ??
      this.#devices.find((device) => agrees(device, 'mac') && (isLinkLocal(address) || isLinkLocal(device.address)))
    );
  }

  #camera({ address, sightings }: Device): FoundCamera {
    const seen = ORDER.map((via) => sightings.get(via)).filter((one) => one !== undefined);
    const facts: Record<string, unknown> = {};
    for (const fact of FACTS) {
      const value = seen.map((one) => one[fact]).find((one) => one !== undefined);
      if (value !== undefined) facts[fact] = value;
    }
    // Port and protocol belong together: an encrypted address goes first.
    const web = seen.find(({ protocol }) => protocol !== undefined) ?? seen.find(({ port }) => port !== undefined);
    return {
      ...(facts as Facts),
      ...(web?.port === undefined ? {} : { port: web.port }),
      ...(web?.protocol === undefined ? {} : { protocol: web.protocol }),
      address,
      outside: !this.#networks.some((network) => contains(network, address)),
      via: seen.map(({ via }) => via),
    };
  }
}
