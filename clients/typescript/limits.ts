import { pause } from '@pixelflow/core/pause'
import { createBackoff } from './backoff.ts'
import type { CallOptions } from './client.ts'
import { PixelflowError, tooLate } from './error.ts'

/** How calls are bounded unless they say otherwise. */
export interface Limits {
  /** Most milliseconds of a call that is no stream; 30,000 unless given. */
  readonly timeoutMs?: number | undefined
  /** How often a call that may be made twice is made again; 3 unless given. */
  readonly retries?: number | undefined
  /** Pauses between those, in milliseconds: the first and the longest; 200 and 3,000 unless given. */
  readonly pausesMs?: readonly [first: number, longest: number] | undefined
}

/**
 * Runs a call within its time, with a signal that ends it.
 * @throws the reason of the caller's signal; PixelflowError `deadline_exceeded` when the time is over.
 */
export async function within<T>(
  { signal: asked, timeoutMs }: CallOptions,
  work: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  asked?.throwIfAborted()
  if (timeoutMs === undefined) return settle(work, asked)
  const clock = new AbortController()
  const timer = setTimeout(() => clock.abort(tooLate(timeoutMs)), timeoutMs)
  try {
    return await work(asked === undefined ? clock.signal : AbortSignal.any([asked, clock.signal]))
  } catch (thrown) {
    asked?.throwIfAborted()
    clock.signal.throwIfAborted()
    throw thrown
  } finally {
    clearTimeout(timer)
  }
}

async function settle<T>(
  work: (signal: AbortSignal | undefined) => Promise<T>,
  asked: AbortSignal | undefined,
): Promise<T> {
  try {
    return await work(asked)
  } catch (thrown) {
    asked?.throwIfAborted()
    throw thrown
  }
}

/** Makes a call again while what it throws is temporary; waits as long as the server asks it to, up to ten seconds. */
export async function again<T>(
  { retries = 3, pausesMs: [first, longest] = [200, 3000] }: Limits,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const backoff = createBackoff(first, longest)
  for (let left = retries; ; left--) {
    try {
      return await work()
    } catch (thrown) {
      if (left <= 0 || signal?.aborted || !(thrown instanceof PixelflowError) || !thrown.isTemporary)
        throw thrown
      const { retryAfterMs = 0 } = thrown
      if (retryAfterMs > 10_000) throw thrown
      await pause(Math.max(backoff.next(), retryAfterMs), signal)
      signal?.throwIfAborted()
    }
  }
}
