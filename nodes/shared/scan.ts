import { isIPv4 } from 'node:net';
import type { BackupStore } from '../../src/cameras/backups.ts';
import { findCameras } from '../../src/discovery/find-cameras.ts';
import type { Destination, FoundCamera, Via } from '../../src/discovery/found-camera.ts';
import { ownNetworks } from '../../src/discovery/networks.ts';
import { macOf } from '../../src/discovery/words.ts';
import { migrate } from '../camera-device/config.ts';
import { fromEnvironment } from './admin.ts';
import { publicError } from './errors.ts';
import type { NodeRed } from './node-red.ts';
import { servicesOf } from './services.ts';

/** A deployed camera-device node, with what the newest backup tells about the device behind it. */
interface KnownCamera {
  id: string;
  name: string;
  host: string;
  port: number | undefined;
  serial?: string | undefined;
  mac?: string | undefined;
}

interface Known {
  id: string;
  name: string;
  /** It answered from another address than the node has. */
  moved: boolean;
}

let running: Promise<FoundCamera[]> | undefined;

/** The Find cameras button: one scan at a time, whoever asks meanwhile gets its result too. */
export function serveScan(RED: NodeRed): void {
  RED.httpAdmin.post('/camera-email/scan', RED.auth.needsPermission('camera-email.write'), (_request, response) => {
    scan(RED).then(
      (answer) => response.json(answer),
      (error) => response.json({ ok: false, error: publicError(RED, error) }),
    );
  });
}

async function scan(RED: NodeRed) {
  const destinations = destinationsOf(RED.settings);
  running ??= findCameras({ destinations }).finally(() => {
    running = undefined;
  });
  const [found, known] = await Promise.all([running, knownCameras(RED)]);
  const networks = ownNetworks().map(({ address, prefix }) => `${address}/${prefix}`);
  return { ok: true, networks, cameras: found.map((camera) => ({ ...camera, known: knownAs(camera, known) })) };
}

/**
 * `cameraEmail: { discovery: { onvif: [{ address, port }], … } }` in settings.js: ask only these IPv4 addresses, by the protocols
 * `onvif`, `sadp`, `dhip`, `wisenet` and `mdns`. The demo and the tests use it; without it all networks of this host are asked.
 */
function destinationsOf({ cameraEmail }: NodeRed['settings']): Partial<Record<Via, Destination[]>> | undefined {
  const discovery = (cameraEmail as { discovery?: Partial<Record<Via, unknown>> } | undefined)?.discovery;
  if (typeof discovery !== 'object' || discovery === null) return undefined;
  const valid = (value: unknown): value is Destination => {
    const { address, port } = (value ?? {}) as Partial<Destination>;
    return typeof address === 'string' && isIPv4(address) && Number.isInteger(port) && Number(port) > 0 && Number(port) < 65_536;
  };
  const list = (value: unknown) => (Array.isArray(value) ? value.filter(valid) : []);
  const { onvif, sadp, dhip, wisenet, mdns } = discovery;
  return { onvif: list(onvif), sadp: list(sadp), dhip: list(dhip), wisenet: list(wisenet), mdns: list(mdns) };
}

async function knownCameras(RED: NodeRed): Promise<KnownCamera[]> {
  const { backups } = servicesOf(RED);
  const cameras: { id: string; saved: ReturnType<typeof migrate> }[] = [];
  RED.nodes.eachNode((node) => {
    if (node.type === 'camera-device') cameras.push({ id: node.id, saved: migrate(fromEnvironment({ ...node })) });
  });
  const known: KnownCamera[] = [];
  for (const { id, saved } of cameras) {
    const { name, host, port, channel } = saved;
    known.push({ id, name: name || host, host, port, ...(await identityIn(backups, { name: name || host, host, port, channel })) });
  }
  return known;
}

async function identityIn(backups: BackupStore, camera: Parameters<BackupStore['load']>[0]): Promise<Pick<KnownCamera, 'serial' | 'mac'>> {
  try {
    const { serial, mac } = (await backups.load(camera)).backup.identity;
    return { serial: serial || undefined, mac: macOf(mac) };
  } catch {
    // It was never written, or its backup is damaged: the address has to do.
    return {};
  }
}

function knownAs(found: FoundCamera, known: readonly KnownCamera[]): Known | undefined {
  const samePort = (port: number | undefined) => port === undefined || found.port === undefined || port === found.port;
  const here = known.find(({ host, port }) => host === found.address && samePort(port));
  if (here !== undefined) return { id: here.id, name: here.name, moved: false };
  const moved = known.find(
    ({ serial, mac }) => (serial !== undefined && serial === found.serial) || (mac !== undefined && mac === found.mac),
  );
  return moved && { id: moved.id, name: moved.name, moved: true };
}
