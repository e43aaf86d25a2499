import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isWholeJpeg, MultipartReader } from '../../src/http/multipart-stream.ts';

const xml = (type: string) => `<EventNotificationAlert version="2.0">\n<eventType>${type}</eventType>\n</EventNotificationAlert>`;
const jpeg = (size: number, fill = 0x41) => Buffer.concat([Buffer.of(0xff, 0xd8), Buffer.alloc(size - 4, fill), Buffer.of(0xff, 0xd9)]);

type Piece = string | Buffer;
const bytes = (...pieces: Piece[]) =>
  Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece)));

interface Read {
  type: string;
  body: string;
}

function read(chunks: Iterable<Buffer>, contentType?: string, limits?: { text: number; image: number }): Read[] {
  const reader = new MultipartReader(contentType, limits);
  const parts: Read[] = [];
  const take = (more: ReturnType<MultipartReader['end']>) => {
    for (const part of more) parts.push({ type: part.contentType, body: part.body.toString('latin1') });
  };
  for (const chunk of chunks) take(reader.push(chunk));
  take(reader.end());
  return parts;
}

function* split(whole: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < whole.length; at += size) yield Buffer.from(whole.subarray(at, at + size));
}

const XML = 'application/xml';
const TEXT = 'text/plain';

interface Stream {
  name: string;
  header?: string;
  stream: Buffer;
  parts: Read[];
}

const event = (type: string): Read => ({ type: XML, body: xml(type) });
const head = (type: string, length?: number) =>
  `Content-Type: ${type}\r\n${length === undefined ? '' : `Content-Length: ${length}\r\n`}\r\n`;
const part = (type: string) => `--boundary\r\n${head(XML, xml(type).length)}${xml(type)}\r\n`;

const STREAMS: Stream[] = [
  {
    name: 'as the RFC has it',
    header: 'multipart/mixed; boundary=boundary',
    stream: bytes(part('a'), part('b'), '--boundary--\r\n'),
    parts: [event('a'), event('b')],
  },
  {
    name: 'another boundary than announced',
    header: 'multipart/mixed; boundary="MIME_boundary"',
    stream: bytes(part('a'), part('b')),
    parts: [event('a'), event('b')],
  },
  {
    name: 'an announced boundary with its dashes',
    header: 'multipart/mixed; boundary=--boundary',
    stream: bytes(part('a'), part('b')),
    parts: [event('a'), event('b')],
  },
  {
    name: 'an announced boundary in angle brackets',
    header: 'multipart/mixed; boundary=<boundary>',
    stream: bytes(part('a'), part('b')),
    parts: [event('a'), event('b')],
  },
  { name: 'no boundary announced', stream: bytes(part('a'), part('b')), parts: [event('a'), event('b')] },
  {
    name: 'doubled boundaries',
    stream: bytes('--boundary\r\n', part('a'), '--boundary\r\n--boundary\r\n\r\n', part('b')),
    parts: [event('a'), event('b')],
  },
  {
    name: 'no boundary lines at all',
    stream: bytes(head(XML, xml('a').length), xml('a'), head(XML), xml('b')),
    parts: [event('a'), event('b')],
  },
  {
    name: 'bodies without headers',
    stream: bytes(`--boundary\r\n${xml('a')}--boundary\r\n\r\n${xml('b')}`),
    parts: [
      { type: '', body: xml('a') },
      { type: '', body: xml('b') },
    ],
  },
  {
    name: 'nothing but documents',
    stream: bytes(xml('a'), xml('b'), '{"eventType":"c"}'),
    parts: [
      { type: '', body: xml('a') },
      { type: '', body: xml('b') },
      { type: '', body: '{"eventType":"c"}' },
    ],
  },
  {
    name: 'no Content-Length',
    stream: bytes(`--boundary\r\n${head(XML)}${xml('a')}\r\n--boundary\r\n${head(XML)}${xml('b')}\r\n`),
    parts: [event('a'), event('b')],
  },
  {
    name: 'a Content-Length that is too short',
    stream: bytes(`--boundary\r\n${head(XML, 12)}${xml('a')}\r\n`, part('b')),
    parts: [event('a'), event('b')],
  },
  {
    name: 'a Content-Length that is too long',
    stream: bytes(`--boundary\r\n${head(XML, 9000)}${xml('a')}\r\n`, part('b')),
    parts: [event('a'), event('b')],
  },
  {
    name: 'an absurd Content-Length',
    stream: bytes(`--boundary\r\nContent-Length: 99999999999999\r\n\r\n${xml('a')}\r\n`, part('b')),
    parts: [{ type: '', body: xml('a') }, event('b')],
  },
  { name: 'LF only', stream: bytes(`${part('a')}${part('b')}`.replaceAll('\r', '')), parts: [event('a'), event('b')] },
  {
    name: 'a prolog, a comment and white space',
    stream: bytes(`--boundary\n${head(XML)}  \n<?xml version="1.0"?>\n<!-- > -->\n${xml('a')}\n`, part('b')),
    parts: [{ type: XML, body: `<?xml version="1.0"?>\n<!-- > -->\n${xml('a')}` }, event('b')],
  },
  {
    name: 'an XML document that is cut off',
    stream: bytes(`--boundary\r\n${head(XML)}<EventNotificationAlert><eventType>a\r\n`, part('b')),
    parts: [{ type: XML, body: '<EventNotificationAlert><eventType>a' }, event('b')],
  },
  {
    name: 'an empty element and a closing tag with a blank',
    stream: bytes(`--boundary\r\n${head(XML)}<a/>--boundary\r\n${head(XML)}<b></bb></b >\r\n`),
    parts: [
      { type: XML, body: '<a/>' },
      { type: XML, body: '<b></bb></b >' },
    ],
  },
  { name: 'an empty part', stream: bytes(`--boundary\r\n${head(XML, 0)}\r\n`, part('b')), parts: [event('b')] },
  {
    name: 'odd header names and a folded header',
    stream: bytes(
      `--boundary\r\nContent Type; x: 1\r\n (oddly): y\r\nX: 1\r\n folded\r\nContent-Type : ${XML}; charset="UTF-8"\r\n\r\n${xml('a')}\r\n`,
    ),
    parts: [event('a')],
  },
  {
    name: 'a name that is not UTF-8',
    stream: bytes(`--boundary\r\n${head(XML)}<a><n>`, Buffer.of(0xb0, 0xa1, 0xff), '</n></a>\r\n'),
    parts: [{ type: XML, body: '<a><n>\u00b0\u00a1\u00ff</n></a>' }],
  },
  {
    name: 'JSON, with braces in its texts',
    stream: bytes(
      `--MIME_boundary\r\n${head('application/json')}{"a":"}\\"{","b":[{}]}\r\n--MIME_boundary\r\n${head('application/json')}[1]`,
    ),
    parts: [
      { type: 'application/json', body: '{"a":"}\\"{","b":[{}]}' },
      { type: 'application/json', body: '[1]' },
    ],
  },
  {
    name: 'JSON that never ends',
    stream: bytes(`--boundary\r\n${head('application/json')}{"a":{\r\n`, part('b')),
    parts: [{ type: 'application/json', body: '{"a":{' }, event('b')],
  },
  {
    name: 'a picture of the announced length',
    stream: bytes(part('a'), `--boundary\r\n${head('image/jpeg', 300)}`, jpeg(300), '\r\n', part('b')),
    parts: [event('a'), { type: 'image/jpeg', body: jpeg(300).toString('latin1') }, event('b')],
  },
  {
    name: 'a picture without a length',
    stream: bytes(part('a'), `--boundary\r\n${head('image/jpeg')}`, jpeg(300, 0x0a), '\r\n', part('b')),
    parts: [event('a'), { type: 'image/jpeg', body: jpeg(300, 0x0a).toString('latin1') }, event('b')],
  },
  {
    name: 'pictures whose lengths lie',
    stream: bytes(
      part('a'),
      `--boundary\r\n${head('image/jpeg', 20)}`,
      jpeg(300),
      `\r\n--boundary\r\n${head('image/jpeg', 9999)}`,
      jpeg(200),
      '\r\n',
      part('b'),
    ),
    parts: [
      event('a'),
      { type: 'image/jpeg', body: jpeg(300).toString('latin1') },
      { type: 'image/jpeg', body: jpeg(200).toString('latin1') },
      event('b'),
    ],
  },
  {
    name: 'a picture right behind its header, without a blank line',
    stream: bytes(part('a'), '--boundary\r\nContent-Type: image/jpeg\r\n', jpeg(40), '\r\n', part('b')),
    parts: [event('a'), { type: 'image/jpeg', body: jpeg(40).toString('latin1') }, event('b')],
  },
  {
    name: 'a picture that looks like a delimiter inside',
    stream: bytes(part('a'), `--boundary\r\n${head('image/jpeg')}`, jpeg(40), '\n--bound\r\n--\r\n', jpeg(20), '\r\n', part('b')),
    parts: [event('a'), { type: 'image/jpeg', body: bytes(jpeg(40), '\n--bound\r\n--\r\n', jpeg(20)).toString('latin1') }, event('b')],
  },
  {
    name: 'key-value texts as Dahua sends them',
    header: 'multipart/x-mixed-replace; boundary=myboundary',
    stream: bytes(
      '--myboundary\r\nContent-Type: text/plain\r\nContent-Length:9\r\n\r\nHeartbeat\r\n',
      '--myboundary\r\nContent-Type: text/plain\r\nContent-Length:41\r\n\r\nCode=VideoMotionInfo;action=State;index=0\r\n\r\n',
      '--myboundary\r\nContent-Type: text/plain\r\nContent-Length:58\r\n\r\nCode=VideoMotion;action=Start;index=0;data={\n  "Id" : [0]\n}\n\r\n\r\n',
      '-- myboundary\r\nContent-Length:39\r\nCode=AudioMutation;action=Start;index=0\r\n',
      '--myboundary--\r\nContent-Type: text/plain\r\n\r\nContent-Length:9\r\n\r\nHeartbeat\r\n',
      'HTTP/1.1 200 OK\r\nServer: x\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nOK\r\n',
      '--myboundary\r\nContent-Type: text/plain\r\n\r\nCode=A;action=Stop;index=1\r\n\r\nrubbish\r\n',
      '--myboundary\r\nContent-Type: text/plain\r\nContent-Length:4\r\n\r\nCode=B;action=Stop;index=1\r\n',
      '--myboundary\r\nContent-Type: text/plain\r\nContent-Length:999\r\n\r\nCode=C;action=Stop;index=1\r\n',
      '--myboundary\r\nHeartbeat\r\n--myboundary\r\n',
    ),
    parts: [
      { type: TEXT, body: 'Heartbeat' },
      { type: TEXT, body: 'Code=VideoMotionInfo;action=State;index=0' },
      { type: TEXT, body: 'Code=VideoMotion;action=Start;index=0;data={\n  "Id" : [0]\n}' },
      { type: '', body: 'Code=AudioMutation;action=Start;index=0' },
      { type: TEXT, body: 'Heartbeat' },
      { type: TEXT, body: 'OK' },
      { type: TEXT, body: 'Code=A;action=Stop;index=1' },
      { type: TEXT, body: 'Code=B;action=Stop;index=1' },
      { type: TEXT, body: 'Code=C;action=Stop;index=1' },
      { type: '', body: 'Heartbeat' },
    ],
  },
  {
    name: 'a whole HTTP response with its own boundary inside the stream',
    header: 'multipart/mixed; boundary=boundary',
    stream: bytes(
      part('a'),
      'HTTP/1.1 200 OK\r\nContent-Type: multipart/mixed; boundary=other\r\n\r\n',
      part('b').replace('--boundary', '--other'),
    ),
    parts: [event('a'), event('b')],
  },
  {
    name: 'several lines in a text without a length',
    stream: bytes(
      `--SamsungTechwin\r\nContent-type: ${TEXT}\r\n\r\nChannel.0.Motion=True\r\nChannel.0.Motion.Level=12\r\n--SamsungTechwin\r\nContent-type: ${TEXT}\r\n\r\nChannel.0.Motion=False\r\n`,
    ),
    parts: [
      { type: TEXT, body: 'Channel.0.Motion=True\r\nChannel.0.Motion.Level=12' },
      { type: TEXT, body: 'Channel.0.Motion=False' },
    ],
  },
  {
    name: 'rubbish before, between and behind',
    stream: bytes('\0\0 rubbish: \n=====\n<\n< 1\n', part('a'), 'rubbish\r\n-->\r\n', Buffer.of(0xff, 0xd8, 0x0a), part('b'), 'rubbish'),
    parts: [event('a'), event('b')],
  },
];

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

  describe('whatever the bytes are', () => {
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
});
