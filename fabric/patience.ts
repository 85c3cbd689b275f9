import { pause } from '@pixelflow/core/pause'
import { Closed, Full, Unreachable } from './broker.ts'

/** How long adapters wait for a broker that restarts before they give up. */
export const patienceMs = 15_000
/** The same for one that is full: time for another server to take over, no more. */
const fullPatienceMs = 3000

export interface PatienceOptions {
  /** Give up after this long; default 15 s. */
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
  const begin = performance.now()
  // Servers without room pass a stream on until nobody leads it: what they said before tells more than their silence.
  let full: Full | undefined
  for (let tries = 1; ; tries++) {
    try {
      return await attempt(tries)
    } catch (thrown) {
      const pauseMs = Math.min(1000, 25 * 2 ** tries) * (0.5 + Math.random() / 2)
      if (!(thrown instanceof Unreachable) || thrown instanceof Closed || signal?.aborted) throw thrown
      if (thrown instanceof Full) full = thrown
      const patience = thrown instanceof Full && forMs !== Infinity ? Math.min(forMs, fullPatienceMs) : forMs
      if (performance.now() + pauseMs > begin + patience) throw full ?? thrown
      await pause(pauseMs, signal)
    }
  }
}
