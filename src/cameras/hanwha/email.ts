import { CameraEmailError } from '../../core/errors.ts';
import type { Change, EmailSettings, WantedEmail } from '../driver.ts';
import { parseAnswer, type SunapiRecord } from './sunapi.ts';

export type Parameters = (readonly [string, string])[];

/** Documented lengths; the vendor tells no others but in its web page's attributes. */
export const DOCUMENTED_LIMITS = { maxLength: { server: 63 }, maxRecipients: 1 } as const;

/** What `action=set` takes, in the order of the vendor's document. Username belongs to an authentication, the password is no setting. */
const SETTABLE = ['Authentication', 'Host', 'Port', 'Encryption', 'Username', 'Sender', 'Recipient', 'Subject', 'Message'] as const;

/** The record of `smtp view`. Throws `unreadable` when it is something else. */
export function readSmtp(body: string): SunapiRecord {
  const { record } = parseAnswer(body);
  if (record.Host === undefined || record.Port === undefined)
    throw new CameraEmailError('unreadable', 'smtp: an answer without Host and Port');
  return record;
}

/** Cameras hold the recipients among these settings, recorders in a list of users. */
export function smtpSettings(record: SunapiRecord): EmailSettings {
  const text = (key: string) => (record[key] === undefined ? undefined : String(record[key]));
  const port = Number(record.Port);
  const authentication = record.Authentication === undefined ? undefined : record.Authentication === 'SMTP';
  return {
    server: text('Host'),
    port: Number.isInteger(port) ? port : undefined,
    security: record.Encryption === undefined ? undefined : record.Encryption === 'SSL' ? 'tls' : 'none',
    authentication,
    username: authentication === true ? text('Username') : undefined,
    sender: text('Sender'),
    recipients: text('Recipient')
      ?.split(/[,;]/)
      .map((address) => address.trim())
      .filter((address) => address !== ''),
    subject: text('Subject'),
  };
}

/** The parameters of `action=set` for the changed fields, without the password; empty when no mail setting changes. */
export function smtpParameters(record: SunapiRecord, changes: readonly Change[], wanted: WantedEmail): Parameters {
  const changed = (field: Change['field']) => changes.some((change) => change.field === field);
  const values: Partial<Record<(typeof SETTABLE)[number], string>> = {};
  if (changed('authentication')) values.Authentication = wanted.authentication ? 'SMTP' : 'None';
  if (changed('server')) values.Host = wanted.server;
  if (changed('port')) values.Port = String(wanted.port);
  if (changed('security')) values.Encryption = wanted.security === 'tls' ? 'SSL' : 'None';
  if (wanted.authentication && (changed('username') || changed('authentication'))) values.Username = wanted.username;
  if (changed('sender')) values.Sender = wanted.sender;
  if (changed('recipients') && record.Recipient !== undefined) values.Recipient = wanted.recipients?.join(',') ?? '';
  return ordered(values);
}

/** The parameters that bring an earlier record back. */
export function smtpToRestore(before: SunapiRecord, now: SunapiRecord): Parameters {
  const keys = SETTABLE.filter((key) => before[key] !== undefined && String(before[key]) !== String(now[key]));
  return ordered(Object.fromEntries(keys.filter((key) => key !== 'Username' || hasLogin(before)).map((key) => [key, String(before[key])])));
}

/** The device refuses user name and password while it is to log in nowhere. */
export function hasLogin(record: SunapiRecord): boolean {
  return record.Authentication !== undefined && record.Authentication !== 'None';
}

function ordered(values: Partial<Record<(typeof SETTABLE)[number], string>>): Parameters {
  return SETTABLE.flatMap((key) => (values[key] === undefined ? [] : [[key, values[key]] as const]));
}
