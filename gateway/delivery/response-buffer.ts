import { createBudget } from '@pixelflow/core/budget'
import type { BunFile } from 'bun'
import type { DiskSpool } from './disk-spool.ts'

const MiB = 2 ** 20
/** Up to here an answer is held in memory, as long as all of them together stay below the budget. */
const largestHeld = 4 * MiB
const heldBudget = 64 * MiB

/** Bytes laid out to be sent. */
export interface BufferedResponse {
  readonly body: Uint8Array<ArrayBuffer> | BunFile
  /** To be called once they have left. */
  release(): void
}

/**
 * Lays out what is to be sent with its length known: small things in memory, large ones and what does not fit in a
 * file. Both are bounded over all answers under way, however slowly they are taken.
 */
export type ResponseBuffer = (
  bytes: number,
  open: () => Promise<AsyncIterable<Uint8Array>>,
  signal: AbortSignal,
) => Promise<BufferedResponse>

export function createResponseBuffer(spool: DiskSpool): ResponseBuffer {
  const budget = createBudget(heldBudget)
  return async (bytes, open, signal) => {
    if (bytes > largestHeld || !budget.tryTake(bytes)) {
      const { path, release } = await spool.fill(bytes, open, signal)
      return { body: Bun.file(path), release: () => void release() }
    }
    try {
      return { body: await gathered(await open(), bytes), release: () => budget.give(bytes) }
    } catch (thrown) {
      budget.give(bytes)
      throw thrown
    }
  }
}

async function gathered(body: AsyncIterable<Uint8Array>, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(bytes)
  let at = 0
  for await (const chunk of body) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}
