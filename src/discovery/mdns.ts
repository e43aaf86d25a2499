import { type DnsRecord, question, records } from './dns-message.ts';
import type { DiscoveryProtocol, Sighting } from './found-camera.ts';
import { brandIn, macOf, shown, webPort } from './words.ts';

const SERVICE = '_axis-video._tcp.local';

/** DNS service discovery, for Axis. Asked from a port of our own, so that answers come to us alone. */
export const mdns: DiscoveryProtocol = {
  via: 'mdns',
  destinations: [{ address: '224.0.0.251', port: 5353 }],
  probes: () => [question(SERVICE)],
  read(datagram) {
    const all = records(datagram);
    const instances = new Set<string>();
    for (const record of all) if (record.type === 'ptr' && same(record.name, SERVICE)) instances.add(record.target);
    return [...instances].slice(0, 8).flatMap((instance) => sighting(instance, all));
  },
};

/** An instance is called `AXIS M1065-L - ACCC8E012345`: model and serial number, which is the MAC address. */
function sighting(instance: string, all: readonly DnsRecord[]): Sighting[] {
  const own = all.filter(({ name }) => same(name, instance));
  const label = shown(instance.replace(new RegExp(`\\.?${SERVICE}$`, 'i'), ''));
  const [, title = label, end] = /^(.*?) - ([0-9A-F]{12})$/i.exec(label ?? '') ?? [];
  const told = own.flatMap((record) => (record.type === 'txt' ? record.texts : [])).find((text) => /^macaddress=/i.test(text));
  const mac = macOf(told?.split('=')[1]) ?? macOf(end);
  if (mac === undefined || title === undefined) return [];
  // Door stations of another brand announce themselves with the same service.
  const axis = brandIn(title)?.vendor === 'axis';
  const port = own.map((record) => (record.type === 'srv' ? record.port : undefined)).find((one) => one !== undefined);
  return [
    {
      via: 'mdns',
      addresses: all.flatMap((record) => (record.type === 'a' ? [record.address] : [])).slice(0, 8),
      ...(axis ? { vendor: 'axis', brand: 'Axis', serial: mac.replaceAll(':', '').toUpperCase() } : {}),
      model: shown(axis ? title.replace(/^AXIS\s+/i, '') : title),
      mac,
      port: webPort(port),
    },
  ];
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
