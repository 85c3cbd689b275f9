import { backoffMs } from './backoff.ts'
import { Fault } from './fault.ts'
import { pause } from './pause.ts'

/** Time for all tries together, in milliseconds: long enough for a broker to restart. */
const defaultTimeoutMs = 30_000

export interface RetryOptions {
  /**
   * Whether another try may succeed; by default the `retryable` column of the fault table. `pauseMs` is the pause
   * before that try.
   */
  readonly isRetryable?: (thrown: unknown, pauseMs: number, tries: number) => boolean
  /** Milliseconds before the next try; default 50 ms, doubling up to 1 s, the second half of each pause random. */
  readonly pauseMs?: (tries: number, thrown: unknown) => number
  /** No try begins later than this after the first one; default 30 s. */
  readonly timeoutMs?: number
  /** No try begins after it aborts. */
  readonly signal?: AbortSignal
}

const defaultPauseMs = (tries: number) => backoffMs(tries, { initialMs: 50, maxMs: 1000 })

/**
 * Repeats an operation, with growing pauses, while it fails with an error that is retryable. The operation must be
 * idempotent. `operation` receives the number of the try, from 1. Rejects with the error of the last try.
 */
export async function retry<T>(
  operation: (tries: number) => Promise<T>,
  {
    isRetryable = isRetryableFault,
    pauseMs: pauseAfter = defaultPauseMs,
    timeoutMs = defaultTimeoutMs,
    signal,
  }: RetryOptions = {},
): Promise<T> {
  const end = performance.now() + timeoutMs
  for (let tries = 1; ; tries += 1) {
    try {
      return await operation(tries)
    } catch (thrown) {
      const pauseMs = pauseAfter(tries, thrown)
      if (signal?.aborted || performance.now() + pauseMs > end || !isRetryable(thrown, pauseMs, tries))
        throw thrown
      await pause(pauseMs, signal)
      if (signal?.aborted) throw thrown
    }
  }
}

function isRetryableFault(thrown: unknown): boolean {
  return Fault.of(thrown).row.retryable === true
}
