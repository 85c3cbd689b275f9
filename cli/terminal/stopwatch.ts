/** Time since the work began, in milliseconds: one for all lines of a command, so that they agree. */
export interface Stopwatch {
  readonly elapsedMs: number
  /** The work begins now; what came before was preparation. */
  restart(): void
}

export function startStopwatch(): Stopwatch {
  let begun = performance.now()
  return {
    get elapsedMs() {
      return performance.now() - begun
    },
    restart() {
      begun = performance.now()
    },
  }
}
