import assert from 'node:assert/strict';
import { chooseDigest, isStale, offersBasic, parseChallenges } from '../../src/http/challenge.ts';

const algorithm = (header: string) => chooseDigest(parseChallenges(header))?.parameters.get('algorithm')?.value;

describe('WWW-Authenticate', () => {
  it('reads commas, quotes and backslashes inside quoted strings', () => {
    const [challenge] = parseChallenges('Digest realm="a, \\"b\\" \\\\c", nonce="n=,1==", qop="auth"');
    assert.equal(challenge?.parameters.get('realm')?.value, 'a, "b" \\c');
    assert.equal(challenge?.parameters.get('nonce')?.value, 'n=,1==');
    assert.equal(challenge?.parameters.get('qop')?.value, 'auth');
  });

  it('reads schemes and names in any case, without quotes and with blanks around the equals sign', () => {
    const [challenge] = parseChallenges('DIGEST Realm = x,NONCE=abc==,Stale=FALSE');
    assert.equal(challenge?.scheme, 'digest');
    assert.deepEqual([...(challenge?.parameters.keys() ?? [])], ['realm', 'nonce', 'stale']);
    assert.equal(challenge?.parameters.get('nonce')?.value, 'abc==');
  });

  it('separates several challenges in one header', () => {
    const challenges = parseChallenges(
      'Negotiate, Basic realm="x", Digest realm="y", nonce="1", Digest realm="z", nonce="2", algorithm=SHA-256',
    );
    assert.deepEqual(
      challenges.map(({ scheme }) => scheme),
      ['negotiate', 'basic', 'digest', 'digest'],
    );
    assert.equal(challenges[3]?.parameters.get('realm')?.value, 'z');
    assert.ok(offersBasic(challenges));
  });

  it('is not misled by a realm that looks like another challenge', () => {
    const challenges = parseChallenges('Digest realm="Basic realm=x, Digest nonce=evil", nonce="good"');
    assert.equal(challenges.length, 1);
    assert.equal(challenges[0]?.parameters.get('nonce')?.value, 'good');
    assert.equal(offersBasic(challenges), false);
  });

  it('chooses MD5 when offered, else what can be computed', () => {
    assert.equal(algorithm('Digest nonce=1, algorithm=SHA-256, Digest nonce=2, algorithm=MD5'), 'MD5');
    assert.equal(algorithm('Digest nonce=1, algorithm=SHA-256, Digest nonce=2'), undefined);
    assert.equal(algorithm('Digest nonce=1, algorithm=TIGER, Digest nonce=2, algorithm="sha-512-256"'), 'sha-512-256');
    assert.equal(chooseDigest(parseChallenges('Digest nonce=1, algorithm=TIGER')), undefined);
    assert.equal(chooseDigest(parseChallenges('Digest realm="no nonce"')), undefined);
  });

  it('knows stale in any case, quoted or not', () => {
    for (const word of ['true', 'TRUE', '"TRUE"', '"true"']) assert.ok(isStale(parseChallenges(`Digest nonce=1, STALE=${word}`)), word);
    for (const word of ['false', '"FALSE"', '""']) assert.equal(isStale(parseChallenges(`Digest nonce=1, stale=${word}`)), false, word);
  });

  it('survives anything', () => {
    for (const header of ['', ',,,', '=', '"', 'Digest realm="open', '\u0000', 'Digest', '= = "', undefined, null]) parseChallenges(header);
  });
});
