/** The smallest thing that is a JPEG from its first marker to its last, `size` bytes long. */
export function simulatedJpeg(size = 2_000): Buffer {
  return Buffer.concat([Buffer.of(0xff, 0xd8, 0xff, 0xe0), Buffer.alloc(size - 6, 'JFIF'), Buffer.of(0xff, 0xd9)]);
}
