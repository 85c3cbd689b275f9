/** Limits of a circuit breaker over crashes. Many crashes mean a broken machine, or an attack. */
export interface CircuitBreakerOptions {
  /** Crashes within the window that do not open the circuit. */
  readonly maxCrashes: number
  readonly windowMs: number
  /** How long the circuit stays open. */
  readonly openMs: number
}

export interface CircuitBreaker {
  /** Counts a crash; true when it opens the circuit. */
  count(): boolean
  /** Milliseconds until the circuit closes; 0 while it is closed. */
  readonly openForMs: number
}

/** Counts crashes over a sliding window. `now` is a monotonic clock in milliseconds. */
export function createCircuitBreaker(
  { maxCrashes, windowMs, openMs }: CircuitBreakerOptions,
  now: () => number = () => performance.now(),
): CircuitBreaker {
  let recent: number[] = []
  let openUntil = 0
  return {
    count() {
      recent = [...recent.filter((at) => at > now() - windowMs), now()]
      if (recent.length <= maxCrashes) return false
      recent = []
      openUntil = now() + openMs
      return true
    },
    get openForMs() {
      return Math.max(0, openUntil - now())
    },
  }
}
