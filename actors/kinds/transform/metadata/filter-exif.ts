/**
 * EXIF without embedded images. EXIF can hold a thumbnail (IFD1), further previews (SubIFDs, maker notes) and, in TIFF
 * files, the image itself: all of the original as it was before any crop or blur. So only known descriptive tags are
 * copied into a new block. libvips copies the whole block of most formats, and nothing of a TIFF file. No maintained
 * library writes EXIF separately from an image file: piexifjs is unmaintained, exifr and exifreader only read. The file
 * can go when libvips writes chosen tags from TIFF sources too; `filter-exif.test.ts` and `metadata.test.ts` hold what
 * must then pass.
 */

/** Reads bytes of the block or file; undefined where they are missing. */
export type ReadAt = (offset: number, length: number) => Buffer | undefined

interface Entry {
  readonly tag: number
  readonly type: number
  readonly count: number
  /** In the byte order of the block. */
  readonly value: Buffer
}

const pointers = { exif: 0x8769, gps: 0x8825, interoperability: 0xa005 } as const
const orientationTag = 0x0112

/** Ranges of tags, both ends included, that stay true whatever happens to the pixels. */
const descriptiveTags = {
  // Title, make, model, resolution, software, date, artist, rating, copyright, and the titles that Windows writes.
  main: [
    [0x010d, 0x0110],
    [0x011a, 0x011b],
    [0x0128, 0x0128],
    [0x0131, 0x0132],
    [0x013b, 0x013c],
    [0x4746, 0x4746],
    [0x4749, 0x4749],
    [0x8298, 0x8298],
    [0x9c9b, 0x9c9f],
    [0xc614, 0xc614],
    [0xc62f, 0xc62f],
  ],
  // All tags of the standard except MakerNote (927C), the size of the original (A002, A003) and
  // DeviceSettingDescription (A40B): their content is unknown or no longer true.
  exif: [
    [0x829a, 0x829d],
    [0x8822, 0x8835],
    [0x9000, 0x927b],
    [0x9286, 0x9292],
    [0x9400, 0x9405],
    [0xa000, 0xa001],
    [0xa004, 0xa004],
    [0xa20b, 0xa20b],
    [0xa20e, 0xa217],
    [0xa300, 0xa301],
    [0xa401, 0xa40a],
    [0xa40c, 0xa40c],
    [0xa420, 0xa43f],
    [0xa460, 0xa462],
    [0xa500, 0xa500],
  ],
  gps: [[0x0000, 0x001f]],
  interoperability: [[0x0001, 0x0002]],
} as const
type Directory = keyof typeof descriptiveTags

/** Bytes of one value by type, from type 1 on: numbers, text, fractions. */
const typeBytes = [1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8]
/** Limits in bytes; EXIF of a JPEG has at most 64 KiB. */
const longest = { value: 16 * 1024, block: 60 * 1024 }
const maxEntries = 1000

/**
 * A new block with the descriptive tags of a block or a TIFF file; undefined without such tags or without a valid
 * block.
 * @param orientation orientation of the new block, 1 to 8
 */
export function filterExif(readAt: ReadAt, orientation: number): Buffer | undefined {
  const block = openBlock(readAt)
  if (block === undefined) return undefined
  const main = block.entriesAt(block.first)
  const below = (entries: readonly Entry[], tag: number) => {
    const pointer = entries.find((entry) => entry.tag === tag)
    return pointer === undefined ? [] : block.entriesAt(block.number(pointer.value))
  }
  const exif = below(main, pointers.exif)
  const kept = {
    main: selectDescriptive('main', main),
    exif: selectDescriptive('exif', exif),
    gps: selectDescriptive('gps', below(main, pointers.gps)),
    interoperability: selectDescriptive('interoperability', below(exif, pointers.interoperability)),
  }
  if (orientation === 1 && Object.values(kept).every((entries) => entries.length === 0)) return undefined
  return new BlockWriter(block.isLittle).block(kept, orientation)
}

/** The orientation that EXIF states, 1 to 8; 1 where it states none. */
export function readOrientation(readAt: ReadAt): number {
  const block = openBlock(readAt)
  const entry = block?.entriesAt(block.first).find(({ tag }) => tag === orientationTag)
  const stated = block === undefined || entry === undefined ? 1 : block.number(entry.value)
  return stated >= 1 && stated <= 8 ? stated : 1
}

function selectDescriptive(directory: Directory, entries: readonly Entry[]): Entry[] {
  const ranges: readonly (readonly [number, number])[] = descriptiveTags[directory]
  return entries.filter(
    ({ tag, value }) =>
      ranges.some(([from, to]) => tag >= from && tag <= to) && !value.includes(Buffer.of(0xff, 0xd8, 0xff)),
  )
}

/** Opens a TIFF structure, or a BigTIFF structure with 64-bit offsets; undefined for anything else. */
function openBlock(readAt: ReadAt) {
  const head = readAt(0, 8)
  const order = head?.toString('latin1', 0, 2)
  if (head === undefined || (order !== 'II' && order !== 'MM')) return undefined
  const isLittle = order === 'II'
  const number = (bytes: Buffer): number => {
    if (bytes.length < 8) {
      const [from, to] = [0, Math.min(bytes.length, 4)]
      return to < 1 ? 0 : isLittle ? bytes.readUIntLE(from, to) : bytes.readUIntBE(from, to)
    }
    return Number(isLittle ? bytes.readBigUInt64LE() : bytes.readBigUInt64BE())
  }
  const version = number(head.subarray(2, 4))
  if (version !== 42 && version !== 43) return undefined
  // Sizes in bytes of the entry count, an entry, and an offset.
  const [countBytes, entryBytes, offsetBytes] = version === 43 ? [8, 20, 8] : [2, 12, 4]
  const first = version === 43 ? readAt(8, 8) : head.subarray(4, 8)
  if (first === undefined) return undefined

  const entryOf = (bytes: Buffer): Entry[] => {
    const [tag, type] = [number(bytes.subarray(0, 2)), number(bytes.subarray(2, 4))]
    const count = number(bytes.subarray(4, 4 + offsetBytes))
    const length = count * (typeBytes[type - 1] ?? Number.NaN)
    // With 64-bit offsets a count may exceed every size that is copied.
    if (!(length > 0 && length <= longest.value)) return []
    const inline = bytes.subarray(4 + offsetBytes)
    const value = length <= offsetBytes ? inline.subarray(0, length) : readAt(number(inline), length)
    return value === undefined ? [] : [{ tag, type, count, value }]
  }
  const entriesAt = (offset: number): Entry[] => {
    const count = readAt(offset, countBytes)
    if (count === undefined) return []
    const most = Math.min(number(count), maxEntries)
    return Array.from({ length: most }, (_, i) => readAt(offset + countBytes + i * entryBytes, entryBytes))
      .filter((bytes) => bytes !== undefined)
      .flatMap(entryOf)
  }
  return { isLittle, number, first: number(first), entriesAt }
}

/** Writes a block in one byte order. */
class BlockWriter {
  readonly #isLittle: boolean
  #length = 8

  constructor(isLittle: boolean) {
    this.#isLittle = isLittle
  }

  block(kept: Readonly<Record<Directory, readonly Entry[]>>, orientation: number): Buffer {
    const parts: Buffer[] = []
    const put = (entries: readonly Entry[]) => {
      const offset = this.#length
      const bytes = this.#directory(entries)
      parts.push(bytes)
      this.#length += bytes.length
      return offset
    }
    const pointing = (tag: number, entries: readonly Entry[]) =>
      entries.length === 0 ? [] : [{ tag, type: 4, count: 1, value: this.#number(put(entries), 4) }]

    const interoperability = pointing(pointers.interoperability, kept.interoperability)
    const exif = pointing(pointers.exif, [...kept.exif, ...interoperability])
    const gps = pointing(pointers.gps, kept.gps)
    const upright = { tag: orientationTag, type: 3, count: 1, value: this.#number(orientation, 2) }
    const first = put([...kept.main, upright, ...exif, ...gps])
    const order = Buffer.from(this.#isLittle ? 'II' : 'MM')
    return Buffer.concat([order, this.#number(42, 2), this.#number(first, 4), ...parts])
  }

  /** One directory with its values, placed at the end of the block. */
  #directory(given: readonly Entry[]): Buffer {
    const entries = this.#fitting(given.toSorted((a, b) => a.tag - b.tag))
    let valuesAt = this.#length + 2 + entries.length * 12 + 4
    const values: Buffer[] = []
    const rows = entries.map(({ tag, type, count, value }) => {
      const field = Buffer.alloc(4)
      if (value.length <= 4) value.copy(field)
      else {
        this.#number(valuesAt, 4).copy(field)
        // TIFF requires even offsets.
        const padded = Buffer.concat([value, Buffer.alloc(value.length % 2)])
        values.push(padded)
        valuesAt += padded.length
      }
      return Buffer.concat([this.#number(tag, 2), this.#number(type, 2), this.#number(count, 4), field])
    })
    return Buffer.concat([this.#number(entries.length, 2), ...rows, this.#number(0, 4), ...values])
  }

  /** Drops the longest entries when the block would become too long; the short ones matter most to users. */
  #fitting(entries: readonly Entry[]): Entry[] {
    let left = longest.block - this.#length
    const fit = new Set<Entry>()
    for (const entry of entries.toSorted((a, b) => a.value.length - b.value.length)) {
      left -= 14 + entry.value.length
      if (left >= 0) fit.add(entry)
    }
    return entries.filter((entry, i) => fit.has(entry) && entry.tag !== entries[i - 1]?.tag)
  }

  #number(value: number, bytes: number): Buffer {
    const buffer = Buffer.alloc(bytes)
    if (this.#isLittle) buffer.writeUIntLE(value, 0, bytes)
    else buffer.writeUIntBE(value, 0, bytes)
    return buffer
  }
}
