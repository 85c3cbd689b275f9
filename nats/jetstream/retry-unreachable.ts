import { retry } from '@pixelflow/core/retry'
import { ConnectionClosed, StorageFull, Unreachable } from '../connection/unreachable.ts'
import { timedOut, withinTimeout } from './store-timeout.ts'

/** Time for all tries together, in milliseconds: a nats-server restarts within it. */
const defaultTimeoutMs = 15_000
/** The same for a store without free space: time for another server to take over. */
const fullTimeoutMs = 3000

export interface RetryUnreachableOptions {
  /** Default 15 s. The store timeout of the current call applies as well. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/**
 * Retries an exchange with the broker while it fails with `Unreachable`. `operation` gets the number of the try, from 1.
 * @throws the last Unreachable, or StorageFull if any try failed with it: servers without free space hand a stream over until
 * it has no leader, and their error explains more than the silence that follows.
 */
export function retryUnreachable<T>(
  operation: (tries: number) => Promise<T>,
  { timeoutMs = defaultTimeoutMs, signal }: RetryUnreachableOptions = {},
): Promise<T> {
  let full: StorageFull | undefined
  const begin = performance.now()
  const noteFull = (thrown: unknown) => {
    if (thrown instanceof StorageFull) full = thrown
    throw thrown
  }
  const explain = () => full ?? timedOut()

  /** Most exchanges succeed at once, so the first try has none of this around it. */
  const retryAfter = async (first: unknown, leftMs: () => number): Promise<T> => {
    const isRetryable = (thrown: unknown, pauseMs: number) => {
      if (leftMs() <= 0 || pauseMs > leftMs()) return false
      if (!(thrown instanceof Unreachable) || thrown instanceof ConnectionClosed) return false
      if (!(thrown instanceof StorageFull) || timeoutMs === Infinity) return true
      return performance.now() + pauseMs <= begin + fullTimeoutMs
    }
    const run = (tries: number) => (tries === 1 ? Promise.reject(first) : operation(tries))
    try {
      return await retry((tries) => run(tries).catch(noteFull), {
        isRetryable,
        timeoutMs: Infinity,
        ...(signal && { signal }),
      })
    } catch (thrown) {
      throw thrown instanceof Unreachable ? (full ?? thrown) : thrown
    }
  }
  return withinTimeout(
    timeoutMs,
    (leftMs) => operation(1).catch((thrown: unknown) => retryAfter(thrown, leftMs)),
    explain,
  )
}
