import { nuid } from '@nats-io/nats-core'
import { Fault } from '@pixelflow/core/fault'
import type { BlobWrite } from '@pixelflow/core/ports/blobs'
import { faultOf, Refused, wrongLastSequence } from './broker.ts'
import { describe, purgeChunks, putDescription, type Bucket } from './bucket.ts'
import type { ChunkMemory } from './chunk-memory.ts'
import { publish } from './jetstream.ts'
import { blobInfoOf, digestOf, withSequences, type Described, type ObjectInfo } from './object-info.ts'
import { patiently } from './patience.ts'
import { chunkSubject } from './topology.ts'

export interface WriteOptions {
  readonly bucket: Bucket
  /** Shared by all writes of the process: what they hold, sent or not, until the broker has it. */
  readonly memory: ChunkMemory
  /** A blob of the same name that is younger stays. */
  readonly keepMs: number
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

export function beginWrite({ bucket, memory, keepMs, onEnd }: WriteOptions): YieldingWrite {
  const { chunkBytes } = memory
  const id = nuid.next()
  const subject = chunkSubject(bucket.name, id)
  const hasher = new Bun.CryptoHasher('sha256')
  const stop = new AbortController()
  const underWay = new Set<Promise<void>>()
  const sequences: number[] = []
  let bytes = 0
  let chunks = 0
  let shortest = chunkBytes
  let isUniform = true
  let buffer: Uint8Array | undefined
  let filled = 0
  let failure: unknown
  let isBusy = false
  let end: Promise<void> | undefined

  /** Sends what the buffer holds, without waiting for the answer. */
  const send = () => {
    if (!buffer) return
    const used = buffer
    const chunk = used.subarray(0, filled)
    buffer = undefined
    filled = 0
    // Only the last chunk may be short for the others to be found by counting.
    if (shortest < chunkBytes) isUniform = false
    shortest = Math.min(shortest, chunk.length)
    hasher.update(chunk)
    const index = chunks++
    const sent = publish(bucket.broker, subject, chunk, { timeoutMs: 10_000 }).then(
      (seq) => {
        sequences[index] = seq
        underWay.delete(sent)
        memory.give(used, true)
      },
      (thrown: unknown) => {
        failure ??= thrown
        underWay.delete(sent)
        memory.give(used, false)
      },
    )
    underWay.add(sent)
  }

  const take = async (given: Uint8Array) => {
    for (let rest = given; rest.length > 0;) {
      if (failure !== undefined) throw failure
      if (!buffer) {
        while (underWay.size >= mostUnderWay) await Promise.race(underWay)
        buffer = await memory.take(stop.signal)
      }
      const part = rest.subarray(0, chunkBytes - filled)
      buffer.set(part, filled)
      filled += part.length
      bytes += part.length
      rest = rest.subarray(part.length)
      if (filled === chunkBytes) send()
    }
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
    stop.abort(new Fault('storage_failed', 'The write was given up.'))
    if (buffer) memory.give(buffer, true)
    buffer = undefined
    // A chunk under way would come after the purge and stay.
    while (underWay.size > 0) await Promise.all(underWay)
    onEnd()
    // What cannot be purged now expires with the bucket's age limit.
    if (chunks > 0) await patiently(() => purgeChunks(bucket, id)).catch(() => {})
  }
  const abort = () => (end ??= drop())

  /** Runs a step of the write; a failure ends it. */
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    if (end) throw new Fault('storage_failed', 'This write has already ended.')
    isBusy = true
    try {
      return await work()
    } catch (thrown) {
      await abort()
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
    mtime: new Date().toISOString(),
    deleted: false,
    options: { max_chunk_size: chunkBytes },
    metadata: withSequences(metadata, sequences, isUniform),
  })

  return {
    get bytes() {
      return bytes
    },
    write: (chunk) => step(() => take(chunk)),
    commit: (name, metadata = {}) =>
      step(async () => {
        await flushed()
        const sha256 = hasher.digest('hex')
        const info = describeAs(name(sha256), sha256, metadata)
        const winner = await patiently(() => settle(bucket, info, keepMs))
        const created = winner.info.nuid === id
        if (created) {
          end = Promise.resolve()
          onEnd()
        } else await abort()
        return { info: blobInfoOf(winner), created }
      }),
    abort,
    yieldMemory() {
      if (!isBusy && !end) send()
    },
  }
}

const mostRaces = 10

/** Puts a description under its name unless one is there that is to be kept; answers with the one that stands. */
async function settle(bucket: Bucket, info: ObjectInfo, keepMs: number): Promise<Described> {
  let after = 0
  for (let race = 0; race < mostRaces; race++) {
    try {
      const seq = await putDescription(bucket, info, after)
      return { info, seq, at: new Date() }
    } catch (thrown) {
      if (!(thrown instanceof Refused) || thrown.code !== wrongLastSequence) throw thrown
    }
    const there = await describe(bucket, info.name)
    const isOurs = there?.info.nuid === info.nuid
    const isFresh = there !== null && !there.info.deleted && Date.now() - there.at.getTime() < keepMs
    if (there && (isOurs || isFresh)) return there
    after = there?.seq ?? 0
  }
  throw new Fault('storage_failed', 'Too many writes of one name at once.')
}
