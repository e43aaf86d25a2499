import { findField, type HeaderField, parseFields, splitMessage } from './message.ts';

/** A MIME part; the message itself is the outermost. */
export interface MimePart {
  head: Buffer;
  body: Buffer;
  fields: HeaderField[];
  type: string;
  subtype: string;
  parameters: Record<string, string>;
  /** Empty for what is not multipart. */
  parts: MimePart[];
}

const MAX_DEPTH = 10;

export function parseMime(raw: Buffer, depth = 0): MimePart {
  const { head, body } = splitMessage(raw);
  const fields = parseFields(head.toString('latin1'));
  const { value, parameters } = parseParameters(findField(fields, 'content-type')?.value ?? 'text/plain; charset=us-ascii');
  const [type = 'text', subtype = 'plain'] = value.split('/');
  const boundary = parameters.boundary;
  const multipart = type.toLowerCase() === 'multipart' && boundary !== undefined && depth < MAX_DEPTH;
  const parts = multipart
    ? splitParts(body.toString('latin1'), boundary).map((part) => parseMime(Buffer.from(part, 'latin1'), depth + 1))
    : [];
  return { head, body, fields, type, subtype, parameters, parts };
}

/** A value such as `text/plain; charset="utf-8"`. */
export function parseParameters(value: string): { value: string; parameters: Record<string, string> } {
  const parameters: Record<string, string> = {};
  for (const [, name = '', quoted, plain] of value.matchAll(/;\s*([\w*-]+)\s*=\s*(?:"([^"]*)"|([^\s;]*))/g)) {
    parameters[name.toLowerCase()] = quoted ?? plain ?? '';
  }
  return { value: value.split(';')[0]?.trim() ?? '', parameters };
}

function splitParts(body: string, boundary: string): string[] {
  const pieces = `\r\n${body}`.split(`\n--${boundary}`).slice(1);
  const end = pieces.findIndex((piece) => piece.startsWith('--'));
  return pieces.slice(0, end < 0 ? pieces.length : end).map((piece) => piece.replace(/^[ \t]*\r?\n/, '').replace(/\r$/, ''));
}
