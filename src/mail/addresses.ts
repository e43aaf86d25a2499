import { domainToASCII } from 'node:url';
import { CameraEmailError } from '../core/errors.ts';
import { deviceWords } from '../core/text.ts';

export interface Mailbox {
  /** Display name, empty when none was given. */
  name: string;
  address: string;
}

const LOCAL_PART = /^[^\s"(),:;<>@[\\\]\u0000-\u001f\u007f-\u009f]{1,64}$/u;

/** Addresses separated by commas, semicolons or new lines; `Name <a@b>` is accepted. Throws `bad-input` for anything that is not an address. */
export function parseAddresses(text: string): string[] {
  return parseMailboxes(text).map(({ address }) => address);
}

/** As parseAddresses, with the display names. `field` names the input in the error's params. */
export function parseMailboxes(text: string, field = 'recipients'): Mailbox[] {
  return splitList(text).map((entry) => {
    const bracketed = /^(.*)<([^<>]*)>$/s.exec(entry);
    const address = (bracketed?.[2] ?? entry).trim();
    if (!isAddress(address)) {
      throw new CameraEmailError('bad-input', `not an e-mail address: ${deviceWords(entry, 80)}`, {
        params: { field, value: deviceWords(entry, 80) },
      });
    }
    return { name: unquote((bracketed?.[1] ?? '').trim()), address };
  });
}

/** Can be put between the angle brackets of an SMTP command as it is. */
export function isAddress(address: string): boolean {
  const at = address.lastIndexOf('@');
  const local = address.slice(0, at);
  return at > 0 && address.length <= 254 && LOCAL_PART.test(local) && !/^\.|\.\.|\.$/.test(local) && isDomain(address.slice(at + 1));
}

function isDomain(domain: string): boolean {
  // domainToASCII also accepts (and strips) what may stand in a URL's host.
  if (/[\s"(),:;<>@[\\\]/?#%\u0000-\u001f\u007f-\u009f]/u.test(domain)) return false;
  const ascii = domainToASCII(domain);
  return (
    ascii.length > 0 && ascii.length <= 253 && ascii.split('.').every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label))
  );
}

/** Separators inside quotes and angle brackets belong to the entry. */
function splitList(text: string): string[] {
  const entries: string[] = [];
  let entry = '';
  let quoted = false;
  let bracketed = false;
  for (const character of text) {
    if (character === '"' && !entry.endsWith('\\')) quoted = !quoted;
    else if (!quoted && character === '<') bracketed = true;
    else if (!quoted && character === '>') bracketed = false;
    const separates = character === '\n' || character === '\r' || (!quoted && !bracketed && (character === ',' || character === ';'));
    if (!separates) {
      entry += character;
      continue;
    }
    entries.push(entry);
    entry = '';
    if (character === '\n' || character === '\r') {
      quoted = false;
      bracketed = false;
    }
  }
  entries.push(entry);
  return entries.map((item) => item.trim()).filter((item) => item !== '');
}

function unquote(name: string): string {
  return /^".*"$/s.test(name) ? name.slice(1, -1).replace(/\\(.)/gs, '$1') : name;
}
