import { CameraEmailError } from '../../core/errors.ts';
import { deviceWords } from '../../core/text.ts';
import type { EmailSettings, MailSecurity, WantedEmail } from '../driver.ts';
import { type Pairs, type Parameters, parseParameters } from './cgi.ts';

/** The device can send to five servers of different kinds; one of them is ours. */
const SLOTS = [0, 1, 2, 3, 4] as const;

/** The server slot that holds the mail settings, or that they go into, with what it holds now. */
export interface Slot {
  index: number;
  /** A parameter of the slot, `email_address` for `server_i<n>_email_address`; undefined when the device has none of that name. */
  get(name: string): string | undefined;
}

/**
 * The slot for mail: a named one of type email, else an unnamed one of that type, else the first unnamed one. Throws `rejected` when
 * all are taken by servers of other kinds, and `unsupported` for a device without mail parameters.
 */
export function mailSlot(body: string): Slot {
  const parameters = parseParameters(body);
  const slots = SLOTS.map((index) => slotAt(parameters, index)).filter(({ get }) => get('type') !== undefined);
  const isMail = ({ get }: Slot) => get('type') === 'email';
  const isFree = ({ get }: Slot) => (get('name') ?? '') === '';
  const slot = slots.find((one) => isMail(one) && !isFree(one)) ?? slots.find((one) => isMail(one) && isFree(one)) ?? slots.find(isFree);
  if (slot === undefined && slots.length > 0) {
    const deviceSays = deviceWords(slots.map(({ index, get }) => `server_i${index}_type='${get('type')}'`).join(' '));
    throw new CameraEmailError('rejected', 'every server slot is in use', { deviceSays });
  }
  if (slot?.get('email_address') === undefined) throw new CameraEmailError('unsupported', 'the device has no parameters for mail');
  return slot;
}

function slotAt(parameters: Parameters, index: number): Slot {
  return { index, get: (name) => parameters.get(`server_i${index}_${name}`) };
}

/** The settings of a slot. A slot that is not in use reads as switched off. */
export function readSlot({ get }: Slot): EmailSettings {
  const port = Number(get('email_port') || 0);
  const username = get('email_username');
  const inUse = get('type') === 'email' && get('name') !== '';
  return {
    enabled: inUse ? undefined : false,
    server: get('email_address'),
    port: get('email_port') === undefined ? undefined : port,
    security: readSecurity(get('email_sslmode'), port),
    authentication: username === undefined ? undefined : username !== '',
    username,
    sender: get('email_senderemail'),
    recipients: get('email_recipientemail')
      ?.split(/[;,\s]+/)
      .filter((address) => address !== ''),
  };
}

/** The switch is one for both kinds of TLS: which one is meant shows in the port only. */
function readSecurity(sslmode: string | undefined, port: number): MailSecurity {
  if (sslmode !== '1') return 'none';
  return port === 587 ? 'starttls' : 'tls';
}

/** What stands between several recipients; undefined while the device holds one at most, because no source tells. */
export function recipientSeparator({ get }: Slot): string | undefined {
  return /[;,]\s*/.exec(get('email_recipientemail') ?? '')?.[0];
}

/** The parameters that have to be written, in the vendor's order, the password among them when it is given. */
export function slotParameters(slot: Slot, wanted: WantedEmail, password: string | undefined): Pairs {
  const { authentication } = wanted;
  const values: [string, string | undefined][] = [
    ['name', slot.get('name') || 'Email'],
    ['type', 'email'],
    ['email_senderemail', wanted.sender],
    ['email_recipientemail', recipientText(slot, wanted.recipients)],
    ['email_address', wanted.server],
    ['email_username', authentication ? wanted.username : ''],
    ['email_passwd', authentication ? password : ''],
    ['email_port', String(wanted.port)],
    ['email_sslmode', wanted.security === 'none' ? '0' : '1'],
  ];
  return values.flatMap(([name, value]) => {
    const now = slot.get(name);
    const keep = value === undefined || now === undefined || (now === value && name !== 'email_passwd');
    return keep ? [] : [[`server_i${slot.index}_${name}`, value] as const];
  });
}

function recipientText(slot: Slot, wanted: readonly string[] | undefined): string | undefined {
  const now = readSlot(slot).recipients ?? [];
  const key = (list: readonly string[]) => JSON.stringify(list.map((address) => address.toLowerCase()).sort());
  if (wanted === undefined || key(wanted) === key(now)) return undefined;
  return wanted.join(recipientSeparator(slot) ?? ',');
}

/**
 * The parameters that bring an earlier document back, of all slots. Passwords are not in documents: the mail password comes from
 * outside, and is cleared where the earlier settings had no login.
 */
export function parametersToRestore(before: string, now: string, password: string | undefined): Pairs {
  const current = parseParameters(now);
  const { index, get } = mailSlot(before);
  const passwordKey = `server_i${index}_email_passwd`;
  const secret = get('email_username') === '' ? '' : password;
  const changed = [...parseParameters(before)].filter(([key, value]) => current.has(key) && current.get(key) !== value);
  const restored = secret === undefined || !current.has(passwordKey) ? [] : [[passwordKey, secret] as const];
  return changed.length === 0 && secret === '' ? [] : [...changed, ...restored];
}
