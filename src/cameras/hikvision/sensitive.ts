import { createCipheriv, createHash } from 'node:crypto';
import type { DeviceLogin } from '../../http/types.ts';
import { childText, escapeXml, type XmlElement } from '../../http/xml.ts';

/** How this device wants sensitive fields (`?security=1&iv=…`), as told by Security/capabilities. */
export interface SensitiveFields {
  iterations: number;
  /** The key is made from user, salt and password, not from the password alone. */
  irreversible: boolean;
  salt: string;
}

/** From a SecurityCap document; undefined when the device has no version that we know, and takes plain text only. */
export function sensitiveFieldsFrom(root: XmlElement): SensitiveFields | undefined {
  const versions =
    findAttribute(root, 'securityVersion', 'opt')
      ?.split(',')
      .map((item) => item.trim()) ?? [];
  if (!versions.includes('1')) return undefined;
  const iterations = Number(childText(root, 'keyIterateNum') ?? 100);
  return {
    iterations: Number.isInteger(iterations) && iterations >= 1 && iterations <= 100_000 ? iterations : 100,
    irreversible: childText(root, 'isIrreversible') === 'true',
    salt: childText(root, 'salt') ?? '',
  };
}

function findAttribute(root: XmlElement, name: string, attribute: string): string | undefined {
  return root.children.find((element) => element.name === name)?.attributes[attribute];
}

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

/** 32 hex characters: an AES-128 key from the device login, by the recipe of the vendor's own web page. */
export function sensitiveKey(login: DeviceLogin, fields: SensitiveFields): string {
  const password = login.password.reveal();
  const base = fields.irreversible ? sha256(login.username + fields.salt + password) : password;
  let key = sha256(`${base}AaBbCcDd1234!@#$`);
  for (let round = 1; round < fields.iterations; round += 1) key = sha256(key);
  return key.slice(0, 32);
}

/** The value as hex of AES-128-CBC over base64 of the XML-escaped text. An empty value stays empty. `iv` is 32 hex characters. */
export function encryptSensitive(value: string, key: string, iv: string): string {
  if (value === '') return '';
  const cipher = createCipheriv('aes-128-cbc', Buffer.from(key, 'hex'), Buffer.from(iv, 'hex'));
  const text = Buffer.from(escapeXml(value), 'utf8').toString('base64');
  return Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]).toString('hex');
}
