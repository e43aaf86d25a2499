import { CameraEmailError, type ErrorCode } from '../../core/errors.ts';
import { deviceWords } from '../../core/text.ts';
import type { DeviceResponse } from '../../http/types.ts';

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const CODES: Readonly<Record<number, ErrorCode>> = {
  [-2]: 'busy',
  [-5]: 'busy',
  [-6]: 'busy',
  [-8]: 'busy',
  [-9]: 'unsupported',
  [-12]: 'busy',
  [-14]: 'busy',
  [-17]: 'busy',
  [-21]: 'busy',
  [-24]: 'unsupported',
  [-26]: 'forbidden',
  [-31]: 'busy',
  [-48]: 'busy',
  [-49]: 'bad-input',
  [-503]: 'forbidden',
  [-507]: 'busy',
};

/** What the vendor's guide calls the codes of a failed mail test (v9, chapter 4.1); the `detail` of an answer often says less. */
const MAIL_TEST_CODES: Readonly<Record<number, string>> = {
  [-100]: 'test failed',
  [-480]: 'email undefined',
  [-481]: 'email connect failed',
  [-482]: 'email auth failed',
  [-483]: 'email network error',
  [-484]: 'email server error',
  [-485]: 'email memory error',
};

/** The answer to one command. */
export interface ApiAnswer {
  ok: boolean;
  /** 200 when it is OK, else negative. */
  rspCode: number;
  /** The device's own words with their code, such as `not support (-9)`. */
  words: string;
  value: JsonObject;
  contentType: string | undefined;
  /** The whole answer, each character one byte. */
  body: string;
}

/** What came back for a list of commands. */
export type Answers = [ApiAnswer, ...ApiAnswer[]];

/** True when this code says that the mail test was made and failed, or that a value of it is too long. */
export function isTestFailure(rspCode: number): boolean {
  return rspCode in MAIL_TEST_CODES || rspCode === -22;
}

/** The error that a refusal stands for, in our codes. */
export function answerError(cmd: string, { rspCode, words }: ApiAnswer): CameraEmailError {
  const code = CODES[rspCode] ?? 'rejected';
  const params = code === 'bad-input' ? { params: { field: 'channel' } } : {};
  return new CameraEmailError(code, `${cmd}: ${words}`, { deviceSays: words, ...params });
}

/** The answers out of an HTTP body, in the order of the commands; undefined when it is not this vendor's envelope. An unknown command comes back under another name. */
export function parseAnswers(response: DeviceResponse): Answers | undefined {
  let parsed: unknown;
  try {
    // Devices send JSON as text/html.
    parsed = JSON.parse(response.text());
  } catch {
    return undefined;
  }
  const body = response.body.toString('latin1');
  const read = (item: unknown) => readAnswer(item, body, response.headers['content-type']);
  const answers = Array.isArray(parsed) ? parsed.map(read) : [];
  if (!answers.every((answer) => answer !== undefined)) return undefined;
  const [first, ...rest] = answers;
  return first === undefined ? undefined : [first, ...rest];
}

function readAnswer(item: unknown, body: string, contentType: string | undefined): ApiAnswer | undefined {
  if (!isObject(item) || typeof item.cmd !== 'string' || typeof item.code !== 'number') return undefined;
  const value = isObject(item.value) ? item.value : {};
  const error = isObject(item.error) ? item.error : undefined;
  const told = Number(error?.rspCode ?? value.rspCode ?? Number.NaN);
  // The guide prints errors with code 0, devices send 1.
  const ok = item.code === 0 && error === undefined && (Number.isNaN(told) || told === 200);
  const rspCode = ok ? 200 : Number.isNaN(told) ? item.code : told;
  const meaning = MAIL_TEST_CODES[rspCode];
  const detail = typeof error?.detail === 'string' ? error.detail : '';
  const words = deviceWords(`${detail} (${rspCode}${meaning === undefined ? '' : ` ${meaning}`})`);
  return { ok, rspCode, words, value, contentType, body };
}
