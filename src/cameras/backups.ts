import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CameraEmailError } from '../core/errors.ts';
import { fileNameFor, makeDirectory, writeFileDurably } from '../core/files.ts';
import { Lane } from '../core/lane.ts';
import type { DeviceIdentity, EmailReading } from './driver.ts';

/** The state of one camera before a write: its own documents, without passwords. */
export interface Backup {
  version: 1;
  takenAt: string;
  camera: { name: string; host: string; port?: number | undefined; channel: number };
  identity: DeviceIdentity;
  reading: EmailReading;
}

export interface BackupStore {
  /** Durable when it resolves; returns the file name. */
  save(backup: Backup): Promise<string>;
  /** The newest one of this device, or the named one. Rejects with `no-backup`, or `unreadable` for a damaged file. */
  load(camera: Backup['camera'], fileName?: string): Promise<{ fileName: string; backup: Backup }>;
}

export function openBackups(directory: string): BackupStore {
  // Cameras of one name share a folder: two that are saved at the same moment must not take the same file name.
  const lanes = new Map<string, Lane>();
  const folderOf = (name: string) => join(directory, fileNameFor(name));
  return {
    async save(backup) {
      const folder = folderOf(backup.camera.name);
      const lane = lanes.get(folder) ?? new Lane();
      lanes.set(folder, lane);
      try {
        return await lane.run(undefined, () => saveIn(folder, backup));
      } finally {
        if (lane.idle) lanes.delete(folder);
      }
    },

    async load(camera, fileName) {
      const folder = folderOf(camera.name);
      const candidates = fileName === undefined ? (await list(folder)).reverse() : [basename(fileName)];
      for (const candidate of candidates) {
        const backup = await read(join(folder, candidate), candidate, camera.name);
        if (fileName !== undefined || belongsTo(backup, camera)) return { fileName: candidate, backup };
      }
      throw new CameraEmailError('no-backup', `no backup of ${camera.name}`, { params: { camera: camera.name } });
    },
  };
}

async function saveIn(folder: string, backup: Backup): Promise<string> {
  const isNew = await makeDirectory(folder);
  const taken = new Set(isNew ? [] : await readdir(folder));
  const time = backup.takenAt.replaceAll(':', '-');
  let fileName = `${time}.json`;
  for (let again = 1; taken.has(fileName); again += 1) fileName = `${time}_${again}.json`;
  await writeFileDurably(join(folder, fileName), `${JSON.stringify(backup, null, 2)}\n`);
  return fileName;
}

async function list(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith('.json') && !name.startsWith('.')).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function read(file: string, fileName: string, camera: string): Promise<Backup> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new CameraEmailError('no-backup', `backup ${fileName} cannot be read`, { params: { camera }, cause: error });
  }
  try {
    const backup = JSON.parse(text) as Backup;
    if (backup.version === 1 && Array.isArray(backup.reading.documents)) return backup;
  } catch {
    // falls through to the error below
  }
  throw new CameraEmailError('unreadable', `backup ${fileName} is damaged`);
}

/** Two cameras may share a name, and so a folder; their addresses tell them apart. */
function belongsTo(backup: Backup, camera: Backup['camera']): boolean {
  const { host, port, channel } = backup.camera;
  return host.toLowerCase() === camera.host.toLowerCase() && port === camera.port && channel === camera.channel;
}
