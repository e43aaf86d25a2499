import assert from 'node:assert/strict';
import fc from 'fast-check';
import { hanwha } from '../../../src/cameras/hanwha/driver.ts';
import { readStatus } from '../../../src/cameras/hanwha/events.ts';
import type { HanwhaSimulatorOptions } from '../../../src/cameras/hanwha/simulator.ts';
import { isCameraEmailError } from '../../../src/core/errors.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import type { DeviceHttp } from '../../../src/http/types.ts';
import { forever } from '../fixture.ts';
import { hanwhaBench, IDENTITY } from './fixture.ts';

function read(document: string, initial = false): Record<string, unknown>[] {
  return readStatus(document, initial).map((occurrence) => {
    assert.ok(occurrence.raw?.());
    const { raw: _raw, ...rest } = occurrence;
    return rest;
  });
}

const motion = { kind: 'event', type: 'motion', vendorType: 'MotionDetection', state: 'active', channel: 1, endsItself: true };

describe('hanwha events', () => {
  const { bench, camera } = hanwhaBench();

  const start = (options: Partial<HanwhaSimulatorOptions> = {}, password?: string) => bench.start(camera(options), {}, { password });
  const listen = (http: DeviceHttp) => bench.listen((signal) => hanwha.open(http, 1, IDENTITY).events?.(signal));

  it('reads lines, without their details', () => {
    const text =
      'Channel.0.MotionDetection=True\r\nChannel.0.MotionDetection.RegionID.1=True\r\nChannel.0.MotionDetection.RegionID.1.Level=12\r\n';
    assert.deepEqual(read(text), [motion]);
  });

  it('reads JSON with everything that it may hold', () => {
    const document = {
      ChannelEvent: [
        { Channel: 0, MotionDetection: true, MotionDetectionRegions: { '1': true }, VideoAnalytics: { Passing: true, Disappering: false } },
        { Channel: 3, Tampering: false, ShockDetection: true },
      ],
      AlarmInput: { '2': true },
      AlarmOutput: { '1': false },
      SystemEvent: { SDFail: true, SDInsert: true },
    };
    const ends = { kind: 'event', endsItself: true };
    assert.deepEqual(read(JSON.stringify(document)), [
      motion,
      { ...motion, type: 'line-crossing', vendorType: 'VideoAnalytics.Passing' },
      { ...motion, type: 'object-removed', vendorType: 'VideoAnalytics.Disappering', state: 'inactive' },
      { ...motion, type: 'tamper', vendorType: 'Tampering', state: 'inactive', channel: 4 },
      { ...motion, type: 'other', vendorType: 'ShockDetection', channel: 4 },
      { ...ends, type: 'alarm-input', vendorType: 'AlarmInput', state: 'active', rule: '2' },
      { ...ends, type: 'other', vendorType: 'AlarmOutput', state: 'inactive', rule: '1', noise: true },
      { ...ends, type: 'storage', vendorType: 'SystemEvent.SDFail', state: 'active' },
      { ...ends, type: 'other', vendorType: 'SystemEvent.SDInsert', state: 'active', noise: true },
    ]);
  });

  it('reads the form with a schema, which has a time', () => {
    const event = { EventName: 'MotionDetection', Time: '2026-10-08T00:31:40.134+00:00', Source: { Channel: 0 }, Data: { State: true } };
    const at = Date.parse('2026-10-08T00:31:40.134Z');
    assert.deepEqual(read(JSON.stringify({ EventStatus: [event] })), [{ ...motion, at }]);
    assert.deepEqual(read(JSON.stringify({ EventStatus: [event] }), true), [{ ...motion, initial: true }]);
    assert.deepEqual(read(JSON.stringify({ EventStatus: [{ ...event, Data: {} }] }), true), []);
    assert.deepEqual(read(JSON.stringify({ EventStatus: [{ ...event, Data: {} }, 5, { EventName: 5 }] })), [
      { kind: 'event', type: 'motion', vendorType: 'MotionDetection', state: 'pulse', channel: 1, at },
    ]);
  });

  for (const garbage of ['', 'hello', '{"a', '[]', 'null', '<html/>', '{"ChannelEvent":5,"AlarmInput":[true]}', '\u0000=true']) {
    it(`finds nothing in ${JSON.stringify(garbage)}`, () => assert.deepEqual(read(garbage), []));
  }

  it('never throws, whatever a part holds', () => {
    const name = fc.constantFrom('ChannelEvent', 'EventStatus', 'Channel', 'AlarmInput', 'EventName', 'Source', 'Data', 'MotionDetection');
    const tree = fc.letrec((tie) => ({
      value: fc.oneof(
        fc.jsonValue(),
        fc.boolean(),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(name, tie('value'), { maxKeys: 4 }),
      ),
    })).value;
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          tree.map((value) => JSON.stringify({ ChannelEvent: [value], EventStatus: value })),
        ),
        (text) => {
          for (const { channel = 1 } of readStatus(text, false)) assert.equal(typeof channel, 'number');
        },
      ),
    );
  });

  for (const form of ['json', 'text', 'schema'] as const) {
    it(`tells the state at the start and each change of it: ${form}`, async () => {
      const { device, http } = await start();
      device.status.form = form;
      device.status.state.set('Channel.0.Tampering', true);
      const listener = listen(http);
      await listener.until('event', 7);
      const before = listener.events;
      assert.ok(before.every((event) => event.initial === true));
      assert.deepEqual(
        before.filter(({ state }) => state === 'active').map(({ type }) => type),
        ['tamper'],
      );
      device.raise('motion');
      device.raise('motion', 'inactive');
      device.raise('alarm-input');
      await listener.until('event', before.length + 3);
      assert.deepEqual(
        listener.events.slice(before.length).map(({ type, state, channel, rule, initial }) => [type, state, channel, rule, initial]),
        [
          ['motion', 'active', 1, undefined, undefined],
          ['motion', 'inactive', 1, undefined, undefined],
          ['alarm-input', 'active', undefined, '1', undefined],
        ],
      );
      await listener.stop();
      await device.status.untilStreams(0);
      assert.equal(device.refusedLogins, 0);
    });
  }

  for (const form of ['json', 'text'] as const) {
    for (const faults of [
      { boundary: 'wrong' },
      { boundary: 'missing' },
      { length: 'missing' },
      { length: 'short' },
      { length: 'long' },
    ] as const) {
      it(`loses nothing: ${form}, ${JSON.stringify(faults)}`, async () => {
        const { device, http } = await start();
        device.status.form = form;
        device.status.faults = faults;
        const listener = listen(http);
        await device.status.untilStreams(1);
        for (let count = 0; count < 3; count += 1) {
          device.raise('motion');
          device.raise('motion', 'inactive');
        }
        device.raise('audio');
        // The end of a text without a length shows with the next part.
        device.raise('tamper');
        const told = () => listener.events.filter(({ initial }) => initial !== true);
        while (told().length < 7) await listener.until('event', listener.events.length + 1);
        assert.deepEqual(
          told()
            .slice(0, 7)
            .map(({ type }) => type),
          [...Array<string>(6).fill('motion'), 'audio'],
        );
      });
    }
  }

  it('skips parts that are damaged', async () => {
    const { device, http } = await start();
    const listener = listen(http);
    await listener.until('event', 7);
    const before = listener.events.length;
    for (const part of ['{"ChannelEvent":', 'noise', '{}', '<html></html>']) device.status.part('application/json', part);
    device.raise('motion');
    device.raise('audio');
    await listener.until('event', before + 2);
    assert.deepEqual(
      listener.events.slice(before).map(({ type }) => type),
      ['motion', 'audio'],
    );
  });

  it('asks whether the device is there, because it says nothing while nothing changes', async () => {
    const { device, http } = await start();
    const listener = listen(http);
    await listener.until('open');
    const [open] = listener.items;
    assert.ok(open?.kind === 'open' && open.silenceMs === LIMITS.events.hanwhaSilenceMs);
    await open.probe?.(forever);
    assert.equal(device.server.requests.at(-1)?.path, '/stw-cgi/system.cgi?msubmenu=deviceinfo&action=view');
  });

  it('asks for the changes only', async () => {
    const { device, http } = await start();
    await listen(http).until('open');
    assert.equal(device.server.requests.at(-1)?.path, '/stw-cgi/eventstatus.cgi?msubmenu=eventstatus&action=monitordiff');
  });

  for (const [faults, code] of [
    [{ refusal: 'NG\r\nError Code: 609\r\nError Details:\r\nNot Authorized\r\n' }, 'forbidden'],
    [{ refusal: '{"Response":"Fail","Error":{"Code":600,"Details":"Submenu Not Found"}}' }, 'unsupported'],
    [{ status: 404 }, 'unsupported'],
    [{ status: 490 }, 'locked-out'],
    [{ status: 503 }, 'busy'],
  ] as const) {
    it(`ends with ${code}: ${JSON.stringify(faults)}`, async () => {
      const { device, http } = await start();
      device.status.faults = faults;
      assert.equal((await listen(http).ended())?.code, code);
    });
  }

  it('ends when the connection is cut', async () => {
    const { device, http } = await start();
    const listener = listen(http);
    await listener.until('event');
    device.status.drop();
    assert.equal((await listener.ended())?.code, 'connection-lost');
  });

  it('tries a wrong password once', async () => {
    const { device, http } = await start({}, 'wrong-password');
    for (let count = 0; count < 3; count += 1) assert.equal((await listen(http).ended())?.code, 'unauthorized');
    assert.equal(device.refusedLogins, 1);
  });

  it('takes a picture of the channel', async () => {
    const { device, http } = await start();
    assert.deepEqual(await hanwha.open(http, 1, IDENTITY).snapshot?.(2, forever), device.status.image);
    assert.equal(device.server.requests.at(-1)?.path, '/stw-cgi/video.cgi?msubmenu=snapshot&action=view&Channel=1');
  });

  for (const [picture, code] of [
    ['NG\r\nError Code: 604\r\nError Details:\r\nInvalid Input Value(s)\r\n', 'rejected'],
    ['{"Response":"Fail","Error":{"Code":610,"Details":"Resource In Use"}}', 'busy'],
    ['<html>Login</html>', 'unreadable'],
    ['\u00ff\u00d8 half', 'unreadable'],
    ['', 'unreadable'],
  ] as const) {
    it(`recognizes what is no picture: ${JSON.stringify(picture)}`, async () => {
      const { device, http } = await start();
      device.status.faults = { picture };
      const taken = hanwha.open(http, 1, IDENTITY).snapshot?.(1, forever) ?? assert.fail();
      await assert.rejects(taken, (error) => isCameraEmailError(error, code));
    });
  }
});
