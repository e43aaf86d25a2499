import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MultipartReader } from '../../src/http/multipart-stream.ts';
import { bytes, event, type Piece, part, read } from './multipart-parts.ts';

describe('multipart stream, whatever the bytes are', () => {
  const token = fc.constantFrom<Piece>(
    ...[
      '--',
      '--b',
      '--b\r\n',
      '\r\n',
      '\n',
      '\r',
      ' ',
      '<a>',
      '</a>',
      '<?',
      '?>',
      '<!--',
      '-->',
      '{',
      '}',
      '"',
      '\\',
      '[',
      ']',
      '=',
      ':',
      'HTTP/',
    ],
    ...[
      'Content-Length: 5\r\n',
      'Content-Length: 300\r\n',
      'Content-Type: image/jpeg\r\n',
      'content-',
      'Code=X',
      'Heartbeat',
      'x'.repeat(600),
    ],
    Buffer.of(0xff, 0xd8),
    Buffer.of(0xff, 0xd9),
    Buffer.of(0),
  );
  const anything = fc
    .array(
      fc.oneof(
        token,
        fc.uint8Array({ maxLength: 12 }).map((array) => Buffer.from(array)),
      ),
      { maxLength: 60 },
    )
    .map((pieces) => bytes(...pieces));
  const limits = { text: 700, image: 900 };

  it('no sequence throws, and the parts do not depend on the chunks', () => {
    fc.assert(
      fc.property(anything, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }), (stream, sizes) => {
        const chunks: Buffer[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1;
          chunks.push(stream.subarray(at, at + size));
          at += size;
        }
        assert.deepEqual(read(chunks, 'multipart/mixed; boundary=b', limits), read([stream], 'multipart/mixed; boundary=b', limits));
      }),
      { numRuns: 3000 },
    );
  });

  it('no part is above its cap, and never is more kept than a head, a body and a line', () => {
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 30 }), (chunks) => {
        const reader = new MultipartReader(undefined, limits);
        for (const chunk of chunks) {
          for (const { body } of reader.push(chunk)) assert.ok(body.length <= 900);
          assert.ok(reader.kept <= 8 * 1024 + 900 + 4 * 1024);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('after any rubbish a delimiter that is known brings the reader back', () => {
    fc.assert(
      fc.property(anything, (rubbish) => {
        const parts = read(
          [bytes(part('a'), rubbish, `\r\n${'x'.repeat(3000)}\r\n--boundary\r\n\r\n`, part('b'), part('c'))],
          undefined,
          limits,
        );
        assert.deepEqual(parts.at(0), event('a'));
        assert.deepEqual(parts.at(-1), event('c'));
      }),
      { numRuns: 500 },
    );
  });
});
