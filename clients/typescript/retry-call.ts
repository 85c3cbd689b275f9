import { backoffMs } from '@pixelflow/core/backoff'
import { retry } from '@pixelflow/core/retry'
import type { CallOptions } from './client.ts'
import { deadlineError, PixelflowError } from './pixelflow-error.ts'

/** Bounds of calls that do not set their own. */
export interface CallLimits {
  /** Longest duration of a call that is not a stream, in milliseconds; default 30,000. */
  readonly timeoutMs?: number | undefined
  /** How often a safe call is repeated; default 3. */
  readonly retries?: number | undefined
  /** The first and the longest pause between tries, in milliseconds; default 200 and 3,000. */
  readonly pausesMs?: readonly [first: number, longest: number] | undefined
}

/** A server that asks for a longer pause gets no automatic retry: the caller decides. */
const maxRetryAfterMs = 10_000

/**
 * Runs a call within its timeout, with a signal that ends it.
 * @throws the reason of the caller's signal; PixelflowError `deadline_exceeded` after the timeout.
 */
export async function withTimeout<T>(
  { signal: callerSignal, timeoutMs }: CallOptions,
  work: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  callerSignal?.throwIfAborted()
  if (timeoutMs === undefined) return rejectWithReason(work, callerSignal)
  const timeout = new AbortController()
  const timer = setTimeout(() => timeout.abort(deadlineError(timeoutMs)), timeoutMs)
  try {
    return await work(
      callerSignal === undefined ? timeout.signal : AbortSignal.any([callerSignal, timeout.signal]),
    )
  } catch (thrown) {
    callerSignal?.throwIfAborted()
    timeout.signal.throwIfAborted()
    throw thrown
  } finally {
    clearTimeout(timer)
  }
}

async function rejectWithReason<T>(
  work: (signal: AbortSignal | undefined) => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  try {
    return await work(signal)
  } catch (thrown) {
    signal?.throwIfAborted()
    throw thrown
  }
}

/** Repeats a call while it fails with a temporary error. A pause is at least as long as the server asks for. */
export function retryCall<T>(
  { retries = 3, pausesMs: [initialMs, maxMs] = [200, 3000] }: CallLimits,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const call = () =>
    retry(work, {
      timeoutMs: Number.POSITIVE_INFINITY,
      pauseMs: (tries, thrown) => Math.max(backoffMs(tries, { initialMs, maxMs }), readRetryAfter(thrown)),
      isRetryable: (thrown, _pauseMs, tries) =>
        tries <= retries &&
        thrown instanceof PixelflowError &&
        thrown.isTemporary &&
        readRetryAfter(thrown) <= maxRetryAfterMs,
      ...(signal === undefined ? {} : { signal }),
    })
  return rejectWithReason(call, signal)
}

function readRetryAfter(thrown: unknown): number {
  return thrown instanceof PixelflowError ? (thrown.retryAfterMs ?? 0) : 0
}
