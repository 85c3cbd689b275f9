/** Hash functions that are commonly used to assign names to shards. */
const hashes: readonly ((name: string) => number)[] = [
  // Used by brokers and load balancers, for example by the partitions of NATS.
  fnv1a,
  Bun.hash.crc32,
  Bun.hash.adler32,
  Bun.hash.xxHash32,
  Bun.hash.murmur32v3,
  (name) => Number(Bun.hash.wyhash(name) & 0xffff_ffffn),
]
/** Names in the same shard of eight are also in the same shard of two and of four. */
const shards = 8

/** Finds the name of an account that is in the same shard as `name` by every hash function. */
export function findShardNeighbour(name: string): string {
  const wanted = hashes.map((hash) => hash(name) % shards)
  let serial = 0
  const candidate = () => `neighbour${serial}`
  while (!hashes.every((hash, index) => hash(candidate()) % shards === wanted[index])) serial += 1
  return candidate()
}

function fnv1a(name: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash
}
