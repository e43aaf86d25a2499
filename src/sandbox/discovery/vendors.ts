import { childText, escapeXml, XmlDocument } from '../../http/xml.ts';
import type { Respond } from './responder.ts';

/** Hikvision's SADP. */
export const answerSadp: Respond = (datagram, device) => {
  const uuid = readInquiry(datagram.toString('utf8'));
  if (uuid === undefined) return undefined;
  const { model, serial, mac, firmware, port, activated } = device;
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>
<ProbeMatch>
<Uuid>${uuid}</Uuid>
<Types>inquiry</Types>
<DeviceType>139267</DeviceType>
<DeviceDescription>${escapeXml(model)}</DeviceDescription>
<DeviceSN>${escapeXml(serial)}</DeviceSN>
<CommandPort>8000</CommandPort>
<HttpPort>${port}</HttpPort>
<MAC>${mac.replaceAll(':', '-')}</MAC>
<IPv4Address>127.0.0.1</IPv4Address>
<IPv4SubnetMask>255.0.0.0</IPv4SubnetMask>
<DHCP>true</DHCP>
<SoftwareVersion>${escapeXml(firmware)}</SoftwareVersion>
<Activated>${activated}</Activated>
</ProbeMatch>
`);
};

function readInquiry(text: string): string | undefined {
  try {
    const { root } = XmlDocument.parse(text);
    const uuid = childText(root, 'Uuid') ?? '';
    const right =
      root.name === 'Probe' && childText(root, 'Types') === 'inquiry' && /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/i.test(uuid);
    return right ? uuid : undefined;
  } catch {
    return undefined;
  }
}

const DHIP_HEADER = 32;

/** Dahua's search: the header is checked byte by byte, because real devices ignore bare JSON. */
export const answerDhip: Respond = (datagram, device) => {
  if (datagram.length <= DHIP_HEADER || !isSearch(datagram)) return undefined;
  const { brand, model, serial, mac, firmware, port, activated } = device;
  const deviceInfo = {
    DeviceClass: 'IPC',
    DeviceType: model,
    HttpPort: port,
    IPv4Address: { DhcpEnable: true, IPAddress: '127.0.0.1', SubnetMask: '255.0.0.0' },
    // Bits 0 and 1: 1 not initialized, 2 initialized.
    Init: activated ? 150 : 149,
    MachineName: serial,
    Manufacturer: brand,
    Port: 37_777,
    SerialNo: serial,
    Vendor: brand,
    Version: firmware,
  };
  const body = Buffer.from(`${JSON.stringify({ mac, method: 'client.notifyDevInfo', params: { deviceInfo } })}\n\0`);
  const header = Buffer.alloc(DHIP_HEADER);
  header.set([0x20, 0, 0, 0, 0x44, 0x48, 0x49, 0x50]);
  header.writeUInt32LE(body.length, 16);
  header.writeUInt32LE(body.length, 24);
  return Buffer.concat([header, body]);
};

function isSearch(datagram: Buffer): boolean {
  const length = datagram.length - DHIP_HEADER;
  const framed =
    datagram.subarray(0, 16).equals(Buffer.from('2000000044484950'.padEnd(32, '0'), 'hex')) &&
    datagram.readBigUInt64LE(16) === BigInt(length) &&
    datagram.readBigUInt64LE(24) === BigInt(length);
  if (!framed) return false;
  try {
    const { method, params } = JSON.parse(datagram.toString('utf8', DHIP_HEADER)) as { method: unknown; params: { mac: unknown } };
    return method === 'DHDiscover.search' && params.mac === '';
  } catch {
    return false;
  }
}

/** Hanwha's record of 262 bytes: the question's bytes 1 to 18 come back, the texts lie at fixed places. */
export const answerWisenet: Respond = (datagram, { model, mac, port, protocol }) => {
  if (datagram.length !== 262 || datagram[0] !== 0x01) return undefined;
  const answer = Buffer.alloc(262);
  datagram.copy(answer, 0);
  answer[0] = 0x0b;
  answer.fill(0, 19);
  answer.write(mac.toUpperCase(), 19, 18, 'latin1');
  answer.write('127.0.0.1', 37, 16, 'latin1');
  answer.write('255.0.0.0', 53, 16, 'latin1');
  answer.write(model, 109, 10, 'latin1');
  answer.write(`${protocol}://127.0.0.1:${port}/index.htm`, 133, 39, 'latin1');
  return answer;
};
