import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import { CameraEmailError } from '../../core/errors.ts';
import { isObject } from './lapi.ts';

/** The device's key for passwords, in hex, as it goes back with each password. */
export interface RsaKey {
  RSAPublicKeyE: string;
  RSAPublicKeyN: string;
}

/** Takes the key out of the device's answer. Throws `unreadable`. */
export function rsaKeyFrom(data: unknown): RsaKey {
  const { RSAPublicKeyE, RSAPublicKeyN } = isObject(data) ? data : {};
  const isHex = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]+$/i.test(value);
  if (!isHex(RSAPublicKeyE) || !isHex(RSAPublicKeyN)) throw new CameraEmailError('unreadable', 'the key that the device gave is none');
  return { RSAPublicKeyE, RSAPublicKeyN };
}

/** A password as the field PIN takes it: RSA with PKCS#1 v1.5 padding, in base64 (the vendor's rsa.js). Throws `unreadable`. */
export function encryptPin(password: string, { RSAPublicKeyE, RSAPublicKeyN }: RsaKey): string {
  const bytes = (hex: string) => Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64url');
  try {
    const key = createPublicKey({ key: { kty: 'RSA', n: bytes(RSAPublicKeyN), e: bytes(RSAPublicKeyE) }, format: 'jwk' });
    return publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, Buffer.from(password, 'utf8')).toString('base64');
  } catch (error) {
    throw new CameraEmailError('unreadable', 'the key that the device gave is none', { cause: error });
  }
}
