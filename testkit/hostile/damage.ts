/** Functions that damage valid files. */

/** A function that returns random integers from 0 up to `below`, exclusive. Equal seeds give equal numbers. */
export function createRandomInteger(seed: number): (below: number) => number {
  let state = (seed * 2_654_435_761) >>> 0 || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** Flips bits of a file, by default after the bytes that identify its format. */
export function flipBits(bytes: Uint8Array, seed: number, bits: number, from = 32): Uint8Array {
  const next = createRandomInteger(seed)
  const copy = bytes.slice()
  for (let i = 0; i < bits; i++) {
    const at = from + next(copy.length - from)
    copy[at] = (copy[at] ?? 0) ^ (1 << next(8))
  }
  return copy
}

/** The file truncated after each of `parts` equal parts, without the complete file. */
export function truncateInSteps(bytes: Uint8Array, parts = 16): Uint8Array[] {
  return Array.from({ length: parts - 1 }, (_, i) =>
    bytes.slice(0, Math.floor((bytes.length * (i + 1)) / parts)),
  )
}

/** Corrects the checksums of a damaged PNG, so that decoders read the damaged chunks. */
export function fixChecksums(png: Uint8Array): Uint8Array {
  const copy = Buffer.from(png)
  for (let at = 8; at + 12 <= copy.length;) {
    const end = at + 8 + copy.readUInt32BE(at)
    if (end + 4 > copy.length) break
    copy.writeUInt32BE(Bun.hash.crc32(copy.subarray(at + 4, end)), end)
    at = end + 4
  }
  return copy
}
