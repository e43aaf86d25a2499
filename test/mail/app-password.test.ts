import assert from 'node:assert/strict';
import { checkAppPassword } from '../../src/mail/app-password.ts';

describe('app password', () => {
  it('loses white space of any kind', () => {
    for (const blank of [' ', '\t', '\r\n', '\u00a0', '\u2007', '\u202f', '\u3000', '\u200b', '\u2060', '\ufeff', '\u00ad']) {
      const raw = `${blank}abcd${blank}efgh${blank}ijkl${blank}mnop${blank}`;
      assert.deepEqual(checkAppPassword(raw, 'gmail'), { ok: true, password: 'abcdefghijklmnop' }, JSON.stringify(blank));
    }
  });

  it('is folded to lower case, as Google shows it', () => {
    assert.deepEqual(checkAppPassword('Abcd EFGH ijkl mnop', 'gmail'), { ok: true, password: 'abcdefghijklmnop' });
  });

  for (const [raw, problem, letters] of [
    ['', 'empty', 0],
    [' \u200b ', 'empty', 0],
    ['abcd efgh ijkl mno', 'too-short', 15],
    ['abcd efgh ijkl mnopq', 'too-long', 17],
    ['hunter2-Summer!', 'account-password', 15],
    ['abcdefghijklmno1', 'account-password', 16],
    ['абвгдежзийклмноп', 'not-letters', 16],
    ['ábcdefghijklmnop', 'not-letters', 16],
  ] as const) {
    it(`"${raw}" for gmail is ${problem}`, () => assert.deepEqual(checkAppPassword(raw, 'gmail'), { ok: false, problem, letters }));
  }

  it('of another service may be anything but white space', () => {
    assert.deepEqual(checkAppPassword('\u00a0 p4ss\u200b wo\trd\n', 'custom'), { ok: true, password: 'p4ssword' });
    assert.deepEqual(checkAppPassword(' \n', 'custom'), { ok: false, problem: 'empty', letters: 0 });
  });
});
