const NAMESPACES = [
  'xmlns:wsa5="http://www.w3.org/2005/08/addressing"',
  'xmlns:tds="http://www.onvif.org/ver10/device/wsdl"',
  'xmlns:trt="http://www.onvif.org/ver10/media/wsdl"',
  'xmlns:tev="http://www.onvif.org/ver10/events/wsdl"',
  'xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"',
  'xmlns:tt="http://www.onvif.org/ver10/schema"',
  'xmlns:tns1="http://www.onvif.org/ver10/topics"',
  'xmlns:wstop="http://docs.oasis-open.org/wsn/t-1"',
  'xmlns:tnsaxis="http://www.axis.com/2009/event/topics"',
  'xmlns:dom0="http://www.axis.com/2009/event"',
].join(' ');

/** An answer of a simulated device. */
export function soap(body: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" ${NAMESPACES}><s:Body>${body}</s:Body></s:Envelope>\n`;
}

/** A refusal of a simulated device; without a subcode when that is empty. */
export function fault(subcode: string, reason: string): string {
  const code = subcode === '' ? '' : `<s:Subcode><s:Value>${subcode}</s:Value></s:Subcode>`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:ter="http://www.onvif.org/ver10/error">
  <s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value>${code}</s:Code><s:Reason><s:Text xml:lang="en">${reason}</s:Text></s:Reason></s:Fault></s:Body>
</s:Envelope>
`;
}
