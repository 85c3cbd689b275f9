import { u16le, u32le } from './bytes.ts'

/** TIFF structures, as files or as EXIF, with unusual directories. */

const magic = [0x49, 0x49, 0x2a, 0]

/** An entry of a directory: tag, type (3: 16 bits, 4: 32 bits, 7: bytes), number of values, and the value or its offset. */
export type Entry = readonly [tag: number, type: number, count: number, value: number]

/** A directory. @param next offset of the next one, or 0 */
export function directory(entries: readonly Entry[], next: number): number[] {
  const sorted = entries.toSorted(([a], [b]) => a - b)
  return [
    ...u16le(sorted.length),
    ...sorted.flatMap(([tag, type, count, value]) => [
      ...u16le(tag),
      ...u16le(type),
      ...u32le(count),
      ...u32le(value),
    ]),
    ...u32le(next),
  ]
}

/** The entries of a gray image in one strip. @param compression 1 none, 5 LZW, 8 deflate, 32773 PackBits */
export function grayEntries(
  width: number,
  height: number,
  strip: { at: number; bytes: number },
  compression = 1,
): Entry[] {
  return [
    [0x0100, 4, 1, width],
    [0x0101, 4, 1, height],
    [0x0102, 3, 1, 8],
    [0x0103, 3, 1, compression],
    [0x0106, 3, 1, 1],
    [0x0111, 4, 1, strip.at],
    [0x0115, 3, 1, 1],
    [0x0116, 4, 1, height],
    [0x0117, 4, 1, strip.bytes],
  ]
}

/** Offset of the first directory. */
export const first = 8
/** Length of a directory with this number of entries. */
export const directoryBytes = (entries: number) => 2 + entries * 12 + 4

/** A TIFF file: the first directory directly after the header, then the data it refers to. */
export function tiff(directories: readonly number[], data: Uint8Array = new Uint8Array()): Uint8Array {
  return Buffer.concat([Buffer.from([...magic, ...u32le(first)]), Buffer.from(directories), data])
}

/** A gray image whose only strip is the data after the directory. @param more entries that replace the usual ones */
export function grayTiff(
  width: number,
  height: number,
  data: Uint8Array,
  compression = 1,
  more: readonly Entry[] = [],
): Uint8Array {
  const usual = new Map(
    grayEntries(width, height, { at: 0, bytes: data.length }, compression).map((one) => [one[0], one]),
  )
  for (const entry of more) usual.set(entry[0], entry)
  const at = first + directoryBytes(usual.size)
  if (usual.get(0x0111)?.[3] === 0) usual.set(0x0111, [0x0111, 4, 1, at])
  return tiff(directory([...usual.values()], 0), data)
}

/** A chain of `count` directories of an image of 8 × 8. The last one refers to none, or to number `loopTo`. */
export function chained(count: number, loopTo?: number): Uint8Array {
  const pixels = Buffer.alloc(64)
  const step = directoryBytes(grayEntries(8, 8, { at: 0, bytes: 64 }).length)
  const strip = { at: first + count * step, bytes: 64 }
  const offsetOf = (i: number) => first + i * step
  const chain = Buffer.concat(
    Array.from({ length: count }, (_, i) =>
      Buffer.from(
        directory(
          grayEntries(8, 8, strip),
          i + 1 < count ? offsetOf(i + 1) : loopTo === undefined ? 0 : offsetOf(loopTo),
        ),
      ),
    ),
  )
  return Buffer.concat([Buffer.from([...magic, ...u32le(first)]), chain, pixels])
}

/** EXIF whose sub-directories and thumbnail are the directory itself, with values outside the file. */
export function circularExif(): Uint8Array {
  const entries: Entry[] = [
    [0x0112, 3, 1, 6],
    // The EXIF, GPS and interoperability directories are this one.
    [0x8769, 4, 1, first],
    [0x8825, 4, 1, first],
    [0xa005, 4, 1, first],
    // A maker note of 4 GiB that begins here, and an endless text.
    [0x927c, 7, 0xffff_fff0, first],
    [0x9286, 7, 0x7fff_ffff, 0xffff_ff00],
    [0x0201, 4, 1, 0],
    [0x0202, 4, 1, 0xffff_ffff],
  ]
  return tiff(directory(entries, first))
}

/** EXIF with the maximum number of entries in a segment, each a text that contains all others. */
export function crowdedExif(): Uint8Array {
  const entries = Array.from({ length: 5400 }, (_, i): Entry => [0x9000 + (i % 0x1000), 2, 60_000, first])
  return tiff(directory(entries, first))
}
