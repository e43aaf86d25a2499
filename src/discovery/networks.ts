import { BlockList, isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { LIMITS } from '../core/limits.ts';

/** One IPv4 network of this host. */
export interface Network {
  /** This host's address in it. */
  address: string;
  broadcast: string;
  /** Bits of the network's prefix. */
  prefix: number;
}

/** The IPv4 networks of all interfaces but loopback. */
export function ownNetworks(interfaces = networkInterfaces()): Network[] {
  return Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal, cidr }) => family === 'IPv4' && !internal && cidr !== null)
    .map(({ address, cidr }) => networkOf(address, Number(cidr?.split('/')[1])))
    .slice(0, LIMITS.discovery.interfaces);
}

export function networkOf(address: string, prefix: number): Network {
  const host = prefix >= 32 ? 0 : 0xffff_ffff >>> prefix;
  return { address, prefix, broadcast: dotted((numberOf(address) | host) >>> 0) };
}

export function contains({ address, prefix }: Network, other: string): boolean {
  const mask = prefix === 0 ? 0 : (0xffff_ffff << (32 - prefix)) >>> 0;
  return ((numberOf(address) ^ numberOf(other)) & mask) === 0;
}

const PRIVATE = new BlockList();
PRIVATE.addSubnet('10.0.0.0', 8);
PRIVATE.addSubnet('172.16.0.0', 12);
PRIVATE.addSubnet('192.168.0.0', 16);
PRIVATE.addSubnet('169.254.0.0', 16);
/** Where Hikvision recorders put the cameras on their own ports, and Hikvision its oldest factory address. */
PRIVATE.addSubnet('192.0.0.0', 24);
/** Carrier-grade NAT: used by virtual private networks. */
PRIVATE.addSubnet('100.64.0.0', 10);

/** Whether an answer from there may be a device of the local network. */
export function isNear(address: string, networks: readonly Network[]): boolean {
  return isIPv4(address) && (PRIVATE.check(address) || networks.some((network) => contains(network, address)));
}

export function isLinkLocal(address: string): boolean {
  return address.startsWith('169.254.');
}

/**
 * Where a device can be reached: where its answer came from, whatever the answer says. Only a device that answered from an address
 * that it gave itself (169.254…) may name the one that it has in a network of ours.
 */
export function addressOf(sender: string, named: readonly string[], networks: readonly Network[]): string {
  if (!isLinkLocal(sender)) return sender;
  const better = named.find(
    (address) =>
      isIPv4(address) && !isLinkLocal(address) && networks.some((network) => address !== network.address && contains(network, address)),
  );
  return better ?? sender;
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) >>> 0;
}

function dotted(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join('.');
}
