import { huffmanLength } from './huffman-length.ts'

/** Characters that one value of a header may have; Bun's decoder of header blocks holds 65,535 with the name. */
export const longestString = 65_000
/** The shortest code of Huffman's has 5 bits, so less than this cannot decode to too much. */
const surelyShort = Math.floor((longestString * 5) / 8)
/** Stands for fields that were left out. */
export const leftOutHeader = 'pixelflow-left-out'

/**
 * Reads an encoded header block (HPACK, RFC 7541) as it comes and leaves out the strings that are too long, without
 * holding them. Bun ends the whole connection over such a string, and with it every other call; `header-block-filter.ts` says
 * when this file can be removed.
 *
 * A decoder that reads the result knows the same as one that has read the whole: a field longer than its table of known
 * fields empties that table (section 4.4), and so does what stands in its place.
 */
export interface HeaderFieldFilter {
  write(bytes: Uint8Array): void
  /** What is left, once all has been written. */
  end(): Buffer
  /** Bytes held. */
  readonly bytes: number
}

type Field =
  /** It ends there, and stays or goes. */
  | { readonly end: number; readonly leftOut?: { readonly isIndexed: boolean } }
  /** So many bytes of it have to be there before more can be said. */
  | { readonly needed: number }
  | 'broken'

export function createHeaderFieldFilter(): HeaderFieldFilter {
  const kept: Buffer[] = []
  let keptBytes = 0
  let pending: Uint8Array[] = []
  let pendingBytes = 0
  let needed = 1
  /** Bytes of a field that is left out which have not come yet. */
  let skip = 0
  let isBroken = false

  const keep = (bytes: Buffer) => {
    kept.push(bytes)
    keptBytes += bytes.length
  }
  const walk = () => {
    const all = Buffer.concat(pending, pendingBytes)
    let at = 0
    needed = 1
    while (at < all.length && skip === 0 && !isBroken) {
      const field = fieldAt(all.subarray(at))
      if (field === 'broken') isBroken = true
      else if ('needed' in field) {
        needed = field.needed
        break
      } else {
        const end = Math.min(at + field.end, all.length)
        keep(field.leftOut ? placeholder(field.leftOut.isIndexed) : all.subarray(at, end))
        skip = at + field.end - end
        at = end
      }
    }
    pending = [all.subarray(at)]
    pendingBytes = all.length - at
  }

  return {
    get bytes() {
      return keptBytes + pendingBytes
    },
    write(given) {
      const bytes = given.subarray(Math.min(skip, given.length))
      skip -= given.length - bytes.length
      if (bytes.length === 0) return
      pending.push(Uint8Array.from(bytes))
      pendingBytes += bytes.length
      if (!isBroken && pendingBytes >= needed) walk()
    },
    end() {
      // What the decoder must not take for whole: index 0 does not exist.
      if (skip > 0) keep(Buffer.from([0x80]))
      return Buffer.concat([...kept, ...pending])
    },
  }
}

function placeholder(isIndexed: boolean): Buffer {
  const name = Buffer.from(leftOutHeader)
  const value = Buffer.alloc(isIndexed ? 4096 : 1, '1')
  return Buffer.concat([
    Buffer.from([isIndexed ? 0x40 : 0x00, name.length]),
    name,
    isIndexed ? Buffer.from([0x7f, 0x81, 0x1f]) : Buffer.from([1]),
    value,
  ])
}

/** The field with which the bytes begin. */
function fieldAt(bytes: Uint8Array): Field {
  const [first = 0] = bytes
  const isIndexed = (first & 0xc0) === 0x40
  const isName = (first & 0x80) !== 0 || (first & 0xe0) === 0x20
  const prefix = (first & 0x80) !== 0 ? 7 : isIndexed ? 6 : isName ? 5 : 4
  const index = integerAt(bytes, 0, prefix)
  if (typeof index !== 'object') return index === undefined ? { needed: bytes.length + 1 } : 'broken'
  if (isName) return { end: index.end }

  let { end } = index
  let isLeftOut = false
  for (let strings = index.value === 0 ? 2 : 1; strings > 0; strings -= 1) {
    const isHuffman = ((bytes[end] ?? 0) & 0x80) !== 0
    const length = integerAt(bytes, end, 7)
    if (typeof length !== 'object') return length === undefined ? { needed: bytes.length + 1 } : 'broken'
    const begin = length.end
    end = begin + length.value
    if (length.value > longestString) isLeftOut = true
    else if (isHuffman && length.value > surelyShort) {
      if (end > bytes.length) return { needed: end }
      isLeftOut ||= huffmanLength(bytes.subarray(begin, end)) > longestString
    }
    // The length of the value stands behind the name, so the name has to be there; a name that long is not held.
    if (strings === 2 && end >= bytes.length)
      return length.value > longestString ? 'broken' : { needed: end + 1 }
  }
  if (isLeftOut) return { end, leftOut: { isIndexed } }
  return end > bytes.length ? { needed: end } : { end }
}

/** Whole numbers of HPACK (section 5.1); undefined when they go on, false when they are larger than anything. */
function integerAt(
  bytes: Uint8Array,
  at: number,
  prefix: number,
): { readonly value: number; readonly end: number } | false | undefined {
  const first = bytes[at]
  if (first === undefined) return undefined
  const most = 2 ** prefix - 1
  let value = first & most
  let end = at + 1
  if (value < most) return { value, end }
  for (let shift = 0; ; shift += 7, end += 1) {
    const byte = bytes[end]
    if (byte === undefined) return undefined
    if (shift > 21) return false
    value += (byte & 0x7f) * 2 ** shift
    if ((byte & 0x80) === 0) return { value, end: end + 1 }
  }
}
