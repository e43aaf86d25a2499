import { randomBytes } from 'node:crypto';
import type { DiscoveryProtocol } from './found-camera.ts';
import { macOf, shown, webAddress } from './words.ts';

const REQUEST = 0x01;
const ANSWER = 0x0b;
const REQUEST_BYTES = 262;
/** Up to the end of the web address. */
const ANSWER_BYTES = 172;

/** Where the texts of an answer are, each ended by a zero byte. */
const FIELDS = { mac: [19, 37], address: [37, 53], model: [109, 119], url: [133, 172] } as const;

/** Hanwha's (Samsung Techwin's) device search: a fixed binary record, asked by broadcast, answered on a port of its own. */
export const wisenet: DiscoveryProtocol = {
  via: 'wisenet',
  destinations: [{ address: 'broadcast', port: 7701 }],
  listen: { port: 7711 },
  probes() {
    const request = Buffer.alloc(REQUEST_BYTES);
    request[0] = REQUEST;
    // Answers repeat these bytes.
    randomBytes(18).copy(request, 1);
    return [request];
  },
  read(datagram) {
    if (datagram[0] !== ANSWER || datagram.length < ANSWER_BYTES) return [];
    const text = ([from, to]: readonly [number, number]) => shown(datagram.toString('latin1', from, to).split('\0')[0]);
    const mac = macOf(text(FIELDS.mac));
    if (mac === undefined) return [];
    const web = webAddress(text(FIELDS.url) ?? '');
    return [
      {
        via: 'wisenet',
        addresses: [text(FIELDS.address) ?? ''],
        vendor: 'hanwha',
        brand: 'Hanwha Vision',
        model: text(FIELDS.model),
        mac,
        port: web?.port,
        protocol: web?.secure ? 'https' : undefined,
      },
    ];
  },
};
