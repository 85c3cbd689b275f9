import { Fault } from '@pixelflow/core/fault'
import { bytesAtLocation } from '@pixelflow/core/inline-location'
import { maxInlineBytes, type Blobs, type ByteRange, type LocatedBlob } from '@pixelflow/core/ports/blobs'
import type { Clock } from '@pixelflow/core/ports/clock'
import { readBlobRange, readBlob, type ReadOptions } from './read-blob.ts'
import { beginWrite, type YieldingWrite } from './begin-write.ts'
import type { Broker } from '../connection/broker.ts'
import { createBucket, describe, purgeChunks, putTombstone, type Bucket } from './bucket.ts'
import { createByteBudget } from '@pixelflow/core/byte-budget'
import { createChunkMemory } from './chunk-memory.ts'
import { dataLoss } from './missing-bytes.ts'
import { blobInfoOf, infoAtLocation, type ObjectInfo } from './object-info.ts'
import { retryWithFaults } from '../jetstream/retry-with-faults.ts'
import { blobReuseMs } from '../topology/buckets.ts'
import type { Layout } from '../topology/streams.ts'

export interface BlobsOptions {
  /** Bytes that all writes together may hold; default 64 MiB. */
  readonly writeMemoryBytes?: number
  /** Bytes that all reads together may fetch ahead; default 16 MiB. */
  readonly readMemoryBytes?: number
  /** Most bytes that a commit may leave in the location; default `maxInlineBytes`, 0 for none. */
  readonly maxInlineBytes?: number
  /** Age at which the description of a reused blob is written again; default a minute, far below a sweep's grace. */
  readonly touchAfterMs?: number
}

/**
 * Smaller chunks cost the broker and this process a tenth more CPU time for each halving; larger ones cost little less, and
 * a short range reads a whole chunk.
 */
const chunkBytes = 256 * 1024
/** A read has two windows at a time. Larger ones leave the processor's caches, which costs the broker and this process more. */
const windowBytes = 1024 * 1024
const defaultWriteMemoryBytes = 64 * 1024 * 1024
/**
 * The broker disconnects a client with more than 64 MiB pending (`max_pending`). All buckets share one connection, so the
 * requested bytes of all reads together stay well below that.
 */
const defaultReadMemoryBytes = 16 * 1024 * 1024

/**
 * Blobs in a bucket of the NATS object store; any client of that store can read and write them.
 *
 * Written by hand because @nats-io/obj waits for the answer to each chunk before it sends the next one
 * (https://github.com/nats-io/nats.js/pull/256), buffers whole chunks several times, reads without flow control across
 * readers, creates a consumer for each read, and has no conditional commit. No upstream issue about these is known. Remove it
 * when the library passes `testkit/contracts/blobs.ts` and the group "bounds" of `blobs.test.ts`.
 */
export function createBlobs(
  broker: Broker,
  clock: Clock,
  name: string,
  layout: Layout,
  options: BlobsOptions = {},
): Blobs {
  const bucket = createBucket(broker, name, layout.natsReplicas)
  const reuse = { clock, reuseForMs: blobReuseMs(name, layout), touchAfterMs: options.touchAfterMs ?? 60_000 }
  const { maxInlineBytes: mostInline = maxInlineBytes } = options
  const writes = new Set<YieldingWrite>()
  const memory = createChunkMemory(options.writeMemoryBytes ?? defaultWriteMemoryBytes, chunkBytes, () => {
    // Slow uploads must not keep incomplete chunks while others wait for memory.
    for (const write of writes) write.yieldMemory()
  })
  const readBudget = createByteBudget(options.readMemoryBytes ?? defaultReadMemoryBytes)

  const find = async (blob: string) => {
    const found = await retryWithFaults(() => describe(bucket, blob))
    return found?.info.deleted ? null : found
  }

  const contentOf = (info: ObjectInfo, range?: ByteRange, createMissingFault?: () => Fault) => {
    const options: ReadOptions = {
      bucket,
      budget: readBudget,
      windowBytes,
      ...(createMissingFault && { createMissingFault }),
    }
    return range ? readBlobRange(options, info, within(range, info.size)) : readBlob(options, info)
  }

  return {
    async begin() {
      const onEnd = () => void writes.delete(write)
      const write: YieldingWrite = beginWrite({ bucket, memory, maxInlineBytes: mostInline, reuse, onEnd })
      writes.add(write)
      return write
    },
    async stat(blob) {
      const found = await find(blob)
      return found && blobInfoOf(found)
    },
    async read(blob, range) {
      const found = await find(blob)
      if (!found) return null
      return { info: blobInfoOf(found), body: contentOf(found.info, range) }
    },
    async *readLocated(blob, createMissingFault, range) {
      const inline = bytesAtLocation(blob.location)
      if (inline !== undefined) return yield selectInline(bucket, inline, blob, range)
      const info = infoAtLocation(bucket.name, blob) ?? (await find(blob.name))?.info
      if (info === undefined) throw createMissingFault()
      yield* contentOf(info, range, createMissingFault)
    },
    delete: (blob) => retryWithFaults(() => remove(bucket, blob)),
  }
}

function within({ start, end }: ByteRange, bytes: number): ByteRange {
  if (Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && start < bytes) {
    return { start, end: Math.min(end, bytes - 1) }
  }
  throw new Fault(
    'range_not_satisfiable',
    `Bytes ${start} to ${end} are outside the content of ${bytes} bytes.`,
    { remedy: `Request bytes between 0 and ${Math.max(0, bytes - 1)}.` },
  )
}

/** All bytes of a location, checked, or a range of them. */
function selectInline(
  { name: bucket }: Bucket,
  bytes: Uint8Array,
  { name, sha256 }: LocatedBlob,
  range?: ByteRange,
): Uint8Array {
  if (range !== undefined) {
    const { start, end } = within(range, bytes.length)
    return bytes.subarray(start, end + 1)
  }
  if (new Bun.CryptoHasher('sha256').update(bytes).digest('hex') !== sha256)
    throw dataLoss({ name, bucket }, 'differ from their digest')
  return bytes
}

async function remove(bucket: Bucket, name: string): Promise<boolean> {
  const found = await describe(bucket, name)
  if (!found || found.info.deleted) return false
  // On a conflict, another process has removed or replaced it.
  if (!(await putTombstone(bucket, found))) return false
  await purgeChunks(bucket, found.info.nuid)
  return true
}
