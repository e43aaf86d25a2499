import { randomUUID } from 'node:crypto';
import { childText, XmlDocument } from '../http/xml.ts';
import type { DiscoveryProtocol } from './found-camera.ts';
import { brandIn, macOf, shown, webPort } from './words.ts';

const GROUP = '239.255.255.250';
const PORT = 37_020;

/** Hikvision's Search Active Devices Protocol. Its answers may go to the group instead of to who asked. */
export const sadp: DiscoveryProtocol = {
  via: 'sadp',
  destinations: [{ address: GROUP, port: PORT }],
  listen: { port: PORT, group: GROUP },
  probes: () => [
    Buffer.from(`<?xml version="1.0" encoding="utf-8"?><Probe><Uuid>${randomUUID().toUpperCase()}</Uuid><Types>inquiry</Types></Probe>`),
  ],
  read(datagram) {
    const { root } = XmlDocument.parse(datagram.toString('latin1').replace(/\0+$/, ''));
    if (root.name !== 'ProbeMatch') return [];
    const text = (name: string) => shown(childText(root, name));
    const mac = macOf(text('MAC'));
    const serial = text('DeviceSN');
    if (mac === undefined && serial === undefined) return [];
    const oem = text('OEMInfo');
    return [
      {
        via: 'sadp',
        addresses: [text('IPv4Address') ?? ''],
        vendor: 'hikvision',
        brand: brandIn(oem)?.brand ?? 'Hikvision',
        model: text('DeviceDescription'),
        serial,
        mac,
        firmware: text('SoftwareVersion'),
        activated: flag(text('Activated')),
        port: webPort(text('HttpPort')),
      },
    ];
  },
};

function flag(text: string | undefined): boolean | undefined {
  if (/^true$/i.test(text ?? '')) return true;
  return /^false$/i.test(text ?? '') ? false : undefined;
}
