import { homedir } from 'node:os';
import { join } from 'node:path';
import { type BackupStore, openBackups } from '../../src/cameras/backups.ts';
import type { CameraTarget } from '../../src/cameras/target.ts';
import { openWrittenRecord, type WrittenRecord } from '../../src/cameras/written.ts';
import { Lane } from '../../src/core/lane.ts';
import { createDeviceConnections, type DeviceConnections } from '../../src/http/device-connections.ts';
import { type DeviceMemory, deviceKey, openDeviceMemory } from '../../src/http/device-memory.ts';
import type { DeviceHttp } from '../../src/http/types.ts';
import type { NodeRed } from './node-red.ts';

/** What all nodes of one Node-RED share: connections, what is known about devices, and the files under `<userDir>/camera-email`. */
export interface Services {
  directory: string;
  memory: DeviceMemory;
  backups: BackupStore;
  written: WrittenRecord;
  connect(target: CameraTarget): DeviceHttp;
  /** One job at a time per device, so that two nodes never read and write the same settings in turns. */
  exclusively<T>(target: CameraTarget, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

const byDirectory = new Map<string, Services>();

export function servicesOf(RED: NodeRed): Services {
  const directory = join(RED.settings.userDir || join(homedir(), '.node-red'), 'camera-email');
  const services = byDirectory.get(directory) ?? openServices(directory, (problem) => RED.log.warn(`camera-email: ${problem}`));
  byDirectory.set(directory, services);
  return services;
}

function openServices(directory: string, report: (problem: string) => void): Services {
  const memory = openDeviceMemory(join(directory, 'devices.json'), ({ kind, file, movedTo }) =>
    report(kind === 'damaged' ? `a damaged file was moved aside: ${movedTo ?? file}` : `${file} cannot be written`),
  );
  const connections: DeviceConnections = createDeviceConnections({ memory });
  const lanes = new Map<string, Lane>();
  return {
    directory,
    memory,
    backups: openBackups(join(directory, 'backups')),
    written: openWrittenRecord(join(directory, 'written.json'), (file) => report(`a damaged file was moved aside: ${file}`)),
    connect: ({ address, login }) => connections.open(address, login),
    async exclusively(target, signal, work) {
      const key = deviceKey(target.address);
      const lane = lanes.get(key) ?? new Lane();
      lanes.set(key, lane);
      try {
        return await lane.run(signal, work);
      } finally {
        if (lane.idle) lanes.delete(key);
      }
    },
  };
}
