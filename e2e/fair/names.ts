/** Common ways to give names to shards. */
const hashes: readonly ((name: string) => number)[] = [
  // What brokers and load balancers take: NATS partitions by this one.
  fnv1a,
  Bun.hash.crc32,
  Bun.hash.adler32,
  Bun.hash.xxHash32,
  Bun.hash.murmur32v3,
  (name) => Number(Bun.hash.wyhash(name) & 0xffff_ffffn),
]
/** Names that share one shard of eight also share one of two and of four. */
const shards = 8

/** The name of an account that shares its shard with another one, whichever way shards are given. */
export function neighbourOf(name: string): string {
  const wanted = hashes.map((hash) => hash(name) % shards)
  for (let serial = 0; ; serial += 1) {
    const other = `neighbour${serial}`
    if (hashes.every((hash, index) => hash(other) % shards === wanted[index])) return other
  }
}

function fnv1a(name: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash
}
