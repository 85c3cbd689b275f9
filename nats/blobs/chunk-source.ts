import { pause } from '@pixelflow/core/pause'
import type { Bucket } from './bucket.ts'
import { readBatch, type BatchRequest } from '../jetstream/read-batch.ts'
import { readLast } from '../jetstream/read-last.ts'
import type { StoredMessage } from '../jetstream/stored-message.ts'
import { readFromLeader } from '../jetstream/read-from-leader.ts'
import type { ObjectInfo, Run } from './object-info.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import { chunkSubject } from '../topology/buckets.ts'

/** The chunks of an object, in order. */
export interface ChunkSource {
  /** How many are left. */
  readonly left: number
  /**
   * The next `count` chunks; if one is missing, only those before it. Calls may overlap.
   */
  fetch(count: number): Promise<StoredMessage[]>
}

/**
 * Chunks whose sequences are known. Reading by sequence is faster than by subject, whose messages the broker counts in time
 * proportional to the bucket.
 */
export function chunksBySequence(bucket: Bucket, info: ObjectInfo, runs: readonly Run[]): ChunkSource {
  const subject = chunkSubject(bucket.name, info.nuid)
  const rest = [...runs]
  let left = rest.reduce((sum, { chunks }) => sum + chunks, 0)
  return {
    get left() {
      return left
    },
    async fetch(count) {
      left -= count
      const parts: { batch: number; found: Promise<StoredMessage[]> }[] = []
      for (let missing = count; missing > 0;) {
        const { seq, chunks } = rest.shift() as Run
        const batch = Math.min(missing, chunks)
        if (batch < chunks) rest.unshift({ seq: seq + batch, chunks: chunks - batch })
        // In place of a missing chunk the broker sends a later one, of this object or another.
        const isExpected = (one: StoredMessage, i: number) => one.seq === seq + i && one.subject === subject
        parts.push({ batch, found: readAll(bucket, { seq, batch }, isExpected) })
        missing -= batch
      }
      const found = await Promise.all(parts.map((part) => part.found))
      // Chunks after a gap must not replace the missing ones.
      const gap = found.findIndex((some, i) => some.length < (parts[i]?.batch ?? 0))
      return (gap === -1 ? found : found.slice(0, gap + 1)).flat()
    },
  }
}

/** The chunk of an object with only one: the last message of its subject, the fastest read. */
export function singleChunk(bucket: Bucket, info: ObjectInfo): ChunkSource {
  const { broker, stream, isReplicated } = bucket
  const subject = chunkSubject(bucket.name, info.nuid)
  let left = 1
  return {
    get left() {
      return left
    },
    async fetch() {
      left = 0
      const found =
        (await retryUnreachable(() => readLast(broker, stream, subject))) ??
        (isReplicated
          ? await retryUnreachable(() => readFromLeader(broker, stream, { last_by_subj: subject }))
          : null)
      return found ? [found] : []
    },
  }
}

/** Chunks of an object written by another client, without noted sequences: found by their subject. */
export function chunksBySubject(bucket: Bucket, info: ObjectInfo): ChunkSource {
  const subject = chunkSubject(bucket.name, info.nuid)
  let left = info.chunks
  // The start of a batch is known when the previous one has arrived.
  let next = Promise.resolve(1)
  return {
    get left() {
      return left
    },
    fetch(count) {
      left -= count
      const found = next.then((seq) => readAll(bucket, { seq, subject, batch: count }, () => true))
      next = found.then((some) => (some.at(-1)?.seq ?? 0) + 1)
      next.catch(() => {})
      return found
    },
  }
}

const maxLagMs = 2000

/** All requested messages. Missing ones are retried for a while, because a replica may lag. */
async function readAll(
  bucket: Bucket,
  request: BatchRequest,
  isExpected: (one: StoredMessage, index: number) => boolean,
): Promise<StoredMessage[]> {
  for (let waitedMs = 0; ; waitedMs += 50) {
    const found = await retryUnreachable(() => readBatch(bucket.broker, bucket.stream, request))
    const unexpected = found.findIndex((one, i) => !isExpected(one, i))
    if (unexpected !== -1) return found.slice(0, unexpected)
    if (found.length === request.batch || !bucket.isReplicated || waitedMs >= maxLagMs) return found
    await pause(50)
  }
}
