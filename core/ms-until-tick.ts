/**
 * Milliseconds until this process's monotonic clock passes the next multiple of `everyMs`. Periodic work that waits for it
 * runs at the same moments, so it wakes an idle process less often.
 */
export function msUntilTick(everyMs: number, now = performance.now()): number {
  return everyMs - (now % everyMs)
}
