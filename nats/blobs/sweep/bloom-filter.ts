/** A set of strings in fixed memory: it forgets none, and says "maybe" of a few that were never added. */
export interface BloomFilter {
  add(key: string): void
  mayHave(key: string): boolean
}

/** 16 MiB: of ten million keys it mistakes two in a thousand. */
const defaultBits = 2 ** 27
const probes = 7

/**
 * A Bloom filter with two hashes combined (Kirsch and Mitzenmacher, "Less Hashing, Same Performance", 2006). Another
 * seed mistakes other keys.
 */
export function createBloomFilter(seed: bigint, bits: number = defaultBits): BloomFilter {
  const words = new Uint32Array(bits / 32)
  const mask = bits - 1

  const places = (key: string): number[] => {
    const hash = Bun.hash.xxHash64(key, seed)
    const first = Number(hash & 0xffff_ffffn)
    // Odd, so that all places are reached.
    const step = Number(hash >> 32n) | 1
    return Array.from({ length: probes }, (_, i) => (first + Math.imul(i, step)) & mask)
  }

  return {
    add(key) {
      for (const at of places(key)) words[at >>> 5] = (words[at >>> 5] as number) | (1 << (at & 31))
    },
    mayHave: (key) => places(key).every((at) => ((words[at >>> 5] as number) & (1 << (at & 31))) !== 0),
  }
}
