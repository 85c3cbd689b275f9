import { retry } from '@pixelflow/core/retry'
import { ConnectionClosed, StorageFull, Unreachable } from '../connection/unreachable.ts'
import { withinTimeout } from './store-timeout.ts'

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
export async function retryUnreachable<T>(
  operation: (tries: number) => Promise<T>,
  { timeoutMs = defaultTimeoutMs, signal }: RetryUnreachableOptions = {},
): Promise<T> {
  let full: StorageFull | undefined
  let isAbandoned = false
  const begin = performance.now()

  const isRetryable = (thrown: unknown, pauseMs: number) => {
    if (isAbandoned || !(thrown instanceof Unreachable) || thrown instanceof ConnectionClosed) return false
    if (!(thrown instanceof StorageFull) || timeoutMs === Infinity) return true
    return performance.now() + pauseMs <= begin + fullTimeoutMs
  }
  const noteFull = (thrown: unknown) => {
    if (thrown instanceof StorageFull) full = thrown
    throw thrown
  }
  try {
    return await withinTimeout(timeoutMs, (leftMs) =>
      retry((tries) => operation(tries).catch(noteFull), {
        isRetryable: (thrown, pauseMs) => isRetryable(thrown, pauseMs) && pauseMs <= leftMs(),
        timeoutMs: Infinity,
        ...(signal && { signal }),
      }),
    )
  } catch (thrown) {
    throw thrown instanceof Unreachable ? (full ?? thrown) : thrown
  } finally {
    isAbandoned = true
  }
}
