import { X509Certificate } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import { type Certificate, createCertificate } from '../core/certificate.ts';
import { CameraEmailError } from '../core/errors.ts';
import { loadJson, writeFileDurably } from '../core/files.ts';
import { Lane } from '../core/lane.ts';

/** PEM. */
export interface ListenerTls {
  cert: string | string[];
  key: string | string[];
  ca?: string | undefined;
  passphrase?: string | undefined;
}

const DAY_MS = 86_400_000;
/** Renewed this long before its end. */
const MARGIN_MS = 30 * DAY_MS;

/** Several listeners that start for the first time together are to share what one of them makes. */
const making = new Lane();

/** The listener's own certificates, made once and kept: RSA for cameras that know no elliptic curves, ECDSA for the others. */
export function ownCertificates(directory: string, now: number): Promise<ListenerTls> {
  return making.run(undefined, () => keptOrNew(directory, now));
}

async function keptOrNew(directory: string, now: number): Promise<ListenerTls> {
  const file = join(directory, 'listener-certificates.json');
  const loaded = await loadJson(file, now);
  const kept = loaded.found ? certificatesIn(loaded.value, now) : undefined;
  const [ecdsa, rsa] = kept ?? [newCertificate('ecdsa'), newCertificate('rsa')];
  if (kept === undefined) await writeFileDurably(file, JSON.stringify({ version: 1, ecdsa, rsa }, null, 1));
  return { cert: [ecdsa.cert, rsa.cert], key: [ecdsa.key, rsa.key] };
}

/** `legacy`: TLS 1.0 and 1.1 with ciphers that no longer protect much, for cameras that know nothing newer. Throws `bad-input` (field `tls`). */
export function listenerContext({ cert, key, ca, passphrase }: ListenerTls, legacy: boolean): SecureContext {
  try {
    return createSecureContext({
      cert,
      key,
      ca,
      passphrase,
      minVersion: legacy ? 'TLSv1' : 'TLSv1.2',
      // OpenSSL 3 forbids SHA-1 signatures, and so TLS below 1.2, on its default security level.
      ...(legacy ? { ciphers: 'DEFAULT@SECLEVEL=0' } : {}),
    });
  } catch (cause) {
    throw new CameraEmailError('bad-input', 'the certificate or key cannot be used', { params: { field: 'tls' }, cause });
  }
}

function certificatesIn(value: unknown, now: number): [Certificate, Certificate] | undefined {
  const { ecdsa, rsa } = (value ?? {}) as Partial<Record<'ecdsa' | 'rsa', Certificate>>;
  return ecdsa !== undefined && rsa !== undefined && [ecdsa, rsa].every((one) => isUsable(one, now)) ? [ecdsa, rsa] : undefined;
}

function isUsable({ cert, key }: Certificate, now: number): boolean {
  try {
    createSecureContext({ cert, key });
    return Date.parse(new X509Certificate(cert).validTo) > now + MARGIN_MS;
  } catch {
    return false;
  }
}

function newCertificate(type: 'ecdsa' | 'rsa'): Certificate {
  const addresses = Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .map(({ address }) => `IP:${address}`)
    .filter((address) => !address.includes('%'));
  const name = hostname();
  const names = /^[a-z0-9-]+(\.[a-z0-9-]+)*$/i.test(name) && !/^[\d.]+$/.test(name) ? [`DNS:${name}`] : [];
  return createCertificate({
    commonName: 'Camera mail listener',
    subjectAltNames: [...new Set(['DNS:localhost', ...names, 'IP:127.0.0.1', ...addresses])],
    type,
  });
}
