import { childText, escapeXml, XmlDocument } from '../../http/xml.ts';
import type { Announced, Respond } from './responder.ts';

const DISCOVERY = 'http://schemas.xmlsoap.org/ws/2005/04/discovery';
const ADDRESSING = 'http://schemas.xmlsoap.org/ws/2004/08/addressing';
const TYPES: Readonly<Record<string, string>> = {
  NetworkVideoTransmitter: 'http://www.onvif.org/ver10/network/wsdl',
  Device: 'http://www.onvif.org/ver10/device/wsdl',
};

/** A ProbeMatches for a Probe that is right to the letter. */
export const answerProbe: Respond = (datagram, device) => {
  const text = datagram.toString('utf8');
  const question = readProbe(text);
  return question === undefined ? undefined : Buffer.from(probeMatches(question, device));
};

/** The message id of a Probe for one of our types. */
function readProbe(text: string): string | undefined {
  try {
    const { root } = XmlDocument.parse(text);
    const [, prefix = '', local = ''] = /^(\w+):(\w+)$/.exec(childText(root, 'Body', 'Probe', 'Types') ?? '') ?? [];
    const namespace = TYPES[local];
    const messageId = childText(root, 'Header', 'MessageID') ?? '';
    const right =
      root.name === 'Envelope' &&
      text.includes('"http://www.w3.org/2003/05/soap-envelope"') &&
      namespace !== undefined &&
      text.includes(`xmlns:${prefix}="${namespace}"`) &&
      text.includes(`"${DISCOVERY}"`) &&
      text.includes(`"${ADDRESSING}"`) &&
      childText(root, 'Header', 'Action') === `${DISCOVERY}/Probe` &&
      childText(root, 'Header', 'To') === 'urn:schemas-xmlsoap-org:ws:2005:04:discovery' &&
      /^(urn:)?uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(messageId);
    return right ? messageId : undefined;
  } catch {
    return undefined;
  }
}

function probeMatches(relatesTo: string, { brand, model, mac, port, protocol }: Announced): string {
  const id = `urn:uuid:5f5a69c2-e0ae-504f-829b-${mac.replaceAll(':', '')}`;
  const scopes = [
    `name/${encodeURIComponent(`${brand} ${model}`)}`,
    `hardware/${encodeURIComponent(model)}`,
    `MAC/${mac}`,
    'type/video_encoder',
  ];
  return `<?xml version="1.0" encoding="UTF-8"?>
<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope" xmlns:wsadis="${ADDRESSING}" xmlns:d="${DISCOVERY}" xmlns:dn="${TYPES.NetworkVideoTransmitter}" xmlns:tds="${TYPES.Device}">
<env:Header><wsadis:MessageID>${id}</wsadis:MessageID><wsadis:RelatesTo>${escapeXml(relatesTo)}</wsadis:RelatesTo>
<wsadis:To>${ADDRESSING}/role/anonymous</wsadis:To><wsadis:Action>${DISCOVERY}/ProbeMatches</wsadis:Action></env:Header>
<env:Body><d:ProbeMatches><d:ProbeMatch><wsadis:EndpointReference><wsadis:Address>${id}</wsadis:Address></wsadis:EndpointReference>
<d:Types>dn:NetworkVideoTransmitter tds:Device</d:Types><d:Scopes>${scopes.map((scope) => `onvif://www.onvif.org/${scope}`).join(' ')}</d:Scopes>
<d:XAddrs>${protocol}://127.0.0.1:${port}/onvif/device_service</d:XAddrs><d:MetadataVersion>10</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></env:Body></env:Envelope>`;
}
