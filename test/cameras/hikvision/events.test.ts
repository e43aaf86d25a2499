import assert from 'node:assert/strict';
import type { Camera } from '../../../src/cameras/driver.ts';
import { hikvision } from '../../../src/cameras/hikvision/driver.ts';
import { isStreamSilenced, readAlert } from '../../../src/cameras/hikvision/events.ts';
import { HikvisionSimulator, sample } from '../../../src/cameras/hikvision/simulator.ts';
import type { CameraEmailError } from '../../../src/core/errors.ts';
import type { RawEvent } from '../../../src/events/source.ts';
import { simulatedJpeg } from '../../../src/sandbox/simulated-jpeg.ts';
import { rejects, useBench } from '../fixture.ts';

const NAMESPACE = 'http://www.hikvision.com/ver20/XMLSchema';
const alert = (inner: string, namespace = NAMESPACE) =>
  `<EventNotificationAlert version="2.0" xmlns="${namespace}">\n<dateTime>2026-05-18T20:21:00+02:00</dateTime>\n${inner}\n</EventNotificationAlert>`;
const state = (type: string, value = 'active') => `<eventType>${type}</eventType><eventState>${value}</eventState>`;
const AT = Date.parse('2026-05-18T18:21:00Z');

/** Without the function that makes the raw object. */
function read(document: string): Record<string, unknown> | undefined {
  const event = readAlert(document);
  if (event === undefined) return undefined;
  const { raw: _raw, ...rest } = { raw: undefined, ...event };
  return rest;
}

const motion = { kind: 'event', type: 'motion', state: 'active', vendorType: 'VMD', at: AT, channel: 1 };
const intrusion = { ...motion, type: 'intrusion', vendorType: 'fielddetection' };
const REGION =
  '<DetectionRegionList><DetectionRegionEntry><regionID>3</regionID><detectionTarget>human</detectionTarget></DetectionRegionEntry></DetectionRegionList>';
const PICTURE = '<detectionPictureTransType>binary</detectionPictureTransType><detectionPicturesNumber>1</detectionPicturesNumber>';
const KEPT =
  '<detectionPictureTransType>url</detectionPictureTransType><detectionPicturesNumber>1</detectionPicturesNumber><bkgUrl>http://192.0.2.45:80/picture?a=1&amp;b=2</bkgUrl>';
const DURATION = '<DurationList><Duration><relationEvent>linedetection</relationEvent></Duration></DurationList>';
const PREFIXED =
  '<n:EventNotificationAlert xmlns:n="x"><n:dateTime>2026-05-18T20:21:00+02:00</n:dateTime><n:eventType a="b">VMD</n:eventType><n:eventState>active</n:eventState></n:EventNotificationAlert>';
const CARD = { eventType: 'AccessControllerEvent', dateTime: '2026-05-18T20:21:00+02:00', eventState: 'active', AccessControllerEvent: {} };

const CASES: [string, string, Record<string, unknown> | undefined][] = [
  ['motion on a camera', alert(`<channelID>1</channelID>${state('VMD')}`), motion],
  ['a heartbeat', alert(`<channelID>1</channelID>${state('videoloss', 'inactive')}`), { kind: 'heartbeat', at: AT }],
  [
    'a heartbeat of a recorder, with empty channels',
    alert(`<dynChannelID/><channelID/><activePostCount/>${state('videoloss', 'inactive')}`),
    { kind: 'heartbeat', at: AT },
  ],
  [
    'video loss',
    alert(`<channelID>2</channelID>${state('videoloss')}`),
    { ...motion, type: 'video-loss', vendorType: 'videoloss', channel: 2 },
  ],
  [
    'an intrusion with a target, and a picture that follows',
    alert(`<channelID>1</channelID>${state('fielddetection')}${REGION}${PICTURE}<isDataRetransmission>false</isDataRetransmission>`),
    { ...intrusion, target: 'person', region: '3', pictures: 1 },
  ],
  [
    'a recorder that keeps the picture',
    alert(`<dynChannelID>6</dynChannelID>${state('fielddetection')}${KEPT}`),
    { ...intrusion, channel: 6, pictureUrl: 'http://192.0.2.45:80/picture?a=1&b=2' },
  ],
  [
    'the PSIA form of a recorder, where IP channels count from 33',
    alert(`<channelID>34</channelID>${state('fielddetection')}`, 'urn:psialliance-org'),
    { ...intrusion, channel: 2 },
  ],
  ['channel 34 of a big recorder', alert(`<dynChannelID>34</dynChannelID>${state('VMD')}`), { ...motion, channel: 34 }],
  [
    'an event that was sent before',
    alert(`${state('VMD')}<isDataRetransmission>true</isDataRetransmission>`),
    { ...motion, replayed: true },
  ],
  [
    'an alarm input',
    alert(`<inputIOPortID>2</inputIOPortID>${state('IO')}`),
    { ...motion, type: 'alarm-input', vendorType: 'IO', rule: '2' },
  ],
  [
    'a full disk, which has no channel',
    alert(`<channelID>3</channelID>${state('diskfull')}`),
    { kind: 'event', type: 'storage', state: 'active', vendorType: 'diskfull', at: AT },
  ],
  ['a type that nobody knows', alert(state('thermometry')), { ...motion, type: 'other', vendorType: 'thermometry' }],
  [
    'the nested form with the duration',
    alert(`${state('duration')}${DURATION}`),
    { ...motion, type: 'line-crossing', vendorType: 'linedetection' },
  ],
  ['names with a prefix and attributes', PREFIXED, motion],
  ['a bare ampersand and bytes that are not UTF-8', alert(`<channelName>A & \u00b0\u00a1</channelName>${state('VMD')}`), motion],
  ['a document that was cut off', alert(state('VMD')).slice(0, -30), motion],
  [
    'a time that is none',
    alert(state('VMD')).replace(/<dateTime>[^<]*/, '<dateTime>now'),
    { kind: 'event', type: 'motion', state: 'active', vendorType: 'VMD', channel: 1 },
  ],
  [
    'JSON of a door station',
    JSON.stringify(CARD),
    { kind: 'event', type: 'access', state: 'pulse', vendorType: 'AccessControllerEvent', at: AT },
  ],
  ['JSON of something else', '{"a":1}', undefined],
  ['broken JSON', '{"eventType":', undefined],
  ['a ResponseStatus', '<ResponseStatus><statusCode>4</statusCode></ResponseStatus>', undefined],
  ['a page', '<html><body>404</body></html>', undefined],
  ['nothing', '', undefined],
];

describe('hikvision alerts', () => {
  for (const [name, document, expected] of CASES) {
    it(name, () => assert.deepEqual(read(document), expected));
  }

  it('the document of the device is there as an object', () => {
    const event = readAlert(alert(`${state('VMD')}<a><b>1</b><b>2</b></a>`));
    assert.ok(event?.kind === 'event');
    assert.deepEqual(event.raw?.(), {
      EventNotificationAlert: { dateTime: '2026-05-18T20:21:00+02:00', eventType: 'VMD', eventState: 'active', a: { b: ['1', '2'] } },
    });
  });

  it('a device is silenced when nothing notifies the surveillance center', () => {
    const silenced = sample('triggers-camera.xml').replaceAll('>center<', '>record<');
    assert.equal(isStreamSilenced(silenced), true);
    assert.equal(isStreamSilenced(silenced.replace(/<notificationMethod>\w+</, '<notificationMethod>center<')), false);
    assert.equal(isStreamSilenced('<EventTriggerList/>'), false);
  });
});

describe('hikvision stream and pictures', () => {
  const bench = useBench();
  let device: HikvisionSimulator;
  let camera: Camera;
  let stop: AbortController;

  beforeEach(async () => {
    stop = new AbortController();
    const { device: simulator, http } = await bench.start(new HikvisionSimulator(bench.options));
    device = simulator;
    const identity = await hikvision.identify(http, stop.signal);
    assert.ok(identity);
    camera = hikvision.open(http, 1, identity);
  });
  afterEach(() => stop.abort());

  /** Reads so many items; `act` runs when the stream is open. */
  async function items(count: number, act: () => void): Promise<RawEvent[]> {
    const found: RawEvent[] = [];
    for await (const item of camera.events?.(stop.signal) ?? []) {
      if (item.kind === 'open') act();
      else found.push(item);
      if (found.length === count) break;
    }
    return found;
  }

  for (const [name, faults] of Object.entries({
    'a good stream': {},
    'doubled boundaries': { boundary: 'doubled' },
    'another boundary than announced': { boundary: 'wrong' },
    'no boundaries': { boundary: 'missing' },
    'no Content-Length': { length: 'missing' },
    'a Content-Length that is too short': { length: 'short' },
    'a Content-Length that is too long': { length: 'long' },
    'LF only': { bareLf: true },
  } as const)) {
    it(`${name}: every event comes, pictures behind theirs`, async () => {
      device.view.faults = faults;
      const image = simulatedJpeg(70_000);
      const alerts = () => {
        device.view.heartbeat();
        device.view.alert({ type: 'VMD' });
        device.view.alert({ type: 'linedetection', more: '<detectionPicturesNumber>1</detectionPicturesNumber>' }, image);
        device.view.alert({ type: 'VMD', state: 'inactive', dynChannel: 3 });
        device.view.heartbeat();
      };
      const found = await items(5, alerts);
      assert.deepEqual(
        found.map((item) => (item.kind === 'event' ? `${item.type} ${item.state} ${item.channel}` : item.kind)),
        ['heartbeat', 'motion active 1', 'line-crossing active 1', 'picture', 'motion inactive 3'],
      );
      assert.ok(found[3]?.kind === 'picture' && found[3].image.equals(image));
    });
  }

  it('a user without the right is told so', async () => {
    device.view.faults = { refused: 'lowPrivilege' };
    await rejects(
      items(1, () => undefined),
      'forbidden',
    );
  });

  it('a locked account is told as such by the stream, too, and left alone', async () => {
    device.guard.locked = true;
    const open = () => items(1, () => undefined);
    await assert.rejects(open(), (error: CameraEmailError) => {
      assert.equal(error.code, 'locked-out');
      assert.ok((error.retryAt ?? 0) > Date.now());
      return true;
    });
    const { length } = device.server.requests;
    await rejects(open(), 'locked-out');
    assert.equal(device.server.requests.length, length, 'nothing is asked while it lasts');
  });

  const asked = (count: number) => device.server.requests.slice(-count).map(({ method, path }) => `${method} ${path}`);

  it('a device without an alertStream that says that it takes subscriptions is subscribed to', async () => {
    device.view.faults = { refused: 'notSupport', subscribes: true };
    const [found] = await items(1, () => device.view.alert({ type: 'VMD' }));
    assert.ok(found?.kind === 'event' && found.type === 'motion');
    const stream = '/ISAPI/Event/notification';
    assert.deepEqual(asked(3), [`GET ${stream}/alertStream`, 'GET /ISAPI/System/capabilities', `POST ${stream}/subscribeEvent`]);
  });

  it('a user without the right is not subscribed in another way', async () => {
    device.view.faults = { refused: 'lowPrivilege', subscribes: true };
    await rejects(
      items(1, () => undefined),
      'forbidden',
    );
    assert.deepEqual(asked(1), ['GET /ISAPI/Event/notification/alertStream']);
  });

  it('a device that does not say that it takes subscriptions is asked for none', async () => {
    device.view.faults = { refused: 'notSupport' };
    await rejects(
      items(1, () => undefined),
      'forbidden',
    );
    assert.ok(device.server.requests.every(({ method }) => method === 'GET'));
  });

  it('a connection that breaks is an error of ours', async () => {
    await rejects(
      items(1, () => device.view.drop()),
      'connection-lost',
    );
  });

  it('who stops listening leaves no connection behind', async () => {
    await items(1, () => device.view.heartbeat());
    await device.view.untilStreams(0);
  });

  it('a picture, also from the other place of a recorder and from an encoder that is busy', async () => {
    const take = () => camera.snapshot?.(2, stop.signal);
    assert.ok((await take())?.equals(device.view.image));
    device.view.faults = { picture: 'badXmlContent' };
    assert.ok((await take())?.equals(device.view.image));
    const own = '/Streaming/channels/201/picture';
    assert.deepEqual(device.view.pictures, [own, own, '/ContentMgmt/StreamingProxy/channels/201/picture']);
    device.view.pictures.length = 0;
    device.view.faults = { picture: 'deviceError' };
    assert.ok((await take())?.equals(device.view.image));
    assert.deepEqual(device.view.pictures, [own, own, own]);
  });

  it('half a picture is none', async () => {
    device.view.faults = { picture: 'half' };
    await rejects(camera.snapshot?.(1, stop.signal), 'unreadable');
  });

  it('tells when nothing is linked to the surveillance center', async () => {
    device.triggers = device.triggers.replaceAll('>center<', '>record<');
    assert.deepEqual(await camera.eventWarnings?.(stop.signal), [{ code: 'center-not-notified' }]);
  });
});
