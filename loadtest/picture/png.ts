/**
 * A picture made by code: a PNG of `width` by `height` pixels, 24 bits each, a gradient of which `seed` picks the
 * colours, so that every one is another image to the store. Uncompressed; 9 KiB at 64 by 48.
 */
export function png(width: number, height: number, seed: number): Uint8Array<ArrayBuffer> {
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
  const header = new Uint8Array(13)
  const view = new DataView(header.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  header.set([8, 2, 0, 0, 0], 8) // 8 bits, RGB
  // The seed once more, in text that no decoder draws: a byte of blue alone would soon repeat.
  const note = ascii(`Comment\0${seed}`)
  return join([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk('IHDR', header),
    chunk('tEXt', note),
    chunk('IDAT', zlib(rows)),
    chunk('IEND', new Uint8Array(0)),
  ])
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = join([ascii(type), data])
  return join([uint32(data.length), body, uint32(crc32(body))])
}

/** RFC 1950 around stored blocks of RFC 1951: packed, but not compressed. */
function zlib(data: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(0x78, 0x01)]
  const most = 0xffff
  for (let at = 0; at < data.length; at += most) {
    const block = data.subarray(at, at + most)
    const { length } = block
    const isLast = at + most >= data.length ? 1 : 0
    parts.push(Uint8Array.of(isLast, length & 255, length >> 8, ~length & 255, (~length >> 8) & 255), block)
  }
  parts.push(uint32(adler32(data)))
  return join(parts)
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

function crc32(data: Uint8Array): number {
  let crc = ~0
  for (const byte of data) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}

function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}

function ascii(text: string): Uint8Array {
  // k6 cannot make a Uint8Array from a string's letters.
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at)
  return bytes
}

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
