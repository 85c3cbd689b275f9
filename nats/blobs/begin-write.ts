import { nuid } from '@nats-io/nats-core'
import { Fault } from '@pixelflow/core/fault'
import { pause } from '@pixelflow/core/pause'
import type { BlobWrite } from '@pixelflow/core/ports/blobs'
import { faultOf } from '../connection/broker.ts'
import { purgeChunks, type Bucket } from './bucket.ts'
import type { ChunkMemory } from './chunk-memory.ts'
import { putIfAbsent, rollBackPut, type ReusePolicy } from './put-if-absent.ts'
import { publishChunk } from '../jetstream/publish.ts'
import { blobInfoOf, digestOf, withSequences, type ObjectEntry, type ObjectInfo } from './object-info.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import { hasAllChunks } from './blob-integrity.ts'
import { noteProgress, storeTimeout, waitForMemory, withinTimeout } from '../jetstream/store-timeout.ts'
import { chunkSubject } from '../topology/topology.ts'
import type { Chunk } from '../connection/wire/chunk.ts'

export interface WriteOptions {
  readonly bucket: Bucket
  /** Shared by all writes of the process: what they hold, sent or not, until the broker has it. */
  readonly memory: ChunkMemory
  /** When a blob of the same name stays. */
  readonly keeping: ReusePolicy
  /** Called once, when the write has ended in any way. */
  readonly onEnd: () => void
}

/** A write that can be asked to part with what it holds while others wait for memory. */
export interface YieldingWrite extends BlobWrite {
  yieldMemory(): void
}

/**
 * Chunks on their way to the broker per write, each of 128 KiB: enough to keep a line of 10 ms round trip busy, and
 * little enough to stay in the processor's caches.
 */
const mostUnderWay = 32
/**
 * What a slow upload has sent so far is sent as a shorter chunk after so long: a sweep takes chunks for forgotten by the
 * age of the newest, and the newest is then never older than this and the longest pause that an upload may make.
 */
const longestHeldMs = 30_000
/** A write that took no longer than this has no chunk that any sweep could have taken for forgotten. */
const surelyYoungMs = 10_000
/** How long the removal of what was written is waited for. */
const longestAbortMs = 1000

export function beginWrite({ bucket, memory, keeping, onEnd }: WriteOptions): YieldingWrite {
  const { chunkBytes } = memory
  const id = nuid.next()
  const subject = chunkSubject(bucket.name, id)
  const hasher = new Bun.CryptoHasher('sha256')
  let sha256: string | undefined
  const stop = new AbortController()
  const underWay = new Set<Promise<void>>()
  const sequences: number[] = []
  let bytes = 0
  let chunks = 0
  let shortest = chunkBytes
  let isUniform = true
  let buffer: Chunk | undefined
  let failure: unknown
  /** The name under which a description may already stand. */
  let claimed: string | undefined
  let claiming: Promise<ObjectEntry> | undefined
  let isBusy = false
  const begunAt = performance.now()
  let sentAt = begunAt
  let end: Promise<void> | undefined

  /** Sends what the buffer holds, without waiting for the answer. */
  const send = () => {
    if (!buffer) return
    const chunk = buffer
    buffer = undefined
    sentAt = performance.now()
    // Only the last chunk may be short for the others to be found by counting.
    if (shortest < chunkBytes) isUniform = false
    shortest = Math.min(shortest, chunk.used)
    hasher.update(chunk.content.subarray(0, chunk.used))
    const index = chunks++
    const sent = publishChunk(bucket.broker, subject, chunk).then(
      (seq) => {
        sequences[index] = seq
        underWay.delete(sent)
        memory.give(chunk, true)
      },
      (thrown: unknown) => {
        failure ??= thrown
        underWay.delete(sent)
        memory.give(chunk, false)
      },
    )
    underWay.add(sent)
  }

  const take = async (given: Uint8Array) => {
    for (let rest = given; rest.length > 0;) {
      if (failure !== undefined) throw failure
      if (!buffer) {
        while (underWay.size >= mostUnderWay) await Promise.race(underWay)
        buffer = await waitForMemory(() => memory.take(stop.signal))
      }
      const part = rest.subarray(0, chunkBytes - buffer.used)
      buffer.content.set(part, buffer.used)
      buffer.used += part.length
      bytes += part.length
      rest = rest.subarray(part.length)
      if (buffer.used === chunkBytes) send()
    }
    if (buffer && performance.now() - sentAt > longestHeldMs) send()
  }

  const flushed = async () => {
    send()
    while (underWay.size > 0) await Promise.all(underWay)
    if (failure !== undefined) throw failure
    if (sequences.some((seq, i) => i > 0 && seq <= (sequences[i - 1] as number))) {
      throw new Fault('storage_failed', 'The store took the bytes in another order.')
    }
  }

  const drop = async () => {
    stop.abort(givenUp())
    if (buffer) memory.give(buffer, true)
    buffer = undefined
    // What is under way would come after the removal and stay.
    while (underWay.size > 0) await Promise.all(underWay)
    await claiming?.catch(() => {})
    onEnd()
    // What cannot be removed now expires with the bucket's age limit.
    await retryUnreachable(remove).catch(() => {})
  }
  const remove = async () => {
    if (claimed !== undefined && !(await rollBackPut(bucket, claimed, id))) return
    if (chunks > 0) await purgeChunks(bucket, id)
  }
  const abort = () => (end ??= storeTimeout.detached(drop))
  /** Waits at most 1 s; the removal then continues in the background. */
  const abortSoon = () => Promise.race([abort(), pause(longestAbortMs)])

  /** Runs a step of the write; a failure ends it. */
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    if (end) throw new Fault('storage_failed', 'This write has already ended.')
    isBusy = true
    try {
      const value = await withinTimeout(Infinity, work)
      noteProgress()
      return value
    } catch (thrown) {
      await abortSoon()
      throw faultOf(thrown)
    } finally {
      isBusy = false
    }
  }

  const describeAs = (name: string, sha256: string, metadata: Record<string, string>): ObjectInfo => ({
    name,
    bucket: bucket.name,
    nuid: id,
    size: bytes,
    chunks,
    digest: digestOf(sha256),
    mtime: new Date(keeping.clock.now()).toISOString(),
    deleted: false,
    options: { max_chunk_size: chunkBytes },
    metadata: withSequences(metadata, sequences, isUniform),
  })

  return {
    get bytes() {
      return bytes
    },
    write: (chunk) => step(() => take(chunk)),
    digest: () =>
      step(async () => {
        send()
        return (sha256 ??= hasher.digest('hex'))
      }),
    commit: (name, metadata = {}) =>
      step(async () => {
        const isSmall = chunks + (buffer ? 1 : 0) <= 1
        const sent = flushed()
        sent.catch(() => {})
        // The broker keeps the order of what it is sent: with one chunk, the description need not wait for its answer.
        if (!isSmall) await sent
        sha256 ??= hasher.digest('hex')
        const info = describeAs(name(sha256), sha256, metadata)
        claimed = info.name
        let tries = 0
        claiming = retryUnreachable((n) => {
          tries = n
          return putIfAbsent(bucket, info, keeping)
        })
        await Promise.allSettled([claiming, sent])
        await sent
        const winner = await claiming
        if (end) throw givenUp()
        const created = winner.info.nuid === id
        if (created) {
          const isSurelyThere = chunks <= 1 && tries === 1 && performance.now() - begunAt < surelyYoungMs
          if (!isSurelyThere && !(await retryUnreachable(() => hasAllChunks(bucket, info)))) throw gone()
          end = Promise.resolve()
          onEnd()
        } else await abortSoon()
        return { info: blobInfoOf(winner), created }
      }),
    abort: abortSoon,
    yieldMemory() {
      if (!isBusy && !end) send()
    },
  }
}

function gone(): Fault {
  return new Fault('storage_failed', 'Some of the bytes were removed before they could be kept.', {
    remedy: 'Send them again.',
    retryAfterMs: 1000,
  })
}

function givenUp(): Fault {
  return new Fault('storage_failed', 'The write was given up.')
}
