import assert from 'node:assert/strict';
import { isWholeJpeg, MultipartReader } from '../../src/http/multipart-stream.ts';
import { bytes, event, head, jpeg, part, read, split, XML, xml } from './multipart-parts.ts';
import { STREAMS } from './multipart-samples.ts';

describe('multipart stream', () => {
  for (const { name, header, stream, parts } of STREAMS) {
    it(`${name}: the same parts wherever it is cut`, () => {
      assert.deepEqual(read([stream], header), parts);
      for (let at = 1; at < stream.length; at += 1) {
        assert.deepEqual(read([stream.subarray(0, at), stream.subarray(at)], header), parts, `cut at ${at}`);
      }
      for (const size of [1, 2, 3, 7, 64]) assert.deepEqual(read(split(stream, size), header), parts, `chunks of ${size}`);
    });
  }

  it('a document is there with its last byte, a picture with its announced length: nobody waits for the next delimiter', () => {
    const reader = new MultipartReader();
    const text = bytes(`--b\r\n${head(XML)}${xml('a')}`);
    assert.equal(reader.push(text.subarray(0, -1)).length, 0);
    assert.equal(reader.push(text.subarray(-1)).length, 1);
    assert.equal(reader.push(bytes(`\r\n--b\r\n${head('image/jpeg', 64)}`, jpeg(64))).length, 1);
    assert.equal(reader.push(bytes('\r\n--b\r\nContent-Length:9\r\n\r\nHeartbeat\r')).length, 1);
  });

  for (const [kind, start, filler, end] of [
    ['XML', '<a>', 'x', '</a>'],
    ['JSON', '["', 'x', '"]'],
    ['text', 'x', 'y', '\r\n\r\n'],
    ['picture', '\u00ff\u00d8', 'z', '\u00ff\u00d9'],
  ] as const) {
    it(`a ${kind} above its cap is left out, and the parts around it are not`, () => {
      const limits = { text: 4000, image: 4000 };
      for (const size of [3990, 4001, 6000, 50_000]) {
        const big = start + filler.repeat(size - start.length - end.trimEnd().length) + end;
        const stream = bytes(part('a'), `--boundary\r\n\r\n${big}\r\n`, part('b'));
        const middle = size > 4000 ? [] : [{ type: '', body: big.trimEnd() }];
        for (const chunk of [1, 100, 1460, stream.length]) {
          assert.deepEqual(read(split(stream, chunk), undefined, limits), [event('a'), ...middle, event('b')], `${size} in ${chunk}`);
        }
      }
    });
  }

  it('parts stay as they were when more bytes come', () => {
    const reader = new MultipartReader();
    const stream = bytes(...Array.from({ length: 40 }, (_, index) => part(`e${index}`)));
    const parts = [...split(stream, 50)].flatMap((chunk) => reader.push(chunk));
    assert.deepEqual(
      parts.map(({ body }) => body.toString()),
      Array.from({ length: 40 }, (_, index) => xml(`e${index}`)),
    );
  });

  it('a picture is not held by what follows it, and takes no second copy', () => {
    const reader = new MultipartReader();
    const stream = bytes(`--boundary\r\n${head('image/jpeg', 300_000)}`, jpeg(300_000), '\r\n--boundary\r\nContent-Ty');
    const [picture] = [...split(stream, 65_536)].flatMap((chunk) => reader.push(chunk));
    assert.ok(picture && isWholeJpeg(picture.body));
    assert.ok(picture.body.buffer.byteLength < 310_000, 'one buffer of the announced length');
    const [next] = reader.push(bytes(`pe: ${XML}\r\n\r\n${xml('a')}`));
    assert.ok(next && next.body.buffer.byteLength < 20_000);
  });
});
