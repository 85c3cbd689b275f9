import { pause } from '@pixelflow/core/pause'
import type { Bucket } from './bucket.ts'
import { readBatch, readLast, type BatchRequest } from '../jetstream/direct-get.ts'
import type { StoredMessage } from '../jetstream/stored-message.ts'
import { readFromLeader } from '../jetstream/jetstream-api.ts'
import type { ObjectInfo, Run } from './object-info.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import { chunkSubject } from '../topology/topology.ts'

/** Where an object's chunks come from, in their order. */
export interface ChunkSource {
  /** How many are still to come. */
  readonly left: number
  /**
   * The next ones, so many of them; fewer when one is missing, and then those before it. The next call may come before
   * this one has ended.
   */
  fetch(count: number): Promise<StoredMessage[]>
}

/**
 * Chunks whose sequences are known. Asking by sequence alone spares the broker from counting what else there is of
 * their subject, which takes the longer the larger the bucket is.
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
      for (let room = count; room > 0;) {
        const { seq, chunks } = rest.shift() as Run
        const batch = Math.min(room, chunks)
        if (batch < chunks) rest.unshift({ seq: seq + batch, chunks: chunks - batch })
        // What comes in place of a chunk that is gone is a later one, of this object or of another.
        const isExpected = (one: StoredMessage, i: number) => one.seq === seq + i && one.subject === subject
        parts.push({ batch, found: whole(bucket, { seq, batch }, isExpected) })
        room -= batch
      }
      const found = await Promise.all(parts.map((part) => part.found))
      // Nothing that follows a hole may be taken for what belongs there.
      const hole = found.findIndex((some, i) => some.length < (parts[i]?.batch ?? 0))
      return (hole === -1 ? found : found.slice(0, hole + 1)).flat()
    },
  }
}

/** The one chunk of a small object: the last message of its subject, the cheapest of all reads. */
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

/** Chunks that somebody else wrote without noting where: found by their subject. */
export function chunksBySubject(bucket: Bucket, info: ObjectInfo): ChunkSource {
  const subject = chunkSubject(bucket.name, info.nuid)
  let left = info.chunks
  // Where the next ones begin is known once those before have come.
  let next = Promise.resolve(1)
  return {
    get left() {
      return left
    },
    fetch(count) {
      left -= count
      const found = next.then((seq) => whole(bucket, { seq, subject, batch: count }, () => true))
      next = found.then((some) => (some.at(-1)?.seq ?? 0) + 1)
      next.catch(() => {})
      return found
    },
  }
}

const longestLagMs = 2000

/** All messages asked for; what is still missing after a while is missing. */
async function whole(
  bucket: Bucket,
  request: BatchRequest,
  isExpected: (one: StoredMessage, index: number) => boolean,
): Promise<StoredMessage[]> {
  for (let waitedMs = 0; ; waitedMs += 50) {
    const found = await retryUnreachable(() => readBatch(bucket.broker, bucket.stream, request))
    const stranger = found.findIndex((one, i) => !isExpected(one, i))
    if (stranger !== -1) return found.slice(0, stranger)
    // The replica that answers may not have them yet.
    if (found.length === request.batch || !bucket.isReplicated || waitedMs >= longestLagMs) return found
    await pause(50)
  }
}
