import { huffmanLength } from './huffman-length.ts'

/** Most characters of one header string. Bun's HPACK decoder holds 65,535 for name and value together. */
export const maxStringLength = 65_000
/** The shortest Huffman code has 5 bits, so shorter encoded strings cannot decode to more than the maximum. */
const shortEncodedLength = Math.floor((maxStringLength * 5) / 8)
/** Name of the header that replaces each removed field. */
export const removedHeader = 'pixelflow-removed-header'

/**
 * Reads an encoded header block (HPACK, RFC 7541) as it arrives and removes strings that are too long, without holding
 * them. Bun ends the whole connection because of such a string; `header-block-filter.ts` says when this file can be removed.
 *
 * The decoder's dynamic table stays correct: an indexed field that is larger than the table empties it (section 4.4), and so
 * does its replacement.
 */
export interface HeaderFieldFilter {
  write(bytes: Uint8Array): void
  /** Returns the filtered block. */
  end(): Buffer
  /** Bytes held. */
  readonly bytes: number
}

type Field =
  /** The field ends at `end`; it is kept unless `removed` is set. */
  | { readonly end: number; readonly removed?: { readonly isIndexed: boolean } }
  /** The field needs this many bytes before it can be judged. */
  | { readonly needed: number }
  | 'broken'

export function createHeaderFieldFilter(): HeaderFieldFilter {
  const kept: Buffer[] = []
  let keptBytes = 0
  let pending: Uint8Array[] = []
  let pendingBytes = 0
  let needed = 1
  /** Bytes of a removed field that have not arrived. */
  let skip = 0
  let isBroken = false

  const append = (bytes: Buffer) => {
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
        append(field.removed ? placeholder(field.removed.isIndexed) : all.subarray(at, end))
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
      // An incomplete block must fail to decode: index 0 does not exist.
      if (skip > 0) append(Buffer.from([0x80]))
      return Buffer.concat([...kept, ...pending])
    },
  }
}

function placeholder(isIndexed: boolean): Buffer {
  const name = Buffer.from(removedHeader)
  const value = Buffer.alloc(isIndexed ? 4096 : 1, '1')
  return Buffer.concat([
    Buffer.from([isIndexed ? 0x40 : 0x00, name.length]),
    name,
    isIndexed ? Buffer.from([0x7f, 0x81, 0x1f]) : Buffer.from([1]),
    value,
  ])
}

/** The field at the start of the bytes. */
function fieldAt(bytes: Uint8Array): Field {
  const [first = 0] = bytes
  const isIndexed = (first & 0xc0) === 0x40
  const isName = (first & 0x80) !== 0 || (first & 0xe0) === 0x20
  const prefix = (first & 0x80) !== 0 ? 7 : isIndexed ? 6 : isName ? 5 : 4
  const index = integerAt(bytes, 0, prefix)
  if (typeof index !== 'object') return index === undefined ? { needed: bytes.length + 1 } : 'broken'
  if (isName) return { end: index.end }

  let { end } = index
  let isRemoved = false
  for (let strings = index.value === 0 ? 2 : 1; strings > 0; strings -= 1) {
    const isHuffman = ((bytes[end] ?? 0) & 0x80) !== 0
    const length = integerAt(bytes, end, 7)
    if (typeof length !== 'object') return length === undefined ? { needed: bytes.length + 1 } : 'broken'
    const begin = length.end
    end = begin + length.value
    if (length.value > maxStringLength) isRemoved = true
    else if (isHuffman && length.value > shortEncodedLength) {
      if (end > bytes.length) return { needed: end }
      isRemoved ||= huffmanLength(bytes.subarray(begin, end)) > maxStringLength
    }
    // The length of the value follows the name, so the whole name must have arrived. A name above the maximum is an error.
    if (strings === 2 && end >= bytes.length)
      return length.value > maxStringLength ? 'broken' : { needed: end + 1 }
  }
  if (isRemoved) return { end, removed: { isIndexed } }
  return end > bytes.length ? { needed: end } : { end }
}

/** An integer of HPACK (section 5.1); undefined when it is incomplete, false when it is too large. */
function integerAt(
  bytes: Uint8Array,
  at: number,
  prefix: number,
): { readonly value: number; readonly end: number } | false | undefined {
  const first = bytes[at]
  if (first === undefined) return undefined
  const max = 2 ** prefix - 1
  let value = first & max
  let end = at + 1
  if (value < max) return { value, end }
  for (let shift = 0; ; shift += 7, end += 1) {
    const byte = bytes[end]
    if (byte === undefined) return undefined
    if (shift > 21) return false
    value += (byte & 0x7f) * 2 ** shift
    if ((byte & 0x80) === 0) return { value, end: end + 1 }
  }
}
