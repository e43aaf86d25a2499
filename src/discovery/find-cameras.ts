import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { LIMITS } from '../core/limits.ts';
import { dhip } from './dhip.ts';
import { Findings } from './findings.ts';
import type { Destination, DiscoveryProtocol, FoundCamera, Via } from './found-camera.ts';
import { mdns } from './mdns.ts';
import { isNear, type Network, networkOf, ownNetworks } from './networks.ts';
import { sadp } from './sadp.ts';
import { wisenet } from './wisenet.ts';
import { wsDiscovery } from './ws-discovery.ts';

const PROTOCOLS: readonly DiscoveryProtocol[] = [wsDiscovery, sadp, dhip, wisenet, mdns];

export interface FindOptions {
  /** Ends the scan early; what was found until then is the result. */
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
  /** This host's networks; default: all but loopback. */
  networks?: readonly Network[] | undefined;
  /** Ask only these, instead of everybody in the networks. */
  destinations?: Readonly<Partial<Record<Via, readonly Destination[]>>> | undefined;
  /** Ports in place of the protocols' own. */
  ports?: Readonly<Record<number, number>> | undefined;
  /** Called with each device as it is found, and again when more is known of it. */
  onFound?: ((camera: FoundCamera) => void) | undefined;
}

/**
 * Asks who is there, in every network of this host, by all protocols at once. Resolves when its time is up, sorted by address, and
 * never rejects. What devices say is a suggestion: none of it is proven.
 */
export async function findCameras(options: FindOptions = {}): Promise<FoundCamera[]> {
  const { signal, timeoutMs = LIMITS.discovery.scanMs, networks = ownNetworks(), destinations, ports = {}, onFound } = options;
  const asked = Object.values(destinations ?? {}).flatMap((list) => list.map(({ address }) => networkOf(address, 32)));
  const findings = new Findings([...networks, ...asked]);
  const reader = new Reader([...networks, ...asked]);
  const sockets: Socket[] = [];
  const timers: NodeJS.Timeout[] = [];
  let over = false;
  const open = async (protocol: DiscoveryProtocol, way: Way) => {
    const socket = await openSocket(way);
    if (socket === undefined) return;
    if (over) {
      socket.close();
      return;
    }
    sockets.push(socket);
    socket.on('message', (datagram, sender) => {
      for (const sighting of reader.read(protocol, datagram, sender)) {
        const camera = findings.add(sighting, sender.address);
        if (camera !== undefined) onFound?.(camera);
      }
    });
    if (way.ask.length === 0) return;
    for (const part of LIMITS.discovery.probesAt) {
      timers.push(setTimeout(() => ask(socket, protocol, way.ask), part * timeoutMs));
    }
  };
  await new Promise<void>((resolve) => {
    const end = () => {
      over = true;
      signal?.removeEventListener('abort', end);
      resolve();
    };
    if (signal?.aborted) {
      end();
      return;
    }
    signal?.addEventListener('abort', end, { once: true });
    timers.push(setTimeout(end, timeoutMs));
    for (const protocol of PROTOCOLS) for (const way of waysOf(protocol, networks, ports, destinations)) void open(protocol, way);
  });
  for (const timer of timers) clearTimeout(timer);
  for (const socket of sockets) socket.close();
  return findings.cameras();
}

/** A socket to be opened, and whom it asks. */
interface Way {
  bind: { address: string; port: number };
  /** The interface that multicast goes out of. */
  through?: string | undefined;
  join?: { group: string; on: readonly string[] } | undefined;
  ask: readonly Destination[];
}

function waysOf(
  protocol: DiscoveryProtocol,
  networks: readonly Network[],
  ports: Readonly<Record<number, number>>,
  only: FindOptions['destinations'],
): Way[] {
  if (only !== undefined) {
    const ask = only[protocol.via] ?? [];
    return ask.length === 0 ? [] : [{ bind: { address: '0.0.0.0', port: 0 }, ask }];
  }
  const { destinations, listen } = protocol;
  const asking = networks.map(({ address, broadcast }) => ({
    bind: { address, port: 0 },
    through: address,
    ask: destinations.map((to) => ({ address: to.address === 'broadcast' ? broadcast : to.address, port: ports[to.port] ?? to.port })),
  }));
  if (listen === undefined || networks.length === 0) return asking;
  const join = listen.group === undefined ? undefined : { group: listen.group, on: networks.map(({ address }) => address) };
  return [...asking, { bind: { address: '0.0.0.0', port: ports[listen.port] ?? listen.port }, join, ask: [] }];
}

/** Undefined when it cannot be had: an interface that went away, a port that another program holds. */
function openSocket({ bind, through, join }: Way): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: 'udp4', reuseAddr: bind.port !== 0 });
    let bound = false;
    socket.on('error', () => {
      // Later on it means that a network is down, and so only that nobody answers there.
      if (bound) return;
      socket.close();
      resolve(undefined);
    });
    socket.bind(bind, () => {
      bound = true;
      try {
        socket.setBroadcast(true);
        if (through !== undefined) socket.setMulticastInterface(through);
        for (const address of join?.on ?? []) socket.addMembership(join?.group ?? '', address);
      } catch {
        // Interfaces without multicast are asked all the same.
      }
      resolve(socket);
    });
  });
}

function ask(socket: Socket, protocol: DiscoveryProtocol, destinations: readonly Destination[]): void {
  for (const probe of protocol.probes()) {
    for (const { address, port } of destinations) socket.send(probe, port, address, () => undefined);
  }
}

/** Looks at datagrams, within limits: a flood, or garbage, costs little and is forgotten. */
class Reader {
  #answers = 0;
  readonly #ofSender = new Map<string, number>();

  constructor(private readonly networks: readonly Network[]) {}

  read(protocol: DiscoveryProtocol, datagram: Buffer, { address }: RemoteInfo) {
    const { answers, answersOfOne, datagramBytes } = LIMITS.discovery;
    const count = this.#ofSender.get(address) ?? 0;
    if (datagram.length > datagramBytes || this.#answers >= answers || count >= answersOfOne) return [];
    if (!isNear(address, this.networks)) return [];
    this.#answers += 1;
    this.#ofSender.set(address, count + 1);
    try {
      return protocol.read(datagram);
    } catch {
      return [];
    }
  }
}
