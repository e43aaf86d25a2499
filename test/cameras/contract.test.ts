import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBackups } from '../../src/cameras/backups.ts';
import {
  type CameraOutcome,
  type ConfigureAction,
  type ConfigureOrder,
  type ConfigureServices,
  configureCamera,
} from '../../src/cameras/configure.ts';
import { DRIVERS } from '../../src/cameras/registry.ts';
import type { CameraTarget } from '../../src/cameras/target.ts';
import { openWrittenRecord } from '../../src/cameras/written.ts';
import { createCertificate } from '../../src/core/certificate.ts';
import { systemClock } from '../../src/core/clock.ts';
import { Secret } from '../../src/core/secret.ts';
import { createProver } from '../../src/fleet/prove.ts';
import { wantedFor } from '../../src/fleet/wanted.ts';
import { createDeviceConnections, type DeviceConnections } from '../../src/http/device-connections.ts';
import { memoryOnly } from '../../src/http/device-memory.ts';
import { type MailAccount, mailAccount } from '../../src/mail/account.ts';
import type { SimulatedCamera, SimulatorVariant } from '../../src/sandbox/camera-simulator.ts';
import { type MailSandbox, startMailSandbox } from '../../src/sandbox/mail/mail-sandbox.ts';
import { mailerTrusting } from '../../src/sandbox/sandbox.ts';
import { SIMULATORS } from '../../src/sandbox/simulators.ts';

const LOGIN = { username: 'admin', password: 'Camera-2026' };
const USER = { email: 'cams@gmail.test', appPassword: 'abcdefghijklmnop' };
/** ONVIF has no mail settings; its driver has tests of its own. */
const READ_ONLY = ['onvif'];

/** One simulated device with everything that configures it. */
class Workplace {
  readonly directory = mkdtempSync(join(tmpdir(), 'camera-email-contract-'));
  readonly backups = openBackups(join(this.directory, 'backups'));
  readonly written = openWrittenRecord(join(this.directory, 'written.json'), () => assert.fail('damaged'));
  connections: DeviceConnections = createDeviceConnections({ memory: memoryOnly() });

  private constructor(
    readonly device: SimulatedCamera,
    readonly port: number,
    readonly account: MailAccount,
  ) {}

  static async open(variant: SimulatorVariant, account: MailAccount, sendMail: ReturnType<typeof mailerTrusting>): Promise<Workplace> {
    const certificate = createCertificate({ commonName: 'camera', subjectAltNames: ['IP:127.0.0.1'] });
    const device = variant.create({ login: LOGIN, sendMail, certificate });
    return new Workplace(device, await device.listen(), account);
  }

  target(vendor: string, login: Partial<typeof LOGIN> = {}): CameraTarget {
    const { username, password } = { ...LOGIN, ...login };
    const address = { host: '127.0.0.1', port: this.port, protocol: 'https', trust: 'pin' } as const;
    return { name: 'Gate', vendor, channel: 1, address, login: { username, password: new Secret(password) } };
  }

  run(action: ConfigureAction, order: Partial<ConfigureOrder> = {}, target = this.target('auto')): Promise<CameraOutcome> {
    const wishes = { recipients: '', senderName: '', attachment: 'keep', minInterval: undefined, events: [] } as const;
    const services: ConfigureServices = {
      connect: ({ address, login }) => this.connections.open(address, login),
      backups: this.backups,
      written: this.written,
      clock: systemClock,
      prove: createProver(this.account, systemClock, 8_000),
    };
    const whole: ConfigureOrder = {
      action,
      wanted: wantedFor(this.account, wishes, target.name),
      securityChoices: [this.account.smtp],
      test: 'none',
      rollback: true,
      rotate: false,
      ...order,
    };
    return configureCamera(target, whole, services, AbortSignal.timeout(20_000));
  }

  async close(): Promise<void> {
    await this.connections.close();
    await this.device.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function explain({ outcome, error, warnings }: CameraOutcome): string {
  return `${outcome} ${error?.code ?? ''} ${error?.message ?? ''} ${error?.deviceSays ?? ''} ${JSON.stringify(warnings)}`;
}

describe('every driver of the registry', () => {
  let mail: MailSandbox;
  let account: MailAccount;
  before(async () => {
    mail = await startMailSandbox({ users: [USER] });
    account = mailAccount({
      id: 'account',
      email: USER.email,
      service: 'custom',
      host: 'localhost',
      port: mail.ports.smtps,
      security: 'tls',
      imapHost: 'localhost',
      imapPort: mail.ports.imaps,
      imapSecurity: 'tls',
      appPassword: USER.appPassword,
      tls: { ca: mail.ca },
    });
  });
  after(() => mail.close());

  it('has a simulator, and every simulator a driver', () => {
    assert.deepEqual(Object.keys(SIMULATORS).sort(), DRIVERS.map(({ vendor }) => vendor).sort());
  });

  for (const { vendor } of DRIVERS.filter((driver) => !READ_ONLY.includes(driver.vendor))) {
    for (const variant of SIMULATORS[vendor] ?? []) {
      describe(`${vendor}, ${variant.name}`, () => {
        let place: Workplace;
        let fresh: string;
        beforeEach(async () => {
          place = await Workplace.open(variant, account, mailerTrusting(mail.ca));
          fresh = place.device.documents();
        });
        afterEach(() => place.close());

        it('is recognized by itself, and by nobody else', async () => {
          const { identity, outcome } = await place.run('plan');
          assert.equal(outcome, 'planned');
          assert.equal(identity?.vendor, vendor);
          assert.notEqual(identity?.model, '');
          assert.equal(place.device.refusedLogins, 0);
        });

        it('plans without writing, and shows no secret', async () => {
          const result = await place.run('plan');
          assert.equal(result.outcome, 'planned', explain(result));
          assert.ok(result.changes.length > 0);
          assert.ok((result.requests?.length ?? 0) > 0);
          assert.equal(place.device.documents(), fresh);
          const text = JSON.stringify(result);
          for (const secret of [USER.appPassword, LOGIN.password]) assert.ok(!text.includes(secret));
        });

        it('applies once, says unchanged then, sees drift, and restores', async () => {
          const applied = await place.run('apply');
          assert.equal(applied.outcome, 'applied', explain(applied));
          assert.equal(place.device.mailPassword, USER.appPassword);
          const written = place.device.documents();
          const again = await place.run('apply');
          assert.equal(again.outcome, 'unchanged', explain(again));
          assert.equal(place.device.documents(), written);
          assert.equal((await place.run('verify')).outcome, 'verified');
          place.device.driftServer('elsewhere.test');
          const drifted = await place.run('verify');
          assert.equal(drifted.outcome, 'drifted', explain(drifted));
          assert.ok(drifted.changes.some(({ field }) => field === 'server'));
          const restored = await place.run('restore');
          assert.equal(restored.outcome, 'restored', explain(restored));
          assert.equal(place.device.documents(), fresh);
        });

        it('writes the password again when it is rotated', async () => {
          await place.run('apply');
          const rotated = await place.run('apply', { rotate: true });
          assert.equal(rotated.outcome, 'applied', explain(rotated));
          assert.deepEqual(
            rotated.changes.map(({ field }) => field),
            ['password'],
          );
        });

        it('switches its mail off and on and changes nothing else, or says that it cannot', async () => {
          await place.run('apply');
          const written = place.device.documents();
          const off = await place.run('apply', { enabled: false });
          if (off.error?.code === 'unsupported') {
            assert.equal(place.device.documents(), written);
            return;
          }
          assert.equal(off.outcome, 'applied', explain(off));
          assert.deepEqual(
            off.changes.map(({ field, to }) => [field, to]),
            [['enabled', false]],
          );
          assert.equal((await place.run('apply', { enabled: true })).outcome, 'applied');
          assert.equal(place.device.documents(), written);
          assert.equal(place.device.mailPassword, USER.appPassword);
        });

        it('proves its test mail, or says that nobody knows', async () => {
          const { outcome, test } = await place.run('apply', { test: 'arrival' });
          assert.equal(outcome, 'applied');
          assert.ok(test?.verdict === 'arrived' || test?.verdict === 'inconclusive', test?.verdict);
        });

        it('logs in once with a wrong password, and never again', async () => {
          const wrong = place.target('auto', { password: 'Wrong-2026' });
          for (const action of ['plan', 'apply', 'verify'] as const) {
            const result = await place.run(action, {}, wrong);
            assert.equal(result.outcome, 'failed');
            assert.equal(result.error?.code, 'unauthorized', explain(result));
          }
          assert.equal(place.device.refusedLogins, 1);
          assert.equal(place.device.documents(), fresh);
        });

        it('notices a device that forgets what it was told', async () => {
          place.device.forgetsWrites = true;
          const result = await place.run('apply');
          assert.equal(result.error?.code, 'not-applied', explain(result));
          assert.equal(place.device.documents(), fresh);
        });

        it('survives hostile answers with an error', async () => {
          const answers: [string, string | Buffer][] = [
            ['text/html', '<html><body>Login</body></html>'],
            ['application/xml', '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>'],
            ['application/json', '[{"cmd":'],
            ['text/plain', ''],
            ['application/octet-stream', Buffer.alloc(100_000, 0xff)],
          ];
          for (const [type, body] of answers) {
            place.device.server.intercept = (_request, response) => {
              response.writeHead(200, { 'Content-Type': type });
              response.end(body);
              return true;
            };
            const result = await place.run('apply', {}, place.target(vendor));
            assert.equal(result.outcome, 'failed');
            assert.notEqual(result.error?.code, 'internal', explain(result));
          }
        });

        it('survives connections cut in the middle of a job', async () => {
          const planned = await place.run('plan');
          assert.equal(planned.outcome, 'planned');
          for (let cut = 1; cut <= 12; cut += 1) {
            let seen = 0;
            place.device.server.intercept = (request) => {
              seen += 1;
              if (seen < cut) return false;
              request.socket.destroy();
              return true;
            };
            const result = await place.run('apply');
            assert.notEqual(result.error?.code, 'internal', explain(result));
            place.device.server.intercept = undefined;
          }
          const finished = await place.run('apply');
          assert.ok(['applied', 'unchanged'].includes(finished.outcome), explain(finished));
          assert.equal(place.device.mailPassword, USER.appPassword);
        });
      });
    }
  }
});
