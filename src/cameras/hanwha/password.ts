import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import { CameraEmailError } from '../../core/errors.ts';

/**
 * A password as the device takes it in the body of a POST: RSA with PKCS#1 padding, in base64. `pem` is taken out of the device's
 * answer, whose line ends and dashes vary. Throws `unreadable`.
 */
export function encryptPassword(password: string, pem: string): string {
  const [, kind, encoded = ''] = /BEGIN (RSA )?PUBLIC KEY-*((?:\\[rn]|[\sA-Za-z0-9+/=])+)-/.exec(pem) ?? [];
  try {
    const der = Buffer.from(encoded.replace(/\\[rn]/g, ''), 'base64');
    const key = createPublicKey({ key: der, format: 'der', type: kind === undefined ? 'spki' : 'pkcs1' });
    return publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, Buffer.from(password, 'utf8')).toString('base64');
  } catch (error) {
    throw new CameraEmailError('unreadable', 'the key that the device gave is none', { cause: error });
  }
}
