import { deflateSync } from 'node:zlib'

/** Pictures that nobody means well with, made by code. */

/** Equal seeds give equal damage. */
export function random(seed: number): (below: number) => number {
  let state = (seed * 2_654_435_761) >>> 0 || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** The file with some of its bits turned over, behind the bytes by which its format is known. */
export function flipped(bytes: Uint8Array, seed: number, bits: number): Uint8Array {
  const next = random(seed)
  const copy = bytes.slice()
  for (let i = 0; i < bits; i++) {
    const at = 32 + next(copy.length - 32)
    copy[at] = (copy[at] ?? 0) ^ (1 << next(8))
  }
  return copy
}

function u16le(value: number): number[] {
  return [value & 255, (value >> 8) & 255]
}
function u16be(value: number): number[] {
  return u16le(value).reverse()
}
function u32le(value: number): number[] {
  return [...u16le(value & 0xffff), ...u16le(value >>> 16)]
}
function u32be(value: number): number[] {
  return u32le(value).reverse()
}
function ascii(text: string): number[] {
  return [...text].map((char) => char.charCodeAt(0))
}
function box(type: string, ...content: number[]): number[] {
  return [...u32be(content.length + 8), ...ascii(type), ...content]
}

function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  return Buffer.concat([Buffer.from(u32be(data.length)), body, Buffer.from(u32be(Bun.hash.crc32(body)))])
}

/** A PNG of `width` × `height` black pixels of one bit, whose header may say something else. */
export function png(
  width: number,
  height: number,
  stated = { width, height },
  extra: Uint8Array = new Uint8Array(),
): Uint8Array {
  const header = [...u32be(stated.width), ...u32be(stated.height), 1, 0, 0, 0, 0]
  const pixels = deflateSync(Buffer.alloc(height * (1 + Math.ceil(width / 8))), { level: 9 })
  return Buffer.concat([
    Buffer.from([0x89, ...ascii('PNG'), 0x0d, 0x0a, 0x1a, 0x0a]),
    pngChunk('IHDR', Buffer.from(header)),
    extra,
    pngChunk('IDAT', pixels),
    pngChunk('IEND', new Uint8Array()),
  ])
}

/** A colour profile or text of a PNG that unpacks to `bytes`. */
export function packedChunk(type: 'iCCP' | 'zTXt', bytes: number): Uint8Array {
  return pngChunk(
    type,
    Buffer.concat([Buffer.from('a\0\0', 'latin1'), deflateSync(Buffer.alloc(bytes), { level: 9 })]),
  )
}

const side = 65_000

/** Headers that promise 65,000 × 65,000 pixels, in every format, with next to nothing behind them. */
export const hugeHeaders: Readonly<Record<string, Uint8Array>> = {
  png: png(8, 8, { width: side, height: side }),
  jpeg: Uint8Array.from([
    0xff,
    0xd8,
    0xff,
    0xe0,
    ...u16be(16),
    ...ascii('JFIF'),
    0,
    1,
    1,
    0,
    0,
    1,
    0,
    1,
    0,
    0,
    0xff,
    0xc0,
    ...u16be(17),
    8,
    ...u16be(side),
    ...u16be(side),
    3,
    1,
    0x22,
    0,
    2,
    0x11,
    1,
    3,
    0x11,
    1,
    0xff,
    0xda,
    ...u16be(12),
    3,
    1,
    0,
    2,
    0x11,
    3,
    0x11,
    0,
    63,
    0,
    0,
    0xff,
    0xd9,
    ...Array<number>(64).fill(0),
  ]),
  gif: Uint8Array.from([
    ...ascii('GIF89a'),
    ...u16le(side),
    ...u16le(side),
    0x80,
    0,
    0,
    0,
    0,
    0,
    255,
    255,
    255,
    0x2c,
    0,
    0,
    0,
    0,
    ...u16le(side),
    ...u16le(side),
    0,
    2,
    2,
    0x4c,
    1,
    0,
    0x3b,
    ...Array<number>(64).fill(0),
  ]),
  webp: Uint8Array.from([
    ...ascii('RIFF'),
    ...u32le(22),
    ...ascii('WEBPVP8X'),
    ...u32le(10),
    0,
    0,
    0,
    0,
    ...u32le(side - 1).slice(0, 3),
    ...u32le(side - 1).slice(0, 3),
    ...Array<number>(64).fill(0),
  ]),
  tiff: Uint8Array.from([
    0x49,
    0x49,
    0x2a,
    0,
    ...u32le(8),
    ...u16le(5),
    ...[0x0100, 0x0101, 0x0102, 0x0106, 0x0111].flatMap((tag, i) => [
      ...u16le(tag),
      ...u16le(4),
      ...u32le(1),
      ...u32le([side, side, 8, 1, 100][i] ?? 0),
    ]),
    ...Array<number>(64).fill(0),
  ]),
  avif: Uint8Array.from([
    ...box('ftyp', ...ascii('avif'), 0, 0, 0, 0, ...ascii('avifmif1')),
    ...box(
      'meta',
      0,
      0,
      0,
      0,
      ...box('hdlr', 0, 0, 0, 0, 0, 0, 0, 0, ...ascii('pict'), ...Array<number>(13).fill(0)),
      ...box('pitm', 0, 0, 0, 0, 0, 1),
      ...box('iprp', ...box('ipco', ...box('ispe', 0, 0, 0, 0, ...u32be(side), ...u32be(side)))),
    ),
    ...Array<number>(64).fill(0),
  ]),
}
