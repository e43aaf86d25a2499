import assert from 'node:assert/strict';
import type { Occurrence } from '../../src/events/source.ts';
import { EventTracker, type Tracked } from '../../src/events/tracker.ts';

const T0 = Date.parse('2026-05-18T18:21:00Z');
const SECOND = 1000;
const MINUTE = 60 * SECOND;

const occurrence = (more: Partial<Occurrence> = {}): Occurrence => ({
  kind: 'event',
  type: 'motion',
  state: 'active',
  channel: 1,
  vendorType: 'VMD',
  ...more,
});

const told = (tracked: readonly Tracked[]) => tracked.map(({ event }) => `${event.type} ${event.state} ${event.channel}`);

function tracker(): EventTracker {
  const created = new EventTracker(30 * SECOND);
  created.opened();
  return created;
}

describe('event tracker', () => {
  it('tells the start once and the end after the silence', () => {
    const track = tracker();
    assert.deepEqual(told(track.take(occurrence(), T0)), ['motion started 1']);
    for (let second = 1; second <= 100; second += 1) assert.deepEqual(track.take(occurrence(), T0 + second * SECOND), []);
    assert.equal(track.nextDue, T0 + 130 * SECOND);
    assert.deepEqual(track.due(T0 + 129 * SECOND), []);
    const [end] = track.due(T0 + 131 * SECOND);
    assert.deepEqual(end?.event, { type: 'motion', state: 'ended', channel: 1, at: '2026-05-18T18:23:10.000Z', vendorType: 'VMD' });
    assert.equal(track.nextDue, undefined);
    assert.deepEqual(told(track.take(occurrence(), T0 + 140 * SECOND)), ['motion started 1']);
  });

  it('an end that the device tells counts at once, and another one is no news', () => {
    const track = tracker();
    assert.deepEqual(track.take(occurrence({ state: 'inactive' }), T0), []);
    track.take(occurrence(), T0);
    assert.deepEqual(told(track.take(occurrence({ state: 'inactive' }), T0 + 1)), ['motion ended 1']);
    assert.deepEqual(track.take(occurrence({ state: 'inactive' }), T0 + 2), []);
  });

  it('an event that ends by itself is never ended by silence while connected, and is after the connection was lost', () => {
    const track = tracker();
    track.take(occurrence({ endsItself: true }), T0);
    assert.equal(track.nextDue, undefined);
    track.lost(T0 + MINUTE);
    track.opened();
    assert.deepEqual(track.take(occurrence({ endsItself: true }), T0 + MINUTE + SECOND), []);
    assert.equal(track.nextDue, undefined);
    track.lost(T0 + 2 * MINUTE);
    assert.deepEqual(told(track.due(T0 + 2 * MINUTE + 30 * SECOND)), ['motion ended 1']);
  });

  it('keeps channels, types, unknown types and alarm inputs apart', () => {
    const track = tracker();
    const all = [
      occurrence(),
      occurrence({ channel: 2 }),
      occurrence({ type: 'audio', vendorType: 'a' }),
      occurrence({ type: 'other', vendorType: 'x' }),
      occurrence({ type: 'other', vendorType: 'y' }),
      occurrence({ type: 'alarm-input', vendorType: 'IO', rule: '1' }),
      occurrence({ type: 'alarm-input', vendorType: 'IO', rule: '2' }),
    ];
    assert.equal(all.flatMap((one) => track.take(one, T0)).length, all.length);
    assert.equal(all.flatMap((one) => track.take({ ...one, state: 'inactive' }, T0 + 1)).length, all.length);
  });

  it('an end without the target that made the start a type of its own still ends it', () => {
    const track = tracker();
    track.take(occurrence({ type: 'person', vendorType: 'CrossRegion', target: 'person' }), T0);
    const ended = track.take(occurrence({ type: 'intrusion', vendorType: 'CrossRegion', state: 'inactive' }), T0 + 1);
    assert.deepEqual(told(ended), ['person ended 1']);
    assert.equal(ended[0]?.event.target, 'person');
  });

  it('every pulse is told', () => {
    const track = tracker();
    const pulse = occurrence({ state: 'pulse', type: 'doorbell' });
    assert.deepEqual(told([...track.take(pulse, T0), ...track.take(pulse, T0)]), ['doorbell pulse 1', 'doorbell pulse 1']);
  });

  it('what goes on when we first come is no news, and after a reconnection it is', () => {
    const track = tracker();
    const initial = occurrence({ initial: true, endsItself: true });
    assert.deepEqual(track.take(initial, T0), []);
    assert.deepEqual(track.take(occurrence({ state: 'inactive' }), T0 + 1), []);
    track.lost(T0 + 2);
    track.opened();
    assert.deepEqual(told(track.take(initial, T0 + 3)), ['motion started 1']);
  });

  it('an event of the device as a whole has channel 1', () => {
    assert.deepEqual(told(tracker().take(occurrence({ type: 'storage', channel: undefined }), T0)), ['storage started 1']);
  });

  describe('time', () => {
    const stamp = (at: number, more: Partial<Occurrence> = {}) => occurrence({ at, type: 'other', vendorType: String(at), ...more });

    it('is the device\u2019s where its clock is right, ours where it does not tell', () => {
      const track = tracker();
      assert.equal(track.take(stamp(T0 - 3 * SECOND), T0)[0]?.event.at, new Date(T0 - 3 * SECOND).toISOString());
      assert.equal(track.take(occurrence(), T0)[0]?.event.at, new Date(T0).toISOString());
    });

    it('a clock that is years behind delivers, with our time, and what is old by it is dropped', () => {
      const track = tracker();
      const wrong = Date.parse('1970-01-01T00:10:00Z');
      track.heartbeat({ kind: 'heartbeat', at: wrong }, T0);
      const [first] = track.take(stamp(wrong + SECOND), T0 + SECOND);
      assert.equal(first?.event.at, new Date(T0 + SECOND).toISOString());
      assert.deepEqual(track.take(stamp(wrong - 3 * MINUTE), T0 + SECOND), []);
    });

    it('old events that flood in before the first heartbeat wait for it and are dropped; what is new is not', () => {
      const track = tracker();
      for (let index = 0; index < 50; index += 1) assert.deepEqual(track.take(stamp(T0 - 10 * MINUTE - index), T0), []);
      assert.deepEqual(told(track.take(stamp(T0), T0)), ['other started 1']);
      assert.deepEqual(track.heartbeat({ kind: 'heartbeat', at: T0 + 5 * SECOND }, T0 + 5 * SECOND), []);
      assert.equal(track.nextDue, T0 + 30 * SECOND);
    });

    it('a device with a wrong clock and without heartbeats is believed after a while', () => {
      const track = tracker();
      const wrong = T0 - 24 * 60 * MINUTE;
      assert.deepEqual(track.take(stamp(wrong - 5 * MINUTE), T0), []);
      assert.deepEqual(track.take(stamp(wrong), T0), []);
      assert.equal(track.nextDue, T0 + 15 * SECOND);
      const late = track.due(T0 + 15 * SECOND);
      assert.deepEqual(
        late.map(({ event }) => event.vendorType),
        [String(wrong)],
      );
      assert.equal(track.take(stamp(wrong + MINUTE), T0 + MINUTE).length, 1);
    });

    it('a clock that is put back by an hour loses nothing after the next heartbeat', () => {
      const track = tracker();
      track.heartbeat({ kind: 'heartbeat', at: T0 }, T0);
      track.heartbeat({ kind: 'heartbeat', at: T0 - 60 * MINUTE }, T0 + 10 * SECOND);
      assert.equal(track.take(stamp(T0 - 60 * MINUTE + SECOND), T0 + 11 * SECOND).length, 1);
    });

    it('a restart with a lost clock loses nothing: the events wait for the heartbeat', () => {
      const track = tracker();
      track.heartbeat({ kind: 'heartbeat', at: T0 }, T0);
      track.lost(T0 + MINUTE);
      track.opened();
      assert.deepEqual(track.take(stamp(1000), T0 + 2 * MINUTE), []);
      assert.deepEqual(told(track.heartbeat({ kind: 'heartbeat', at: 6000 }, T0 + 2 * MINUTE + 5 * SECOND)), ['other started 1']);
    });

    it('a clock in the future is followed', () => {
      const track = tracker();
      assert.equal(track.take(stamp(T0 + 60 * MINUTE), T0)[0]?.event.at, new Date(T0).toISOString());
      assert.equal(track.take(stamp(T0 + 61 * MINUTE), T0 + MINUTE)[0]?.event.at, new Date(T0 + MINUTE).toISOString());
    });

    it('what the device itself marks as sent again is dropped', () => {
      assert.deepEqual(tracker().take(stamp(T0, { replayed: true }), T0), []);
    });
  });
});
