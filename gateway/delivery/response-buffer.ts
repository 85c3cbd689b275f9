import { createByteBudget } from '@pixelflow/core/byte-budget'
import { freeBytes } from '@pixelflow/core/free-bytes'
import type { BunFile } from 'bun'
import type { DiskSpool } from './disk-spool.ts'

const MiB = 2 ** 20
/** Larger bodies go to disk. */
const maxBodyInMemory = 4 * MiB
/** Bound of all bodies in memory together. */
const memoryBudget = 64 * MiB

/** A complete response body in memory or in a file. */
export interface BufferedResponse {
  readonly body: Uint8Array<ArrayBuffer> | BunFile
  /** Frees the memory or deletes the file. Call it after the body was sent. */
  release(): void
}

/**
 * Buffers a body whose length must be sent first. Small bodies stay in memory; large ones, and those that exceed the
 * memory budget, go to the disk spool. Both are bounded over all responses, so slow clients cannot exhaust either.
 */
export type ResponseBuffer = (
  bytes: number,
  open: () => Promise<AsyncIterable<Uint8Array>>,
  signal: AbortSignal,
) => Promise<BufferedResponse>

export function createResponseBuffer(spool: DiskSpool): ResponseBuffer {
  const budget = createByteBudget(memoryBudget)
  return async (bytes, open, signal) => {
    if (bytes > maxBodyInMemory || !budget.tryAcquire(bytes)) {
      const { path, release } = await spool.write(bytes, open, signal)
      return { body: Bun.file(path), release: () => void release() }
    }
    try {
      return { body: await readAll(await open(), bytes), release: () => budget.release(bytes) }
    } catch (thrown) {
      budget.release(bytes)
      throw thrown
    }
  }
}

async function readAll(body: AsyncIterable<Uint8Array>, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(bytes)
  let at = 0
  for await (const chunk of body) {
    whole.set(chunk, at)
    at += chunk.length
    freeBytes(chunk)
  }
  return whole
}
