import type { CameraEvent, EventType } from '../events/vocabulary.ts';
import type { Arrival } from './incoming.ts';
import type { ReceivedMail } from './parse.ts';
import { DIALECTS, ENDED, EVENT_WORDS, type MailDialect, TARGET_WORDS } from './patterns.ts';

/** A camera that mails may come from. */
export interface RelayCamera {
  id: string;
  name: string;
  host: string;
  vendor: string;
  channel: number;
}

export interface Recognised {
  /** One of the given cameras; `id` is empty for a stranger, which is named as it names itself. */
  camera: { id: string; name: string; host: string; vendor: string };
  event: CameraEvent;
}

/** Characters of the body that are searched: alerts are short, and attackers are patient. */
const READ = 4_000;

interface Clues {
  dialect: MailDialect;
  event: string;
  channel: number | undefined;
  names: string[];
  addresses: string[];
}

/** Whose mail it is and what it tells. Pure; never fails: what nobody recognises is an `other` event. */
export function recognise(mail: ReceivedMail, arrival: Arrival, cameras: readonly RelayCamera[]): Recognised {
  const clues = cluesOf(mail, arrival);
  const camera = cameraOf(mail, arrival, cameras, clues);
  const vendorType = clues.event || mail.subject || firstLine(mail.text);
  const type = typeOf(clues.event) ?? typeOf(mail.subject) ?? typeOf(firstLine(mail.text)) ?? typeOf(mail.text.slice(0, READ)) ?? 'other';
  const target = TARGET_WORDS.find(([word, pattern]) => word !== type && pattern.test(`${clues.event}\n${mail.subject}`))?.[0];
  const rule = first(clues.dialect.rule, mail.text.slice(0, READ));
  return {
    camera: {
      id: camera?.id ?? '',
      name: camera?.name ?? strangersName(mail, arrival, clues),
      host: camera?.host ?? arrival.remoteAddress,
      vendor: camera !== undefined && camera.vendor !== 'auto' ? camera.vendor : clues.dialect.vendor,
    },
    event: {
      type,
      state: clues.event !== '' && ENDED.test(clues.event) ? 'ended' : 'pulse',
      channel: clues.channel ?? camera?.channel ?? 1,
      at: arrival.receivedAt,
      ...(target === undefined ? {} : { target }),
      ...(rule === '' ? {} : { rule }),
      vendorType,
    },
  };
}

function cluesOf({ text: whole, subject, mailer }: ReceivedMail, { remoteAddress }: Arrival): Clues {
  const text = whole.slice(0, READ);
  const known = DIALECTS.find(({ signs }) => signs.some((sign) => sign.test(mailer) || sign.test(text)));
  const dialect = known ?? DIALECTS.find(({ vendor }) => vendor === '');
  if (dialect === undefined) throw new RangeError('no dialect');
  const channel = Number(first(dialect.channel, text) || (known === undefined ? first(dialect.channel, subject) : '0'));
  return {
    dialect,
    event: first(dialect.event, text),
    channel: channel >= 1 && channel <= 512 ? channel : undefined,
    names: [first(dialect.place, text), first(dialect.device, text)].filter((name) => name !== ''),
    // The address of the connection counts more than the one that the mail tells, except behind NAT.
    addresses: [remoteAddress, first(dialect.address, text)].filter((address) => address !== ''),
  };
}

/** By the strongest sign there is: how it logged in, whom it mails to, who it says it is, where it is. */
function cameraOf(mail: ReceivedMail, arrival: Arrival, cameras: readonly RelayCamera[], clues: Clues): RelayCamera | undefined {
  const { from, to } = arrival.envelope;
  const senders = [from, mail.fromAddress].map(localPart);
  const signs: string[][] = [
    [arrival.login, localPart(arrival.login)],
    [...to, ...mail.to].flatMap((address) => [tagOf(address), localPart(address).replace(/^cam(?:era)?[-_]/i, '')]),
    senders.flatMap((sender) => [tagOf(`${sender}@`), sender]),
    [mail.from.replace(/\s*<[^<>]*>$/, '')],
    clues.names,
  ];
  for (const names of signs) {
    const found = cameras.filter(({ id, name }) => names.some((sign) => sign !== '' && (sign === id || plain(sign) === plain(name))));
    if (found.length > 0) return onChannel(found, clues.channel);
  }
  for (const address of clues.addresses) {
    const found = cameras.filter(({ host }) => host.toLowerCase() === address.toLowerCase());
    if (found.length > 0) return onChannel(found, clues.channel);
  }
  const inSubject = cameras.filter(({ name }) => plain(name).length > 2 && ` ${plain(mail.subject)} `.includes(` ${plain(name)} `));
  if (inSubject.length === 1) return inSubject[0];
  return cameras.length === 1 ? cameras[0] : undefined;
}

/** A recorder has one address and one login for all of its channels. */
function onChannel(cameras: readonly RelayCamera[], channel: number | undefined): RelayCamera | undefined {
  return cameras.find((camera) => camera.channel === channel) ?? cameras[0];
}

function strangersName(mail: ReceivedMail, arrival: Arrival, { names }: Clues): string {
  const senderName = mail.from.includes('<') ? mail.from.replace(/\s*<[^<>]*>$/, '') : '';
  return (
    [names.at(-1), arrival.login, senderName, localPart(mail.fromAddress)].find((name) => name !== undefined && name !== '') ??
    arrival.remoteAddress
  );
}

function typeOf(words: string): EventType | undefined {
  return EVENT_WORDS.find(([, pattern]) => pattern.test(words))?.[0];
}

function first(pattern: RegExp | undefined, text: string): string {
  return (pattern?.exec(text)?.[1] ?? '').trim().slice(0, 200);
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').slice(0, 200);
}

function localPart(address: string): string {
  return address.replace(/@[^@]*$/, '');
}

function tagOf(address: string): string {
  return /\+([^@+]+)@/.exec(address)?.[1] ?? '';
}

/** Addresses cannot hold blanks and capitals do not count: `Front Door` is `front-door`. */
function plain(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}
