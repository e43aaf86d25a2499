import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { findCameras } from '../../src/discovery/find-cameras.ts';
import type { Destination, FoundCamera, Via } from '../../src/discovery/found-camera.ts';
import { networkOf } from '../../src/discovery/networks.ts';
import { answerMdns } from '../../src/sandbox/discovery/mdns.ts';
import { answerProbe } from '../../src/sandbox/discovery/onvif.ts';
import type { Respond } from '../../src/sandbox/discovery/responder.ts';
import { type SimulatedNetwork, startSimulatedNetwork } from '../../src/sandbox/discovery/simulated-network.ts';
import { answerDhip, answerSadp, answerWisenet } from '../../src/sandbox/discovery/vendors.ts';

const LONG = 60_000;

/** Ends a scan as soon as what was found meets a condition. */
function until(condition: (camera: FoundCamera) => boolean) {
  const controller = new AbortController();
  const onFound = (camera: FoundCamera) => {
    if (condition(camera)) controller.abort();
  };
  return { signal: controller.signal, onFound, timeoutMs: LONG };
}

describe('findCameras', () => {
  const closers: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  async function network(vendors: readonly string[], freshPort?: number): Promise<SimulatedNetwork> {
    const cameras = vendors.map((vendor, index) => ({ vendor, variant: 'camera', port: 4000 + index, protocol: 'https' as const }));
    const started = await startSimulatedNetwork(cameras, freshPort);
    closers.push(() => started.close());
    return started;
  }

  async function bound(address = '127.0.0.1', reuseAddr = false): Promise<Socket> {
    const socket = createSocket({ type: 'udp4', reuseAddr });
    await new Promise<void>((ready) => socket.bind(0, address, ready));
    closers.push(() => new Promise<void>((closed) => socket.close(() => closed())));
    return socket;
  }

  /** Something on the network that answers as it likes. */
  async function responder(answer: (socket: Socket, sender: RemoteInfo, datagram: Buffer) => void): Promise<Destination> {
    const socket = await bound();
    socket.on('message', (datagram, sender) => answer(socket, sender, datagram));
    return socket.address();
  }

  it("joins what a device says by its vendor's protocol and by ONVIF", async () => {
    const { destinations } = await network(['hikvision']);
    const cameras = await findCameras({ destinations, ...until(({ via }) => via.length === 2) });
    assert.deepEqual(cameras, [
      {
        vendor: 'hikvision',
        brand: 'Hikvision',
        model: 'DS-2CD2143G2-I',
        serial: 'DS-2CD2143G2-I-SIMULATED01',
        mac: '02:00:5e:10:00:01',
        firmware: 'V5.7.3',
        name: 'Hikvision DS-2CD2143G2-I',
        activated: true,
        port: 4000,
        protocol: 'https',
        address: '127.0.0.1',
        outside: false,
        via: ['sadp', 'onvif'],
      },
    ]);
  });

  const OWN: Record<string, Via> = {
    hikvision: 'sadp',
    dahua: 'dhip',
    hanwha: 'wisenet',
    axis: 'mdns',
    reolink: 'onvif',
    vivotek: 'onvif',
  };
  for (const [vendor, via] of Object.entries(OWN)) {
    it(`finds a camera of ${vendor} by ${via} alone`, async () => {
      const { destinations, responders } = await network([vendor]);
      const only = { [via]: destinations[via] };
      const [camera] = await findCameras({ destinations: only, ...until(() => true) });
      assert.equal(camera?.vendor, vendor);
      assert.equal(camera.port, 4000);
      assert.equal(camera.mac, '02:00:5e:10:00:01');
      assert.equal(camera.activated, { hikvision: true, dahua: true }[vendor]);
      assert.deepEqual(camera.via, [via]);
      assert.equal(
        responders.reduce((sum, { ignored }) => sum + ignored, 0),
        0,
        'every probe is well-formed',
      );
    });
  }

  it('asks by multicast and broadcast, and hears answers that go to a group or to a port of their own', async () => {
    // Held for answers by a socket that shares its port.
    const ports: Record<number, number> = { 7711: (await bound('127.0.0.1', true)).address().port };
    let devices = 0;
    // What joins a group, or hears a broadcast, has to be bound to every address.
    const device = async (port: number, group: string | undefined, respond: Respond, to?: () => Destination) => {
      const socket = await bound('0.0.0.0', true);
      if (group !== undefined) socket.addMembership(group, '127.0.0.1');
      socket.setMulticastInterface('127.0.0.1');
      socket.setBroadcast(true);
      ports[port] = socket.address().port;
      devices += 1;
      const announced = {
        brand: 'Axis',
        model: 'X',
        serial: `S${devices}`,
        mac: `02:00:5e:10:00:0${devices}`,
        firmware: '',
        port: 4000,
      } as const;
      socket.on('message', (datagram, sender) => {
        const answer = respond(datagram, { ...announced, protocol: 'http', activated: true });
        const { address, port: toPort } = to?.() ?? sender;
        if (answer !== undefined) socket.send(answer, toPort, address);
      });
    };
    await device(3702, '239.255.255.250', answerProbe);
    await device(37_020, '239.255.255.250', answerSadp, () => ({ address: '239.255.255.250', port: ports[37_020] ?? 0 }));
    await device(37_810, undefined, answerDhip);
    await device(7701, undefined, answerWisenet, () => ({ address: '127.255.255.255', port: ports[7711] ?? 0 }));
    await device(5353, '224.0.0.251', answerMdns);
    const seen = new Set<string>();
    const cameras = await findCameras({
      networks: [networkOf('127.0.0.1', 8)],
      ports,
      ...until(({ via }) => seen.add(via.join()).size === 5),
    });
    assert.deepEqual(cameras.flatMap(({ via }) => via).sort(), ['dhip', 'mdns', 'onvif', 'sadp', 'wisenet']);
    assert.ok(cameras.every(({ address, outside }) => address === '127.0.0.1' && !outside));
  });

  it('keeps cameras apart that share an address, and tells which one has no password yet', async () => {
    const { destinations } = await network(['hikvision', 'hikvision', 'dahua'], 4100);
    const seen = new Set<string>();
    const cameras = await findCameras({
      destinations,
      ...until(({ mac = '', via, activated }) => via.length + (activated === false ? 1 : 0) === 2 && seen.add(mac).size === 4),
    });
    assert.deepEqual(
      cameras.map(({ port, activated }) => ({ port, activated })),
      [
        { port: 4000, activated: true },
        { port: 4001, activated: true },
        { port: 4002, activated: true },
        { port: 4100, activated: false },
      ],
    );
  });

  it('asks again when the first probes are lost', async () => {
    const { destinations } = await network(['hikvision']);
    const [camera] = destinations.sadp;
    assert.ok(camera);
    let lost = 0;
    // A network that swallows the first two probes.
    const lossy = await responder((socket, sender, datagram) => {
      lost += 1;
      if (lost <= 2) return;
      const inner = createSocket('udp4');
      inner.once('message', (answer) => socket.send(answer, sender.port, sender.address, () => inner.close()));
      inner.send(datagram, camera.port, camera.address);
    });
    const ended = until(() => true);
    const cameras = await findCameras({ destinations: { sadp: [lossy] }, ...ended, timeoutMs: 3_000 });
    assert.equal(cameras.length, 1);
  });

  it('gives the address that answered, whatever the answer says', async () => {
    const match = `<ProbeMatch><DeviceSN>X1</DeviceSN><MAC>02-00-00-00-00-01</MAC><IPv4Address>203.0.113.9</IPv4Address><HttpPort>81</HttpPort></ProbeMatch>`;
    const liar = await responder((socket, { address, port }) => socket.send(match, port, address));
    const [camera] = await findCameras({ destinations: { sadp: [liar] }, ...until(() => true) });
    assert.equal(camera?.address, '127.0.0.1');
    assert.equal(camera.port, 81);
  });

  it('listens to nobody who was not asked and is not in the network', async () => {
    const stranger = await bound('127.0.0.2');
    const spoof = (serial: string) => `<ProbeMatch><DeviceSN>${serial}</DeviceSN></ProbeMatch>`;
    const asked = await responder((socket, { address, port }) => {
      // First the one that was not asked, then the one that was: its answer ends the scan.
      stranger.send(spoof('SPOOFED'), port, address, () => socket.send(spoof('ASKED'), port, address));
    });
    const cameras = await findCameras({ destinations: { sadp: [asked] }, networks: [], ...until(({ serial }) => serial === 'ASKED') });
    assert.deepEqual(
      cameras.map(({ serial }) => serial),
      ['ASKED'],
    );
  });

  it('reads no more answers of one sender than it may, and those of others all the same', async () => {
    const match = (serial: string) => `<ProbeMatch><DeviceSN>${serial}</DeviceSN></ProbeMatch>`;
    let sent = 0;
    const flood = await responder((socket, { address, port }) => {
      // A buffer of the kernel overflows too, so that not all of it arrives.
      for (; sent < 600; sent += 1) socket.send(match(String(sent)), port, address, () => undefined);
    });
    const other = await bound('127.0.0.2');
    other.on('message', (_probe, { address, port }) => other.send(match('LAST'), port, address));
    const destinations = { sadp: [flood, other.address()] };
    const cameras = await findCameras({ destinations, ...until(({ serial }) => serial === 'LAST'), timeoutMs: 5_000 });
    assert.ok(cameras.some(({ serial }) => serial === 'LAST'));
    assert.ok(cameras.length <= 257, `${cameras.length}`);
  });

  it('survives garbage, huge and cut-off answers, and still finds the camera beside them', async () => {
    const { destinations } = await network(['hikvision', 'axis', 'dahua', 'hanwha']);
    const nonsense = [
      Buffer.alloc(0),
      Buffer.from([0x0b]),
      Buffer.alloc(40_000, 0x41),
      Buffer.alloc(262, 0x0b),
      Buffer.from('<ProbeMatch>'),
    ];
    const bomb = Buffer.from('<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><ProbeMatch><DeviceSN>&b;</DeviceSN></ProbeMatch>');
    const noisy = await responder((socket, { address, port }) => {
      for (const one of [...nonsense, bomb]) socket.send(one, port, address, () => undefined);
    });
    const all = Object.fromEntries(Object.entries(destinations).map(([via, list]) => [via, [noisy, ...list]]));
    const seen = new Set<string>();
    const cameras = await findCameras({ destinations: all, ...until(({ mac = '', via }) => via.length === 2 && seen.add(mac).size === 4) });
    assert.equal(cameras.length, 4);
  });

  it('ends at once with a signal that is aborted already, and with nobody to ask', async () => {
    assert.deepEqual(await findCameras({ signal: AbortSignal.abort(), timeoutMs: LONG }), []);
    assert.deepEqual(await findCameras({ destinations: {}, timeoutMs: 1 }), []);
    assert.deepEqual(await findCameras({ networks: [], timeoutMs: 1 }), []);
  });

  it('is not stopped by an interface that went away', async () => {
    const networks = [{ address: '192.0.2.77', prefix: 24, broadcast: '192.0.2.255' }];
    assert.deepEqual(await findCameras({ networks, timeoutMs: 50 }), []);
  });
});
