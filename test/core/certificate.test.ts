import assert from 'node:assert/strict';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import * as tls from 'node:tls';
import { createCertificate } from '../../src/core/certificate.ts';
import { derElements } from '../../src/core/der.ts';
import { isCameraEmailError } from '../../src/core/errors.ts';

const LOCAL = ['DNS:localhost', 'IP:127.0.0.1', 'IP:::1'];

/** What a client that trusts only `ca` says about a server with this certificate: undefined when it is content. */
async function handshake(
  server: { cert: string; key: string },
  ca: string,
  options: tls.ConnectionOptions = {},
): Promise<string | undefined> {
  const listener = tls.createServer({ ...server }, (socket) => socket.end());
  listener.on('tlsClientError', () => undefined);
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = tls.connect({ host: '127.0.0.1', port: (listener.address() as AddressInfo).port, ca, ...options });
  try {
    await once(client, 'secureConnect');
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  } finally {
    client.destroy();
    listener.close();
  }
}

describe('createCertificate', () => {
  for (const type of ['ecdsa', 'rsa'] as const) {
    for (const caType of ['ecdsa', 'rsa'] as const) {
      it(`issues an ${type} server certificate from an ${caType} authority that TLS clients accept`, async () => {
        const ca = createCertificate({ commonName: 'Camera mail authority', ca: true, type: caType });
        const server = createCertificate({ commonName: 'localhost', subjectAltNames: LOCAL, type, issuer: ca });
        const issuer = new X509Certificate(ca.cert);
        const leaf = new X509Certificate(server.cert);
        assert.equal(leaf.checkIssued(issuer), true);
        assert.equal(leaf.verify(issuer.publicKey), true);
        assert.equal(leaf.ca, false);
        assert.equal(leaf.publicKey.asymmetricKeyType, type === 'rsa' ? 'rsa' : 'ec');
        assert.equal(await handshake(server, ca.cert), undefined);
        assert.equal(await handshake(server, ca.cert, { servername: 'localhost', maxVersion: 'TLSv1.2' }), undefined);
        const stranger = createCertificate({ commonName: 'Camera mail authority', ca: true });
        assert.notEqual(await handshake(server, stranger.cert), undefined);
      });
    }
  }

  it('signs itself when no issuer is given, and is then trusted as its own authority', async () => {
    for (const type of ['ecdsa', 'rsa'] as const) {
      const own = createCertificate({ commonName: 'relay', subjectAltNames: LOCAL, type });
      assert.equal(new X509Certificate(own.cert).verify(createPublicKey(own.cert)), true);
      assert.equal(await handshake(own, own.cert), undefined);
    }
  });

  it('lets an RSA certificate serve the old suites in which the key decrypts', async () => {
    const own = createCertificate({ commonName: 'relay', subjectAltNames: LOCAL, type: 'rsa' });
    assert.equal(await handshake(own, own.cert, { ciphers: 'AES128-SHA', maxVersion: 'TLSv1.2' }), undefined);
  });

  it('names hosts and addresses so that only they match', async () => {
    const names = [
      'DNS:mail.example.org',
      'DNS:*.cameras.example',
      'DNS:büro.example',
      'IP:192.0.2.7',
      'IP:::1',
      'IP:2001:db8::ffff:192.0.2.1',
    ];
    const { cert, key } = createCertificate({ commonName: 'x', subjectAltNames: names });
    const x509 = new X509Certificate(cert);
    assert.equal(x509.checkHost('mail.example.org'), 'mail.example.org');
    assert.equal(x509.checkHost('door.cameras.example'), '*.cameras.example');
    assert.equal(x509.checkHost('xn--bro-hoa.example'), 'xn--bro-hoa.example');
    assert.equal(x509.checkHost('example.org'), undefined);
    assert.equal(x509.checkIP('192.0.2.7'), '192.0.2.7');
    assert.equal(x509.checkIP('::1'), '::1');
    assert.equal(x509.checkIP('2001:db8::ffff:c000:201'), '2001:db8::ffff:c000:201');
    assert.equal(x509.checkIP('192.0.2.8'), undefined);
    assert.equal(await handshake({ cert, key }, cert), 'ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('marks authorities and leaves with the extensions of RFC 5280', () => {
    const ca = new X509Certificate(createCertificate({ commonName: 'CA', ca: true }).cert);
    const leaf = new X509Certificate(createCertificate({ commonName: 'leaf' }).cert);
    assert.equal(ca.ca, true);
    assert.equal(ca.keyUsage, undefined);
    assert.deepEqual([...leaf.keyUsage].sort(), ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    const critical = Buffer.from('0603551d130101ff', 'hex');
    assert.ok(ca.raw.includes(critical) && leaf.raw.includes(critical), 'basicConstraints is critical');
    assert.ok(ca.raw.includes(Buffer.from('0603551d0f0101ff040403020106', 'hex')), 'keyCertSign and cRLSign');
    assert.ok(leaf.raw.includes(Buffer.from('0603551d0f0101ff040403020780', 'hex')), 'digitalSignature');
    assert.equal(leaf.subjectAltName, undefined);
  });

  it('chains three levels and copies the issuer name and key identifier byte for byte', async () => {
    const root = createCertificate({ commonName: 'Wurzel ÄÖ 监控', ca: true, type: 'rsa' });
    const middle = createCertificate({ commonName: 'Middle', ca: true, issuer: root });
    const server = createCertificate({ commonName: 'localhost', subjectAltNames: LOCAL, issuer: middle });
    assert.equal(new X509Certificate(root.cert).subject, 'CN=Wurzel ÄÖ 监控');
    assert.equal(new X509Certificate(middle.cert).issuer, 'CN=Wurzel ÄÖ 监控');
    assert.equal(await handshake({ cert: server.cert + middle.cert, key: server.key }, root.cert), undefined);
  });

  it('gives every certificate its own positive serial of 128 bits', () => {
    const serials = Array.from({ length: 20 }, () => new X509Certificate(createCertificate({ commonName: 'x' }).cert).serialNumber);
    assert.equal(new Set(serials).size, 20);
    for (const serial of serials) assert.match(serial, /^[4-7][0-9A-F]{31}$/);
  });

  it('writes dates as UTCTime up to 2049 and as GeneralizedTime from 2050', () => {
    const { cert } = createCertificate({ commonName: 'x', notBefore: new Date('2049-12-31T23:59:59Z'), days: 1 });
    const x509 = new X509Certificate(cert);
    assert.equal(new Date(x509.validFrom).toISOString(), '2049-12-31T23:59:59.000Z');
    assert.equal(new Date(x509.validTo).toISOString(), '2050-01-01T23:59:59.000Z');
    assert.ok(
      x509.raw.includes(
        Buffer.concat([Buffer.of(0x17, 13), Buffer.from('491231235959Z'), Buffer.of(0x18, 15), Buffer.from('20500101235959Z')]),
      ),
    );
  });

  it('is valid for ten years from yesterday unless told otherwise', () => {
    const x509 = new X509Certificate(createCertificate({ commonName: 'x' }).cert);
    const from = new Date(x509.validFrom).getTime();
    assert.ok(from < Date.now() - 86_300_000 && from > Date.now() - 86_500_000);
    assert.equal(new Date(x509.validTo).getTime() - from, 3650 * 86_400_000);
  });

  it('refuses what would make an unusable certificate', () => {
    const ca = createCertificate({ commonName: 'CA', ca: true });
    const leaf = createCertificate({ commonName: 'leaf' });
    const badInput = (error: unknown) => isCameraEmailError(error, 'bad-input');
    const refused = (request: Parameters<typeof createCertificate>[0]) => assert.throws(() => createCertificate(request), badInput);
    refused({ commonName: '' });
    refused({ commonName: 'x'.repeat(65) });
    refused({ commonName: 'x', days: 0 });
    refused({ commonName: 'x', days: Number.NaN });
    refused({ commonName: 'x', days: 4e6 });
    refused({ commonName: 'x', notBefore: new Date(Number.NaN) });
    for (const name of ['localhost', 'DNS:', 'DNS:*.', 'DNS:192.0.2.7', 'DNS:::1', 'IP:localhost', 'IP:fe80::1%eth0', 'URI:http://x']) {
      refused({ commonName: 'x', subjectAltNames: [name] });
    }
    refused({ commonName: 'x', issuer: leaf });
    refused({ commonName: 'x', issuer: { cert: ca.cert, key: leaf.key } });
    refused({ commonName: 'x', issuer: { cert: 'no PEM', key: ca.key } });
  });

  it('reads no DER element beyond its container', () => {
    assert.throws(() => derElements(Buffer.of(0x30, 0x05, 0x01)), RangeError);
    assert.throws(() => derElements(Buffer.of(0x30)), RangeError);
    assert.throws(() => derElements(Buffer.of(0x30, 0x84, 0x01)), RangeError);
  });
});
