import { isIP } from 'node:net';
import { CameraEmailError } from '../../core/errors.ts';
import { child, children, childText, XmlDocument, type XmlElement } from '../../http/xml.ts';
import type { EmailCapabilities, EmailSettings, MailSecurity, WantedEmail } from '../driver.ts';

/**
 * The buffers of the vendor's SDK (HCNetSDK.h, NET_DVR_EMAILCFG_V30), one byte kept for the terminator. Newer firmware takes more;
 * what mailing/capabilities says wins.
 */
export const DOCUMENTED_LIMITS = {
  maxLength: { server: 47, username: 31, password: 31, sender: 47, senderName: 31, recipient: 47 },
  maxRecipients: 3,
  intervals: [2, 3, 4, 5],
} as const;

/** True when every device that keeps the documented limits can hold it. */
export function fitsDocumentedLimits({ server, username, password, sender, senderName = '', recipients = [] }: LimitedFields): boolean {
  const { maxLength, maxRecipients } = DOCUMENTED_LIMITS;
  const fits = (text: string, limit: number) => Buffer.byteLength(text, 'utf8') <= limit;
  return (
    fits(server, maxLength.server) &&
    fits(username, maxLength.username) &&
    fits(password.reveal(), maxLength.password) &&
    fits(sender, maxLength.sender) &&
    fits(senderName, maxLength.senderName) &&
    recipients.length <= maxRecipients &&
    recipients.every((recipient) => fits(recipient, maxLength.recipient))
  );
}

type LimitedFields = Pick<WantedEmail, 'server' | 'username' | 'password' | 'sender' | 'senderName' | 'recipients'>;

/** Offsets and elements of the one `<mailing>` in a document of either form. */
interface MailingForm {
  document: XmlDocument;
  mailing: XmlElement;
  smtp: XmlElement;
}

function openMailing(body: string): MailingForm {
  const document = XmlDocument.parse(body);
  const mailing = document.root.name === 'mailingList' ? child(document.root, 'mailing') : document.root;
  const smtp = child(mailing, 'sender', 'smtp');
  if (mailing?.name !== 'mailing' || smtp === undefined) {
    throw new CameraEmailError('unreadable', `mailing: unexpected document <${document.root.name}>`);
  }
  return { document, mailing, smtp };
}

/** A receiver's address element; some firmware calls it receiverAddress. */
function addressOf(receiver: XmlElement): XmlElement | undefined {
  return child(receiver, 'emailAddress') ?? child(receiver, 'receiverAddress');
}

/**
 * The settings of a mailing document, camera or recorder form, and whether it has the flags for STARTTLS: recorders have enableSSL only.
 * Throws `unreadable`.
 */
export function readMailing(body: string): { settings: EmailSettings; hasStartTls: boolean } {
  const { mailing, smtp } = openMailing(body);
  return {
    settings: settingsOf(mailing, smtp),
    hasStartTls: child(smtp, 'enableTLS') !== undefined || child(smtp, 'startTLS') !== undefined,
  };
}

function settingsOf(mailing: XmlElement, smtp: XmlElement): EmailSettings {
  const byAddress = childText(smtp, 'addressingFormatType') === 'ipaddress';
  const snapshot = child(mailing, 'attachment', 'snapshot');
  const interval = Number(childText(snapshot, 'interval') ?? Number.NaN);
  const port = Number(childText(smtp, 'portNo') ?? Number.NaN);
  return {
    server: (byAddress ? childText(smtp, 'ipAddress') : undefined) ?? childText(smtp, 'hostName'),
    port: Number.isInteger(port) ? port : undefined,
    security: readSecurity(smtp),
    authentication: readFlag(smtp, 'enableAuthorization'),
    username: childText(smtp, 'accountName'),
    sender: childText(mailing, 'sender', 'emailAddress'),
    senderName: childText(mailing, 'sender', 'name'),
    recipients: children(child(mailing, 'receiverList'), 'receiver')
      .map((receiver) => addressOf(receiver)?.text.trim() ?? '')
      .filter((address) => address !== ''),
    attachment: snapshot === undefined ? undefined : readFlag(snapshot, 'enabled') ? 'snapshot' : 'none',
    minInterval: Number.isInteger(interval) ? interval : undefined,
  };
}

function readFlag(parent: XmlElement, name: string): boolean | undefined {
  const text = childText(parent, name);
  return text === undefined ? undefined : text.toLowerCase() === 'true' || text === '1';
}

function readSecurity(smtp: XmlElement): MailSecurity | undefined {
  if (readFlag(smtp, 'enableTLS') || readFlag(smtp, 'startTLS')) return 'starttls';
  const ssl = readFlag(smtp, 'enableSSL');
  return ssl === undefined ? undefined : ssl ? 'tls' : 'none';
}

/** The device's own document with what is wanted in it, all else byte for byte. The password is always written. */
export function writeMailing(body: string, wanted: WantedEmail, password: string): string {
  const { document, mailing, smtp } = openMailing(body);
  const set = (parent: XmlElement | undefined, name: string, value: string | undefined) => {
    const element = child(parent, name);
    if (element !== undefined && value !== undefined) document.setText(element, value);
  };
  set(smtp, 'enableAuthorization', String(wanted.authentication));
  set(smtp, 'enableSSL', String(wanted.security === 'tls'));
  set(smtp, 'enableTLS', String(wanted.security === 'starttls'));
  set(smtp, 'startTLS', String(wanted.security === 'starttls'));
  set(smtp, 'portNo', String(wanted.port));
  writeServer(document, smtp, wanted.server);
  set(smtp, 'accountName', wanted.username);
  set(child(mailing, 'sender'), 'emailAddress', wanted.sender);
  set(child(mailing, 'sender'), 'name', wanted.senderName);
  if (wanted.recipients !== undefined) writeRecipients(document, child(mailing, 'receiverList'), wanted.recipients);
  const snapshot = child(mailing, 'attachment', 'snapshot');
  if (wanted.attachment !== undefined) set(snapshot, 'enabled', String(wanted.attachment !== 'none'));
  set(snapshot, 'interval', wanted.minInterval?.toString());
  writePassword(document, smtp, password);
  return document.toString();
}

/** A document as the device gave it, with a password put in. */
export function withPassword(body: string, password: string): string {
  const { document, smtp } = openMailing(body);
  writePassword(document, smtp, password);
  return document.toString();
}

/** A document as it was read, fit to be kept: an element for the password stays where it is, empty. */
export function withEmptyPassword(body: string): string {
  if (!/<(?:[\w.-]+:)?password\b/.test(body)) return body;
  const { document, smtp } = openMailing(body);
  const element = child(smtp, 'password');
  if (element !== undefined) document.setText(element, '');
  return document.toString();
}

/** A document for writing back when nobody knows the password: an empty one or a mask would be taken for it. */
export function withoutPassword(body: string): string {
  const { document, smtp } = openMailing(body);
  const element = child(smtp, 'password');
  if (element !== undefined) document.remove(element);
  return document.toString();
}

/** The same document with its sensitive fields (the two that the vendor's page treats so) passed through `encode`. */
export function encodeSensitive(body: string, encode: (value: string) => string): string {
  const { document, smtp } = openMailing(body);
  for (const name of ['accountName', 'password']) {
    const element = child(smtp, name);
    if (element !== undefined) document.setText(element, encode(element.text));
  }
  return document.toString();
}

function writeServer(document: XmlDocument, smtp: XmlElement, server: string): void {
  const format = child(smtp, 'addressingFormatType');
  const [kind, name, other] = isIP(server) === 0 ? ['hostname', 'hostName', 'ipAddress'] : ['ipaddress', 'ipAddress', 'hostName'];
  if (format !== undefined) document.setText(format, kind);
  const present = child(smtp, name);
  const replaced = child(smtp, other);
  if (present !== undefined) document.setText(present, server);
  else if (replaced !== undefined) document.replace(replaced, `<${name}>${document.encode(server)}</${name}>`);
  else if (format !== undefined) document.insertAfter(format, `<${name}>${document.encode(server)}</${name}>`);
}

/** `<password>` is never returned by a device and always written; it goes behind accountName, where the vendor's pages have it. */
function writePassword(document: XmlDocument, smtp: XmlElement, value: string): void {
  const present = child(smtp, 'password');
  const account = child(smtp, 'accountName');
  if (present !== undefined) document.setText(present, value);
  else if (account !== undefined) document.insertAfter(account, `<password>${document.encode(value)}</password>`);
  else document.append(smtp, `<password>${document.encode(value)}</password>`);
}

/** Addresses that stay keep their slot and name; new ones take the free slots in order; slots left over are emptied. */
function writeRecipients(document: XmlDocument, list: XmlElement | undefined, wanted: readonly string[]): void {
  if (list === undefined) return;
  const slots = children(list, 'receiver');
  const firstOf = (address: string) => slots.find((slot) => sameAddress(address, addressOf(slot)?.text ?? ''));
  const isWanted = (slot: XmlElement) => wanted.some((address) => firstOf(address) === slot);
  const missing = wanted.filter((address) => firstOf(address) === undefined);
  for (const slot of slots) {
    if (isWanted(slot)) continue;
    const next = missing.shift() ?? '';
    const address = addressOf(slot);
    const name = child(slot, 'name');
    // The name belongs to the address that goes. An empty one stays empty: the web page allows it.
    if (name !== undefined && name.text !== '') document.setText(name, next === '' ? '' : (next.split('@')[0] ?? ''));
    if (address !== undefined) document.setText(address, next);
  }
  missing.forEach((address, index) => {
    const receiver = `<receiver><id>${slots.length + index + 1}</id><name></name><emailAddress>${document.encode(address)}</emailAddress></receiver>`;
    document.append(list, receiver);
  });
}

function sameAddress(one: string, other: string): boolean {
  return one.trim().toLowerCase() === other.trim().toLowerCase();
}

/** What mailing/capabilities says in its `max` and `opt` attributes; its content was never seen recorded, so every part is optional. */
export function readCapabilities(body: string): Pick<EmailCapabilities, 'maxLength' | 'maxRecipients'> {
  const { mailing, smtp } = openMailing(body);
  const max = (element: XmlElement | undefined): number | undefined => {
    const value = Number(element?.attributes.max ?? Number.NaN);
    return Number.isInteger(value) && value > 0 ? value : undefined;
  };
  const receivers = child(mailing, 'receiverList');
  const receiver = child(receivers, 'receiver');
  const lengths = {
    server: max(child(smtp, 'hostName')),
    username: max(child(smtp, 'accountName')),
    password: max(child(smtp, 'password')),
    sender: max(child(mailing, 'sender', 'emailAddress')),
    senderName: max(child(mailing, 'sender', 'name')),
    recipient: receiver === undefined ? undefined : max(addressOf(receiver)),
  };
  const size = Number(receivers?.attributes.size ?? Number.NaN);
  return { maxLength: lengths, maxRecipients: Number.isInteger(size) && size > 0 ? size : undefined };
}

/** One `<mailing>` as a document of its own, with the namespace it had inside a list. */
export function singleMailing(body: string): string {
  if (!/<(?:[\w.-]+:)?mailingList\b/.test(body)) return body;
  const { document, mailing } = openMailing(body);
  if (mailing === document.root) return body;
  return standalone(document, mailing);
}

/** An element of a list as its own document: the list's namespace and version move onto it when it has none. */
export function standalone(document: XmlDocument, element: XmlElement): string {
  const inherited = ['version', 'xmlns']
    .filter((name) => document.root.attributes[name] !== undefined && element.attributes[name] === undefined)
    .map((name) => ` ${name}="${document.root.attributes[name]}"`)
    .join('');
  const source = document.sourceOf(element);
  const declaration = /^[^<]*<\?xml[^>]*\?>/.exec(document.source)?.[0] ?? '<?xml version="1.0" encoding="UTF-8"?>';
  return `${declaration}\n${source.replace(/^<[^\s/>]+/, (tag) => tag + inherited)}`;
}
