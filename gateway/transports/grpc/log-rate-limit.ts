/** Bounds how often a log line is written that callers without credentials can cause. */
export interface LogRateLimit {
  /** Whether the line may be written. */
  take(): boolean
}

/** Lines of one second. */
export const maxLinesPerSecond = 100

/**
 * @param report Told how many lines were left out, at the end of a second in which some were.
 * @param atEnd Calls back when the second is over.
 */
export function createLogRateLimit(
  report: (leftOut: number) => void,
  atEnd: (end: () => void) => void = (end) => void setTimeout(end, 1000).unref(),
): LogRateLimit {
  let taken = 0
  const end = (): void => {
    const leftOut = taken - maxLinesPerSecond
    taken = 0
    if (leftOut > 0) report(leftOut)
  }
  return {
    take() {
      if (taken === 0) atEnd(end)
      taken += 1
      return taken <= maxLinesPerSecond
    },
  }
}
