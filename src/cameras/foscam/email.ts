import { CameraEmailError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import type { EmailCapabilities, EmailSettings, MailSecurity, SettingField, WantedEmail } from '../driver.ts';
import type { Parameters } from './cgi.ts';

/** What the vendor's own page takes; the firmware may take more. */
export const DOCUMENTED_LIMITS = {
  maxLength: { server: 60, username: 63, password: 16, sender: 63, recipient: 63 },
  maxRecipients: 4,
} as const satisfies EmailCapabilities;

const SECURITIES: readonly MailSecurity[] = ['none', 'tls', 'starttls'];

/** Sent in this order, all of them each time. The third name is the device's own spelling. */
const WRITTEN = ['isEnable', 'server', 'port', 'tls', 'isNeedAuth', 'user', 'password', 'sender', 'reciever'] as const;

/** The settings in an answer to getSMTPConfig. Throws `unsupported` for the form of the vendor's recorders. */
export function readSmtpConfig(values: Parameters): EmailSettings {
  const missing = WRITTEN.filter((name) => name !== 'password' && !values.has(name));
  if (missing.length > 0) throw new CameraEmailError('unsupported', `getSMTPConfig: no ${missing.join(', ')}`);
  const port = Number(values.get('port'));
  return {
    enabled: values.get('isEnable') === '1',
    server: values.get('server'),
    port: Number.isInteger(port) ? port : undefined,
    security: SECURITIES[Number(values.get('tls'))],
    authentication: values.get('isNeedAuth') === '1',
    username: values.get('user'),
    password: passwordIn(values),
    sender: values.get('sender'),
    recipients: slotsOf(values).filter((address) => address !== ''),
  };
}

/** The mail password, where the device tells it: in clear, or as the character codes of newer firmware. */
export function passwordIn(values: Parameters): Secret | undefined {
  const told = values.get('password') ?? '';
  if (/^[*•]*$/.test(told)) return undefined;
  return new Secret(/^\d{1,5}(,\d{1,5})+$/.test(told) ? String.fromCharCode(...told.split(',').map(Number)) : told);
}

/** The form in which newer firmware takes a password: the decimal codes of its characters. */
export function characterCodes(password: string): string {
  return Array.from({ length: password.length }, (_, index) => password.charCodeAt(index)).join(',');
}

function slotsOf(values: Parameters): string[] {
  const slots = (values.get('reciever') ?? '').split(',').map((address) => address.trim());
  while (slots.length < DOCUMENTED_LIMITS.maxRecipients) slots.push('');
  return slots;
}

/** Addresses that stay keep their slot, new ones take the free slots in order. */
function recipientsFor(values: Parameters, wanted: readonly string[]): string {
  const slots = slotsOf(values);
  const same = (one: string, other: string) => one.toLowerCase() === other.trim().toLowerCase();
  const missing = wanted.filter((address) => !slots.some((slot) => same(slot, address)));
  const isWanted = (slot: string) => slot !== '' && wanted.some((address) => same(slot, address));
  return slots.map((slot) => (isWanted(slot) ? slot : (missing.shift() ?? ''))).join(',');
}

/** All parameters of setSMTPConfig: the wanted value of each changed field, and the device's own of every other. */
export function smtpParameters(
  values: Parameters,
  wanted: WantedEmail,
  changed: ReadonlySet<SettingField>,
  password: string,
): Map<string, string> {
  const result = new Map(WRITTEN.map((name): [string, string] => [name, values.get(name) ?? '']));
  const set = (field: SettingField, name: (typeof WRITTEN)[number], value: string) => {
    if (changed.has(field)) result.set(name, value);
  };
  set('enabled', 'isEnable', wanted.enabled ? '1' : '0');
  set('server', 'server', wanted.server);
  set('port', 'port', String(wanted.port));
  set('security', 'tls', String(SECURITIES.indexOf(wanted.security)));
  set('authentication', 'isNeedAuth', wanted.authentication ? '1' : '0');
  set('username', 'user', wanted.username);
  set('sender', 'sender', wanted.sender);
  set('recipients', 'reciever', recipientsFor(values, wanted.recipients ?? []));
  result.set('password', password);
  return result;
}

/** The parameters that bring an earlier answer back. Without a password that one is left out. */
export function restoreParameters(values: Parameters, password: Secret | undefined): Map<string, string> {
  const result = new Map(WRITTEN.map((name): [string, string] => [name, values.get(name) ?? '']));
  if (password === undefined) result.delete('password');
  else result.set('password', password.reveal());
  return result;
}

/** The parameters of smtpTest; the mail goes to the recipients that the device has saved. */
export function testParameters(wanted: WantedEmail): Map<string, string> {
  return new Map([
    ['smtpServer', wanted.server],
    ['port', String(wanted.port)],
    ['tls', String(SECURITIES.indexOf(wanted.security))],
    ['isNeedAuth', wanted.authentication ? '1' : '0'],
    ['user', wanted.username],
    ['password', wanted.authentication ? wanted.password.reveal() : ''],
    ['sender', wanted.sender],
  ]);
}

/** From the camera's own language file; 64 and above are the exit codes of BSD's sysexits. */
const TEST_RESULTS: Readonly<Record<number, string>> = {
  2: 'server address not set',
  3: 'user not set',
  4: 'password not set',
  5: 'sender not set',
  6: 'could not build the mail',
  7: 'send timeout',
  8: 'mail log not found',
  9: 'mail log not readable',
  64: 'usage',
  65: 'data error',
  66: 'no input',
  67: 'no such user',
  68: 'host name unknown',
  69: 'service unavailable',
  70: 'internal software error',
  71: 'system error',
  72: 'system file missing',
  73: 'cannot create',
  74: 'input/output error',
  75: 'cannot connect',
  76: 'protocol error',
  77: 'no permission (authentication refused)',
  78: 'configuration error',
};

/** The test's verdict with the device's words, such as `77 no permission (authentication refused): 535 …`; undefined when it gives none. */
export function testVerdict(values: Parameters): { accepted: boolean; words: string } | undefined {
  const told = values.get('testResult') ?? '';
  if (!/^-?\d+$/.test(told)) return undefined;
  const code = Number(told);
  const meaning = TEST_RESULTS[code];
  const message = values.get('errorMsg') ?? '';
  return {
    accepted: code === 0,
    words: `testResult ${told}${meaning === undefined ? '' : ` ${meaning}`}${message === '' ? '' : `: ${message}`}`,
  };
}

/** Characters that the vendor's page refuses in addresses: Gmail's `me+camera@` among them. */
export function hasPlus(wanted: WantedEmail): string | undefined {
  return [wanted.username, wanted.sender, ...(wanted.recipients ?? [])].find((address) => address.includes('+'));
}
