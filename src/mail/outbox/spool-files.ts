import { appendFileSync, renameSync } from 'node:fs';
import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { ensureDirectory, syncDirectory, writeFileDurably } from '../../core/files.ts';

/** Everything the outbox does to the disk. Files 0600, directories 0700. */
export interface SpoolFiles {
  ensureDirectory(directory: string): Promise<void>;
  /** A new file with these parts, synced before it resolves. */
  writeSynced(file: string, parts: readonly Buffer[]): Promise<void>;
  /** Replaces a file as a whole, synced. */
  replace(file: string, content: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  renameNow(from: string, to: string): void;
  appendNow(file: string, line: string): void;
  /** What was appended so far is on disk for good when it resolves. */
  syncFile(file: string): Promise<void>;
  syncDirectory(directory: string): Promise<void>;
  list(directory: string): Promise<string[]>;
  read(file: string): Promise<Buffer>;
  /** At most `bytes` from the beginning, and the size of the whole file. */
  head(file: string, bytes: number): Promise<{ head: Buffer; size: number }>;
  /** No error when it is gone already. */
  remove(file: string): Promise<void>;
}

export const diskFiles: SpoolFiles = {
  ensureDirectory,
  async writeSynced(file, parts) {
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writev([...parts]);
      const { size } = await handle.stat();
      // A nearly full disk may take a part of it without an error.
      if (size !== parts.reduce((sum, part) => sum + part.length, 0)) throw Object.assign(new Error('short write'), { code: 'ENOSPC' });
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  replace: writeFileDurably,
  rename,
  renameNow: renameSync,
  appendNow: (file, line) => appendFileSync(file, line, { mode: 0o600 }),
  async syncFile(file) {
    const handle = await open(file, 'r+');
    try {
      await handle.datasync();
    } finally {
      await handle.close();
    }
  },
  syncDirectory,
  list: (directory) => readdir(directory),
  read: (file) => readFile(file),
  async head(file, bytes) {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.min(bytes, size)), 0, undefined, 0);
      return { head: buffer.subarray(0, bytesRead), size };
    } finally {
      await handle.close();
    }
  },
  remove: (file) => rm(file, { force: true }),
};
