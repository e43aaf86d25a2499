import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isObject, type JsonObject } from '../answer.ts';

/** A refusal as the device words it. */
export interface Reply {
  code: number;
  detail: string;
}

export type Result = Reply | JsonObject;

export const refuse = (code: number, detail: string): Reply => ({ code, detail });
export const isRefusal = (result: Result): result is Reply => typeof result.code === 'number';

const PARAM_ERROR = refuse(-4, 'param error');
const TOO_LONG = refuse(-22, 'string exceeds the length limit');
const READ_ONLY = ['supportTextType', 'supportVideo'];

/** The one answer in a sample. */
export function sample(name: string): JsonObject {
  const parsed: unknown = JSON.parse(readFileSync(join(__dirname, '..', 'samples', `${name}.json`), 'utf8'));
  const answer: unknown = Array.isArray(parsed) ? parsed[0] : undefined;
  if (!isObject(answer)) throw new Error(`sample ${name}`);
  return answer;
}

export function part(holder: unknown, name: string): JsonObject {
  const found = isObject(holder) ? holder[name] : undefined;
  return isObject(found) ? found : {};
}

/** What a device refuses of a write: keys it does not have, other types, values beyond its range, masks, broken schedules. */
export function wrongInEmail(sent: JsonObject, stored: JsonObject, schedule: JsonObject, range: JsonObject): Reply | undefined {
  for (const [key, content] of Object.entries(sent)) {
    const limit = range[key];
    if (stored[key] === undefined || READ_ONLY.includes(key) || typeof content !== typeof stored[key]) return PARAM_ERROR;
    const { maxLen } = isObject(limit) ? limit : {};
    if (typeof maxLen === 'number' && typeof content === 'string' && Buffer.byteLength(content) > maxLen) return TOO_LONG;
    if (Array.isArray(limit) && !limit.includes(content)) return PARAM_ERROR;
    if (limit === 'boolean' && content !== 0 && content !== 1) return PARAM_ERROR;
    if (key === 'attachmentType' && ![0, 1, stored.supportVideo === 1 ? 2 : 1].includes(Number(content))) return PARAM_ERROR;
    if (key === 'password' && /^\**$/.test(String(content))) return PARAM_ERROR;
    if (key === 'schedule' && !fits(content, schedule)) return PARAM_ERROR;
  }
  const port = sent.smtpPort ?? stored.smtpPort;
  return typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65536 ? undefined : PARAM_ERROR;
}

function fits(sent: unknown, known: JsonObject): boolean {
  if (!isObject(sent) || Object.keys(sent).some((key) => !(key in known))) return false;
  const { table } = sent;
  if (table === undefined) return true;
  const tables = isObject(table) ? Object.entries(table) : [['', table]];
  const names = isObject(table) ? Object.keys(part(known, 'table')) : [''];
  return (
    typeof table === typeof known.table &&
    tables.every(([name, hours]) => names.includes(String(name)) && /^[01]{168}$/.test(String(hours)))
  );
}

/** The schedule after a write. A table that the write left out is cleared. */
export function mergedSchedule(held: JsonObject, sent: JsonObject): JsonObject {
  const cleared = '0'.repeat(168);
  const entries = Object.entries(held).map(([key, old]): [string, unknown] => {
    if (key !== 'table') return [key, sent[key] ?? old];
    if (!isObject(old)) return [key, sent.table ?? cleared];
    return [key, Object.fromEntries(Object.keys(old).map((name) => [name, part(sent, 'table')[name] ?? cleared]))];
  });
  return Object.fromEntries(entries);
}
