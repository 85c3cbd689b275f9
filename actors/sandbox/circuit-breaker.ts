/** How many children may be lost without our doing before something is wrong with this machine, or somebody is at it. */
export interface CircuitBreakerOptions {
  readonly most: number
  readonly withinMs: number
  /** How long nothing is taken up after that. */
  readonly restMs: number
}

export interface CircuitBreaker {
  /** Counts one more; true when it is one too many, and the rest begins. */
  count(): boolean
  /** How long the rest still lasts, in milliseconds; 0 when there is none. */
  readonly restMs: number
}

/** Counts circuit over a sliding window; `now` is a clock in milliseconds that never goes back. */
export function createCircuitBreaker(
  budget: CircuitBreakerOptions,
  now: () => number = () => performance.now(),
): CircuitBreaker {
  let recent: number[] = []
  let restsUntil = 0
  return {
    count() {
      recent = [...recent.filter((at) => at > now() - budget.withinMs), now()]
      if (recent.length <= budget.most) return false
      recent = []
      restsUntil = now() + budget.restMs
      return true
    },
    get restMs() {
      return Math.max(0, restsUntil - now())
    },
  }
}
