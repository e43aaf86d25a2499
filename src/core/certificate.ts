import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import { type DerElement, der, derElements } from './der.ts';
import { CameraEmailError } from './errors.ts';

export interface CertificateRequest {
  /** Subject, 1 to 64 characters, any script. Clients check the alternative names, not this. */
  commonName: string;
  /** `DNS:name` (may start with `*.`) and `IP:address` entries. */
  subjectAltNames?: readonly string[];
  /** P-256, or RSA with 2048 bits for cameras that know no elliptic curves. Default ecdsa. */
  type?: 'ecdsa' | 'rsa';
  /** May sign other certificates, and nothing else. Default false. */
  ca?: boolean;
  /** PEM of the authority that signs. Without it the certificate signs itself. */
  issuer?: { cert: string; key: string };
  /** Days of validity. Default 3650. */
  days?: number;
  /** Default: one day ago, because cameras' clocks lag. */
  notBefore?: Date;
}

export interface Certificate {
  /** PEM. */
  cert: string;
  /** PKCS #8 PEM, not encrypted. */
  key: string;
}

interface Signer {
  name: Buffer;
  keyId: Buffer;
  key: KeyObject;
}

const DAY_MS = 86_400_000;

const OID = {
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
} as const;

const KEY_USAGE = { digitalSignature: 0, keyEncipherment: 2, keyCertSign: 5, cRLSign: 6 } as const;

/** A new key and an X.509 v3 certificate for it, signed with SHA-256. Rejects unusable names, dates and issuers with `bad-input`. */
export function createCertificate(request: CertificateRequest): Certificate {
  const { type = 'ecdsa', ca = false } = request;
  const subject = distinguishedName(request.commonName);
  const altNames = (request.subjectAltNames ?? []).map(generalName);
  const validity = validityPeriod(request.notBefore ?? new Date(Date.now() - DAY_MS), request.days ?? 3650);
  const issuer = request.issuer === undefined ? undefined : signerFrom(request.issuer);

  const keys = type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKey = keys.publicKey.export({ type: 'spki', format: 'der' });
  const keyId = keyIdentifier(publicKey);
  const signer: Signer = issuer ?? { name: subject, keyId, key: keys.privateKey };
  const algorithm = signatureAlgorithm(signer.key);

  const extensions = [
    extension(OID.basicConstraints, ca ? der.sequence(der.boolean(true)) : der.sequence(), true),
    extension(OID.keyUsage, der.namedBits(...keyUsages(ca, type)), true),
    extension(OID.subjectKeyIdentifier, der.octetString(keyId)),
    extension(OID.authorityKeyIdentifier, der.sequence(der.context(0, signer.keyId, false))),
  ];
  if (!ca) extensions.push(extension(OID.extendedKeyUsage, der.sequence(der.oid(OID.serverAuth), der.oid(OID.clientAuth))));
  if (altNames.length > 0) extensions.push(extension(OID.subjectAltName, der.sequence(...altNames)));

  const version3 = der.context(0, der.integer(Buffer.of(2)), true);
  const toBeSigned = der.sequence(
    version3,
    der.integer(serialNumber()),
    algorithm,
    signer.name,
    validity,
    subject,
    publicKey,
    der.context(3, der.sequence(...extensions), true),
  );
  const certificate = der.sequence(toBeSigned, algorithm, der.bitString(sign('sha256', toBeSigned, signer.key)));
  return { cert: pem(certificate), key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

function keyUsages(ca: boolean, type: 'ecdsa' | 'rsa'): number[] {
  if (ca) return [KEY_USAGE.keyCertSign, KEY_USAGE.cRLSign];
  // Old cameras speak TLS_RSA_* suites only, in which the key decrypts instead of signing.
  return type === 'rsa' ? [KEY_USAGE.digitalSignature, KEY_USAGE.keyEncipherment] : [KEY_USAGE.digitalSignature];
}

function distinguishedName(commonName: string): Buffer {
  const length = [...commonName].length;
  if (length < 1 || length > 64) throw badInput('the common name has to have 1 to 64 characters');
  return der.sequence(der.set(der.sequence(der.oid(OID.commonName), der.utf8String(commonName))));
}

function generalName(entry: string): Buffer {
  const colon = entry.indexOf(':');
  const kind = entry.slice(0, colon);
  const value = entry.slice(colon + 1);
  if (kind === 'DNS') {
    const name = domainToASCII(value.replace(/^\*\./, ''));
    // RFC 5280 has no numeric names here: an address written as DNS would never match.
    if (name === '' || isIPv4(name) || isIPv6(value)) throw badInput(`not a host name: ${entry}`);
    return der.context(2, Buffer.from(value.startsWith('*.') ? `*.${name}` : name, 'latin1'), false);
  }
  if (kind === 'IP' && isIPv4(value)) return der.context(7, Buffer.from(value.split('.').map(Number)), false);
  if (kind === 'IP' && isIPv6(value) && !value.includes('%')) return der.context(7, ipv6Bytes(value), false);
  throw badInput(`not a DNS: or IP: name: ${entry}`);
}

function ipv6Bytes(address: string): Buffer {
  // URL rewrites an embedded IPv4 part as two groups and keeps at most one "::".
  const groups = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = [], tail = []] = groups.split('::').map((part) => (part === '' ? [] : part.split(':')));
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0');
  const bytes = Buffer.alloc(16);
  [...head, ...zeros, ...tail].forEach((group, index) => {
    bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  });
  return bytes;
}

function validityPeriod(notBefore: Date, days: number): Buffer {
  const notAfter = new Date(notBefore.getTime() + days * DAY_MS);
  const representable = [notBefore, notAfter].every((date) => date.getUTCFullYear() >= 0 && date.getUTCFullYear() <= 9999);
  if (!representable || !(days > 0)) throw badInput('the validity has to be a positive number of days within the years 0 to 9999');
  return der.sequence(der.time(notBefore), der.time(notAfter));
}

/** 128 bits, positive and never shortened by a leading zero. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

/** RFC 7093, method 1: the leftmost 160 bits of the SHA-256 of the public key bits. */
function keyIdentifier(subjectPublicKeyInfo: Buffer): Buffer {
  const bits = element(children(element(derElements(subjectPublicKeyInfo), 0)), 1).content.subarray(1);
  return createHash('sha256').update(bits).digest().subarray(0, 20);
}

function signatureAlgorithm(key: KeyObject): Buffer {
  if (key.asymmetricKeyType === 'rsa') return der.sequence(der.oid(OID.sha256WithRsa), der.null());
  if (key.asymmetricKeyType === 'ec') return der.sequence(der.oid(OID.ecdsaWithSha256));
  throw badInput(`cannot sign with a key of type ${key.asymmetricKeyType}`);
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  return der.sequence(der.oid(id), ...(critical ? [der.boolean(true)] : []), der.octetString(value));
}

function signerFrom(issuer: { cert: string; key: string }): Signer {
  try {
    const certificate = new X509Certificate(issuer.cert);
    const key = createPrivateKey(issuer.key);
    if (!certificate.ca) throw badInput('the issuer is not a certificate authority');
    if (!certificate.checkPrivateKey(key)) throw badInput("the issuer's key does not belong to its certificate");
    return { key, ...subjectOf(certificate.raw) };
  } catch (cause) {
    if (cause instanceof CameraEmailError) throw cause;
    throw new CameraEmailError('bad-input', "the issuer's certificate or key cannot be read", { cause });
  }
}

/** Name and key identifier as they stand in a certificate: the copies in what it issues have to be byte for byte the same. */
function subjectOf(certificate: Buffer): { name: Buffer; keyId: Buffer } {
  const fields = children(element(children(element(derElements(certificate), 0)), 0));
  // The version field is absent in v1 certificates.
  const [, , , , subject, publicKey, ...rest] = fields[0]?.tag === 0xa0 ? fields.slice(1) : fields;
  if (subject === undefined || publicKey === undefined) throw badInput("the issuer's certificate is incomplete");
  const tagged = rest.find(({ tag }) => tag === 0xa3);
  const extensions = tagged === undefined ? [] : children(element(children(tagged), 0)).map(children);
  const own = extensions.find(([id]) => id?.raw.equals(der.oid(OID.subjectKeyIdentifier)))?.at(-1);
  return { name: subject.raw, keyId: own === undefined ? keyIdentifier(publicKey.raw) : element(children(own), 0).content };
}

const children = (parent: DerElement): DerElement[] => derElements(parent.content);

function element(elements: DerElement[], index: number): DerElement {
  const found = elements[index];
  if (found === undefined) throw new RangeError('DER element missing');
  return found;
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

function badInput(message: string): CameraEmailError {
  return new CameraEmailError('bad-input', message);
}
