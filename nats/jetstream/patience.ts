import { pause } from '@pixelflow/core/pause'
import { Closed, Full, Unreachable } from '../connection/broker.ts'
import { withinTimeout } from './store-timeout.ts'

/** How long adapters wait for a broker that restarts before they give up, the last attempt included. */
export const patienceMs = 15_000
/** The same for one that is full: time for another server to take over, no more. */
const fullPatienceMs = 3000

export interface PatienceOptions {
  /** Give up after this long; default 15 s, and never longer than the call waits that is under way. */
  readonly forMs?: number
  readonly signal?: AbortSignal
}

/**
 * Repeats an attempt, with growing pauses, for as long as it ends in `Unreachable` and time remains. `attempt` learns
 * which try it is, from 1.
 */
export async function patiently<T>(
  attempt: (tries: number) => Promise<T>,
  { forMs = patienceMs, signal }: PatienceOptions = {},
): Promise<T> {
  // Servers without room pass a stream on until nobody leads it: what they said before tells more than their silence.
  let full: Full | undefined
  let isOver = false
  const repeat = async (leftMs: () => number): Promise<T> => {
    const begin = performance.now()
    for (let tries = 1; ; tries++) {
      try {
        return await attempt(tries)
      } catch (thrown) {
        const pauseMs = Math.min(1000, 25 * 2 ** tries) * (0.5 + Math.random() / 2)
        if (!(thrown instanceof Unreachable) || thrown instanceof Closed || signal?.aborted) throw thrown
        if (thrown instanceof Full) full = thrown
        const isLongFull = thrown instanceof Full && forMs !== Infinity
        const isTooLong = isLongFull && performance.now() + pauseMs > begin + fullPatienceMs
        if (isOver || isTooLong || pauseMs > leftMs()) throw full ?? thrown
        await pause(pauseMs, signal)
        if (isOver) throw thrown
      }
    }
  }
  try {
    return await withinTimeout(forMs, repeat)
  } catch (thrown) {
    throw thrown instanceof Unreachable ? (full ?? thrown) : thrown
  } finally {
    isOver = true
  }
}
