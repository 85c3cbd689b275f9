import type { Fault } from '@pixelflow/core/fault'
import type { ByteRange } from '@pixelflow/core/ports/blobs'
import { faultOf } from '../connection/fault-of.ts'
import type { Bucket } from './bucket.ts'
import type { ByteBudget } from '@pixelflow/core/byte-budget'
import { chunksBySubject, chunksBySequence, singleChunk, type ChunkSource } from './chunk-source.ts'
import type { StoredMessage } from '../jetstream/stored-message.ts'
import { noteProgress } from '../jetstream/store-timeout.ts'
import { chunkSizeOf, digestOf, locateChunks, type ObjectInfo, type ChunkLocation } from './object-info.ts'
import { dataLoss, resolveMissingBytes } from './missing-bytes.ts'

export interface ReadOptions {
  readonly bucket: Bucket
  /** Limits the bytes that all reads of the process fetch ahead. */
  readonly budget: ByteBudget
  /** How much a read fetches at a time while the budget allows it. */
  readonly windowBytes: number
  /** The fault for a blob that does not exist, if its description was not read before. */
  readonly createMissingFault?: () => Fault
}

/** The whole content; the digest is checked before the last bytes are yielded. */
export function readBlob(options: ReadOptions, info: ObjectInfo): AsyncGenerator<Uint8Array> {
  const hasher = new Bun.CryptoHasher('sha256')
  let left = info.size
  return readBytes(options, info, 0, info.size, (piece) => {
    hasher.update(piece)
    left -= piece.length
    if (left <= 0 && digestOf(hasher.digest('hex')) !== info.digest)
      throw dataLoss(info, 'differ from their digest')
  })
}

/** Part of the content, unchecked: the digest covers the whole content only. */
export function readBlobRange(
  options: ReadOptions,
  info: ObjectInfo,
  { start, end }: ByteRange,
): AsyncGenerator<Uint8Array> {
  return readBytes(options, info, start, end + 1, () => {})
}

/**
 * The bytes from `start` to before `end`. The next window of chunks is fetched while one is read. One generator, because each
 * level of them costs as much as fetching a piece.
 */
async function* readBytes(
  options: ReadOptions,
  described: ObjectInfo,
  start: number,
  end: number,
  check: (piece: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  if (end <= start) return
  let info = described
  let next = start
  let location = locateChunks(info, next, end)
  let ahead = openWindows(options, info, location)
  let at = location.offset
  try {
    for (;;) {
      const { messages, requested } = await ahead.next()
      if (requested === 0 || messages.length < requested) {
        const missing = await resolveMissingBytes(options.bucket, info, options.createMissingFault)
        if ('fault' in missing) throw missing.fault
        ahead.stop()
        info = missing.now
        location = locateChunks(info, next, end)
        ahead = openWindows(options, info, location)
        at = location.offset
        continue
      }
      for (const { chunks } of messages) {
        for (const piece of chunks) {
          const from = Math.max(0, next - at)
          const to = Math.min(piece.length, end - at)
          at += piece.length
          if (to <= from) continue
          const part = to - from === piece.length ? piece : piece.subarray(from, to)
          check(part)
          next += part.length
          yield part
          if (next >= end) return
        }
      }
    }
  } catch (thrown) {
    throw faultOf(thrown)
  } finally {
    ahead.stop()
  }
}

const emptyWindow: Window = { messages: [], requested: 0, taken: 0 }

function sourceOf(bucket: Bucket, info: ObjectInfo, runs: ChunkLocation['runs']): ChunkSource {
  if (info.chunks === 1) return singleChunk(bucket, info)
  return runs ? chunksBySequence(bucket, info, runs) : chunksBySubject(bucket, info)
}

interface Window {
  readonly messages: StoredMessage[]
  /** How many were requested. */
  readonly requested: number
  /** Bytes taken from the budget. */
  readonly taken: number
}

/** Fetches windows of chunks in order: the one that is read, and the next one if the budget allows it. */
function openWindows(
  { bucket, budget, windowBytes }: ReadOptions,
  info: ObjectInfo,
  { runs }: ChunkLocation,
) {
  const chunkBytes = chunkSizeOf(info)
  const most = Math.max(1, Math.floor(windowBytes / chunkBytes))
  const source = sourceOf(bucket, info, runs)
  let current = emptyWindow
  let ahead: Promise<Window> | undefined

  const fetch = async (chunks: number, taken: number): Promise<Window> => {
    try {
      return { messages: await source.fetch(chunks), requested: chunks, taken }
    } catch (thrown) {
      budget.release(taken)
      throw thrown
    }
  }
  /** A whole window if the budget allows it; else, if `must`, a single chunk outside the budget. */
  const begin = (must: boolean): Promise<Window> | undefined => {
    const chunks = Math.min(most, source.left)
    if (chunks > 0 && budget.tryAcquire(chunks * chunkBytes)) return fetch(chunks, chunks * chunkBytes)
    return must ? fetch(Math.min(1, source.left), 0) : undefined
  }

  return {
    async next(): Promise<Window> {
      budget.release(current.taken)
      current = emptyWindow
      const awaited = ahead ?? begin(true)
      ahead = source.left > 0 ? begin(false) : undefined
      // The next call handles a failure, but it may never come.
      ahead?.catch(() => {})
      current = (await awaited) ?? emptyWindow
      noteProgress()
      return current
    },
    stop() {
      budget.release(current.taken)
      current = emptyWindow
      ahead?.then(({ taken }) => budget.release(taken)).catch(() => {})
      ahead = undefined
    },
  }
}
