import { createByteBudget } from '@pixelflow/core/byte-budget'
import { createChunk, type Chunk } from '../connection/wire/chunk.ts'

/** A limited number of buffers that all writes of a process share; used ones are reused first. */
export interface ChunkMemory {
  readonly chunkBytes: number
  /** An empty chunk, if the memory for it is free and no other write waits. */
  tryAcquire(): Chunk | undefined
  /** Waits for an empty chunk of `chunkBytes`. @throws the signal's reason. */
  acquire(signal: AbortSignal): Promise<Chunk>
  /** Returns a chunk. Pass `mayReuse` false while it may still be read. */
  release(chunk: Chunk, mayReuse: boolean): void
}

const maxSpare = 16
const notifyEveryMs = 50

/** `onShort` is called when a write begins to wait for memory, and repeatedly while one waits. */
export function createChunkMemory(totalBytes: number, chunkBytes: number, onShort: () => void): ChunkMemory {
  const budget = createByteBudget(Math.max(totalBytes, chunkBytes), onShort)
  const spare: Chunk[] = []
  let waiting = 0
  let timer: ReturnType<typeof setInterval> | undefined

  /** A write that gets memory may become idle while others still wait, so `onShort` is called repeatedly. */
  const waitForBudget = async (signal: AbortSignal) => {
    waiting += 1
    timer ??= setInterval(onShort, notifyEveryMs)
    try {
      await budget.acquire(chunkBytes, signal)
    } finally {
      waiting -= 1
      if (waiting === 0) {
        clearInterval(timer)
        timer = undefined
      }
    }
  }

  const takeChunk = () => {
    const chunk = spare.pop() ?? createChunk(chunkBytes)
    chunk.used = 0
    return chunk
  }

  return {
    chunkBytes,
    tryAcquire: () => (budget.tryAcquire(chunkBytes) ? takeChunk() : undefined),
    async acquire(signal) {
      if (!budget.tryAcquire(chunkBytes)) await waitForBudget(signal)
      return takeChunk()
    },
    release(chunk, mayReuse) {
      if (mayReuse && spare.length < maxSpare) spare.push(chunk)
      else if (mayReuse) chunk.free()
      budget.release(chunkBytes)
    },
  }
}
