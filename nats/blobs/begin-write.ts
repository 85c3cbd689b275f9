import { nuid } from '@nats-io/nats-core'
import { Fault } from '@pixelflow/core/fault'
import { createNotifier } from '@pixelflow/core/notifier'
import { within } from '@pixelflow/core/within'
import type { BlobWrite } from '@pixelflow/core/ports/blobs'
import { faultOf } from '../connection/fault-of.ts'
import { purgeChunks, type Bucket } from './bucket.ts'
import type { ChunkMemory } from './chunk-memory.ts'
import { putIfAbsent, rollBackPut, type ReusePolicy } from './put-if-absent.ts'
import { publishChunk } from '../jetstream/publish.ts'
import { blobInfoOf, digestOf, withSequences, type ObjectEntry, type ObjectInfo } from './object-info.ts'
import { retryUnreachable } from '../jetstream/retry-unreachable.ts'
import { hasAllChunks } from './missing-bytes.ts'
import { inlineLocation } from '@pixelflow/core/inline-location'
import { noteProgress, storeTimeout, waitForMemory, withinTimeout } from '../jetstream/store-timeout.ts'
import { chunkSubject } from '../topology/buckets.ts'
import type { Chunk } from '../connection/wire/chunk.ts'

export interface WriteOptions {
  readonly bucket: Bucket
  /** Memory for the chunks of all writes of the process, until the broker has stored them. */
  readonly memory: ChunkMemory
  /** Most bytes that a commit may leave in the location; 0 for none. */
  readonly maxInlineBytes: number
  /** When an existing blob of the same name is reused. */
  readonly reuse: ReusePolicy
  /** Called once, when the write has ended. */
  readonly onEnd: () => void
}

/** A write that can send its incomplete chunk early to free memory. */
export interface YieldingWrite extends BlobWrite {
  yieldMemory(): void
}

/**
 * Chunks of 256 KiB in flight per write: enough for a connection with 10 ms round trip, and few enough to stay in the
 * processor's caches.
 */
const maxInFlight = 16
const nothingToWaitFor = Promise.resolve()
/**
 * Age at which an incomplete chunk of a slow upload is sent. A sweep removes chunks by the age of the newest one, which is
 * then at most this plus the longest pause of an upload.
 */
const maxHeldMs = 30_000
/** A write that took no longer than this has no chunk that a sweep could have removed. */
const safeDurationMs = 10_000
/** How long `abort` waits for the removal of chunks. */
const maxAbortMs = 1000

type Metadata = Readonly<Record<string, string>>

export function beginWrite({ bucket, memory, maxInlineBytes, reuse, onEnd }: WriteOptions): YieldingWrite {
  const { chunkBytes } = memory
  const id = nuid.next()
  const subject = chunkSubject(bucket.name, id)
  const hasher = new Bun.CryptoHasher('sha256')
  let sha256: string | undefined
  const stop = new AbortController()
  const answered = createNotifier()
  const sequences: number[] = []
  let inFlight = 0
  let bytes = 0
  let chunks = 0
  let shortest = chunkBytes
  let isUniform = true
  let buffer: Chunk | undefined
  let failure: unknown
  /** The name under which the description may already be stored. */
  let storedName: string | undefined
  let storing: Promise<ObjectEntry> | undefined
  let isBusy = false
  const begunAt = performance.now()
  let sentAt = begunAt
  let end: Promise<void> | undefined

  /** Sends the buffer without waiting for the answer. */
  const send = () => {
    if (!buffer) return
    const chunk = buffer
    buffer = undefined
    sentAt = performance.now()
    // Chunks can be located by counting only if all but the last have the same size.
    if (shortest < chunkBytes) isUniform = false
    shortest = Math.min(shortest, chunk.used)
    hasher.update(chunk.content.subarray(0, chunk.used))
    const index = chunks++
    const release = (mayReuse: boolean) => {
      inFlight -= 1
      memory.release(chunk, mayReuse)
      answered.notify()
    }
    inFlight += 1
    publishChunk(bucket.broker, subject, chunk).then(
      (seq) => {
        sequences[index] = seq
        release(true)
      },
      (thrown: unknown) => {
        failure ??= thrown
        release(false)
      },
    )
  }

  /** Copies what needs no waiting; returns the rest. */
  const takeNow = (given: Uint8Array): Uint8Array => {
    let rest = given
    while (rest.length > 0) {
      buffer ??= inFlight < maxInFlight ? memory.tryAcquire() : undefined
      if (!buffer) return rest
      const part = rest.subarray(0, chunkBytes - buffer.used)
      buffer.content.set(part, buffer.used)
      buffer.used += part.length
      bytes += part.length
      rest = rest.subarray(part.length)
      if (buffer.used === chunkBytes) send()
    }
    if (buffer && performance.now() - sentAt > maxHeldMs) send()
    return rest
  }

  const take = async (given: Uint8Array) => {
    for (let rest = given; ; rest = takeNow(rest)) {
      if (failure !== undefined) throw failure
      if (rest.length === 0) return
      while (inFlight >= maxInFlight) await answered.wait()
      buffer ??= await waitForMemory(() => memory.acquire(stop.signal))
    }
  }

  /** Whether all bytes are here and few. */
  const isShort = () => chunks === 0 && buffer !== undefined && buffer.used <= maxInlineBytes
  /** The digest of all bytes. Few bytes are not sent before the commit, which may leave them in the location. */
  const computeDigest = (): string => {
    if (sha256 !== undefined) return sha256
    if (buffer && isShort()) {
      const content = buffer.content.subarray(0, buffer.used)
      return (sha256 = new Bun.CryptoHasher('sha256').update(content).digest('hex'))
    }
    send()
    return (sha256 = hasher.digest('hex'))
  }
  /** Ends the write with its bytes in the location. */
  const commitInline = ({ content, used }: Chunk, name: string, sha256: string, metadata: Metadata) => {
    const location = inlineLocation(content.subarray(0, used))
    if (buffer) memory.release(buffer, true)
    buffer = undefined
    end = Promise.resolve()
    onEnd()
    return { name, bytes, sha256, storedAt: new Date(reuse.clock.now()), metadata, location }
  }

  const allAnswered = async () => {
    while (inFlight > 0) await answered.wait()
  }

  const flushed = async () => {
    send()
    await allAnswered()
    if (failure !== undefined) throw failure
    if (sequences.some((seq, i) => i > 0 && seq <= (sequences[i - 1] as number))) {
      throw new Fault('storage_failed', 'The store has stored the bytes in a wrong order.', {
        remedy: 'Send them again.',
        retryAfterMs: 1000,
      })
    }
  }

  const drop = async () => {
    stop.abort(aborted())
    if (buffer) memory.release(buffer, true)
    buffer = undefined
    // Chunks in flight would be stored after the removal and stay.
    await allAnswered()
    await storing?.catch(() => {})
    onEnd()
    // Chunks that cannot be removed now expire with the bucket's age limit.
    await retryUnreachable(remove).catch(() => {})
  }
  const remove = async () => {
    if (storedName !== undefined && !(await rollBackPut(bucket, storedName, id))) return
    if (chunks > 0) await purgeChunks(bucket, id)
  }
  const abort = () => (end ??= storeTimeout.detached(drop))
  /** Waits at most 1 s; the removal then continues in the background. */
  const abortSoon = () => within(abort(), maxAbortMs)

  /** Runs a step of the write; a failure ends it. */
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    if (end)
      throw new Fault('storage_failed', 'This write has already ended.', { remedy: 'Begin a new write.' })
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
    mtime: new Date(reuse.clock.now()).toISOString(),
    deleted: false,
    options: { max_chunk_size: chunkBytes },
    metadata: withSequences(metadata, sequences, isUniform),
  })

  return {
    get bytes() {
      return bytes
    },
    write(chunk) {
      if (end || failure !== undefined) return step(() => take(chunk))
      const rest = takeNow(chunk)
      if (rest.length > 0) return step(() => take(rest))
      noteProgress()
      return nothingToWaitFor
    },
    digest: () => step(async () => computeDigest()),
    commit: (name, metadata = {}, { mayInline = false } = {}) =>
      step(async () => {
        if (mayInline && buffer && isShort()) {
          const digest = computeDigest()
          return { info: commitInline(buffer, name(digest), digest, metadata), created: true }
        }
        const isSmall = chunks + (buffer ? 1 : 0) <= 1
        const sent = flushed()
        sent.catch(() => {})
        // The broker keeps the order of messages: with one chunk, the description need not wait for its answer.
        if (!isSmall) await sent
        sha256 ??= hasher.digest('hex')
        const info = describeAs(name(sha256), sha256, metadata)
        storedName = info.name
        let tries = 0
        storing = retryUnreachable((n) => {
          tries = n
          return putIfAbsent(bucket, info, reuse)
        })
        await Promise.allSettled([storing, sent])
        await sent
        const winner = await storing
        if (end) throw aborted()
        const created = winner.info.nuid === id
        if (created) {
          const isSurelyStored = chunks <= 1 && tries === 1 && performance.now() - begunAt < safeDurationMs
          if (!isSurelyStored && !(await retryUnreachable(() => hasAllChunks(bucket, info))))
            throw chunksRemoved()
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

function chunksRemoved(): Fault {
  return new Fault('storage_failed', 'Some of the bytes were removed before the write ended.', {
    remedy: 'Send them again.',
    retryAfterMs: 1000,
  })
}

function aborted(): Fault {
  return new Fault('storage_failed', 'The write was aborted.', { remedy: 'Send the bytes again.' })
}
