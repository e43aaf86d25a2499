import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { deviceKey, openDeviceMemory } from '../../src/http/device-memory.ts';
import type { MemoryProblem } from '../../src/http/memory-file.ts';
import { type Fixture, fixture, login } from './fixture.ts';

describe('device memory', () => {
  let all: Fixture;
  let file: string;
  beforeEach(() => {
    all = fixture();
    file = join(all.directory(), 'camera-email', 'devices.json');
  });
  afterEach(() => all.close());

  it('keeps fingerprints, refused logins and locks apart by device', async () => {
    const memory = openDeviceMemory(file);
    memory.rememberFingerprint('cam-1', 'AA:BB');
    memory.lock('cam-1', 'admin', 5_000);
    await memory.freeze('cam-2', login('first-wrong'));
    await memory.freeze('cam-2', login('second-wrong'));
    await memory.flush();
    const again = openDeviceMemory(file);
    assert.equal(again.fingerprint('cam-1'), 'AA:BB');
    assert.equal(again.fingerprint('cam-2'), undefined);
    assert.equal(again.lockedUntil('cam-1', 'admin', 4_999), 5_000);
    assert.equal(again.lockedUntil('cam-1', 'admin', 5_000), undefined);
    assert.equal(again.lockedUntil('cam-1', 'other', 0), undefined);
    for (const [password, frozen] of [
      ['first-wrong', true],
      ['second-wrong', true],
      ['right', false],
    ] as const) {
      assert.equal(await again.isFrozen('cam-2', login(password)), frozen, password);
      assert.equal(again.isFrozenSync('cam-2', login(password)), frozen, password);
      assert.equal(await again.isFrozen('cam-1', login(password)), false);
    }
    again.loginSucceeded('cam-2', 'admin');
    assert.equal(await again.isFrozen('cam-2', login('first-wrong')), true);
    again.clearFreeze({ host: 'cam-2' });
    assert.equal(await again.isFrozen('cam-2', login('first-wrong')), false);
  });

  it('holds no password and no user name', async () => {
    const memory = openDeviceMemory(file);
    await memory.freeze('cam', login('very-secret-word', 'operator'));
    memory.lock('cam', 'operator', 1);
    await memory.flush();
    const text = readFileSync(file, 'utf8');
    for (const word of ['very-secret-word', 'operator', Buffer.from('very-secret-word').toString('base64')])
      assert.ok(!text.includes(word));
  });

  it('is readable by its owner only, and leaves no temporary file', async () => {
    const memory = openDeviceMemory(file);
    memory.freezeSync('cam', login());
    memory.rememberFingerprint('cam', 'AA');
    await memory.flush();
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(statSync(dirname(file)).mode & 0o777, 0o700);
    assert.deepEqual(readdirSync(dirname(file)), ['devices.json']);
  });

  it('loses nothing when freezes and fingerprints come together', async () => {
    const memory = openDeviceMemory(file);
    const freezes: Promise<void>[] = [];
    for (let index = 0; index < 8; index += 1) {
      memory.rememberFingerprint(`cam-${index}`, `F${index}`);
      freezes.push(memory.freeze(`cam-${index}`, login()));
      if (index === 4) memory.freezeSync('sync', login());
    }
    await Promise.all(freezes);
    memory.rememberFingerprint('last', 'L');
    await memory.flush();
    const again = openDeviceMemory(file);
    for (let index = 0; index < 8; index += 1) {
      assert.equal(again.fingerprint(`cam-${index}`), `F${index}`);
      assert.ok(await again.isFrozen(`cam-${index}`, login()));
    }
    assert.ok(await again.isFrozen('sync', login()));
    assert.equal(again.fingerprint('last'), 'L');
  });

  for (const content of [
    '',
    '{',
    '[]',
    '{"version":2,"devices":{}}',
    '{"version":1,"devices":{"cam":{"refused":[{"user":1}]}}}',
    '{"version":1,"devices":{"cam":null}}',
  ]) {
    it(`moves a damaged file aside: ${content || '(empty)'}`, async () => {
      mkdirSync(dirname(file));
      writeFileSync(file, content);
      const problems: MemoryProblem[] = [];
      const memory = openDeviceMemory(file, (problem) => problems.push(problem));
      assert.equal(problems[0]?.kind, 'damaged');
      assert.match(problems[0]?.movedTo ?? '', /devices\.json\.damaged-\d{4}/);
      assert.equal(readFileSync(problems[0]?.movedTo ?? '', 'utf8'), content);
      assert.ok(!existsSync(file));
      await memory.freeze('cam', login());
      assert.ok(await openDeviceMemory(file).isFrozen('cam', login()));
    });
  }

  it('goes on without a disk and says so', async () => {
    mkdirSync(dirname(file));
    writeFileSync(join(dirname(file), 'file'), '');
    const problems: MemoryProblem[] = [];
    const memory = openDeviceMemory(join(dirname(file), 'file', 'devices.json'), (problem) => problems.push(problem));
    await memory.freeze('cam', login());
    memory.freezeSync('cam', login('other'));
    assert.ok(problems.some(({ kind }) => kind === 'not-saved'));
    assert.ok(await memory.isFrozen('cam', login()));
    assert.ok(memory.isFrozenSync('cam', login('other')));
  });

  it('is not confused by devices with odd names', async () => {
    const memory = openDeviceMemory(file);
    memory.rememberFingerprint('__proto__', 'AA');
    await memory.flush();
    assert.equal(openDeviceMemory(file).fingerprint('__proto__'), 'AA');
  });

  it('forgets a fingerprint on request', () => {
    all.memory.rememberFingerprint('cam:8443', 'AA');
    all.memory.forgetFingerprint({ host: 'CAM', port: 8443 });
    assert.equal(all.memory.fingerprint('cam:8443'), undefined);
  });

  it('names a device by host, and by port where it is not a default one', () => {
    assert.equal(deviceKey({ host: 'Cam.Local' }), 'cam.local');
    assert.equal(deviceKey({ host: '192.0.2.7', port: 443 }), '192.0.2.7');
    assert.equal(deviceKey({ host: '192.0.2.7', port: 80 }), '192.0.2.7');
    assert.equal(deviceKey({ host: '192.0.2.7', port: 8080 }), '192.0.2.7:8080');
    assert.equal(deviceKey({ host: '2001:DB8::1', port: 8080 }), '[2001:db8::1]:8080');
  });
});
