/** A system clock that is off by more than this was changed, or its process was suspended. */
const maxDriftMs = 2
/** Every so many calls the clocks are compared, which costs as much as the call. */
const compareEvery = 32

let offsetMs = performance.timeOrigin
let calls = 0

/**
 * The time of day in milliseconds since 1970, with microseconds, so that short spans of several processes can be compared. It
 * follows the system clock when that is changed.
 */
export function nowMs(): number {
  const now = performance.now() + offsetMs
  calls += 1
  if (calls % compareEvery !== 1) return now
  const driftMs = Date.now() - now
  if (driftMs < maxDriftMs && driftMs > -maxDriftMs) return now
  offsetMs += driftMs
  return now + driftMs
}
