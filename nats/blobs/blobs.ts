import { Fault } from '@pixelflow/core/fault'
import type { Blobs, ByteRange } from '@pixelflow/core/ports/blobs'
import type { Clock } from '@pixelflow/core/ports/clock'
import { readRange, readWhole } from './read-blob.ts'
import { beginWrite, type YieldingWrite } from './begin-write.ts'
import { faultOf, JetStreamError, wrongLastSequence, type Broker } from '../connection/broker.ts'
import { createBucket, describe, purgeChunks, putTombstone, type Bucket } from './bucket.ts'
import { createByteBudget } from '@pixelflow/core/byte-budget'
import { createChunkMemory } from './chunk-memory.ts'
import { blobInfoOf } from './object-info.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import { blobReuseMs, type Layout } from '../topology/topology.ts'

export interface BlobsOptions {
  /** Bytes that all writes together may hold; default 64 MiB. */
  readonly writeMemoryBytes?: number
  /** Bytes that all reads together may fetch ahead; default 16 MiB. */
  readonly readMemoryBytes?: number
  /** Age at which a blob that is stored again is marked as wanted anew; default a minute, far below a sweep's grace. */
  readonly touchAfterMs?: number
}

/** Larger ones cost the broker twice the processor time, smaller ones us; also what the ordinary tools use. */
const chunkBytes = 128 * 1024
const windowBytes = 2 * 1024 * 1024
const defaultWriteMemoryBytes = 64 * 1024 * 1024
/**
 * The broker cuts off a client for whom more than 64 MiB wait to be taken (`max_pending`). All buckets share one
 * connection, so what their reads have asked for at a time stays well below that together.
 */
const defaultReadMemoryBytes = 16 * 1024 * 1024

/** Blobs in a bucket of the NATS object store, readable and writable with its ordinary tools. */
export function createBlobs(
  broker: Broker,
  clock: Clock,
  name: string,
  layout: Layout,
  options: BlobsOptions = {},
): Blobs {
  const bucket = createBucket(broker, name, layout.natsReplicas)
  const keeping = { clock, keepMs: blobReuseMs(name, layout), touchAfterMs: options.touchAfterMs ?? 60_000 }
  const writes = new Set<YieldingWrite>()
  const memory = createChunkMemory(options.writeMemoryBytes ?? defaultWriteMemoryBytes, chunkBytes, () => {
    // Slow uploads must not sit on half-filled buffers while others wait for memory.
    for (const write of writes) write.yieldMemory()
  })
  const readBudget = createByteBudget(options.readMemoryBytes ?? defaultReadMemoryBytes)

  const find = async (blob: string) => {
    try {
      const found = await retryUnreachable(() => describe(bucket, blob))
      return found?.info.deleted ? null : found
    } catch (thrown) {
      throw faultOf(thrown)
    }
  }

  return {
    async begin() {
      const onEnd = () => void writes.delete(write)
      const write: YieldingWrite = beginWrite({ bucket, memory, keeping, onEnd })
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
      const options = { bucket, budget: readBudget, windowBytes }
      const { info } = found
      const body = range ? readRange(options, info, within(range, info.size)) : readWhole(options, info)
      return { info: blobInfoOf(found), body }
    },
    async delete(blob) {
      try {
        return await retryUnreachable(() => remove(bucket, blob))
      } catch (thrown) {
        throw faultOf(thrown)
      }
    },
  }
}

function within({ start, end }: ByteRange, bytes: number): ByteRange {
  if (Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && start < bytes) {
    return { start, end: Math.min(end, bytes - 1) }
  }
  throw new Fault(
    'range_not_satisfiable',
    `Bytes ${start} to ${end} lie outside the content of ${bytes} bytes.`,
  )
}

async function remove(bucket: Bucket, name: string): Promise<boolean> {
  const found = await describe(bucket, name)
  if (!found || found.info.deleted) return false
  try {
    await putTombstone(bucket, found)
  } catch (thrown) {
    // Somebody else removed or replaced it just now.
    if (thrown instanceof JetStreamError && thrown.code === wrongLastSequence) return false
    throw thrown
  }
  await purgeChunks(bucket, found.info.nuid)
  return true
}
