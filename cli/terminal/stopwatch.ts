/** Elapsed time since the start of the work, in milliseconds; all output of a command uses the same one. */
export interface Stopwatch {
  readonly elapsedMs: number
  /** Starts again from 0, after the preparation. */
  restart(): void
}

export function startStopwatch(): Stopwatch {
  let startedAt = performance.now()
  return {
    get elapsedMs() {
      return performance.now() - startedAt
    },
    restart() {
      startedAt = performance.now()
    },
  }
}
