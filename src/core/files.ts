import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Creates a directory (0700) with its parents. */
export async function ensureDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
}

/** The same; true when it was not there before. */
export async function makeDirectory(directory: string): Promise<boolean> {
  try {
    await mkdir(directory, { mode: 0o700 });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (code !== 'ENOENT') throw error;
    return (await mkdir(directory, { recursive: true, mode: 0o700 })) !== undefined;
  }
}

/** Replaces a file (0600) as a whole: temporary file, fsync, rename, fsync of the directory. A crash leaves the old or the new one. */
export async function writeFileDurably(file: string, content: string | Buffer): Promise<void> {
  const temporary = join(dirname(file), `.${randomBytes(6).toString('hex')}.tmp`);
  const handle = await create(temporary);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  await syncDirectory(dirname(file));
}

async function create(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await ensureDirectory(dirname(file));
    return open(file, 'wx', 0o600);
  }
}

/** fsync of a directory, so that a rename in it survives a power cut. Platforms that cannot open directories skip it. */
export async function syncDirectory(directory: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(directory, 'r');
  } catch {
    return;
  }
  try {
    await handle.sync();
  } catch {
    // Windows and some network shares refuse fsync on a directory; the rename itself has been done.
  } finally {
    await handle.close();
  }
}

export type Loaded = { found: true; value: unknown } | { found: false; damaged?: string };

/** Reads a JSON file. A damaged one is moved aside to `<file>.damaged-<time>`, whose name is returned. */
export async function loadJson(file: string, now: number): Promise<Loaded> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { found: false };
    throw error;
  }
  try {
    return { found: true, value: JSON.parse(text) };
  } catch {
    const damaged = `${file}.damaged-${now}`;
    await rename(file, damaged);
    return { found: false, damaged };
  }
}

/** A name as a file name: letters, digits, space, dot, dash and underscore stay; all else becomes `_`, told apart by a short code. */
export function fileNameFor(name: string): string {
  const safe = name
    .normalize('NFC')
    .replace(/[^\p{L}\p{N} ._-]/gu, '_')
    .replace(/^[. ]+|[. ]+$/g, '_')
    .slice(0, 80);
  if (safe === name && safe !== '') return safe;
  let code = 0;
  for (const char of name) code = (code * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
  return `${safe || 'unnamed'}-${code.toString(36)}`;
}
