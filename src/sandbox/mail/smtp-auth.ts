import type { Connection } from './connection.ts';
import { GMAIL_REPLIES } from './gmail-replies.ts';

export interface Credentials {
  user: string;
  password: string;
}

/** Logged in with an access token. */
export interface TokenLogin {
  user: string;
  token: true;
}

/** A 5xx reply that ends the exchange; `user` as far as it was told. */
export interface AuthFailure {
  reply: string;
  user: string;
}

const TOKEN_METHODS = ['XOAUTH2', 'XOAUTH', 'OAUTHBEARER', 'PLAIN-CLIENTTOKEN'];
const LINE_BYTES = 12_288;

/** Speaks one AUTH exchange. Undefined when the client hung up. */
export async function readCredentials(
  connection: Connection,
  argument: string,
  isToken: (user: string, token: string) => boolean,
): Promise<Credentials | TokenLogin | AuthFailure | undefined> {
  const [method = '', initial] = argument.trim().split(/ +/);
  const ask = async (challenge: string): Promise<string | undefined> => {
    connection.write(`334 ${Buffer.from(challenge).toString('base64')}\r\n`);
    return (await connection.line(LINE_BYTES))?.text;
  };
  switch (method.toUpperCase()) {
    case 'PLAIN': {
      const response = decodeBase64(initial ?? (await ask('')));
      const parts = response?.split('\0');
      return parts?.length === 3 ? { user: parts[1] ?? '', password: parts[2] ?? '' } : { reply: GMAIL_REPLIES.cannotDecode, user: '' };
    }
    case 'LOGIN': {
      const user = decodeBase64(initial ?? (await ask('Username:')));
      if (user === undefined) return { reply: GMAIL_REPLIES.cannotDecode, user: '' };
      const password = decodeBase64(await ask('Password:'));
      return password === undefined ? { reply: GMAIL_REPLIES.cannotDecode, user } : { user, password };
    }
    default: {
      if (!TOKEN_METHODS.includes(method.toUpperCase())) return { reply: GMAIL_REPLIES.unknownAuthentication, user: '' };
      const { user, token } = parseXoauth2(decodeBase64(initial ?? (await ask(''))));
      if (method.toUpperCase() === 'XOAUTH2' && isToken(user, token)) return { user, token: true };
      // Google explains a refused token in a challenge, which the client answers with an empty line.
      const answer = await ask(TOKEN_REFUSED);
      if (answer === undefined) return undefined;
      return { reply: answer === '' ? GMAIL_REPLIES.badCredentials : GMAIL_REPLIES.cannotDecode, user };
    }
  }
}

/** What Google says in a challenge to a token that it does not take. */
export const TOKEN_REFUSED = '{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}';

/** Empty where the response does not have the form of XOAUTH2. */
export function parseXoauth2(response: string | undefined): { user: string; token: string } {
  const [, user = '', token = ''] = /^user=([^\u0001]*)\u0001auth=Bearer ([^\u0001]*)\u0001\u0001$/.exec(response ?? '') ?? [];
  return { user, token };
}

/** Undefined for what is no base64, among it the `*` that cancels. */
export function decodeBase64(text: string | undefined): string | undefined {
  if (text === '=') return '';
  if (text === undefined || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  return Buffer.from(text, 'base64').toString('utf8');
}
