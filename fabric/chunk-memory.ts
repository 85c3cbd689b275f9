import { createBudget } from './budget.ts'

/** The buffers that all writes of a process share: so many at most, and warm ones first. */
export interface ChunkMemory {
  readonly chunkBytes: number
  /** A buffer of `chunkBytes`, waited for. @throws the signal's reason. */
  take(signal: AbortSignal): Promise<Uint8Array>
  /** Gives a buffer back. One that somebody may still read from must not be used again. */
  give(buffer: Uint8Array, mayReuse: boolean): void
}

const mostSpare = 32

/** `onShort` is called whenever a write begins to wait for memory. */
export function createChunkMemory(totalBytes: number, chunkBytes: number, onShort: () => void): ChunkMemory {
  const budget = createBudget(Math.max(totalBytes, chunkBytes), onShort)
  const spare: Uint8Array[] = []
  return {
    chunkBytes,
    async take(signal) {
      await budget.take(chunkBytes, signal)
      return spare.pop() ?? Buffer.allocUnsafeSlow(chunkBytes)
    },
    give(buffer, mayReuse) {
      if (mayReuse && spare.length < mostSpare) spare.push(buffer)
      budget.give(chunkBytes)
    },
  }
}
