import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DataDecoder } from '../../src/relay/data-decoder.ts';

interface Decoded {
  content: string;
  ended: boolean;
  rest: string;
  mayHaveEnded: boolean;
}

function decode(...pieces: string[]): Decoded {
  const decoder = new DataDecoder();
  const content: Buffer[] = [];
  let rest = '';
  for (const piece of pieces) {
    if (decoder.ended) rest += piece;
    else content.push(...decoder.push(Buffer.from(piece, 'latin1')).map((part) => Buffer.from(part)));
  }
  const { ended, mayHaveEnded } = decoder;
  return { content: Buffer.concat(content).toString('latin1'), ended, rest: decoder.rest.toString('latin1') + rest, mayHaveEnded };
}

const SMUGGLED = 'MAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\nSubject: smuggled\r\n';

describe('the bytes after DATA', () => {
  it('end at CRLF.CRLF, and what follows is left alone', () => {
    assert.deepEqual(decode('Subject: x\r\n\r\nhello\r\n.\r\nQUIT\r\n'), {
      content: 'Subject: x\r\n\r\nhello\r\n',
      ended: true,
      rest: 'QUIT\r\n',
      mayHaveEnded: false,
    });
    assert.equal(decode('.\r\n').ended, true);
  });

  it('lose the dots that the transfer put in', () => {
    assert.equal(decode('..\r\n...a\r\n.b\r\nc.\r\n.\r\n').content, '.\r\n..a\r\nb\r\nc.\r\n');
  });

  it('get CRLF at every line end, and never a lone CR or LF or a NUL', () => {
    assert.equal(decode('a\nb\r\nc\r\r\nd\re\0f\r\n.\r\n').content, 'a\r\nb\r\nc\r\nd e f\r\n');
  });

  for (const [name, end] of [
    ['LF.LF', '\n.\n'],
    ['LF.CRLF', '\n.\r\n'],
    ['CRLF.LF', '\r\n.\n'],
    ['CRLF.CRCRLF', '\r\n.\r\r\n'],
    ['LF.CRCRLF', '\n.\r\r\n'],
  ] as const) {
    it(`smuggling by ${name}: it stays inside the mail when more follows, however it is cut`, () => {
      const whole = `a${end}${SMUGGLED}\r\n.\r\n`;
      const expected = `a\r\n\r\n${SMUGGLED}\r\n`;
      assert.equal(decode(whole).content, expected);
      for (let cut = 1; cut < whole.length; cut += 1) {
        const { content, ended } = decode(whole.slice(0, cut), whole.slice(cut));
        assert.deepEqual({ content, ended }, { content: expected, ended: true }, `cut at ${cut}`);
      }
    });

    it(`a client that falls silent after ${name} may have ended its mail`, () => {
      assert.deepEqual(decode(`a${end}`), {
        content: end.startsWith('\r') ? 'a\r\n' : 'a\r\n',
        ended: false,
        rest: '',
        mayHaveEnded: true,
      });
      assert.equal(decode(`a${end}`, 'x').mayHaveEnded, false);
    });
  }

  for (const end of ['\r.\r', '\r.\r\n', '\r\n.\r', '\n\r.\r\n']) {
    it(`smuggling by ${JSON.stringify(end)}: a CR is no line end`, () => {
      const { content, ended, rest } = decode(`a${end}${SMUGGLED}\r\n.\r\n`);
      assert.deepEqual({ ended, rest }, { ended: true, rest: '' });
      assert.ok(content.includes('Subject: smuggled'));
    });
  }

  it('a CR before CRLF.CRLF changes nothing', () => assert.equal(decode('a\r\r\n.\r\n').ended, true));

  it('mean the same however they are cut into packets', () => {
    const bytes = fc
      .array(fc.constantFrom('\r', '\n', '.', 'a', '\0', '\r\n', '\r\n.\r\n'), { maxLength: 30 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(bytes, fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 30 }), (whole, sizes) => {
        const pieces: string[] = [];
        let at = 0;
        for (let turn = 0; at < whole.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1;
          pieces.push(whole.slice(at, at + size));
          at += size;
        }
        const one = decode(whole);
        const many = decode(...pieces);
        assert.deepEqual(many, one);
        assert.ok(!/\r(?!\n)|(?<!\r)\n|\0/.test(one.content));
      }),
      { numRuns: 2000 },
    );
  });

  it('a client that sends CRs without end fills no memory', () => {
    const decoder = new DataDecoder();
    let out = 0;
    for (let turn = 0; turn < 100; turn += 1) for (const piece of decoder.push(Buffer.alloc(1000, '\r'))) out += piece.length;
    assert.ok(out > 90_000);
  });
});
