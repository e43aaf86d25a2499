import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Secret } from '../../src/core/secret.ts';
import { createDigestLogin } from '../../src/http/digest.ts';
import { at, fixture, login as loginOf } from './fixture.ts';
import { respond, type StrictOptions } from './strict-device.ts';

function digest(header: string, username = 'Mufasa', password = 'Circle of Life') {
  const login = createDigestLogin(username, new Secret(password));
  login.parseAuth(header);
  return login;
}

const authorization = (login: ReturnType<typeof digest>, url: string | URL, method = 'GET') =>
  login.addAuth(url, { method }).headers.Authorization ?? '';

const field = (text: string, name: string) =>
  new RegExp(`\\b${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^,\\s]+))`)
    .exec(text)
    ?.slice(1)
    .find((part) => part !== undefined);

describe('digest login', () => {
  it('counts in eight hexadecimal digits and starts again with each new nonce', () => {
    const login = digest('Digest realm="r", nonce="one", qop="auth"');
    const counts = Array.from({ length: 16 }, () => field(authorization(login, '/'), 'nc'));
    assert.equal(counts[0], '00000001');
    assert.equal(counts[9], '0000000a');
    assert.equal(counts[15], '00000010');
    login.parseAuth('Digest realm="r", nonce="one", qop="auth", stale=true');
    assert.equal(field(authorization(login, '/'), 'nc'), '00000011');
    login.parseAuth('Digest realm="r", nonce="two", qop="auth"');
    assert.equal(field(authorization(login, '/'), 'nc'), '00000001');
  });

  it('takes the request target with its query, without fragment, from a path, an address or a URL', () => {
    const login = digest('Digest realm="r", nonce="n"');
    assert.equal(field(authorization(login, '/a?b[0]=c//d#e'), 'uri'), '/a?b[0]=c//d');
    assert.equal(field(authorization(login, 'http://host:81/a?b=c#d'), 'uri'), '/a?b=c');
    assert.equal(field(authorization(login, new URL('http://host/a?b=c#d')), 'uri'), '/a?b=c');
    assert.equal(field(authorization(login, 'http://host?b'), 'uri'), '/?b');
  });

  it('sends neither count nor client nonce without qop (RFC 2069)', () => {
    const sent = authorization(digest('Digest realm="testrealm@host.com", nonce="dcd98b", opaque="5ccc"'), '/dir/index.html');
    for (const name of ['nc', 'cnonce', 'qop', 'algorithm']) assert.equal(field(sent, name), undefined, name);
    assert.equal(field(sent, 'opaque'), '5ccc');
    const md5 = (text: string) => createHash('md5').update(text).digest('hex');
    const expected = md5(`${md5('Mufasa:testrealm@host.com:Circle of Life')}:dcd98b:${md5('GET:/dir/index.html')}`);
    assert.equal(field(sent, 'response'), expected);
  });

  it('answers the example of RFC 7616 with SHA-256', () => {
    const header =
      'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"';
    const login = createDigestLogin('Mufasa', new Secret('Circle of Life')) as ReturnType<typeof digest> & { makeNonce(): string };
    login.makeNonce = () => 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ';
    login.parseAuth(header);
    const sent = authorization(login, '/dir/index.html');
    assert.equal(field(sent, 'response'), '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1');
    assert.match(sent, /algorithm=SHA-256,/);
    assert.match(sent, /qop=auth,/);
  });

  it('makes an unpredictable client nonce for each nonce', () => {
    const login = digest('Digest realm="r", nonce="1", qop=auth');
    const first = field(authorization(login, '/'), 'cnonce');
    assert.match(first ?? '', /^[0-9a-f]{32}$/);
    login.parseAuth('Digest realm="r", nonce="2", qop=auth');
    assert.notEqual(field(authorization(login, '/'), 'cnonce'), first);
  });

  it('keeps the password out of its own fields', () => {
    const login = digest('Digest realm="r", nonce="1"', 'admin', 'very-secret-word');
    authorization(login, '/');
    assert.ok(!JSON.stringify(login).includes('very-secret-word'));
  });

  const devices: Record<string, StrictOptions> = {
    'no algorithm': {},
    MD5: { algorithm: 'MD5' },
    'md5 in lower case': { algorithm: 'md5' },
    'quoted "SHA-256"': { algorithm: '"SHA-256"' },
    'MD5-sess': { algorithm: 'MD5-sess' },
    'SHA-256': { algorithm: 'SHA-256' },
    'SHA-256-sess': { algorithm: 'SHA-256-sess' },
    'SHA-512-256': { algorithm: 'SHA-512-256' },
    'no qop': { qop: '', algorithm: 'MD5' },
    'qop auth and auth-int': { qop: 'auth,auth-int' },
    'qop auth-int only': { qop: 'auth-int' },
    opaque: { opaque: 'o "p" \\q'.replace(/["\\]/g, '') },
    'a realm with quotes, commas and backslashes': { realm: 'IP "Cam", Basic realm=\\x' },
    'a user name with quotes and backslashes': { username: 'a"d\\min, x=y' },
    'UTF-8 in user name and password': { username: 'админ', password: 'пароль-ñ' },
    'Basic before Digest in one header': { authenticate: 'Basic realm="IP Camera", %digest%' },
    'Basic before Digest in two headers': { authenticate: ['Basic realm="IP Camera"', '%digest%'] },
    'Digest before Basic': { authenticate: '%digest%, Basic realm="IP Camera"' },
    'SHA-256 before MD5 in two headers': {
      authenticate: ['Digest realm="IP Camera(12345)", nonce="other", algorithm=SHA-256, qop="auth"', '%digest%'],
    },
  };
  for (const [name, options] of Object.entries(devices)) {
    it(`logs in to a strict device: ${name}`, async () => {
      const all = fixture();
      try {
        const device = await all.device(options);
        const http = all.connections.open(at(device.port), loginOf(options.password, options.username));
        for (const path of ['/a', '/b?c=d&e[0].f=g#h', '/i?j=k,l"m']) {
          const { status } = await http.request({ method: 'PUT', path, body: 'x' });
          assert.equal(status, 200, path);
        }
        assert.deepEqual(
          { refused: device.refused, stale: device.stale, challenges: device.challenges },
          { refused: 0, stale: 0, challenges: 1 },
        );
        assert.ok(device.authorizations.every((sent) => sent.startsWith('Digest ')));
      } finally {
        await all.close();
      }
    });
  }

  it('never repeats a count when many ask at once', async () => {
    const all = fixture();
    try {
      const device = await all.device({ handler: (_request, response) => respond(response, 200, 'ok') });
      const http = all.connections.open(at(device.port), loginOf());
      await Promise.all(Array.from({ length: 20 }, (_, index) => http.request({ method: 'GET', path: `/${index}` })));
      const counts = device.authorizations.map((sent) => field(sent, 'nc'));
      assert.equal(new Set(counts).size, 20);
      assert.deepEqual([device.stale, device.challenges, device.parallel], [0, 1, 1]);
    } finally {
      await all.close();
    }
  });
});
