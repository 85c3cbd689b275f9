import type { LogHead } from '@pixelflow/core/ports/events'
import type { Ports } from '../ports.ts'

/**
 * Reads the end of the log for many calls: each gets an end that was read after its call, and calls that wait at the same time
 * share one read. Undefined when the broker does not answer in time.
 */
export function shareHeadReads(
  { follower, storeTimeout }: Pick<Ports, 'follower' | 'storeTimeout'>,
  withinMs: number,
): () => Promise<LogHead | undefined> {
  let current: Promise<unknown> = Promise.resolve()
  let next: Promise<LogHead | undefined> | undefined
  const start = async () => {
    // Includes the calls of all requests that have arrived by now.
    await new Promise(setImmediate)
    next = undefined
    // No call's own time limit applies to what many wait for.
    const read = storeTimeout.detached(() => follower.readHead(withinMs))
    current = read
    return read
  }
  // The read that is under way may have been answered before this call.
  return () => (next ??= current.then(start))
}
