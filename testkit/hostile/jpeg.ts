import { ascii, u16be } from './bytes.ts'

/** JPEG files whose few bytes make much work. */

/** A segment: marker, length, content. */
function segment(marker: number, content: Uint8Array | readonly number[]): Uint8Array {
  return Buffer.concat([Buffer.from([0xff, marker, ...u16be(content.length + 2)]), Buffer.from(content)])
}

const startOfImage = Buffer.from([0xff, 0xd8])
const endOfImage = Buffer.from([0xff, 0xd9])
const jfif = segment(0xe0, [...ascii('JFIF'), 0, 1, 1, 0, 0, 1, 0, 1, 0, 0])

/**
 * A progressive picture of that size with so many scans, grey or of three colours. After the first ones each is a
 * statement in a few bytes that nothing changes anywhere (runs of 16,384 blocks without a coefficient), which a decoder
 * has to follow through all blocks. @param width, height up to 65,500
 */
export function manyScans(width: number, height: number, scans: number, colours: 1 | 3 = 1): Uint8Array {
  const blocks = Math.ceil(width / 8) * Math.ceil(height / 8)
  const quantization = segment(0xdb, [0, ...Array<number>(64).fill(1)])
  const ids = Array.from({ length: colours }, (_, i) => i + 1)
  const parts = ids.flatMap((id) => [id, 0x11, 0])
  const frame = segment(0xc2, [8, ...u16be(height), ...u16be(width), colours, ...parts])
  // One code of one bit in each table: "no difference" for DC, "no coefficients in the next 2^14 blocks" for AC.
  const tables = [0x00, 0x10].map((kind, i) =>
    segment(0xc4, [kind, 1, ...Array<number>(15).fill(0), i === 0 ? 0 : 0xe0]),
  )
  const scan = (id: number, from: number, to: number, bits: number) =>
    Buffer.concat([segment(0xda, [1, id, 0, from, to, 0]), Buffer.alloc(Math.ceil(bits / 8) + 1)])
  const nothing = scan(1, 1, 63, Math.ceil(blocks / 2 ** 14) * 15)
  return Buffer.concat([
    startOfImage,
    jfif,
    quantization,
    frame,
    ...tables,
    ...ids.map((id) => scan(id, 0, 0, blocks)),
    ...Array<Buffer>(scans - colours).fill(nothing),
    endOfImage,
  ])
}

/** The file with segments put behind its first two bytes. */
export function insertSegments(jpeg: Uint8Array, segments: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)])
}

/** A colour profile in as many segments as one may have, 16 MB of nothing. */
export function longProfile(): Uint8Array[] {
  return Array.from({ length: 255 }, (_, i) =>
    segment(
      0xe2,
      Buffer.concat([Buffer.from([...ascii('ICC_PROFILE'), 0, i + 1, 255]), Buffer.alloc(65_519)]),
    ),
  )
}

/** XMP in so many full segments, each of which says that it is all of it. */
export function manyXmp(count: number): Uint8Array[] {
  const xmp = Buffer.concat([
    Buffer.from('http://ns.adobe.com/xap/1.0/\0', 'latin1'),
    Buffer.alloc(65_000, '<x>'),
  ])
  return Array<Uint8Array>(count).fill(segment(0xe1, xmp))
}

/** Comments, as many as are wanted, with nothing in them. */
export function emptyComments(count: number): Uint8Array[] {
  return [Buffer.alloc(count * 4, Buffer.from(segment(0xfe, [])))]
}

/** EXIF around a TIFF structure, as long as a segment may be. */
export function exif(tiff: Uint8Array): Uint8Array[] {
  return [segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff.subarray(0, 65_000)]))]
}
