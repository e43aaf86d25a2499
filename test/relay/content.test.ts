import assert from 'node:assert/strict';
import { rewriteHeader } from '../../src/relay/header.ts';
import type { Arrival } from '../../src/relay/incoming.ts';
import { parseMail, type ReceivedMail } from '../../src/relay/parse.ts';
import { type RelayCamera, recognise } from '../../src/relay/recognise.ts';

const ARRIVAL: Arrival = {
  id: '1',
  login: '',
  remoteAddress: '192.0.2.50',
  heloName: 'ipc',
  envelope: { from: 'cam@example.com', to: ['me@gmail.test'] },
  receivedAt: '2026-05-22T12:00:00.000Z',
};
const camera = (name: string, host: string, changes: Partial<RelayCamera> = {}): RelayCamera => ({
  id: `id-${name}`,
  name,
  host,
  vendor: 'auto',
  channel: 1,
  ...changes,
});
const CAMERAS = [
  camera('Front Door', '192.0.2.7', { vendor: 'hikvision' }),
  camera('Yard', '192.0.2.8', { vendor: 'dahua' }),
  camera('Recorder 1', '192.0.2.9', { channel: 1 }),
  camera('Recorder 2', '192.0.2.9', { channel: 2 }),
];

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const lines = (...parts: string[]) => parts.join('\r\n');
const read = (text: string | Buffer, size = 65_536) => parseMail(pieces(Buffer.from(text as string, 'latin1'), size));

const HIKVISION = lines(
  'Subject: Hall: on Camera1: Intrusion Detection',
  'X-Mailer: HIKMailer',
  'MIME-Version: 1.0',
  'Content-type: multipart/alternative; boundary="#BOUNDARY#"',
  '',
  '--#BOUNDARY#',
  'Content-Type: text/plain; charset=gb2312',
  'Content-Transfer-Encoding: 8bit',
  '',
  'This is an automatically generated e-mail from your IPC.',
  '',
  'EVENT TYPE: Intrusion Detection',
  'EVENT TIME: 2026-05-22,14:52:18',
  'IPC NAME: Hall',
  'CHANNEL NAME: \xd4\xba\xd7\xd3',
  'CHANNEL NUMBER: D2',
  '',
  '--#BOUNDARY#',
  'Content-Type: image/pjpeg; name="shot.jpg"',
  'Content-Transfer-Encoding: base64',
  '',
  Buffer.from('jpeg '.repeat(100)).toString('base64').replace(/.{76}/g, '$&\r\n'),
  '--#BOUNDARY#--',
  '',
);
const DAHUA = lines(
  'From: <>',
  'Subject: IPC Message',
  '',
  'Alarm Event: Motion Detect',
  'Alarm Input Channel: 1',
  'Alarm Start Time(D/M/Y H:M:S): 16/11/2026 20:54:54',
  'Alarm Device Name: AMC046CC',
  'Alarm Name: Gate',
  'IP Address: 192.0.2.8',
  '',
);

const EMPTY: ReceivedMail = { from: '', fromAddress: '', to: [], subject: '', text: '', date: '', mailer: '', attachments: [] };

describe('relay: reading a mail', () => {
  for (const size of [65_536, 1460, 7]) {
    it(`finds text, character set and picture in pieces of ${size} bytes`, async () => {
      const mail = await read(HIKVISION, size);
      assert.equal(mail.subject, 'Hall: on Camera1: Intrusion Detection');
      assert.ok(mail.text.startsWith('This is') && mail.text.includes('CHANNEL NAME: 院子') && mail.text.endsWith('CHANNEL NUMBER: D2'));
      assert.deepEqual(
        mail.attachments.map(({ filename, contentType, content }) => ({ filename, contentType, content: content.toString() })),
        [{ filename: 'shot.jpg', contentType: 'image/pjpeg', content: 'jpeg '.repeat(100) }],
      );
    });
  }

  it('decodes every transfer encoding, odd base64 included', async () => {
    const part = (encoding: string, body: string) =>
      lines('--b', 'Content-Type: application/octet-stream', `Content-Transfer-Encoding: ${encoding}`, '', body);
    const mail = await read(
      lines(
        'Content-Type: multipart/mixed; boundary=b',
        '',
        part('base64', 'aG Vs\r\nbG8\r\n='),
        part('quoted-printable', 'a=3Db=\r\nc'),
        part('8bit', '\xff\xfe'),
        '--b--',
        '',
      ),
    );
    assert.deepEqual(
      mail.attachments.map(({ content }) => content.toString('latin1')),
      ['hello', 'a=bc', '\xff\xfe'],
    );
    assert.deepEqual(
      mail.attachments.map(({ filename }) => filename),
      ['attachment-1.bin', 'attachment-2.bin', 'attachment-3.bin'],
    );
  });

  it('a mail that is a picture, one without a header and an empty one', async () => {
    assert.equal((await read('Content-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n\r\n/9j/\r\n')).attachments.length, 1);
    assert.equal((await read('\r\nonly text\r\n')).text, 'only text');
    assert.equal((await read('')).subject, '');
    assert.equal((await read('Subject: no body')).subject, 'no body');
  });

  it('a mail that is cut off keeps what came', async () => {
    const mail = await read(HIKVISION.slice(0, HIKVISION.indexOf('image/pjpeg') + 200));
    assert.equal(mail.attachments.length, 1);
    assert.ok(mail.text.includes('EVENT TYPE'));
  });

  it('HTML becomes plain text, tidied', async () => {
    const { text } = await read('Content-Type: text/html\r\n\r\n<p>Motion</p>\r\n\r\n\r\n<p>at&nbsp;7 &lt; 8</p>');
    assert.equal(text, 'Motion\n\nat\u00a07 < 8');
  });
});

describe('relay: whose mail it is and what it tells', () => {
  const told = (mail: Partial<ReceivedMail>, arrival: Partial<Arrival> = {}, cameras = CAMERAS) =>
    recognise({ ...EMPTY, ...mail }, { ...ARRIVAL, ...arrival }, cameras);

  for (const [how, mail, arrival, name] of [
    ['its login', {}, { login: 'front-door' }, 'Front Door'],
    ['its id as login', {}, { login: 'id-Yard' }, 'Yard'],
    ['the tag of the recipient', {}, { envelope: { from: '', to: ['me+yard@gmail.test'] } }, 'Yard'],
    ['the recipient', {}, { envelope: { from: '', to: ['cam-front-door@relay.lan'] } }, 'Front Door'],
    ['the sender', { fromAddress: 'yard@cameras.lan' }, {}, 'Yard'],
    ["the sender's name", { from: 'Front Door <a@b.c>' }, {}, 'Front Door'],
    ['its address', {}, { remoteAddress: '192.0.2.8' }, 'Yard'],
    ['the address in the mail', { text: 'Alarm Event: x\nAlarm Start Time: y\nIP Address: 192.0.2.8' }, {}, 'Yard'],
    ['the name in the mail', { text: 'EVENT TYPE: x\nEVENT TIME: y\nIPC NAME: Front Door' }, { remoteAddress: '192.0.2.8' }, 'Front Door'],
    [
      'the channel of a recorder',
      { text: 'EVENT TYPE: x\nEVENT TIME: y\nCHANNEL NUMBER: D02' },
      { remoteAddress: '192.0.2.9' },
      'Recorder 2',
    ],
    ['the subject', { subject: 'Alarm at Front Door!' }, {}, 'Front Door'],
  ] as const) {
    it(`knows a camera by ${how}`, () => assert.equal(told(mail, arrival as Partial<Arrival>).camera.name, name));
  }

  it('the only camera there is has sent it', () => assert.equal(told({}, {}, CAMERAS.slice(0, 1)).camera.id, 'id-Front Door'));

  it('a stranger is named as it names itself', () => {
    assert.deepEqual(told({ from: 'Shed <shed@x.y>', fromAddress: 'shed@x.y' }).camera, {
      id: '',
      name: 'Shed',
      host: '192.0.2.50',
      vendor: '',
    });
  });

  it('a Hikvision mail', async () => {
    const { camera: found, event } = recognise(await read(HIKVISION), ARRIVAL, CAMERAS);
    assert.deepEqual(found, { id: '', name: 'Hall', host: '192.0.2.50', vendor: 'hikvision' });
    assert.deepEqual(event, { type: 'intrusion', state: 'pulse', channel: 2, at: ARRIVAL.receivedAt, vendorType: 'Intrusion Detection' });
  });

  it('a Dahua mail', async () => {
    const { camera: found, event } = recognise(await read(DAHUA), ARRIVAL, CAMERAS);
    assert.equal(found.name, 'Yard');
    assert.deepEqual(event, {
      type: 'motion',
      state: 'pulse',
      channel: 1,
      at: ARRIVAL.receivedAt,
      rule: 'Gate',
      vendorType: 'Motion Detect',
    });
  });

  for (const [words, type, target] of [
    ['Motion Detected', 'motion'],
    ['Human motion detection', 'person'],
    ['Person Detected alert from Camera1', 'person'],
    ['Vehicle detected', 'vehicle'],
    ['Pet alert', 'animal'],
    ['Line Crossing Detection (Human)', 'line-crossing', 'person'],
    ['Tripwire', 'line-crossing'],
    ['Region Entrance Detection', 'region-entrance'],
    ['Region Exiting Detection', 'region-exit'],
    ['Unattended Baggage Detection', 'object-left'],
    ['Object Removal Detection', 'object-removed'],
    ['Face Detection', 'face'],
    ['Visitor pressed the button', 'doorbell'],
    ['Video Tampering Alarm', 'tamper'],
    ['Video Signal Loss', 'video-loss'],
    ['HDD Full', 'storage'],
    ['Illegal Login', 'access'],
    ['IP Address Conflict', 'network'],
    ['Alarm Input', 'alarm-input'],
    ['Audio Exception', 'audio'],
    ['移动侦测报警', 'motion'],
    ['Test mail', 'other'],
    ['Happy birthday', 'other'],
  ] as const) {
    it(`"${words}" is ${type}`, () => {
      const { event } = told({ text: `Alarm Event: ${words}\nAlarm Start Time: now` });
      assert.deepEqual({ type: event.type, target: event.target, vendorType: event.vendorType }, { type, target, vendorType: words });
      assert.equal(told({ subject: words }).event.type, type);
    });
  }

  it('the end of an event is one', () =>
    assert.equal(told({ text: 'Alarm Event: Motion Detect Stop\nAlarm Start Time: now' }).event.state, 'ended'));

  it('long and hostile bodies take no time', () => {
    const hostile = `Alarm Event:\n${'Alarm Event: \n'.repeat(50_000)}`;
    assert.equal(told({ text: hostile }).event.type, 'other');
  });
});

describe('relay: the header of a mail that is sent on', () => {
  const FACTS = {
    sender: 'home@gmail.test',
    senderName: 'Front Döör',
    recipients: ['me@gmail.test'],
    receivedAt: new Date('2026-05-22T12:00:00Z'),
    from: { heloName: 'ipc', address: '192.0.2.7' },
  };
  const header = (text: string) => rewriteHeader(Buffer.from(text, 'latin1'), FACTS).header.toString('latin1');

  it('gets what it lacks: Message-ID, Date, From, To', () => {
    const text = header('Subject: x\r\n');
    assert.match(text, /^Message-ID: <[0-9a-f-]{36}@gmail\.test>\r$/m);
    for (const line of [
      'Date: Fri, 22 May 2026 12:00:00 +0000',
      'From: =?UTF-8?B?RnJvbnQgRMO2w7Zy?= <home@gmail.test>',
      'To: <me@gmail.test>',
      'Subject: x',
    ])
      assert.ok(text.includes(`\r\n${line}\r\n`), `${line} in ${text}`);
    assert.ok(text.startsWith('Received: from ipc ([192.0.2.7])') && text.endsWith('\r\n\r\n'));
  });

  it('keeps what is well-formed, once', () => {
    const text = header(
      'From: "A, B" <a@b.c>\r\nFrom: <x@y.z>\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <1@b.c>\r\nTo: <d@e.f>, bad\r\n',
    );
    assert.deepEqual(text.match(/^(?:From|Date|Message-ID|To):.*$/gm), [
      'From: "A, B" <a@b.c>',
      'Date: Mon, 1 Jan 2024 00:00:00 +0000',
      'Message-ID: <1@b.c>',
      'To: <d@e.f>',
    ]);
  });

  it('replaces what Gmail would not take', () => {
    const text = header('From: <>\r\nMessage-ID: <1@winterfell.>\r\nDate: soon\r\n');
    assert.match(text, /^From: .*<home@gmail\.test>\r$/m);
    assert.ok(!text.includes('winterfell') && !text.includes('soon'));
  });

  it('encodes raw bytes of GBK, UTF-8 and Latin-1, and folds long lines', () => {
    const text = header(
      `Subject: \xd2\xc6\xb6\xaf\xd5\xec\xb2\xe2\r\nX-A: ${Buffer.from('Hänge '.repeat(60)).toString('latin1')}\r\nX-B: ${'b'.repeat(5_000)}\r\n`,
    );
    assert.ok(text.includes(`Subject: =?UTF-8?B?${Buffer.from('移动侦测').toString('base64')}?=`));
    assert.ok(/^[\x20-\x7e\r\n]*$/.test(text) && text.split('\r\n').every((line) => line.length <= 998));
  });
});
