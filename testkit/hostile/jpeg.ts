import { ascii, u16be } from './bytes.ts'

/** JPEG files that are small but expensive to decode. */

/** A segment: marker, length, content. */
function segment(marker: number, content: Uint8Array | readonly number[]): Uint8Array {
  return Buffer.concat([Buffer.from([0xff, marker, ...u16be(content.length + 2)]), Buffer.from(content)])
}

const startOfImage = Buffer.from([0xff, 0xd8])
const endOfImage = Buffer.from([0xff, 0xd9])
const jfif = segment(0xe0, [...ascii('JFIF'), 0, 1, 1, 0, 0, 1, 0, 1, 0, 0])

/**
 * A progressive image with many scans, gray or with three colours. All but the first scans state in a few bytes that no
 * block changes (runs of 16,384 blocks without a coefficient), and a decoder must process all blocks for each of them.
 * @param width, height up to 65,500
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
  const emptyScan = scan(1, 1, 63, Math.ceil(blocks / 2 ** 14) * 15)
  return Buffer.concat([
    startOfImage,
    jfif,
    quantization,
    frame,
    ...tables,
    ...ids.map((id) => scan(id, 0, 0, blocks)),
    ...Array<Buffer>(scans - colours).fill(emptyScan),
    endOfImage,
  ])
}

/** Inserts segments after the start marker. */
export function insertSegments(jpeg: Uint8Array, segments: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)])
}

/** A colour profile of zeros in the maximum number of segments, 16 MB. */
export function longProfile(): Uint8Array[] {
  return Array.from({ length: 255 }, (_, i) =>
    segment(
      0xe2,
      Buffer.concat([Buffer.from([...ascii('ICC_PROFILE'), 0, i + 1, 255]), Buffer.alloc(65_519)]),
    ),
  )
}

/** A number of XMP segments of the maximum length, each of which claims to be the complete XMP. */
export function manyXmp(count: number): Uint8Array[] {
  const xmp = Buffer.concat([
    Buffer.from('http://ns.adobe.com/xap/1.0/\0', 'latin1'),
    Buffer.alloc(65_000, '<x>'),
  ])
  return Array<Uint8Array>(count).fill(segment(0xe1, xmp))
}

/** A number of empty comments. */
export function emptyComments(count: number): Uint8Array[] {
  return [Buffer.alloc(count * 4, Buffer.from(segment(0xfe, [])))]
}

/** EXIF with a TIFF structure, up to the length of a segment. */
export function exif(tiff: Uint8Array): Uint8Array[] {
  return [segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff.subarray(0, 65_000)]))]
}
