import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { ServerOptions } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { createCertificate } from '../../src/core/certificate.ts';
import type { DeviceHttp } from '../../src/http/types.ts';
import { at, type Fixture, fixture, login, open } from './fixture.ts';
import { respond } from './strict-device.ts';

const names = { subjectAltNames: ['DNS:localhost', 'IP:127.0.0.1'] };
const get = (http: DeviceHttp) => http.request({ method: 'GET', path: '/', timeoutMs: 4000 });

describe('TLS', () => {
  const certificate = createCertificate({ commonName: 'camera', ...names });
  const replaced = createCertificate({ commonName: 'camera', ...names });
  const fingerprint = new X509Certificate(certificate.cert).fingerprint256;
  const seen = new X509Certificate(replaced.cert).fingerprint256;
  const https = { protocol: 'https' } as const;
  let all: Fixture;
  beforeEach(() => {
    all = fixture();
  });
  afterEach(() => all.close());

  describe('pin', () => {
    it('trusts the first certificate, on one connection, and remembers it', async () => {
      const device = await all.device({ tls: certificate });
      const http = open(all.connections, device, https);
      await get(http);
      await get(http);
      assert.equal(all.memory.fingerprint(`127.0.0.1:${device.port}`), fingerprint);
      assert.deepEqual([http.secure, http.origin, device.connections, device.challenges], [true, `https://127.0.0.1:${device.port}`, 1, 1]);
    });

    it('refuses another one before a single byte of a request is sent', async () => {
      const device = await all.device({ tls: certificate });
      await get(open(all.connections, device, https));
      (device.server as unknown as { setSecureContext(options: ServerOptions): void }).setSecureContext(replaced);
      const later = all.again(all.memory);
      const requests = device.requests;
      for (const protocol of ['https', 'auto'] as const) {
        const expected = { code: 'tls-untrusted', params: { host: '127.0.0.1', expected: fingerprint, seen } };
        await assert.rejects(get(open(later, device, { protocol })), expected);
        await assert.rejects(
          open(later, device, { protocol }).stream({ method: 'GET', path: '/' }, new AbortController().signal),
          expected,
        );
      }
      assert.equal(device.requests, requests);
      all.memory.forgetFingerprint(at(device.port));
      assert.equal((await get(open(later, device, https))).status, 200);
    });

    it('demands a given fingerprint from the start, in any spelling', async () => {
      const device = await all.device({ tls: certificate });
      const bad = open(all.connections, device, { ...https, fingerprint: seen });
      await assert.rejects(get(bad), { code: 'tls-untrusted', params: { host: '127.0.0.1', expected: seen, seen: fingerprint } });
      assert.equal(device.requests, 0);
      const spelled = fingerprint.replaceAll(':', '').toLowerCase();
      assert.equal((await get(open(all.connections, device, { ...https, fingerprint: spelled }))).status, 200);
    });
  });

  describe('ca', () => {
    const authority = createCertificate({ commonName: 'Private CA', ca: true });
    const issued = createCertificate({ commonName: 'camera', ...names, issuer: authority });
    const ca = { ...https, trust: 'ca' } as const;

    it('refuses an unknown authority, and never goes on over http', async () => {
      const device = await all.device({ tls: issued });
      for (const protocol of ['https', 'auto'] as const) {
        await assert.rejects(get(open(all.connections, device, { ...ca, protocol })), { code: 'tls-untrusted' });
      }
      assert.equal(device.requests, 0);
    });

    it('accepts a given authority for the names in the certificate', async () => {
      const device = await all.device({ tls: issued });
      assert.equal((await get(open(all.connections, device, { ...ca, ca: authority.cert }))).status, 200);
      const elsewhere = await all.device({
        tls: createCertificate({ commonName: 'x', subjectAltNames: ['DNS:other.example'], issuer: authority }),
      });
      await assert.rejects(get(open(all.connections, elsewhere, { ...ca, ca: authority.cert })), { code: 'tls-untrusted' });
      assert.equal(elsewhere.requests, 0);
    });
  });

  it('takes any certificate with `any`, and pins nothing', async () => {
    const device = await all.device({ tls: certificate });
    assert.equal((await get(open(all.connections, device, { ...https, trust: 'any' }))).status, 200);
    assert.equal(all.memory.fingerprint(`127.0.0.1:${device.port}`), undefined);
  });

  it('sends a server name for names, and none for addresses', async () => {
    const device = await all.device({ tls: certificate });
    const seenNames: unknown[] = [];
    device.server.on('secureConnection', (socket: TLSSocket) => seenNames.push(socket.servername));
    await get(open(all.connections, device, https));
    await get(all.connections.open(at(device.port, { ...https, host: 'localhost' }), login()));
    assert.deepEqual(seenNames, [false, 'localhost']);
  });

  describe('old devices', () => {
    const old = (tls: ServerOptions) =>
      all.device({ tls: { ...tls, ciphers: 'DEFAULT@SECLEVEL=0', minVersion: 'TLSv1', maxVersion: 'TLSv1.1' } });
    const rsa = createCertificate({ commonName: 'camera', ...names, type: 'rsa' });

    it('that speak TLS 1.1 at most are refused, and not asked over http', async () => {
      const device = await old(rsa);
      for (const protocol of ['https', 'auto'] as const) {
        await assert.rejects(get(open(all.connections, device, { protocol })), { code: 'tls-version', params: { host: '127.0.0.1' } });
      }
    });

    it('are reached with legacyTls', async () => {
      const device = await old(rsa);
      assert.equal((await get(open(all.connections, device, { ...https, legacyTls: true }))).status, 200);
      const tls10 = await all.device({ tls: { ...rsa, ciphers: 'AES128-SHA:@SECLEVEL=0', minVersion: 'TLSv1', maxVersion: 'TLSv1' } });
      assert.equal((await get(open(all.connections, tls10, { ...https, legacyTls: true }))).status, 200);
      await assert.rejects(get(open(all.connections, tls10, https)), { code: 'tls-version' });
    });

    it('without a cipher in common are tls-version too', async () => {
      const device = await all.device({ tls: { ...rsa, ciphers: 'AES128-SHA:@SECLEVEL=0', maxVersion: 'TLSv1.2' } });
      const ecdsa = await all.device({ tls: { ...certificate, ciphers: 'AES128-SHA:@SECLEVEL=0', maxVersion: 'TLSv1.2' } });
      await get(open(all.connections, device, https));
      await assert.rejects(get(open(all.connections, ecdsa, { protocol: 'auto' })), { code: 'tls-version' });
    });
  });

  describe('auto', () => {
    it('ends at https where TLS is spoken', async () => {
      const device = await all.device({ tls: certificate });
      const http = open(all.connections, device, { protocol: 'auto' });
      assert.equal(http.origin, undefined);
      await get(http);
      assert.deepEqual([http.secure, http.plainChosen, device.connections, device.challenges], [true, false, 1, 1]);
    });

    it('ends at http where it is not, and stays there', async () => {
      const device = await all.device();
      let tries = 0;
      device.server.on('clientError', (_error, socket) => {
        tries += 1;
        socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      });
      const http = open(all.connections, device, { protocol: 'auto' });
      await get(http);
      await get(http);
      const stream = await http.stream({ method: 'GET', path: '/' }, new AbortController().signal);
      stream.resume();
      await once(stream, 'close');
      assert.deepEqual([http.secure, http.plainChosen, http.origin, tries], [false, false, `http://127.0.0.1:${device.port}`, 1]);
    });

    for (const [what, react] of [
      ['resets', 'reset'],
      ['closes', 'end'],
      ['says nothing', 'wait'],
    ] as const) {
      it(`ends at http where the port ${what} at a TLS greeting`, async () => {
        const port = await all.raw((socket) => {
          socket.on('data', (data) => {
            if (data[0] !== 0x16) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
            else if (react === 'reset') socket.resetAndDestroy();
            else if (react === 'end') socket.end();
          });
        });
        const http = open(all.connections, { port }, { protocol: 'auto' });
        assert.equal((await http.request({ method: 'GET', path: '/', timeoutMs: 600 })).text(), 'ok');
        assert.equal(http.secure, false);
      });
    }

    it('does not go down to http for a device that has shown a certificate before', async () => {
      const device = await all.device();
      all.memory.rememberFingerprint(`127.0.0.1:${device.port}`, fingerprint);
      await assert.rejects(get(open(all.connections, device, { protocol: 'auto' })), { code: 'wrong-security' });
      assert.equal(device.requests, 0);
    });
  });

  it('asked of a port that does not speak it is wrong-security', async () => {
    const device = await all.device();
    await assert.rejects(get(open(all.connections, device, https)), { code: 'wrong-security' });
    assert.equal(device.requests, 0);
  });

  it('is followed to when the device redirects to it, and never left again', async () => {
    const secure = await all.device({ tls: certificate });
    const plain = await all.device({
      first: (_request, response) => {
        response.setHeader('Location', `https://127.0.0.1:${secure.port}/`);
        respond(response, 301, '');
        return true;
      },
    });
    const http = open(all.connections, plain);
    await get(http);
    assert.equal((await http.request({ method: 'PUT', path: '/', body: 'x' })).status, 200);
    assert.deepEqual([http.secure, plain.requests, secure.connections, secure.challenges], [true, 1, 1, 1]);
    assert.equal(plain.authorizations.length, 0);
    secure.options.first = (_request, response) => {
      response.setHeader('Location', `http://127.0.0.1:${plain.port}/`);
      respond(response, 302, '');
      return true;
    };
    await assert.rejects(get(http), { code: 'rejected' });
    assert.equal(plain.requests, 1);
  });

  it('carries Basic', async () => {
    const device = await all.device({ tls: certificate, basic: true });
    assert.equal((await get(open(all.connections, device, { protocol: 'auto' }))).status, 200);
  });
});
