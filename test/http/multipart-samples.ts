import { bytes, event, head, jpeg, part, type Stream, TEXT, XML, xml } from './multipart-parts.ts';

/** Streams as devices send them, each with the parts that are in it. */
export const STREAMS: Stream[] = [
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
