import assert from 'node:assert/strict';
import { onvif } from '../../../src/cameras/onvif/driver.ts';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { XmlDocument } from '../../../src/http/xml.ts';
import { forever } from '../fixture.ts';
import { hastyClock, IDENTITY, onvifBench, operations } from './fixture.ts';

describe('onvif subscription', () => {
  const { start, listen } = onvifBench();

  it('asks in this order, and gives the place back', async () => {
    const { device, http } = await start({ loginIn: 'nowhere' });
    const listener = listen(http);
    await device.service.events.untilPulled();
    await listener.stop();
    assert.deepEqual(operations(device), [
      'GetSystemDateAndTime',
      'GetDeviceInformation',
      'GetServices',
      'GetProfiles',
      'CreatePullPointSubscription',
      'SetSynchronizationPoint',
      'PullMessages',
      'Unsubscribe',
    ]);
    const pull = device.server.requests.find(({ body }) => body.includes('<PullMessages'));
    assert.equal(pull?.path, '/onvif/subscription?id=1');
    assert.match(pull?.body ?? '', /<Timeout>PT30S<\/Timeout><MessageLimit>100<\/MessageLimit>/);
    assert.match(pull?.body ?? '', /<a:To [^>]*>http:\/\/192\.0\.2\.99:8106\/onvif\/subscription\?id=1<\/a:To>/);
  });

  it('knows devices without GetServices', async () => {
    const { device, http } = await start({ withoutServices: true });
    listen(http);
    await device.service.events.untilPulled();
  });

  it('brings reference parameters back, with the prefixes that are bound elsewhere', async () => {
    const { device, http } = await start();
    device.service.events.reference = '<dom0:SubscriptionId>{id}</dom0:SubscriptionId>';
    device.service.events.address = 'http://192.0.2.99/onvif/services';
    const listener = listen(http);
    await device.service.events.untilPulled();
    device.raise('motion');
    await listener.until('event');
    await listener.stop();
    assert.equal(device.service.events.subscriptions, 0);
    const pull = device.server.requests.find(({ body }) => body.includes('<PullMessages'))?.body ?? '';
    assert.match(pull, /<dom0:SubscriptionId [^>]*xmlns:dom0="http:\/\/www\.axis\.com\/2009\/event"[^>]*IsReferenceParameter="true">1</);
    XmlDocument.parse(pull);
  });

  for (const loginIn of ['message', 'http'] as const) {
    it(`pulls again and again over one connection, with one nonce: login in ${loginIn}`, async () => {
      const { device, http } = await start({ loginIn });
      const listener = listen(http);
      for (let pulls = 1; pulls <= 4; pulls += 1) {
        await device.service.events.untilPulled();
        device.raise('motion');
        await listener.until('event', pulls);
      }
      await device.service.events.untilPulled();
      // One for requests, one for pulls.
      assert.equal(device.server.connections, 2);
      const refused = device.server.requests.filter(({ status }) => status === 401).length;
      // Once to find out how it wants the login, then one nonce for requests and one for pulls.
      assert.equal(refused, loginIn === 'http' ? 3 : 0);
    });
  }

  it('goes on with its subscription when the device closes the kept connection between two pulls', async () => {
    const { device, http } = await start();
    const { events } = device.service;
    events.faults = { impatient: true };
    const clock: Clock = { ...systemClock, sleep: async () => device.server.closeIdle() };
    const listener = listen(http, clock);
    await listener.until('heartbeat', 6);
    device.raise('motion');
    await listener.until('event');
    assert.equal(events.created, 1);
    assert.ok(device.server.connections > 3);
  });

  it('renews before the next pull could outlive the subscription', async () => {
    const clock = hastyClock();
    const { device, http } = await start({ clock });
    const { events } = device.service;
    events.faults = { renewOnly: true };
    const listener = listen(http, clock);
    for (let pulls = 1; pulls <= 9; pulls += 1) {
      await events.untilPulled();
      clock.skip(LIMITS.events.pullMs);
      device.raise('motion');
      await listener.until('event', pulls);
    }
    assert.equal(events.renewed, 2);
    assert.equal(events.created, 1);
  });

  it('goes on without Renew where pulls prolong the subscription', async () => {
    const clock = hastyClock();
    const { device, http } = await start({ clock });
    const { events } = device.service;
    events.faults = { withoutRenew: true };
    const listener = listen(http, clock);
    for (let pulls = 1; pulls <= 9; pulls += 1) {
      await events.untilPulled();
      clock.skip(LIMITS.events.pullMs - 1_000);
      device.raise('motion');
      await listener.until('event', pulls);
    }
    assert.equal(operations(device).filter((name) => name === 'Renew').length, 1);
  });

  it('names a time where durations are refused, by the device’s clock', async () => {
    const { device, http } = await start({ clockOffsetMs: 3_600_000 });
    device.service.events.faults = { absoluteOnly: true };
    listen(http);
    await device.service.events.untilPulled();
    const last = device.server.requests.map(({ body }) => /<InitialTerminationTime>([^<]*)/.exec(body)?.[1]).findLast(Boolean) ?? '';
    const ahead = Date.parse(last) - Date.now() - 3_600_000;
    assert.ok(Math.abs(ahead - LIMITS.events.subscriptionMs) < 30_000, last);
  });

  it('does not spin when the device holds no pull back, with or without times', async () => {
    for (const withoutTimes of [false, true]) {
      const clock = hastyClock();
      const { device, http } = await start({ clock });
      device.service.events.faults = { impatient: true, withoutTimes };
      const listener = listen(http, clock);
      await listener.until('heartbeat', 5);
      await listener.stop();
      assert.ok(clock.slept.length >= 4);
      assert.ok(clock.slept.every((ms) => ms === LIMITS.events.pullPauseMs));
    }
  });

  it('does not spin either when the device has something to tell all the time', async () => {
    const clock = hastyClock();
    const { device, http } = await start({ clock });
    device.service.events.faults = { impatient: true, chatter: { topic: 'tns1:VideoSource/MotionAlarm', data: { State: 'false' } } };
    const listener = listen(http, clock);
    await listener.until('event', 5);
    await listener.stop();
    assert.ok(clock.slept.length >= 4);
    assert.ok(clock.slept.every((ms) => ms === LIMITS.events.pullRestMs));
  });

  it('stops at once while the device holds a pull back for ever', async () => {
    const { device, http } = await start();
    device.service.events.faults = { silent: true };
    const listener = listen(http);
    await device.service.events.untilPulled();
    assert.equal((await listener.stop())?.code, 'cancelled');
    assert.equal(device.service.events.subscriptions, 0);
  });

  it('others are not kept waiting by a pull', async () => {
    const { device, http } = await start();
    listen(http);
    await device.service.events.untilPulled();
    await onvif.open(http, 1, IDENTITY).identity(forever);
    assert.equal(device.service.events.pulled, 1);
  });
});
