import { redact } from './secret.ts';

/** A device's or server's words made fit for a message: no control characters, no secrets, one line, at most `max` characters. */
export function deviceWords(raw: string, max = 500): string {
  const line = redact(raw)
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
  return line.length > max ? `${line.slice(0, max - 1)}…` : line;
}
