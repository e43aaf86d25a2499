import type { DiscoveryProtocol } from './found-camera.ts';
import { brandIn, macOf, shown, webPort } from './words.ts';

const PORT = 37_810;
const HEADER_BYTES = 32;
const MAGIC = 'DHIP';

/** Dahua's device search: JSON behind a header of 32 bytes. Without the header no device answers. */
export const dhip: DiscoveryProtocol = {
  via: 'dhip',
  destinations: [
    { address: '239.255.255.251', port: PORT },
    { address: 'broadcast', port: PORT },
  ],
  probes: () => [framed(JSON.stringify({ method: 'DHDiscover.search', params: { mac: '', uni: 1 } }))],
  read(datagram) {
    if (datagram.toString('latin1', 4, 8) !== MAGIC) return [];
    // The header's length differs between firmwares.
    const start = datagram.indexOf('{');
    if (start < 0) return [];
    const message = record(JSON.parse(datagram.toString('utf8', start).replace(/[\0\s]+$/, '')));
    const info = record(record(message?.params)?.deviceInfo);
    if (message?.method !== 'client.notifyDevInfo' || info === undefined) return [];
    const mac = macOf(message.mac) ?? macOf(info.Mac);
    const serial = shown(info.SerialNo);
    if (mac === undefined && serial === undefined) return [];
    const maker = [shown(info.Vendor), shown(info.Manufacturer)].join(' ');
    const name = shown(info.MachineName);
    return [
      {
        via: 'dhip',
        addresses: [shown(record(info.IPv4Address)?.IPAddress) ?? ''],
        vendor: 'dahua',
        brand: brandIn(maker)?.brand ?? 'Dahua',
        model: shown(info.DeviceType),
        serial,
        mac,
        firmware: shown(info.Version),
        // The serial number, unless somebody gave it a name.
        name: name === serial ? undefined : name,
        activated: activated(info.Init),
        port: webPort(info.HttpPort),
      },
    ];
  },
};

/** The frame of a search and of its answers. */
export function framed(json: string): Buffer {
  const body = Buffer.from(json);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(HEADER_BYTES, 0);
  header.write(MAGIC, 4, 'latin1');
  header.writeUInt32LE(body.length, 16);
  header.writeUInt32LE(body.length, 24);
  return Buffer.concat([header, body]);
}

/** The two lowest bits: 1 not initialized, 2 initialized, 0 a device that knows no initialization. */
function activated(init: unknown): boolean | undefined {
  const state = typeof init === 'number' ? init & 3 : 0;
  return state === 1 ? false : state === 2 ? true : undefined;
}

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
}
