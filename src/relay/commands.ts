/** Reading what clients say between the mails: as tolerant as it can be without doubt about what is meant. */

export interface Command {
  /** In capitals. */
  verb: string;
  argument: string;
}

export interface Path {
  /** Without angle brackets; may be empty. */
  address: string;
  /** The size that the client declares, in bytes; 0 when it does not. */
  size: number;
}

/** Undefined: a line with bytes that no command has. */
export function parseCommand(line: string): Command | undefined {
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(line)) return undefined;
  const found = /^\s*([A-Za-z]+)\s*(.*?)\s*$/.exec(line);
  return found === null ? undefined : { verb: (found[1] ?? '').toUpperCase(), argument: found[2] ?? '' };
}

/** The argument of MAIL or RCPT. Old cameras leave the angle brackets out, put blanks around the address, or give a name without a domain. */
export function parsePath(argument: string, keyword: 'FROM' | 'TO'): Path | undefined {
  const found = new RegExp(`^${keyword}\\s*:\\s*(?:<\\s*([^<>]*?)\\s*>|([^\\s<>]*))(.*)$`, 'i').exec(argument);
  if (found === null) return undefined;
  const address = (found[1] ?? found[2] ?? '').replace(/^@[^:]*:/, '');
  if (address.length > 320 || /[\x00-\x20\x7f]/.test(address)) return undefined;
  return {
    address: Buffer.from(address, 'latin1').toString('utf8'),
    size: Number(/\sSIZE=(\d{1,15})(?=\s|$)/i.exec(found[3] ?? '')?.[1] ?? 0),
  };
}

/** AUTH PLAIN: an identity that some clients leave out together with its zero byte, the name, the password. */
export function parsePlain(base64: string): { username: string; password: string } | undefined {
  const parts = fromBase64(base64).split('\0');
  const [username, password] = parts.slice(-2);
  return parts.length > 3 || username === undefined || password === undefined ? undefined : { username, password };
}

export function fromBase64(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8');
}

/** A client's own name, fit for a reply and a header. */
export function heloName(argument: string): string {
  return argument.replace(/[^\w.:[\]-]+/g, '-').slice(0, 64);
}
