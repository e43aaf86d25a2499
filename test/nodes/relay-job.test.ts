import assert from 'node:assert/strict';
import type { HikvisionSimulator } from '../../src/cameras/hikvision/simulator.ts';
import { freePort } from '../../src/sandbox/free-port.ts';
import { Bench } from './fixture.ts';
import { mailInNode } from './flow.ts';

describe('a camera that mails through Node-RED', () => {
  for (const authentication of ['password', 'oauth2'] as const) {
    it(`is pointed at the listener, and its test mail is proven in the inbox, with ${authentication}`, async () => {
      // A recorder knows no STARTTLS, so that the listener is used as old devices use it.
      const bench = await Bench.start([{ name: 'Old', vendor: 'hikvision', variant: 'recorder' }]);
      try {
        const port = await freePort();
        const listener = mailInNode('mail-in', port, { auth: 'login', account: 'account', relayTo: '', wires: [[]] });
        const { mail, account } = bench.sandbox;
        const login = authentication === 'password' ? { appPassword: account.appPassword } : account.oauth2;
        const credentials = { 'mail-in': { users: JSON.stringify({ Old: 'Relay-2026' }) }, account: login };
        const accountProperties = { authentication, tokenUrl: mail.tokens.url };
        await bench.load(
          'configure-camera-email',
          { action: 'apply', test: 'arrival', relay: 'mail-in', senderName: '{camera}' },
          { account: accountProperties, credentials, more: [listener] },
        );
        const { each } = await bench.run({});
        const result = each[0]?.payload as {
          outcome: string;
          error?: { code: string };
          test?: { verdict: string; arrival?: { mailbox: string } };
        };
        assert.equal(result.outcome, 'applied', JSON.stringify(result));
        assert.equal(result.test?.verdict, 'arrived');
        assert.equal(result.test?.arrival?.mailbox, 'INBOX');
        const device = bench.sandbox.cameras[0]?.device as HikvisionSimulator;
        assert.match(
          device.mailing,
          new RegExp(`<ipAddress>127.0.0.1</ipAddress>\\s*<portNo>${port}</portNo><accountName>Old</accountName>`),
        );
        assert.equal(device.mailPassword, 'Relay-2026');
        const again = await bench.run({});
        assert.deepEqual(
          again.each.map(({ payload }) => (payload as { outcome: string }).outcome),
          ['unchanged'],
        );

        await bench.unload();
        await bench.load('test-email', { via: 'camera', timeout: 20 }, { account: accountProperties, credentials, more: [listener] });
        const tested = await bench.run({});
        const { verdict, ok, error } = (tested.each[0]?.payload ?? {}) as { verdict?: string; ok?: boolean; error?: { code: string } };
        assert.deepEqual({ verdict, ok, error }, { verdict: 'arrived', ok: true, error: undefined });

        // A listener that sends on through some other account, or nowhere, proves nothing about this one.
        await bench.unload();
        await bench.load(
          'test-email',
          { via: 'camera' },
          { account: accountProperties, credentials, more: [{ ...listener, account: '' }] },
        );
        const elsewhere = await bench.run({});
        assert.equal(
          ((elsewhere.each[0]?.payload ?? {}) as { error?: { code: string } }).error?.code,
          authentication === 'password' ? 'not-applied' : 'bad-input',
        );
      } finally {
        await bench.close();
      }
    });
  }
});
