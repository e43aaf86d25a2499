import { MultipartReader } from '../../src/http/multipart-stream.ts';

export const xml = (type: string) => `<EventNotificationAlert version="2.0">\n<eventType>${type}</eventType>\n</EventNotificationAlert>`;
export const jpeg = (size: number, fill = 0x41) =>
  Buffer.concat([Buffer.of(0xff, 0xd8), Buffer.alloc(size - 4, fill), Buffer.of(0xff, 0xd9)]);

export type Piece = string | Buffer;
export const bytes = (...pieces: Piece[]) =>
  Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece)));

export interface Read {
  type: string;
  body: string;
}

export function read(chunks: Iterable<Buffer>, contentType?: string, limits?: { text: number; image: number }): Read[] {
  const reader = new MultipartReader(contentType, limits);
  const parts: Read[] = [];
  const take = (more: ReturnType<MultipartReader['end']>) => {
    for (const part of more) parts.push({ type: part.contentType, body: part.body.toString('latin1') });
  };
  for (const chunk of chunks) take(reader.push(chunk));
  take(reader.end());
  return parts;
}

export function* split(whole: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < whole.length; at += size) yield Buffer.from(whole.subarray(at, at + size));
}

export const XML = 'application/xml';
export const TEXT = 'text/plain';

export interface Stream {
  name: string;
  header?: string;
  stream: Buffer;
  parts: Read[];
}

export const event = (type: string): Read => ({ type: XML, body: xml(type) });
export const head = (type: string, length?: number) =>
  `Content-Type: ${type}\r\n${length === undefined ? '' : `Content-Length: ${length}\r\n`}\r\n`;
export const part = (type: string) => `--boundary\r\n${head(XML, xml(type).length)}${xml(type)}\r\n`;
