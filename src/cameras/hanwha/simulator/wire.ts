import { constants, generateKeyPairSync, type KeyObject, privateDecrypt } from 'node:crypto';

export type Fields = Record<string, unknown>;

/** What the device answers with a number and its text. */
export class Refusal extends Error {
  constructor(
    readonly code: number,
    details: string,
  ) {
    super(details);
  }
}

export const NO_SUBMENU = [600, 'Submenu Not Found'] as const;
export const NO_ACTION = [601, 'Action Not Found'] as const;
export const BAD_PARAMETER = [602, 'Invalid Parameter(s)'] as const;
export const BAD_VALUE = [604, 'Invalid Input Value(s)'] as const;

/** The characters of the vendor's own page. */
const NAME = /^[a-zA-Z0-9`~*!@$()^_\-|[\]{};,./?]*$/;
/** What each parameter may look like. */
export const FORMS: Readonly<Record<string, RegExp>> = {
  Authentication: /^(None|SMTP|POPBeforeSMTP)$/,
  Host: /^[\w.-]{1,63}$/,
  Port: /^\d{1,5}$/,
  Encryption: /^(None|SSL)$/,
  Username: NAME,
  Password: NAME,
  Sender: /^[^\s@]+@[^\s@]+$/,
  Recipient: /^[^\s@,]+@[^\s@,]+(,[^\s@,]+@[^\s@,]+){0,2}$/,
  Subject: /^.+$/,
  Message: /^[\s\S]{1,256}$/,
};

let keys: { publicKey: KeyObject; privateKey: KeyObject } | undefined;
/** The device's key pair: made at first use, because it takes a while. */
export const rsa = () => {
  keys ??= generateKeyPairSync('rsa', { modulusLength: 2048 });
  return keys;
};

/** PKCS#1 v1.5 by hand: some OpenSSL builds refuse to take this padding off. */
export function decrypt(body: string): string {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(body)) throw new Refusal(...BAD_VALUE);
  const block = privateDecrypt({ key: rsa().privateKey, padding: constants.RSA_NO_PADDING }, Buffer.from(body, 'base64'));
  const end = block.indexOf(0, 2);
  if (block[0] !== 0 || block[1] !== 2 || end < 10) throw new Refusal(...BAD_VALUE);
  return block.subarray(end + 1).toString('utf8');
}

/** An answer for clients that do not ask for JSON. */
export function textOf(answer: Fields): string {
  if (answer.Response === 'Success') return 'OK\r\n';
  if (answer.Response === 'Fail') {
    const { Code, Details } = answer.Error as Fields;
    return `NG\r\nError Code: ${Code}\r\nError Details:\r\n${Details}\r\n`;
  }
  const list = Object.values(answer).find((value): value is Fields[] => Array.isArray(value));
  return (list ?? [answer]).flatMap((record) => Object.entries(record).map(([key, value]) => `${key}=${value}\r\n`)).join('');
}
