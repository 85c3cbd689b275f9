import { encodePng, pngChunk } from '../../core/png.ts'

/**
 * A PNG of `width` by `height` pixels, 24 bits each: a gradient whose colours depend on `seed`, so that each seed gives
 * another image. Uncompressed; 9 KiB at 64 by 48.
 */
export function gradientPng(width: number, height: number, seed: number): Uint8Array<ArrayBuffer> {
  const rows = new Uint8Array(height * (1 + 3 * width))
  let at = 0
  for (let y = 0; y < height; y++) {
    rows[at++] = 0 // no filter
    for (let x = 0; x < width; x++) {
      rows[at++] = (255 * x) / width
      rows[at++] = (255 * y) / height
      rows[at++] = seed * 37
    }
  }
  // The seed again as text, which decoders ignore: the byte of blue alone would repeat.
  const comment = `Comment\0${seed}`
  const text = new Uint8Array(comment.length)
  for (let i = 0; i < comment.length; i++) text[i] = comment.charCodeAt(i)
  return encodePng({ width, height, bitDepth: 8, colorType: 2 }, storeZlib(rows), pngChunk('tEXt', text))
}

/** A zlib stream (RFC 1950) of stored blocks (RFC 1951): k6 has no compression. */
function storeZlib(data: Uint8Array): Uint8Array {
  const largest = 0xffff
  const blocks = Math.ceil(data.length / largest)
  const whole = new Uint8Array(2 + 5 * blocks + data.length + 4)
  whole.set([0x78, 0x01])
  let to = 2
  for (let from = 0; from < data.length; from += largest) {
    const block = data.subarray(from, from + largest)
    const { length } = block
    const isLast = from + largest >= data.length ? 1 : 0
    whole.set([isLast, length & 255, length >> 8, ~length & 255, (~length >> 8) & 255], to)
    whole.set(block, to + 5)
    to += 5 + length
  }
  const checksum = adler32(data)
  whole.set([checksum >>> 24, (checksum >>> 16) & 255, (checksum >>> 8) & 255, checksum & 255], to)
  return whole
}

function adler32(data: Uint8Array): number {
  let a = 1
  let b = 0
  for (const byte of data) {
    a = (a + byte) % 65_521
    b = (b + a) % 65_521
  }
  return ((b << 16) | a) >>> 0
}
