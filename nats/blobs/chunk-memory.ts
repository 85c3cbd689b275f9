import { createByteBudget } from '@pixelflow/core/byte-budget'
import { createChunk, type Chunk } from '../connection/wire/chunk.ts'

/** The buffers that all writes of a process share: so many at most, and warm ones first. */
export interface ChunkMemory {
  readonly chunkBytes: number
  /** An empty chunk of `chunkBytes`, waited for. @throws the signal's reason. */
  take(signal: AbortSignal): Promise<Chunk>
  /** Gives a chunk back. One that somebody may still read from must not be used again. */
  give(chunk: Chunk, mayReuse: boolean): void
}

const mostSpare = 32
const askAgainMs = 50

/** `onShort` is called when a write begins to wait for memory, and again and again for as long as one waits. */
export function createChunkMemory(totalBytes: number, chunkBytes: number, onShort: () => void): ChunkMemory {
  const budget = createByteBudget(Math.max(totalBytes, chunkBytes), onShort)
  const spare: Chunk[] = []
  let waiting = 0
  let timer: ReturnType<typeof setInterval> | undefined

  /** Those who are served may fall asleep on what they got while others still wait: asking once is not enough. */
  const waited = async (signal: AbortSignal) => {
    waiting += 1
    timer ??= setInterval(onShort, askAgainMs)
    try {
      await budget.take(chunkBytes, signal)
    } finally {
      waiting -= 1
      if (waiting === 0) {
        clearInterval(timer)
        timer = undefined
      }
    }
  }

  return {
    chunkBytes,
    async take(signal) {
      if (!budget.tryTake(chunkBytes)) await waited(signal)
      const chunk = spare.pop() ?? createChunk(chunkBytes)
      chunk.used = 0
      return chunk
    },
    give(chunk, mayReuse) {
      if (mayReuse && spare.length < mostSpare) spare.push(chunk)
      budget.give(chunkBytes)
    },
  }
}
