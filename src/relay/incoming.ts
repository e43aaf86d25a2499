import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CameraEmailError } from '../core/errors.ts';
import { ensureDirectory, syncDirectory } from '../core/files.ts';
import { LIMITS } from '../core/limits.ts';

/** How a mail came. */
export interface Arrival {
  /** Sorts by the order of arrival. */
  id: string;
  /** Empty when nobody logged in. */
  login: string;
  remoteAddress: string;
  heloName: string;
  envelope: { from: string; to: string[] };
  /** ISO 8601. */
  receivedAt: string;
}

/** A mail that lies on disk, ready to be sent on: from byte `offset` of `file` on. */
export interface StoredMail {
  arrival: Arrival;
  file: string;
  offset: number;
  /** Without the part before `offset`. */
  bytes: number;
}

const FIELD = 'X-Camera-Email-Arrival: ';
const NAME = /^[a-z0-9-]+\.mail$/;
/** Pieces that are written as they are; more, from mails in bare line feeds, are put together first. */
const FEW = 16;

/** The folder of mails that were accepted and have not yet become events. A mail is one file, with its arrival as the first header field. */
export class IncomingSpool {
  readonly #directory: string;
  readonly #report: (problem: string) => void;
  #mails = 0;
  #bytes = 0;
  #serial = 0;
  #lastSync: Promise<void> = Promise.resolve();
  #nextSync: Promise<void> | undefined;

  constructor(directory: string, report: (problem: string) => void) {
    this.#directory = directory;
    this.#report = report;
  }

  /** The mails that an earlier process left behind, oldest first. Halves of mails that nobody was promised are removed. */
  async open(): Promise<StoredMail[]> {
    await ensureDirectory(this.#directory);
    const names = (await readdir(this.#directory)).sort();
    for (const name of names.filter((one) => one.endsWith('.part'))) await rm(join(this.#directory, name), { force: true });
    const left: StoredMail[] = [];
    for (const name of names.filter((one) => NAME.test(one))) {
      const mail = await this.#load(join(this.#directory, name));
      if (mail === undefined) continue;
      left.push(mail);
      this.#mails += 1;
      this.#bytes += mail.bytes;
    }
    return left;
  }

  get hasRoom(): boolean {
    return this.#mails < LIMITS.relay.waitingMails && this.#bytes < LIMITS.relay.waitingBytes;
  }

  newId(now: number): string {
    this.#serial += 1;
    return `${now.toString(36).padStart(9, '0')}-${process.pid.toString(36)}-${this.#serial.toString(36).padStart(6, '0')}`;
  }

  /** Rejects with `spool-full` when the disk does not take it. */
  async begin(arrival: Arrival): Promise<IncomingWriter> {
    const line = Buffer.from(`${FIELD}${asciiJson(arrival)}\r\n`, 'latin1');
    try {
      return new IncomingWriter(await open(this.#part(arrival.id), 'wx', 0o600), line, { ...arrival }, this.#part(arrival.id));
    } catch (error) {
      throw spoolError(error);
    }
  }

  /** Makes a written mail one that survives a restart, and a power cut when `synced`; many that end together share one sync of the folder. */
  async keep(writer: IncomingWriter, { synced }: { synced: boolean }): Promise<StoredMail> {
    const { arrival } = writer;
    const file = join(this.#directory, `${arrival.id}.mail`);
    try {
      await writer.close(synced);
      await rename(this.#part(arrival.id), file);
      if (synced) await this.#sync();
    } catch (error) {
      throw spoolError(error);
    }
    this.#mails += 1;
    this.#bytes += writer.bytes;
    return { arrival, file, offset: writer.offset, bytes: writer.bytes };
  }

  /** The mail in pieces, each of which is valid only until the next one is asked for. */
  async *read({ file, offset }: StoredMail): AsyncGenerator<Buffer> {
    const handle = await open(file, 'r');
    try {
      const room = Buffer.allocUnsafe(LIMITS.relay.writeBytes);
      for (let at = offset; ; ) {
        const { bytesRead } = await handle.read(room, 0, room.length, at);
        if (bytesRead === 0) return;
        at += bytesRead;
        yield room.subarray(0, bytesRead);
      }
    } finally {
      await handle.close();
    }
  }

  async remove(mail: StoredMail): Promise<void> {
    await rm(mail.file, { force: true });
    this.#forget(mail);
  }

  /** A mail that cannot be handled is kept beside the others, to be looked at. */
  async setAside(mail: StoredMail): Promise<void> {
    await rename(mail.file, `${mail.file}.damaged`).catch(() => undefined);
    this.#forget(mail);
    this.#report(`a mail was moved aside: ${mail.file}.damaged`);
  }

  #forget({ bytes }: StoredMail): void {
    this.#mails -= 1;
    this.#bytes -= bytes;
  }

  #part(id: string): string {
    return join(this.#directory, `${id}.part`);
  }

  #sync(): Promise<void> {
    this.#nextSync ??= this.#lastSync.then(() => {
      this.#nextSync = undefined;
      this.#lastSync = syncDirectory(this.#directory);
      return this.#lastSync;
    });
    return this.#nextSync;
  }

  async #load(file: string): Promise<StoredMail | undefined> {
    try {
      const { size } = await stat(file);
      const handle = await open(file, 'r');
      const { buffer, bytesRead } = await handle
        .read(Buffer.alloc(LIMITS.relay.headerBytes), 0, LIMITS.relay.headerBytes, 0)
        .finally(() => handle.close());
      const end = buffer.subarray(0, bytesRead).indexOf('\r\n');
      const line = buffer.toString('latin1', 0, Math.max(end, 0));
      if (!line.startsWith(FIELD)) throw new SyntaxError('no arrival');
      const arrival = JSON.parse(line.slice(FIELD.length)) as Arrival;
      return { arrival, file, offset: end + 2, bytes: size - end - 2 };
    } catch {
      await rename(file, `${file}.damaged`).catch(() => undefined);
      this.#report(`a damaged mail was moved aside: ${file}.damaged`);
      return undefined;
    }
  }
}

/** One mail while it comes in. */
export class IncomingWriter {
  readonly arrival: Arrival;
  readonly file: string;
  readonly offset: number;
  readonly #handle: FileHandle;
  #waiting: Buffer[];
  #waitingBytes: number;
  #written = 0;
  #closed = false;

  constructor(handle: FileHandle, line: Buffer, arrival: Arrival, file: string) {
    this.#handle = handle;
    this.arrival = arrival;
    this.file = file;
    this.offset = line.length;
    this.#waiting = [line];
    this.#waitingBytes = line.length;
  }

  /** Of the mail so far. */
  get bytes(): number {
    return this.#written + this.#waitingBytes - this.offset;
  }

  async write(pieces: readonly Buffer[]): Promise<void> {
    for (const piece of pieces) {
      this.#waiting.push(piece);
      this.#waitingBytes += piece.length;
    }
    if (this.#waitingBytes >= LIMITS.relay.writeBytes) await this.#flush();
  }

  /** All bytes are with the system, and on the disk when `synced`. */
  async close(synced: boolean): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#flush();
      if (synced) await this.#handle.sync();
    } finally {
      await this.#end();
    }
  }

  async discard(): Promise<void> {
    await this.#end();
    await rm(this.file, { force: true });
  }

  async #end(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#handle.close();
  }

  async #flush(): Promise<void> {
    const bytes = this.#waitingBytes;
    const pieces = this.#waiting.length > FEW ? [Buffer.concat(this.#waiting, bytes)] : this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    try {
      const { bytesWritten } = await this.#handle.writev(pieces);
      if (bytesWritten !== bytes) throw new RangeError('the disk took only a part');
    } catch (error) {
      throw spoolError(error);
    }
    this.#written += bytes;
  }
}

function spoolError(cause: unknown): CameraEmailError {
  if (cause instanceof CameraEmailError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CameraEmailError('spool-full', `the mail cannot be stored: ${reason}`, { params: { field: 'disk' }, cause });
}

function asciiJson(value: object): string {
  return JSON.stringify(value).replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
