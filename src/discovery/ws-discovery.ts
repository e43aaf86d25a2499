import { randomUUID } from 'node:crypto';
import { children, childText, XmlDocument, type XmlElement } from '../http/xml.ts';
import type { DiscoveryProtocol, Sighting } from './found-camera.ts';
import { brandIn, macOf, shown, webAddress } from './words.ts';

const DISCOVERY = 'http://schemas.xmlsoap.org/ws/2005/04/discovery';
const ADDRESSING = 'http://schemas.xmlsoap.org/ws/2004/08/addressing';
const SCOPE = /^onvif:\/\/www\.onvif\.org\/([a-z]+)\/(.+)$/i;

/** Brands that speak ONVIF on a port of its own: their web server is elsewhere. */
const OWN_ONVIF_PORTS = [8000, 888];

/** ONVIF: WS-Discovery. */
export const wsDiscovery: DiscoveryProtocol = {
  via: 'onvif',
  destinations: [{ address: '239.255.255.250', port: 3702 }],
  // Cameras answer to the one type or the other.
  probes: () => [
    probe('dn:NetworkVideoTransmitter', 'xmlns:dn="http://www.onvif.org/ver10/network/wsdl"'),
    probe('tds:Device', 'xmlns:tds="http://www.onvif.org/ver10/device/wsdl"'),
  ],
  read(datagram) {
    const { root } = XmlDocument.parse(datagram.toString('latin1'));
    const body = children(root, 'Body').flatMap((one) => children(one, 'ProbeMatches'));
    return body.flatMap((matches) => children(matches, 'ProbeMatch').slice(0, 8)).flatMap(sighting);
  },
};

function probe(type: string, namespace: string): Buffer {
  return Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:a="${ADDRESSING}" xmlns:d="${DISCOVERY}" ${namespace}>
<e:Header><a:Action e:mustUnderstand="1">${DISCOVERY}/Probe</a:Action><a:MessageID>urn:uuid:${randomUUID()}</a:MessageID>
<a:ReplyTo><a:Address>${ADDRESSING}/role/anonymous</a:Address></a:ReplyTo>
<a:To e:mustUnderstand="1">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></e:Header>
<e:Body><d:Probe><d:Types>${type}</d:Types></d:Probe></e:Body></e:Envelope>`,
  );
}

function sighting(match: XmlElement): Sighting[] {
  // Printers and computers speak WS-Discovery too.
  const types = childText(match, 'Types') ?? '';
  const scopes = words(childText(match, 'Scopes'));
  if (!/:?(NetworkVideo\w+|Device)\b/.test(types) || !scopes.some((scope) => SCOPE.test(scope))) return [];
  const scope = (name: string) => {
    const value = scopes.map((one) => SCOPE.exec(one)).find((found) => found?.[1]?.toLowerCase() === name)?.[2];
    return value === undefined ? undefined : shown(decoded(value));
  };
  const addresses = words(childText(match, 'XAddrs')).map(webAddress);
  const known = addresses.filter((address) => address !== undefined);
  const [first] = known;
  const name = scope('name');
  const hardware = scope('hardware');
  const port = known.find((address) => address.port !== undefined)?.port;
  return [
    {
      via: 'onvif',
      addresses: known.map(({ host }) => host),
      ...brandIn(`${name ?? ''} ${hardware ?? ''}`),
      model: hardware,
      name,
      mac: macOf(scope('mac')),
      port: port !== undefined && OWN_ONVIF_PORTS.includes(port) ? undefined : port,
      protocol: first !== undefined && known.every(({ secure }) => secure) ? 'https' : undefined,
    },
  ];
}

function words(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(/\s+/).slice(0, 64);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
