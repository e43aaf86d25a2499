import assert from 'node:assert/strict';
import { dahua } from '../../../src/cameras/dahua/driver.ts';
import { readEvent } from '../../../src/cameras/dahua/events.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { stayConnected } from '../../../src/events/reconnect.ts';
import type { Occurrence, RawEvent } from '../../../src/events/source.ts';
import { VirtualClock } from '../../events/virtual-clock.ts';
import { rejects, signal } from '../fixture.ts';
import { bare } from '../listener.ts';
import { type DahuaBench, type DahuaSetup, DEVICES, dahuaStarter } from './fixture.ts';

const motion = { type: 'motion', state: 'active', channel: 1, vendorType: 'VideoMotion', endsItself: true };

describe('dahua events', () => {
  const start = dahuaStarter();

  /** A connected stream; `next` resolves with what it says next. */
  const attach = async (setup: DahuaSetup = {}, prepare: (bench: DahuaBench) => void = () => undefined) => {
    const bench = await start(setup);
    prepare(bench);
    const controller = new AbortController();
    const events = bench.camera.events?.(controller.signal);
    assert.ok(events !== undefined);
    const iterator = events[Symbol.asyncIterator]();
    const next = async () => {
      const { value, done } = await iterator.next();
      return done === true ? undefined : (value as RawEvent);
    };
    return { ...bench, controller, next, view: bench.simulator.view };
  };

  /** Opens, lets the device speak, and gives so many items. */
  const heard = async (count: number, speak: (bench: DahuaBench) => void, setup: DahuaSetup = {}) => {
    const stream = await attach(setup);
    assert.equal((await stream.next())?.kind, 'open');
    speak(stream);
    const items: unknown[] = [];
    while (items.length < count) items.push(bare(await stream.next()));
    stream.controller.abort();
    return items;
  };

  it('attaches to all codes with a heartbeat and raw brackets', async () => {
    const { next, view, controller } = await attach();
    const opened = await next();
    assert.ok(opened?.kind === 'open' && (opened.silenceMs ?? 0) > 15_000);
    assert.deepEqual(view.asked, ['/cgi-bin/eventManager.cgi?action=attach&codes=[All]&heartbeat=5']);
    controller.abort();
    await view.untilStreams(0);
  });

  it('tells a start, a report that is noise, a heartbeat and a stop, in order', async () => {
    const data = { Id: [0], RegionName: ['Door', 'Lawn'], SmartMotionEnable: true };
    const items = await heard(4, ({ simulator: { view } }) => {
      view.event('Code=VideoMotion;action=Start;index=0', data);
      view.event('Code=VideoMotionInfo;action=State;index=0');
      view.part('Heartbeat');
      view.event('Code=VideoMotion;action=Stop;index=0', data);
    });
    const { endsItself: _start, ...stopped } = { ...motion, state: 'inactive' };
    assert.deepEqual(items, [
      { ...motion, region: 'Door, Lawn' },
      { type: 'other', state: 'pulse', channel: 1, vendorType: 'VideoMotionInfo', noise: true },
      'heartbeat',
      { ...stopped, region: 'Door, Lawn' },
    ]);
  });

  it('names channels from 1, inputs by their number and alarms of the whole device by none', async () => {
    const items = await heard(
      5,
      ({ simulator }) => {
        simulator.raise('motion', 'active', 3);
        simulator.raise('alarm-input', 'active', 2);
        simulator.raise('storage', 'active');
        simulator.raise('doorbell', 'active');
        simulator.view.event('Code=BackKeyLight;action=Pulse;index=-1', { State: 2 });
      },
      { kind: 'recorder', closes: true },
    );
    assert.deepEqual(items, [
      { ...motion, channel: 3 },
      { type: 'alarm-input', state: 'active', vendorType: 'AlarmLocal', rule: '2', endsItself: true },
      { type: 'storage', state: 'active', vendorType: 'StorageFailure', endsItself: true },
      { type: 'doorbell', state: 'pulse', channel: 1, vendorType: 'CallNoAnswered' },
      { type: 'doorbell', state: 'pulse', vendorType: 'BackKeyLight' },
    ]);
  });

  it('tells target, rule and time of an analysis, and leaves crossings to silence', () => {
    const data = JSON.stringify({ Name: 'Rule1', Object: { ObjectType: 'Human', Note: 'a;b=c' }, RealUTC: 1_788_642_404 }, null, 3);
    const item = readEvent(`Code=CrossLineDetection;action=Start;index=1;data=${data}\n`);
    assert.deepEqual(bare(item), {
      type: 'line-crossing',
      state: 'active',
      channel: 2,
      vendorType: 'CrossLineDetection',
      at: 1_788_642_404_000,
      target: 'person',
      rule: 'Rule1',
    });
    assert.deepEqual((item as Occurrence).raw?.(), {
      Code: 'CrossLineDetection',
      action: 'Start',
      index: 1,
      data: JSON.parse(data) as unknown,
    });
  });

  it('keeps codes that it does not know, and data that is no JSON', () => {
    const item = readEvent('Code=ParkingDetection;action=Start;index=0;data={ "Id" : [ 0, }');
    assert.deepEqual(bare(item), { type: 'other', state: 'active', channel: 1, vendorType: 'ParkingDetection', endsItself: true });
    assert.deepEqual((item as Occurrence).raw?.(), { Code: 'ParkingDetection', action: 'Start', index: 0, data: '{ "Id" : [ 0, }' });
    assert.equal(readEvent('Code=;action=Start'), undefined);
    assert.equal(readEvent('<html>Code=VideoMotion;action=Start;index=0</html>'), undefined);
    assert.deepEqual(bare(readEvent('Code=constructor;action=Pulse;index=0')), {
      type: 'other',
      state: 'pulse',
      channel: 1,
      vendorType: 'constructor',
    });
  });

  it('reads any beginning of a part without an error', () => {
    const whole = `Code=SmartMotionHuman;action=Start;index=0;data=${JSON.stringify({ object: [{ HumamID: 3 }], RegionName: ['a'] })}`;
    const types = new Set<string>();
    for (let length = 0; length <= whole.length; length += 1) {
      const item = readEvent(whole.slice(0, length));
      if (item?.kind === 'event') types.add(item.type);
    }
    assert.deepEqual([...types], ['person']);
  });

  it('closes its connection when the listener leaves', async () => {
    const { camera, simulator } = await start();
    for await (const item of camera.events?.(new AbortController().signal) ?? []) {
      assert.equal(item.kind, 'open');
      break;
    }
    await simulator.view.untilStreams(0);
  });

  it('takes the remote alarm of a doorbell for its button', () => {
    const text = 'Code=AlarmIPC;action=Start;index=0';
    assert.deepEqual(
      [readEvent(text, true), readEvent(text)].map((item) => item?.kind === 'event' && [item.type, item.state]),
      [
        ['doorbell', 'pulse'],
        ['alarm-input', 'active'],
      ],
    );
  });

  const FORMS: [string, DahuaBench['simulator']['view']['faults']][] = [
    ['a boundary with a space', { boundary: 'spaced' }],
    ['closing boundaries in the middle', { boundary: 'closed' }],
    ['another boundary than announced', { boundary: 'wrong' }],
    ['no lengths', { length: 'missing' }],
    ['lengths that are too short', { length: 'short' }],
    ['lengths that are too long', { length: 'long' }],
    ['bare line feeds', { bareLf: true }],
    ['no blank line before the body', { noBlankLine: true }],
  ];
  for (const [name, faults] of FORMS) {
    it(`reads a stream with ${name}`, async () => {
      const items = await heard(3, ({ simulator }) => {
        simulator.view.faults = faults;
        simulator.raise('motion', 'active');
        simulator.view.event('Code=VideoBlind;action=Start;index=0', { Note: 'x;y' });
        simulator.raise('audio', 'pulse');
        // What a wrong length swallows ends at the next boundary.
        simulator.view.part('Heartbeat');
      });
      assert.deepEqual(items, [
        motion,
        { ...motion, type: 'tamper', vendorType: 'VideoBlind' },
        { type: 'audio', state: 'pulse', channel: 1, vendorType: 'AudioMutation' },
      ]);
    });
  }

  it('passes bad parts and answers inside the stream', async () => {
    const items = await heard(2, ({ simulator }) => {
      simulator.view.part('garbage \u0000\u0001 that nobody asked for');
      simulator.raise('motion', 'active');
      simulator.view.write('HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 2\r\n\r\nOK\r\n');
      simulator.raise('tamper', 'active');
    });
    assert.deepEqual(items, [motion, { ...motion, type: 'tamper', vendorType: 'VideoBlind' }]);
  });

  it('attaches without a heartbeat where the device knows none, and asks another page for a sign of life', async () => {
    const { next, view, simulator, controller } = await attach({}, (bench) => {
      bench.simulator.view.faults = { noHeartbeat: true };
    });
    const opened = await next();
    assert.equal(view.asked[1], '/cgi-bin/eventManager.cgi?action=attach&codes=[All]');
    assert.ok(opened?.kind === 'open' && opened.silenceMs === LIMITS.events.dahuaProbeMs);
    await opened.probe?.(signal());
    assert.match(simulator.server.requests.at(-1)?.path ?? '', /getSoftwareVersion/);
    controller.abort();
    await view.untilStreams(0);
  });

  it('ends where the device ends it, and rejects where the connection breaks', async () => {
    const first = await attach();
    await first.next();
    first.view.end();
    assert.equal(await first.next(), undefined);
    const second = await attach();
    await second.next();
    second.view.drop();
    await rejects(second.next(), 'connection-lost');
  });

  for (const [refused, code] of [
    ['authority', 'forbidden'],
    ['absent', 'unsupported'],
    ['busy', 'busy'],
    ['words', 'rejected'],
  ] as const) {
    it(`tells a refusal (${refused}) as ${code}`, async () => {
      const { next } = await attach({}, (bench) => {
        bench.simulator.view.faults = { refused };
      });
      await rejects(next(), code);
    });
  }

  it('makes one refused login of a wrong password', async () => {
    const { next, simulator, http } = await attach({ password: 'wrong-secret' });
    await rejects(next(), 'unauthorized');
    await rejects(dahua.open(http, 1, DEVICES.camera).snapshot?.(1, signal()) ?? Promise.resolve(), 'unauthorized');
    assert.equal(simulator.refusedLogins, 1);
  });

  it('is missed when its heartbeats stop, and connected again', async () => {
    const { camera, simulator } = await start();
    const clock = new VirtualClock();
    const controller = new AbortController();
    const heard: string[] = [];
    const links: unknown[] = [];
    const running = stayConnected(
      {
        host: '127.0.0.1',
        source: (until) => camera.events?.(until) ?? assert.fail(),
        clock,
        random: () => 0,
        onItem: ({ kind }) => heard.push(kind),
        onLink: ({ connected, error }) => links.push([connected, error?.code]),
      },
      controller.signal,
    );
    await simulator.view.untilStreams(1);
    simulator.view.part('Heartbeat');
    while (!heard.includes('heartbeat')) await new Promise<void>((resolve) => setImmediate(resolve));
    simulator.view.faults = { silent: true };
    await clock.pass(LIMITS.events.dahuaSilenceMs);
    await simulator.view.untilStreams(0);
    await clock.pass(LIMITS.events.retryMinMs);
    await simulator.view.untilStreams(1);
    while (links.length < 3) await new Promise<void>((resolve) => setImmediate(resolve));
    assert.deepEqual(links, [
      [true, undefined],
      [false, 'timeout'],
      [true, undefined],
    ]);
    controller.abort();
    await running;
    await simulator.view.untilStreams(0);
  });

  it('closes its connection when it is stopped in the middle of waiting', async () => {
    const { next, view, controller } = await attach();
    await next();
    const waiting = next();
    controller.abort();
    await assert.rejects(waiting);
    await view.untilStreams(0);
  });
});

describe('dahua detections', () => {
  const start = dahuaStarter();

  it('that are all switched off are told, of a camera only', async () => {
    const { camera, simulator } = await start();
    const warnings = () => camera.eventWarnings?.(signal());
    assert.deepEqual(await warnings(), []);
    assert.equal(simulator.server.requests.filter(({ path, status }) => path.includes('getConfig') && status === 200).length, 1);
    for (const key of simulator.config.keys()) if (/Detect\[0\]\.Enable$/.test(key)) simulator.config.set(key, 'false');
    for (const key of simulator.config.keys()) if (/^VideoAnalyseRule.*\]\.Enable$/.test(key)) simulator.config.set(key, 'false');
    assert.deepEqual(await warnings(), [{ code: 'no-detection' }]);
    for (const key of [...simulator.config.keys()]) if (/^(\w+Detect|VideoAnalyseRule)\[/.test(key)) simulator.config.delete(key);
    assert.deepEqual(await warnings(), []);
    const recorder = await start({ kind: 'recorder' });
    assert.deepEqual(await recorder.camera.eventWarnings?.(signal()), []);
    assert.ok(recorder.simulator.server.requests.length === 0);
  });
});

describe('dahua snapshot', () => {
  const start = dahuaStarter();

  it('takes the picture of the channel', async () => {
    const { camera, simulator } = await start({ kind: 'recorder' });
    assert.deepEqual(await camera.snapshot?.(7, signal()), simulator.view.image);
    assert.deepEqual(simulator.view.asked, ['/cgi-bin/snapshot.cgi?channel=7']);
  });

  it('asks a device that knows no channels without one', async () => {
    const { camera, simulator } = await start();
    simulator.view.faults = { picture: 'single' };
    assert.deepEqual(await camera.snapshot?.(1, signal()), simulator.view.image);
    await rejects(camera.snapshot?.(2, signal()) ?? Promise.resolve(), 'rejected');
  });

  for (const [picture, code] of [
    ['words', 'forbidden'],
    ['half', 'unreadable'],
    ['offline', 'rejected'],
  ] as const) {
    it(`takes no ${picture} for a picture`, async () => {
      const { camera, simulator } = await start();
      simulator.view.faults = { picture };
      await rejects(camera.snapshot?.(1, signal()) ?? Promise.resolve(), code);
    });
  }
});
