import type { Respond } from './responder.ts';

const SERVICE = ['_axis-video', '_tcp', 'local'];
const POINTER_TO_QUESTION = Buffer.from([0xc0, 0x0c]);

/** Axis: the service, its port, its MAC address and its address, in one answer with compressed names. */
export const answerMdns: Respond = (datagram, { brand, model, mac, port }) => {
  const question = Buffer.concat([labels(SERVICE), Buffer.from([0, 0, 12, 0x80, 0x01])]);
  const header = Buffer.from([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  if (!datagram.equals(Buffer.concat([header, question]))) return undefined;
  const digits = mac.replaceAll(':', '').toUpperCase();
  const host = Buffer.concat([labels([`axis-${digits.toLowerCase()}`, 'local']), Buffer.from([0])]);
  const instance = Buffer.concat([labels([`${brand.toUpperCase()} ${model} - ${digits}`]), POINTER_TO_QUESTION]);
  const text = Buffer.from(`macaddress=${digits}`);
  const service = Buffer.concat([Buffer.from([0, 0, 0, 0, port >> 8, port & 0xff]), host]);
  // A unicast answer to a port of our own repeats the question.
  return Buffer.concat([
    Buffer.from([0, 0, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 3]),
    question,
    record(POINTER_TO_QUESTION, 12, instance),
    record(instance, 33, service),
    record(instance, 16, Buffer.concat([Buffer.from([text.length]), text])),
    record(host, 1, Buffer.from([127, 0, 0, 1])),
  ]);
};

function labels(names: readonly string[]): Buffer {
  return Buffer.concat(names.map((name) => Buffer.concat([Buffer.from([Buffer.byteLength(name)]), Buffer.from(name)])));
}

function record(name: Buffer, type: number, data: Buffer): Buffer {
  const fixed = Buffer.from([0, type, 0, 1, 0, 0, 0, 10, data.length >> 8, data.length & 0xff]);
  return Buffer.concat([name, fixed, data]);
}
