import { CameraEmailError } from '../../core/errors.ts';
import type { EmailSettings, WantedEmail } from '../driver.ts';
import { isObject, type JsonObject, parseAnswer } from './lapi.ts';
import type { RsaKey } from './password.ts';

/** The limits of the vendor's own page. It shows three recipients; the device has room for eight. */
export const DOCUMENTED_LIMITS = {
  maxLength: { server: 32, username: 48, password: 32, sender: 32, senderName: 32, recipient: 48 },
  maxRecipients: 3,
  intervals: [2, 3, 4, 5],
} as const;

/** A document without its passwords. No firmware is known to tell one. */
export function withoutPasswords(body: string): string {
  return body.replace(/("(?:PIN|Pass[Ww]ord)"\s*:\s*)"(?:[^"\\]|\\.)*"/g, '$1""');
}

/** The object that a document holds, without what belongs to a write only. Throws `unreadable`. */
export function emailOf(body: string): JsonObject {
  const data = parseAnswer(body)?.data;
  if (!isObject(data) || typeof data.ServerIPAddress !== 'string') {
    throw new CameraEmailError('unreadable', 'LAPI: mail settings without ServerIPAddress');
  }
  const { PIN: _pin, RSAPublicKey: _key, ...email } = data;
  return email;
}

/** The settings of a document. Throws `unreadable`. */
export function readEmail(body: string): EmailSettings {
  const email = emailOf(body);
  const sender = isObject(email.SenderInfo) ? email.SenderInfo : {};
  const attachment = flag(email.AttachmentType);
  const recipients = recipientsIn(email);
  return {
    server: text(email.ServerIPAddress),
    port: integer(email.ServerPort),
    security: flag(email.SSL) === undefined ? undefined : flag(email.SSL) ? 'tls' : 'none',
    authentication: flag(email.ServerAuth),
    username: text(email.LoginName),
    sender: text(sender.Address),
    senderName: text(sender.Name),
    recipients: recipients?.map(({ Address }) => text(Address) ?? '').filter((address) => address !== ''),
    attachment: attachment === undefined ? undefined : attachment ? 'snapshot' : 'none',
    minInterval: integer(email.AttachmentInterval),
  };
}

/** How many recipients fit in. */
export function recipientSlots(body: string): number {
  return Math.max(DOCUMENTED_LIMITS.maxRecipients, recipientsIn(emailOf(body))?.length ?? 0);
}

/** The device's own object with what is wanted in it; keys that it does not have are not added. */
export function writeEmail(body: string, wanted: WantedEmail): JsonObject {
  const email = structuredClone(emailOf(body));
  const sender = isObject(email.SenderInfo) ? email.SenderInfo : {};
  set(email, 'ServerIPAddress', wanted.server);
  set(email, 'ServerPort', wanted.port);
  set(email, 'SSL', wanted.security === 'none' ? 0 : 1);
  set(email, 'ServerAuth', wanted.authentication ? 1 : 0);
  if (wanted.authentication) set(email, 'LoginName', wanted.username);
  set(sender, 'Address', wanted.sender);
  set(sender, 'Name', wanted.senderName);
  set(email, 'AttachmentType', wanted.attachment === undefined ? undefined : wanted.attachment === 'none' ? 0 : 1);
  set(email, 'AttachmentInterval', wanted.minInterval);
  if (wanted.recipients !== undefined) writeRecipients(email, wanted.recipients);
  return email;
}

/** The body of a write; with a password both of its members, or none. */
export function requestBody(email: JsonObject, pin?: { value: string; key: RsaKey }): string {
  const secret = pin === undefined ? {} : { RSAPublicKey: pin.key, PIN: pin.value };
  return `${JSON.stringify({ ...email, ...secret })}\r\n`;
}

function recipientsIn(email: JsonObject): JsonObject[] | undefined {
  const list = isObject(email.RecipientInfo) ? email.RecipientInfo.Recipients : undefined;
  return Array.isArray(list) ? list.filter(isObject) : undefined;
}

/** Recipients that stay keep their names; slots that are no longer needed are emptied. */
function writeRecipients(email: JsonObject, addresses: readonly string[]): void {
  const slots = recipientsIn(email);
  if (slots === undefined || !isObject(email.RecipientInfo)) return;
  const names = new Map(slots.map(({ Name, Address }) => [String(Address).toLowerCase(), Name]));
  const count = Math.max(slots.length, addresses.length);
  email.RecipientInfo.Recipients = Array.from({ length: count }, (_, index) => {
    const address = addresses[index] ?? '';
    const name = names.get(address.toLowerCase()) ?? address.split('@')[0]?.slice(0, DOCUMENTED_LIMITS.maxLength.senderName) ?? '';
    return { ...slots[index], Name: address === '' ? '' : name, Address: address };
  });
}

/** In the type that the device uses: some firmware writes numbers as texts. */
function set(object: JsonObject, key: string, value: string | number | undefined): void {
  if (value === undefined || object[key] === undefined) return;
  object[key] = typeof object[key] === 'string' ? String(value) : value;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function integer(value: unknown): number | undefined {
  return value !== null && value !== '' && Number.isInteger(Number(value)) ? Number(value) : undefined;
}

function flag(value: unknown): boolean | undefined {
  const number = integer(value);
  return number === undefined ? undefined : number !== 0;
}
