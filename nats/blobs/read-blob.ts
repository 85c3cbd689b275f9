import type { ByteRange } from '@pixelflow/core/ports/blobs'
import { faultOf } from '../connection/broker.ts'
import type { Bucket } from './bucket.ts'
import type { ByteBudget } from '@pixelflow/core/byte-budget'
import { chunksBySubject, chunksBySequence, singleChunk, type ChunkSource } from './chunk-source.ts'
import type { StoredMessage } from '../jetstream/stored-message.ts'
import { noteProgress } from '../jetstream/store-timeout.ts'
import { chunkSizeOf, digestOf, locateChunks, type ObjectInfo, type ChunkLocation } from './object-info.ts'
import { dataLoss, explainMissingBytes } from './blob-integrity.ts'

export interface ReadOptions {
  readonly bucket: Bucket
  /** Shared by all reads of the process: what they fetch ahead. */
  readonly budget: ByteBudget
  /** How much a read fetches at once while there is memory. */
  readonly windowBytes: number
}

/** The whole content, checked against its digest before the last bytes are given away. */
export async function* readWhole(options: ReadOptions, info: ObjectInfo): AsyncGenerator<Uint8Array> {
  const hasher = new Bun.CryptoHasher('sha256')
  let left = info.size
  for await (const chunk of guarded(chunksFrom(options, info, 0, info.size))) {
    hasher.update(chunk)
    left -= chunk.length
    if (left <= 0 && digestOf(hasher.digest('hex')) !== info.digest)
      throw dataLoss(info, 'differ from their digest')
    yield chunk
  }
}

/** Part of the content; a digest covers the whole only, so this is as it stands in the store. */
export async function* readRange(
  options: ReadOptions,
  info: ObjectInfo,
  { start, end }: ByteRange,
): AsyncGenerator<Uint8Array> {
  yield* guarded(chunksFrom(options, info, start, end + 1))
}

/** Bytes from `start` to before `end`, a window of chunks at a time, the next one fetched while one is read. */
async function* chunksFrom(options: ReadOptions, info: ObjectInfo, start: number, end: number) {
  if (end <= start) return
  const place = locateChunks(info, start, end)
  const ahead = windows(options, info, place)
  let at = place.offset
  try {
    while (at < end) {
      const { messages, asked } = await ahead.next()
      if (asked === 0 || messages.length < asked) throw await explainMissingBytes(options.bucket, info)
      for (const part of messages.flatMap(({ parts }) => parts)) {
        const from = Math.max(0, start - at)
        const to = Math.min(part.length, end - at)
        at += part.length
        if (to > from) yield to - from === part.length ? part : part.subarray(from, to)
        if (at >= end) return
      }
    }
  } finally {
    ahead.stop()
  }
}

const nothing: Window = { messages: [], asked: 0, taken: 0 }

function sourceOf(bucket: Bucket, info: ObjectInfo, runs: ChunkLocation['runs']): ChunkSource {
  if (info.chunks === 1) return singleChunk(bucket, info)
  return runs ? chunksBySequence(bucket, info, runs) : chunksBySubject(bucket, info)
}

interface Window {
  readonly messages: StoredMessage[]
  /** How many there should be. */
  readonly asked: number
  /** What it has taken from the budget. */
  readonly taken: number
}

/** Fetches windows of chunks in their order: one that is being read, and one ahead if the budget has room for it. */
function windows({ bucket, budget, windowBytes }: ReadOptions, info: ObjectInfo, { runs }: ChunkLocation) {
  const chunkBytes = chunkSizeOf(info)
  const most = Math.max(1, Math.floor(windowBytes / chunkBytes))
  const source = sourceOf(bucket, info, runs)
  let current = nothing
  let ahead: Promise<Window> | undefined

  const fetch = async (chunks: number, taken: number): Promise<Window> => {
    try {
      return { messages: await source.fetch(chunks), asked: chunks, taken }
    } catch (thrown) {
      budget.give(taken)
      throw thrown
    }
  }
  /** A whole window if there is memory for it; else, if `must`, a single chunk that is not counted. */
  const begin = (must: boolean): Promise<Window> | undefined => {
    const chunks = Math.min(most, source.left)
    if (chunks > 0 && budget.tryTake(chunks * chunkBytes)) return fetch(chunks, chunks * chunkBytes)
    return must ? fetch(Math.min(1, source.left), 0) : undefined
  }

  return {
    async next(): Promise<Window> {
      budget.give(current.taken)
      current = nothing
      const awaited = ahead ?? begin(true)
      ahead = source.left > 0 ? begin(false) : undefined
      // Looked at by the next call, which may never come.
      ahead?.catch(() => {})
      current = (await awaited) ?? nothing
      noteProgress()
      return current
    },
    stop() {
      budget.give(current.taken)
      current = nothing
      ahead?.then(({ taken }) => budget.give(taken)).catch(() => {})
      ahead = undefined
    },
  }
}

async function* guarded(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks
  } catch (thrown) {
    throw faultOf(thrown)
  }
}
