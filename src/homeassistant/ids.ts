import { createHash } from 'node:crypto';

/** Where the entities live: Home Assistant's discovery prefix, and our own first topic level. */
export interface Topics {
  prefix: string;
  base: string;
}

/** What can tell one camera from all others, best first. */
export interface CameraKeys {
  serial?: string | undefined;
  mac?: string | undefined;
  nodeId?: string | undefined;
  name: string;
  /** From 1. */
  channel?: number | undefined;
}

const LONGEST = 64;

/** Text as Home Assistant takes it in topics and ids: `[a-zA-Z0-9_-]`, at most 64. What had to be changed is told apart by a short hash. */
export function safeId(text: string): string {
  const plain = text.normalize('NFKD').replace(/\p{M}/gu, '');
  const safe = plain.replace(/[^a-zA-Z0-9_-]+/g, '_').replace(/^_+|_+$/g, '');
  if (safe === text && safe.length <= LONGEST && safe !== '') return safe;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 8);
  return safe === '' ? hash : `${safe.slice(0, LONGEST - 9)}_${hash}`;
}

/** The same for the same device after a rename, a new address or another node: its serial number, else its MAC, else the node's id. */
export function cameraId({ serial = '', mac = '', nodeId = '', name, channel = 1 }: CameraKeys): string {
  const digits = mac.toLowerCase().replace(/[^0-9a-f]/g, '');
  const best = isSerial(serial) ? safeId(serial.trim()) : digits.length === 12 && !/^(.)\1*$/.test(digits) ? digits : undefined;
  const id = best ?? safeId(nodeId || name);
  return channel > 1 && best !== undefined ? `${id}_ch${channel}` : id;
}

// Some firmware tells "0", "N/A" or a row of zeros.
function isSerial(serial: string): boolean {
  const characters = serial.toLowerCase().replace(/[^a-z0-9]/g, '');
  return characters.length >= 4 && new Set(characters).size > 1 && !/^(unknown|none|null|undefined)$/.test(characters);
}

export function accountId(name: string): string {
  return `account_${safeId(name)}`;
}

/** The id under which Home Assistant knows the device. The base is in it, so that two Node-REDs may watch the same camera. */
export function discoveryId({ base }: Topics, id: string): string {
  return `${safeId(base)}_${id}`;
}

export function discoveryTopic(topics: Topics, id: string): string {
  return `${topics.prefix}/device/${discoveryId(topics, id)}/config`;
}

export function deviceTopic({ base }: Topics, id: string, what: string): string {
  return `${base}/${id}/${what}`;
}

/** `online` while Node-RED is connected; the broker's will says `offline`. */
export function bridgeTopic({ base }: Topics): string {
  return `${base}/status`;
}
