import type { Fault } from '@pixelflow/core/fault'
import { corruptImage } from '../map-vips-error.ts'
import type { FileBytes } from './file-bytes.ts'

/** How the first image of a TIFF is stored, from the tags of its first directory (TIFF 6.0, section 8). */
export interface TiffLayout {
  readonly compression: number
  readonly photometric: number
  readonly samples: number
  /** Bits of each sample. */
  readonly bits: readonly number[]
  /** 1 unsigned, 2 signed, 3 float, 4 undefined, 5 complex integer, 6 complex float. */
  readonly sampleFormats: readonly number[]
  readonly isPlanar: boolean
  readonly isTiled: boolean
  readonly inkSet: number
  readonly chromaSubsampling: readonly [number, number]
}

const tags = {
  bits: 258,
  compression: 259,
  photometric: 262,
  samples: 277,
  planar: 284,
  tileWidth: 322,
  inkSet: 332,
  sampleFormat: 339,
  subsampling: 530,
} as const

const wanted: ReadonlySet<number> = new Set(Object.values(tags))

/** Bytes of a value by type, for integer types. */
const valueBytes: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4, 16: 8 }
/** Values that are read of one tag: more samples than any decoder accepts. */
const maxValues = 16
/** Entries that are read; entries are sorted, and the wanted tags have low numbers. */
const maxEntries = 4096

/**
 * Undefined when the first directory has no photometric interpretation.
 * @throws Fault `corrupt_image` when the directory, or a value that it points to, lies beyond the end of the file.
 */
export function tiffLayoutOf(bytes: FileBytes): TiffLayout | undefined {
  const found = valuesIn(bytes, firstDirectory(bytes))
  const first = (tag: number, otherwise: number) => found.get(tag)?.[0] ?? otherwise
  const photometric = found.get(tags.photometric)?.[0]
  if (photometric === undefined) return undefined
  const [across = 2, down = across] = found.get(tags.subsampling) ?? []
  return {
    compression: first(tags.compression, 1),
    photometric,
    samples: first(tags.samples, 1),
    bits: found.get(tags.bits) ?? [1],
    sampleFormats: found.get(tags.sampleFormat) ?? [1],
    isPlanar: first(tags.planar, 1) === 2,
    isTiled: found.has(tags.tileWidth),
    inkSet: first(tags.inkSet, 1),
    chromaSubsampling: [across, down],
  }
}

interface Directory {
  readonly at: number
  readonly entries: number
  readonly isBig: boolean
  readonly isLittle: boolean
}

function firstDirectory(bytes: FileBytes): Directory {
  const head = Buffer.from(bytes.read(0, 16))
  if (head.length < 8) throw beyondEnd('the header')
  const isLittle = head[0] === 0x49
  const isBig = number(head, 2, 2, isLittle) === 43
  if (isBig && head.length < 16) throw beyondEnd('the header')
  const at = isBig ? number(head, 8, 8, isLittle) : number(head, 4, 4, isLittle)
  const countBytes = isBig ? 8 : 2
  const counter = bytes.read(at, countBytes)
  if (counter.length < countBytes) throw beyondEnd('the directory')
  const entries = Math.min(maxEntries, number(counter, 0, countBytes, isLittle))
  return { at: at + countBytes, entries, isBig, isLittle }
}

function valuesIn(bytes: FileBytes, directory: Directory): ReadonlyMap<number, readonly number[]> {
  const { isBig, isLittle } = directory
  const [entryBytes, fieldBytes] = isBig ? [20, 8] : [12, 4]
  const found = new Map<number, readonly number[]>()
  for (let i = 0; i < directory.entries; i += 1) {
    const entry = Buffer.from(bytes.read(directory.at + i * entryBytes, entryBytes))
    if (entry.length < entryBytes) throw beyondEnd('the directory')
    const tag = number(entry, 0, 2, isLittle)
    const size = valueBytes[number(entry, 2, 2, isLittle)]
    if (!wanted.has(tag) || size === undefined || found.has(tag)) continue
    const count = number(entry, 4, fieldBytes, isLittle)
    const field = entry.subarray(entryBytes - fieldBytes)
    const isHere = count * size <= fieldBytes
    const kept = Math.min(count, maxValues)
    const values = isHere ? field : bytes.read(number(field, 0, fieldBytes, isLittle), kept * size)
    if (values.length < kept * size) throw beyondEnd(`the value of tag ${tag}`)
    found.set(
      tag,
      Array.from({ length: kept }, (_, k) => number(values, k * size, size, isLittle)),
    )
  }
  return found
}

function beyondEnd(what: string): Fault {
  return corruptImage(`${what} lies beyond the end of the file`)
}

function number(bytes: Buffer, at: number, size: number, isLittle: boolean): number {
  if (size === 8) return Number(isLittle ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at))
  return isLittle ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size)
}
