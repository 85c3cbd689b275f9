import { backoffMs, type BackoffOptions } from './backoff.ts'
import { pause } from './pause.ts'

export interface Failure {
  /** Number of consecutive failures, this one included. */
  readonly failures: number
  /** The pause before the next run, in milliseconds. */
  readonly retryInMs: number
}

export interface RepeatOptions {
  /** No run begins after it aborts, and errors after it are dropped. */
  readonly signal: AbortSignal
  readonly backoff?: BackoffOptions
  readonly onFailure: (error: unknown, failure: Failure) => void
}

/**
 * Runs endless work again and again until the signal aborts: at once after a normal end, with a growing pause after a
 * failure. Never rejects. `work` receives a function that resets the back-off, for work that has succeeded before it ends.
 */
export async function repeatUntilAborted(
  work: (resetBackoff: () => void) => Promise<void>,
  { signal, backoff, onFailure }: RepeatOptions,
): Promise<void> {
  let failures = 0
  const resetBackoff = () => {
    failures = 0
  }
  while (!signal.aborted) {
    try {
      await work(resetBackoff)
      resetBackoff()
    } catch (error) {
      if (signal.aborted) return
      failures += 1
      const retryInMs = backoffMs(failures, backoff)
      onFailure(error, { failures, retryInMs })
      await pause(retryInMs, signal)
    }
  }
}
