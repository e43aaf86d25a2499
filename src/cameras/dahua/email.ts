import { Secret } from '../../core/secret.ts';
import type { Change, EmailCapabilities, EmailSettings, MailSecurity, SettingField, WantedEmail } from '../driver.ts';
import { type ConfigTable, type Entry, flagOf } from './config-table.ts';

export const PASSWORD_KEY = 'Email.Password';
const MASK = '******';
const RECEIVER = /^Email\.Receivers\[(\d+)\]$/;
/** Recipients that the manuals name. */
const RECEIVERS = 3;

/**
 * The vendor's SDK (dhnetsdk.h: names and passwords 64, addresses 128), one byte kept for the terminator. The device does not tell
 * its limits. Interval: the range of the web page.
 */
export const DOCUMENTED_LIMITS = {
  maxLength: { username: 63, password: 63, sender: 127, recipient: 127 },
  maxRecipients: RECEIVERS,
  intervals: Array.from({ length: 3601 }, (_, seconds) => seconds),
} as const satisfies Partial<EmailCapabilities>;

/** The settings of the table `Email`. */
export function readEmail(table: ConfigTable): EmailSettings {
  const text = (key: string) => table.get(`Email.${key}`);
  const flag = (key: string) => flagOf(table, `Email.${key}`);
  const number = (key: string) => {
    const value = text(key);
    return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
  };
  const anonymous = flag('Anonymous');
  const authentication = flag('Authentication');
  const attach = flag('AttachEnable');
  const password = text('Password');
  return {
    enabled: flag('Enable'),
    server: text('Address'),
    port: number('Port'),
    security: readSecurity(table),
    authentication: anonymous === undefined && authentication === undefined ? undefined : anonymous !== true && authentication !== false,
    username: text('UserName'),
    password: password === undefined || /^\**$/.test(password) ? undefined : new Secret(password),
    sender: text('SendAddress'),
    recipients: receivers(table)
      .map(({ address }) => address)
      .filter((address) => address !== ''),
    attachment: attach === undefined ? undefined : attach ? 'snapshot' : 'none',
    minInterval: number('SendInterv'),
    subject: text('Title'),
  };
}

function readSecurity(table: ConfigTable): MailSecurity {
  if (flagOf(table, 'Email.TlsEnable')) return 'starttls';
  return flagOf(table, 'Email.SslEnable') ? 'tls' : 'none';
}

/** Both encryptions switched on: what that does is not known, so it is never left so. */
export function isContradictory(table: ConfigTable): boolean {
  return flagOf(table, 'Email.SslEnable') === true && flagOf(table, 'Email.TlsEnable') === true;
}

/** The encryptions that the table has a switch for. */
export function securitiesOf(table: ConfigTable): MailSecurity[] {
  const tls: MailSecurity[] = table.has('Email.SslEnable') ? ['tls'] : [];
  const starttls: MailSecurity[] = table.has('Email.TlsEnable') ? ['starttls'] : [];
  return ['none', ...tls, ...starttls];
}

/** The document with a mask in place of a password that the device told in clear. */
export function withoutPassword(body: string): string {
  return body.replace(/^(table\.Email\.Password=)[^\r\n]*/m, `$1${MASK}`);
}

/** The entries that carry out the changes, in the device's order. Only keys that the device has, and only values that differ. */
export function emailEntries(table: ConfigTable, wanted: WantedEmail, changes: readonly Change[]): Entry[] {
  const entries = changes.flatMap(({ field }) => entriesOf(field, table, wanted));
  const keys = [...table.keys()];
  const position = (key: string) => (table.has(key) ? keys.indexOf(key) : keys.length);
  return entries.sort(([a], [b]) => position(a) - position(b));
}

function entriesOf(field: SettingField, table: ConfigTable, wanted: WantedEmail): Entry[] {
  const known = (...entries: (readonly [string, unknown])[]): Entry[] =>
    entries.filter(([key]) => table.has(`Email.${key}`)).map(([key, value]) => [`Email.${key}`, String(value)]);
  const differing = (...entries: (readonly [string, unknown])[]) => known(...entries).filter(([key, value]) => table.get(key) !== value);
  switch (field) {
    case 'enabled':
      return known(['Enable', wanted.enabled]);
    case 'server':
      return known(['Address', wanted.server]);
    case 'port':
      return known(['Port', wanted.port]);
    case 'security':
      // Two independent switches: one left on beside the other is a state nobody knows.
      return known(['SslEnable', wanted.security === 'tls'], ['TlsEnable', wanted.security === 'starttls']);
    case 'authentication':
      return differing(['Authentication', wanted.authentication], ['Anonymous', !wanted.authentication]);
    case 'username':
      return known(['UserName', wanted.username]);
    case 'password':
      // The one key that is sent even if the read left it out: firmware may keep it back altogether.
      return [[PASSWORD_KEY, wanted.password.reveal()]];
    case 'sender':
      return known(['SendAddress', wanted.sender]);
    case 'recipients':
      return receiverEntries(table, wanted.recipients ?? []);
    case 'attachment':
      return known(['AttachEnable', wanted.attachment !== 'none']);
    case 'minInterval':
      return known(['SendInterv', wanted.minInterval]);
    default:
      return [];
  }
}

interface Receiver {
  index: number;
  address: string;
}

function receivers(table: ConfigTable): Receiver[] {
  return [...table]
    .flatMap(([key, address]) => {
      const index = RECEIVER.exec(key)?.[1];
      return index === undefined ? [] : [{ index: Number(index), address: address.trim() }];
    })
    .sort((a, b) => a.index - b.index);
}

/** Addresses that stay keep their slot; new ones take the free slots; slots left over are emptied. */
function receiverEntries(table: ConfigTable, wanted: readonly string[]): Entry[] {
  const same = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();
  const slots = receivers(table);
  // An array prints only the elements it has, so a device with fewer than three may still take the next ones.
  for (let index = 0; index < RECEIVERS; index += 1) {
    if (!slots.some((slot) => slot.index === index)) slots.push({ index, address: '' });
  }
  const missing = wanted.filter((address) => !slots.some((slot) => same(slot.address, address)));
  return slots.flatMap(({ index, address }): Entry[] => {
    if (wanted.some((one) => same(one, address))) return [];
    const next = missing.shift() ?? '';
    return next === address ? [] : [[`Email.Receivers[${index}]`, next]];
  });
}

/** The entries that bring the table back to an earlier state; without a password the device keeps the one it has. */
export function entriesToRestore(before: ConfigTable, now: ConfigTable, password: Secret | undefined): Entry[] {
  const entries: Entry[] = [];
  for (const [key, value] of before) {
    const current = now.get(key) ?? (RECEIVER.test(key) ? '' : undefined);
    if (key !== PASSWORD_KEY && current !== undefined && current !== value) entries.push([key, value]);
  }
  for (const [key, value] of now) if (RECEIVER.test(key) && value !== '' && !before.has(key)) entries.push([key, '']);
  if (password !== undefined) entries.push([PASSWORD_KEY, password.reveal()]);
  return entries;
}
