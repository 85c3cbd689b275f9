import type { LogHead } from '@pixelflow/core/ports/events'
import type { Ports } from '../ports.ts'

/**
 * Reads the end of the log for many calls: each gets an end that was read after its call, and calls that wait at the same time
 * share one read. Undefined when the broker does not answer in time, or when fewer than `minCalls` wait.
 */
export function shareHeadReads(
  { follower, storeTimeout }: Pick<Ports, 'follower' | 'storeTimeout'>,
  withinMs: number,
  minCalls = 1,
): () => Promise<LogHead | undefined> {
  let current: Promise<unknown> = Promise.resolve()
  let next: Promise<LogHead | undefined> | undefined
  let waiting = 0
  const start = async () => {
    // Includes the calls of all requests that have arrived by now.
    await new Promise(setImmediate)
    next = undefined
    const calls = waiting
    waiting = 0
    if (calls < minCalls) return undefined
    // No call's own time limit applies to what many wait for.
    const read = storeTimeout.detached(() => follower.readHead(withinMs))
    current = read
    return read
  }
  // The read that is under way may have been answered before this call.
  return () => {
    waiting += 1
    return (next ??= current.then(start))
  }
}
