/** Limits log lines that clients without credentials can cause. */
export interface LogRateLimit {
  /** Whether the line may be written. */
  take(): boolean
}

export const maxLinesPerSecond = 100

/**
 * @param report receives the number of suppressed lines at the end of a second that had any
 * @param atEnd calls back when the second is over
 */
export function createLogRateLimit(
  report: (suppressed: number) => void,
  atEnd: (end: () => void) => void = (end) => void setTimeout(end, 1000).unref(),
): LogRateLimit {
  let taken = 0
  const end = (): void => {
    const suppressed = taken - maxLinesPerSecond
    taken = 0
    if (suppressed > 0) report(suppressed)
  }
  return {
    take() {
      if (taken === 0) atEnd(end)
      taken += 1
      return taken <= maxLinesPerSecond
    },
  }
}
