/** A header's value, one character per byte, with RFC 2047 encoded words and raw UTF-8 as text. What cannot be decoded stays. */
export function decodeWords(value: string): string {
  const plain = Buffer.from(value, 'latin1').toString('utf8');
  return plain
    .replace(/(\?=)\s+(?==\?)/g, '$1')
    .replace(/=\?([\w-]+)\?([bq])\?([^?]*)\?=/gi, (word, charset: string, encoding: string, text: string) => {
      const bytes = encoding.toLowerCase() === 'b' ? Buffer.from(text, 'base64') : quotedBytes(text);
      try {
        return new TextDecoder(charset).decode(bytes);
      } catch {
        return word;
      }
    });
}

function quotedBytes(text: string): Buffer {
  const octets = text.replace(/_/g, ' ').replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(octets, 'latin1');
}
