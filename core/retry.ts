import { backoffMs } from './backoff.ts'
import { Fault } from './fault.ts'
import { pause } from './pause.ts'

/** Time for all tries together, in milliseconds: a broker restarts within it. */
const defaultTimeoutMs = 30_000

export interface RetryOptions {
  /**
   * Whether another try may succeed; by default what the fault table says. `pauseMs` is the pause before that try.
   */
  readonly isRetryable?: (thrown: unknown, pauseMs: number) => boolean
  /** No try begins later than this after the first one; default 30 s. */
  readonly timeoutMs?: number
  /** No try begins once it aborts. */
  readonly signal?: AbortSignal
}

const backoff = { initialMs: 50, maxMs: 1000 }

/**
 * Repeats an operation, with growing pauses, while it fails in a way that another try may mend. The operation must be
 * idempotent; `attempt` gets the number of the try, from 1. Rejects with what the last try has thrown.
 */
export async function retry<T>(
  attempt: (tries: number) => Promise<T>,
  { isRetryable = isRetryableFault, timeoutMs = defaultTimeoutMs, signal }: RetryOptions = {},
): Promise<T> {
  const end = performance.now() + timeoutMs
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt(tries)
    } catch (thrown) {
      const pauseMs = backoffMs(tries, backoff)
      if (signal?.aborted || performance.now() + pauseMs > end || !isRetryable(thrown, pauseMs)) throw thrown
      await pause(pauseMs, signal)
      if (signal?.aborted) throw thrown
    }
  }
}

function isRetryableFault(thrown: unknown): boolean {
  return Fault.of(thrown).row.retryable === true
}
