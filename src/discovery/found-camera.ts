/** How a device was found: the protocol that it answered. */
export type Via = 'sadp' | 'dhip' | 'wisenet' | 'mdns' | 'onvif';

/** What a device says of itself. Nothing of it is proven: whoever is in the network can send it. */
export interface Facts {
  /** The driver's name, when brand or protocol tell. */
  vendor?: string | undefined;
  brand?: string | undefined;
  model?: string | undefined;
  serial?: string | undefined;
  /** `00:11:22:aa:bb:cc` */
  mac?: string | undefined;
  firmware?: string | undefined;
  name?: string | undefined;
  /** False: fresh from the factory, without a password. */
  activated?: boolean | undefined;
  /** Of its web server, when it is not the protocol's own. */
  port?: number | undefined;
  /** Only when the device named an encrypted address. */
  protocol?: 'https' | undefined;
}

/** One answer. */
export interface Sighting extends Facts {
  via: Via;
  /** IPv4 addresses that the answer names. */
  addresses: string[];
}

/** A suggestion for the list of cameras. */
export interface FoundCamera extends Facts {
  address: string;
  /** Its address belongs to none of this host's networks. */
  outside: boolean;
  via: Via[];
}

export interface Destination {
  address: string;
  port: number;
}

/** One way of asking who is there: bytes out, bytes in. */
export interface DiscoveryProtocol {
  via: Via;
  /** Multicast groups, and `broadcast` for the broadcast address of each network. */
  destinations: readonly Destination[];
  /** Where answers come besides the port that asked. */
  listen?: { port: number; group?: string } | undefined;
  probes(): Buffer[];
  /** Throws, or returns nothing, for anything that is not an answer of this protocol. */
  read(datagram: Buffer): Sighting[];
}
