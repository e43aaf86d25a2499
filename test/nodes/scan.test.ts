import assert from 'node:assert/strict';
import { join } from 'node:path';
import { openBackups } from '../../src/cameras/backups.ts';
import { type SimulatedNetwork, startSimulatedNetwork } from '../../src/sandbox/discovery/simulated-network.ts';
import { Bench } from './fixture.ts';

interface ScanBody {
  ok: boolean;
  networks: string[];
  cameras: { port?: number; model?: string; activated?: boolean; known?: { id: string; name: string; moved: boolean } }[];
}

describe('the admin endpoint that finds cameras', () => {
  const discovery = {};
  let bench: Bench;
  let network: SimulatedNetwork;

  before(async () => {
    const wishes = ['hikvision', 'dahua'].map((vendor) => ({ name: `A ${vendor}`, vendor, variant: 'camera' }));
    bench = await Bench.start(wishes, { cameraEmail: { discovery } });
    const { cameras } = bench.sandbox;
    network = await startSimulatedNetwork([...cameras, { vendor: 'axis', variant: 'camera', port: 4102, protocol: 'https' }], 4103);
    Object.assign(discovery, network.destinations);
  });
  after(async () => {
    await network.close();
    await bench.close();
  });
  afterEach(() => bench.unload());

  /** As the newest backup of a camera would tell. */
  async function backUp(name: string, host: string, port: number, serial: string): Promise<void> {
    const identity = { vendor: 'axis', brand: 'Axis', model: '', firmware: '', serial, kind: 'camera' } as const;
    const backup = { version: 1 as const, takenAt: '2026-01-01T00:00:00.000Z', identity, reading: { settings: {}, documents: [] } };
    await openBackups(join(bench.userDir, 'camera-email', 'backups')).save({ ...backup, camera: { name, host, port, channel: 1 } });
  }

  it('lists what answers, which cameras are here already and which have moved, with one scan for all who ask', async () => {
    await backUp('Gate', '192.0.2.8', 443, '02005E100003');
    const gate = { id: 'gate', type: 'camera-device', name: 'Gate', host: '192.0.2.8', port: 443, vendor: 'axis' };
    await bench.load('configure-camera-email', {}, { more: [gate] });
    const answered = network.responders.map((responder) => responder.answered);
    const [first, second] = await Promise.all([1, 2].map(() => bench.admin().post('/camera-email/scan').send({})));
    assert.equal(first?.status, 200);
    assert.deepEqual(first.body, second?.body);
    const { ok, networks, cameras } = first.body as unknown as ScanBody;
    assert.equal(ok, true);
    assert.ok(networks.every((one) => /^[\d.]+\/\d+$/.test(one)));
    const shown = cameras
      .map(({ model, activated, known }) => ({ model, activated, known }))
      .sort((a, b) => `${a.model}`.localeCompare(`${b.model}`));
    assert.deepEqual(shown, [
      { model: 'DS-2CD1043G2-I', activated: false, known: undefined },
      { model: 'DS-2CD2143G2-I', activated: true, known: { id: 'cam0', name: 'A hikvision', moved: false } },
      { model: 'IPC-HFW2431S', activated: true, known: { id: 'cam1', name: 'A dahua', moved: false } },
      { model: 'P3245-V', activated: undefined, known: { id: 'gate', name: 'Gate', moved: true } },
    ]);
    // Three rounds of one or two probes each: a second scan would double them.
    for (const [index, responder] of network.responders.entries()) assert.ok(responder.answered - (answered[index] ?? 0) <= 6);
    const everything = JSON.stringify(first.body);
    for (const secret of [bench.sandbox.login.password, bench.sandbox.account.appPassword]) assert.ok(!everything.includes(secret));
  });
});
